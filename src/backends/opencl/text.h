#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace sampan::opencl {

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

/// True if the words of `list`, separated by spaces, include `word`.
[[nodiscard]] inline bool lists(std::string_view list, std::string_view word) {
  for (std::size_t at = list.find(word); at != std::string_view::npos;
       at = list.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool starts = at == 0 || list[at - 1] == ' ';
    if (starts && (end == list.size() || list[end] == ' ')) return true;
  }
  return false;
}

}  // namespace sampan::opencl
