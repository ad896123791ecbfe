#pragma once

#include <cstdint>
#include <span>

namespace sampan::fuzz {

/// Decodes the fuzzer's bytes into choices and numbers. Behind the end every byte is 0.
class ByteSource {
 public:
  explicit ByteSource(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

  std::uint8_t byte() noexcept {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  /// A number in [0, limit); limit is 1 … 65536.
  std::uint32_t below(std::uint32_t limit) noexcept {
    std::uint32_t value = byte();
    if (limit > 256) value = value * 256 + byte();
    return value % limit;
  }
  /// Any number: small ones most often, then those around a power of two and below 2^64.
  std::uint64_t number() noexcept {
    switch (below(8)) {
      case 0: {
        const std::uint64_t power = std::uint64_t{1} << below(64);
        return power + byte() - 128;
      }
      case 1:
        return ~std::uint64_t{byte()};
      case 2:
      case 3:
        return below(65536);
      default:
        return byte();
    }
  }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace sampan::fuzz
