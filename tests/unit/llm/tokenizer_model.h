#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sampan::llm::test {

/// U+2581, which stands for a space in pieces.
constexpr std::string_view kSpacePiece = "\xE2\x96\x81";

/// Types of pieces in sentencepiece_model.proto.
enum PieceType {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};

/// Wire format of protocol buffers: one field.
std::string number_field(std::uint64_t number, std::uint64_t value);
std::string bytes_field(std::uint64_t number, std::string_view bytes);

/// A SentencePiece model, put together field by field, so that tests can make any mistake.
struct TokenizerModel {
  struct Piece {
    std::string text;
    PieceType type = kNormal;
    float score = 0;
  };

  std::vector<Piece> pieces;
  bool byte_fallback = true;
  bool bpe = true;  ///< else unigram
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = false;
  std::string chars_map;    ///< the normaliser's table; none if empty
  std::string more_fields;  ///< appended as it is

  /// The file's bytes.
  [[nodiscard]] std::string bytes() const;
};

std::string piece_field(const TokenizerModel::Piece& piece);

/// A model with <unk>, <s>, </s>, the 256 byte tokens and some twenty pieces with and without
/// spaces.
TokenizerModel small_tokenizer();

/// The number of `text` among the model's pieces; fails the test if it has none.
std::int32_t token_of(const TokenizerModel& model, std::string_view text);

}  // namespace sampan::llm::test
