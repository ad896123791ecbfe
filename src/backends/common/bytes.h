#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace sampan::common {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

/// The characters of `text` as bytes; valid as long as `text` is.
[[nodiscard]] inline ByteView bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// `bytes` as characters, whatever they mean; valid as long as `bytes` are.
[[nodiscard]] inline std::string_view text_of(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace sampan::common
