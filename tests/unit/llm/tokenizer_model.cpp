#include "tokenizer_model.h"

#include <gtest/gtest.h>

#include <cstring>

namespace sampan::llm::test {
namespace {

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}

std::string float_field(std::uint64_t number, float value) {
  char bytes[sizeof(value)];
  std::memcpy(bytes, &value, sizeof(value));
  return varint(number << 3 | 5) + std::string(bytes, sizeof(bytes));
}

}  // namespace

std::string number_field(std::uint64_t number, std::uint64_t value) {
  return varint(number << 3) + varint(value);
}

std::string bytes_field(std::uint64_t number, std::string_view bytes) {
  return varint(number << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}

std::string piece_field(const TokenizerModel::Piece& piece) {
  return bytes_field(1, bytes_field(1, piece.text) + float_field(2, piece.score) +
                            number_field(3, static_cast<std::uint64_t>(piece.type)));
}

std::string TokenizerModel::bytes() const {
  std::string out;
  for (const Piece& piece : pieces) out += piece_field(piece);
  out += bytes_field(2, number_field(3, bpe ? 2 : 1) + number_field(35, byte_fallback ? 1 : 0));
  std::string normalizer =
      number_field(3, add_dummy_prefix ? 1 : 0) + number_field(4, remove_extra_whitespaces ? 1 : 0);
  if (!chars_map.empty()) normalizer += bytes_field(2, chars_map);
  return out + bytes_field(3, normalizer) + more_fields;
}

TokenizerModel small_tokenizer() {
  TokenizerModel model;
  model.pieces = {{"<unk>", kUnknown}, {"<s>", kControl}, {"</s>", kControl}};
  constexpr char kHex[] = "0123456789ABCDEF";
  for (unsigned byte = 0; byte < 256; ++byte) {
    model.pieces.push_back({std::string("<0x") + kHex[byte >> 4] + kHex[byte & 15] + ">", kByte});
  }
  const std::string space(kSpacePiece);
  float score = 0;
  for (const std::string& text :
       {space + "a", std::string("bc"), space + "abc", space + space, space + "b", space,
        std::string("a"), std::string("b"), std::string("c"), std::string("\xC3\xA9"),
        "a" + space + "b", space + "\xE2\x82\xAC", std::string("\n")}) {
    model.pieces.push_back({text, kNormal, score -= 1});
  }
  model.pieces.push_back({"<user>", kUserDefined});
  model.pieces.push_back({"unused", kUnused, -20});
  return model;
}

std::int32_t token_of(const TokenizerModel& model, std::string_view text) {
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    if (model.pieces[i].text == text) return static_cast<std::int32_t>(i);
  }
  ADD_FAILURE() << "no piece " << text;
  return 0;
}

}  // namespace sampan::llm::test
