#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "sampan/dtype.h"

namespace sampan {

class Buffer;
namespace core {
class BufferImpl;
}

/// A typed window into a buffer: offset, element type, shape, strides. Owns nothing and holds no
/// pointer into memory; the buffer must be alive when the view is handed to a call, not longer.
/// Strides count elements, may be 0 (broadcast), and may not be negative.
class View {
 public:
  static constexpr std::uint32_t kMaxRank = 6;

  View() = default;
  /// A dense row-major window that starts `offset_bytes` into `buffer`.
  /// invalid_argument: rank over kMaxRank, or the window leaves the buffer.
  View(const Buffer& buffer, DType dtype, std::initializer_list<std::uint64_t> shape,
       std::uint64_t offset_bytes = 0);
  View(const Buffer& buffer, DType dtype, std::span<const std::uint64_t> shape,
       std::span<const std::uint64_t> strides, std::uint64_t offset_bytes = 0);

  [[nodiscard]] DType dtype() const noexcept { return dtype_; }
  [[nodiscard]] std::uint32_t rank() const noexcept { return rank_; }
  [[nodiscard]] std::span<const std::uint64_t> shape() const noexcept {
    return {shape_.data(), rank_};
  }
  [[nodiscard]] std::span<const std::uint64_t> strides() const noexcept {
    return {strides_.data(), rank_};
  }
  [[nodiscard]] std::uint64_t dim(std::uint32_t i) const noexcept { return shape_[i]; }
  [[nodiscard]] std::uint64_t stride(std::uint32_t i) const noexcept { return strides_[i]; }
  [[nodiscard]] std::uint64_t offset_bytes() const noexcept { return offset_bytes_; }
  /// Product of the shape; 1 for rank 0.
  [[nodiscard]] std::uint64_t elems() const noexcept;
  /// Bytes from the first to behind the last element; 0 if any dimension is 0.
  [[nodiscard]] std::uint64_t span_bytes() const noexcept;
  /// Row-major without holes.
  [[nodiscard]] bool is_dense() const noexcept;
  [[nodiscard]] explicit operator bool() const noexcept { return buffer_ != nullptr; }

  /// `length` indices of dimension `dim` from `begin` on.
  [[nodiscard]] View slice(std::uint32_t dim, std::uint64_t begin, std::uint64_t length) const;
  /// The same elements in another shape; the view must be dense and the counts equal.
  [[nodiscard]] View reshape(std::initializer_list<std::uint64_t> shape) const;

  /// The bytes from the first to behind the last element, holes included, as u8.
  [[nodiscard]] View as_bytes() const noexcept;

  [[nodiscard]] core::BufferImpl* impl() const noexcept { return buffer_; }

 private:
  core::BufferImpl* buffer_ = nullptr;
  std::uint64_t offset_bytes_ = 0;
  DType dtype_ = DType::f32;
  std::uint32_t rank_ = 0;
  std::array<std::uint64_t, kMaxRank> shape_{};
  std::array<std::uint64_t, kMaxRank> strides_{};
};

}  // namespace sampan
