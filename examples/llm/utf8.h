#pragma once

#include <cstddef>
#include <string_view>

namespace sampan::llm {

/// What stands at the start of some bytes, by the Unicode Standard's table 3-7 (no overlong forms,
/// no surrogates, nothing above U+10FFFF).
enum class Utf8Start {
  kCharacter,   ///< a whole character
  kIncomplete,  ///< all of it the beginning of a character: more bytes could complete it
  kInvalid,     ///< no character, whatever follows
};

struct Utf8Prefix {
  Utf8Start start;
  std::size_t size_bytes;  ///< of the character; 1 when invalid; all of the text when incomplete
};

/// Classifies the start of `text`, which must not be empty.
[[nodiscard]] Utf8Prefix utf8_prefix(std::string_view text);

/// Offset of the first byte that isn't part of a whole character; npos if `text` is valid UTF-8.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text);

}  // namespace sampan::llm
