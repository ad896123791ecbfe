#include "utf8.h"

namespace sampan::llm {
namespace {

// What a lead byte asks for: the character's size, and the range of its second byte, which is
// narrower than 80..BF where a wider one would allow overlong forms, surrogates or > U+10FFFF.
struct Lead {
  std::size_t size_bytes;
  unsigned char second_min;
  unsigned char second_max;
};

constexpr Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

Utf8Prefix utf8_prefix(std::string_view text) {
  const Lead lead = lead_of(static_cast<unsigned char>(text[0]));
  if (lead.size_bytes == 0) return {Utf8Start::kInvalid, 1};
  for (std::size_t i = 1; i < lead.size_bytes; ++i) {
    if (i == text.size()) return {Utf8Start::kIncomplete, text.size()};
    const auto byte = static_cast<unsigned char>(text[i]);
    const unsigned char min = i == 1 ? lead.second_min : 0x80;
    const unsigned char max = i == 1 ? lead.second_max : 0xBF;
    if (byte < min || byte > max) return {Utf8Start::kInvalid, 1};
  }
  return {Utf8Start::kCharacter, lead.size_bytes};
}

std::size_t find_invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Prefix prefix = utf8_prefix(text.substr(at));
    if (prefix.start != Utf8Start::kCharacter) return at;
    at += prefix.size_bytes;
  }
  return std::string_view::npos;
}

}  // namespace sampan::llm
