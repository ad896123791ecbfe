#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "sampan/buffer.h"
#include "sampan/view.h"

namespace sampan {

/// Extent of a grid (in groups) or of a group (in items).
struct Dim3 {
  std::uint32_t x = 1, y = 1, z = 1;
};

struct LaunchConfig {
  Dim3 grid;                      ///< groups
  Dim3 group;                     ///< items; must equal the kernel's own size if it fixes one
  std::uint32_t local_bytes = 0;  ///< what the kernel's LOCAL_POOL holds
  bool cooperative = false;       ///< all groups resident at once; unsupported on most devices
};

/// One kernel argument: a place in memory, a null pointer, or a value of 1 to 16 bytes. Values are
/// passed as they are: write `std::uint32_t{n}` where the kernel says u32. How the kernel accesses
/// memory (`const GLOBAL`: it only reads) is known for kernels of the dialect.
class Arg {
 public:
  Arg(const Buffer& buffer)  // NOLINT: converts on purpose
      : buffer_(buffer.impl()), range_bytes_(buffer.size_bytes()) {}
  Arg(const View& view)  // NOLINT
      : buffer_(view.impl()),
        offset_bytes_(view.offset_bytes()),
        range_begin_bytes_(view.offset_bytes()),
        range_bytes_(view.span_bytes()) {}
  Arg(std::nullptr_t) {}                                                               // NOLINT
  template <class T>
  requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) Arg(T value)
      : size_bytes_(sizeof(T)) {  // NOLINT
    static_assert(sizeof(T) <= 16);
    std::memcpy(value_.data(), &value, sizeof(T));
  }

  /// The buffer behind a view from its first byte on, for kernels that take the offset themselves.
  [[nodiscard]] static Arg buffer_of(const View& view) {
    Arg arg(view);
    arg.offset_bytes_ = 0;
    return arg;
  }

  [[nodiscard]] bool is_value() const noexcept { return size_bytes_ != 0; }
  [[nodiscard]] core::BufferImpl* buffer() const noexcept { return buffer_; }
  [[nodiscard]] std::uint64_t offset_bytes() const noexcept { return offset_bytes_; }
  [[nodiscard]] std::uint32_t size_bytes() const noexcept { return size_bytes_; }
  /// The bytes of the buffer that the caller meant, for checks under SAMPAN_VALIDATE.
  [[nodiscard]] std::uint64_t range_begin_bytes() const noexcept { return range_begin_bytes_; }
  [[nodiscard]] std::uint64_t range_bytes() const noexcept { return range_bytes_; }
  [[nodiscard]] const std::uint8_t* value() const noexcept { return value_.data(); }

 private:
  core::BufferImpl* buffer_ = nullptr;
  std::uint64_t offset_bytes_ = 0;
  std::uint64_t range_begin_bytes_ = 0, range_bytes_ = 0;
  std::uint32_t size_bytes_ = 0;
  std::array<std::uint8_t, 16> value_{};
};

}  // namespace sampan
