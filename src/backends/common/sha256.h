#pragma once

#include <array>
#include <initializer_list>

#include "backends/common/bytes.h"

namespace sampan::common {

using Sha256Digest = std::array<std::byte, 32>;

/// SHA-256 (FIPS 180-4) of the parts, one after the other.
/// Throws std::runtime_error where the system's OpenSSL offers no SHA-256.
[[nodiscard]] Sha256Digest sha256(std::initializer_list<ByteView> parts);

}  // namespace sampan::common
