#pragma once

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "backends/common/bytes.h"

namespace sampan::common {

/// What the system says about an errno value: "No space left on device".
[[nodiscard]] inline std::string errno_text(int error) {
  return std::generic_category().message(error);
}

/// `text` between single quotes, for names inside a message.
[[nodiscard]] inline std::string in_quotes(std::string_view text) {
  return "'" + std::string(text) + "'";
}

/// `parts` with `separator` between each two.
[[nodiscard]] inline std::string joined(std::span<const std::string> parts,
                                        std::string_view separator) {
  std::string all;
  for (const std::string& part : parts) {
    if (&part != parts.data()) all += separator;
    all += part;
  }
  return all;
}

/// Two lower-case hexadecimal digits per byte.
[[nodiscard]] inline std::string hex(ByteView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digits;
  digits.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    digits += kDigits[std::to_integer<unsigned>(b >> 4)];
    digits += kDigits[std::to_integer<unsigned>(b & std::byte{15})];
  }
  return digits;
}

/// Writes `text` and a zero to `out`, which has room for `room` bytes; cuts between characters of
/// UTF-8 where it is too long.
inline void copy_text(std::string_view text, char* out, std::size_t room) noexcept {
  if (room == 0) return;
  std::size_t bytes = std::min(text.size(), room - 1);
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0u) == 0x80u;
  };
  while (bytes > 0 && bytes < text.size() && continues(bytes)) --bytes;
  std::memcpy(out, text.data(), bytes);
  out[bytes] = '\0';
}

}  // namespace sampan::common
