// Strided tensors in guarded memory: finds writes outside, and reads that matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reference/dtype.h"

namespace sampan::test {

/// Where a tensor's elements lie in its buffer, in elements of `dtype`.
struct Layout {
  reference::Dtype dtype = reference::Dtype::kF32;
  std::vector<std::int64_t> shape;
  /// As many as `shape`; empty means compact row-major.
  std::vector<std::int64_t> strides;
  /// Elements between the leading guard and the first element: makes misaligned starts.
  std::int64_t offset = 0;
};

/// What fills the bytes that belong to no element.
enum class Filler {
  /// Bytes that depend on their position, so that copies of them are noticed too. For outputs.
  kCanary,
  /// NaN, or the largest number of an integer type: reading one spoils the result. For inputs.
  kPoison,
};

/// The host's image of a device buffer that holds one tensor between two guards. Upload `image()`,
/// run the kernel with the first element at `first_element_bytes()`, download as many bytes, then
/// ask `stray_write` and `elements`.
class GuardedBuffer {
 public:
  /// Both guards have this size, so the tensor keeps any alignment that the buffer has.
  static constexpr std::size_t kGuardBytes = 256;

  /// Elements start out filled like the rest, so one that a kernel forgets to write shows up.
  GuardedBuffer(const Layout& layout, Filler filler);

  [[nodiscard]] std::span<const std::byte> image() const { return image_; }
  [[nodiscard]] std::size_t first_element_bytes() const;
  [[nodiscard]] const Layout& layout() const { return layout_; }
  [[nodiscard]] std::size_t count() const { return positions_.size(); }

  /// Stores values, row-major and as many as the shape has, rounded to the dtype.
  void set(std::span<const double> values);

  /// The elements of `memory`, a buffer laid out as `image()`, row-major.
  [[nodiscard]] std::vector<double> elements(std::span<const std::byte> memory) const;

  /// The first byte of `memory` that belongs to no element and differs from `image()`: a sentence
  /// with its place relative to the first element; empty if there is none.
  [[nodiscard]] std::optional<std::string> stray_write(std::span<const std::byte> memory) const;

  /// Likewise for any byte: for inputs, which a kernel must leave alone.
  [[nodiscard]] std::optional<std::string> any_write(std::span<const std::byte> memory) const;

 private:
  [[nodiscard]] std::optional<std::string> first_change(std::span<const std::byte> memory,
                                                        bool elements_too) const;

  Layout layout_;
  std::vector<std::size_t> positions_;  // byte offset of each element, row-major
  std::vector<std::byte> image_;
  std::vector<bool> is_element_;  // per byte
};

}  // namespace sampan::test
