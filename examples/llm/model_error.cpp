#include "model_error.h"

#include "utf8.h"

namespace sampan::llm {
namespace {

constexpr std::size_t kShownBytes = 120;

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  // C0 and DEL; C1 (U+0080..U+009F); the line separators and the marks that reorder text.
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  if (character.size() == 2)
    return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
  return character >= "\xE2\x80\xA8" && character <= "\xE2\x80\xAE" && character.size() == 3;
}

void append_escaped(std::string& out, std::string_view bytes) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
  }
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (out.size() >= kShownBytes) return out + "...";
    const Utf8Prefix prefix = utf8_prefix(text.substr(at));
    const std::string_view character = text.substr(at, prefix.size_bytes);
    if (prefix.start != Utf8Start::kCharacter || is_control(character)) {
      append_escaped(out, character);
    } else {
      out += character;
    }
    at += prefix.size_bytes;
  }
  return out;
}

std::string in_quotes(std::string_view text) {
  std::string out = "'";
  out += printable(text);
  return out += '\'';
}

}  // namespace sampan::llm
