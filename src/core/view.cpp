#include "sampan/view.h"

#include <algorithm>
#include <string>

#include "core/buffer.h"
#include "core/checked.h"
#include "core/error.h"

namespace sampan {
namespace {

using core::checked_add;
using core::checked_mul;

// Bytes from the first to behind the last element, or nullopt if the numbers overflow.
std::optional<std::uint64_t> span_of(DType dtype, std::span<const std::uint64_t> shape,
                                     std::span<const std::uint64_t> strides) {
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) return 0;
    const auto step = checked_mul(shape[i] - 1, strides[i]);
    const auto sum = step ? checked_add(last, *step) : std::nullopt;
    if (!sum) return std::nullopt;
    last = *sum;
  }
  const auto elem_bits = checked_mul(last + 1, bits(dtype));
  const auto rounded = elem_bits ? checked_add(*elem_bits, 7) : std::nullopt;
  if (last == UINT64_MAX || !rounded) return std::nullopt;
  return *rounded / 8;
}

// Product of the shape. It has to be a number also where strides of 0 make the span small, or where
// a dimension of 0 hides the others.
std::uint64_t count_of(std::span<const std::uint64_t> shape) {
  std::uint64_t count = 1;
  bool is_empty = false;
  for (const std::uint64_t extent : shape) {
    const auto product = checked_mul(count, std::max<std::uint64_t>(extent, 1));
    if (!product) core::throw_invalid("the shape's element count overflows 64 bits");
    count = *product;
    is_empty |= extent == 0;
  }
  return is_empty ? 0 : count;
}

}  // namespace

std::string_view to_string(DType dtype) noexcept {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::f16:
      return "f16";
    case DType::bf16:
      return "bf16";
    case DType::f64:
      return "f64";
    case DType::i8:
      return "i8";
    case DType::u8:
      return "u8";
    case DType::i32:
      return "i32";
    case DType::u32:
      return "u32";
    case DType::i64:
      return "i64";
    case DType::i4:
      return "i4";
  }
  return "unknown";
}

View::View(const Buffer& buffer, DType dtype, std::initializer_list<std::uint64_t> shape,
           std::uint64_t offset_bytes) {
  static_cast<void>(count_of({shape.begin(), shape.size()}));
  std::array<std::uint64_t, kMaxRank> strides{};
  std::uint64_t stride = 1;
  for (std::size_t i = std::min<std::size_t>(shape.size(), kMaxRank); i-- > 0;) {
    strides[i] = stride;
    stride *= std::max<std::uint64_t>(shape.begin()[i], 1);
  }
  const std::size_t rank = std::min<std::size_t>(shape.size(), kMaxRank);
  *this = View(buffer, dtype, std::span(shape.begin(), shape.size()),
               std::span(strides.data(), shape.size() > kMaxRank ? 0 : rank), offset_bytes);
}

View::View(const Buffer& buffer, DType dtype, std::span<const std::uint64_t> shape,
           std::span<const std::uint64_t> strides, std::uint64_t offset_bytes)
    : buffer_(buffer.impl()), offset_bytes_(offset_bytes), dtype_(dtype) {
  if (buffer_ == nullptr) core::throw_invalid("a view needs a buffer, this one is empty");
  if (bits(dtype) == 0) core::throw_invalid("unknown element type of a view");
  if (shape.size() > kMaxRank) {
    core::throw_invalid("a view has at most " + std::to_string(kMaxRank) + " dimensions, not " +
                        std::to_string(shape.size()));
  }
  if (shape.size() != strides.size()) {
    core::throw_invalid("a view's shape and strides have different lengths");
  }
  rank_ = static_cast<std::uint32_t>(shape.size());
  std::copy(shape.begin(), shape.end(), shape_.begin());
  std::copy(strides.begin(), strides.end(), strides_.begin());
  static_cast<void>(count_of(shape));
  const auto span = span_of(dtype, shape, strides);
  if (!span || !core::fits(offset_bytes, *span, buffer.size_bytes())) {
    core::throw_invalid("a view of " + (span ? std::to_string(*span) : std::string("over 2^64")) +
                        " bytes at offset " + std::to_string(offset_bytes) +
                        " leaves its buffer of " + std::to_string(buffer.size_bytes()) + " bytes");
  }
}

std::uint64_t View::elems() const noexcept {
  std::uint64_t count = 1;
  for (const std::uint64_t extent : shape()) count *= extent;
  return count;
}

std::uint64_t View::span_bytes() const noexcept {
  return buffer_ == nullptr ? 0 : span_of(dtype_, shape(), strides()).value_or(0);
}

bool View::is_dense() const noexcept {
  std::uint64_t stride = 1;
  for (std::uint32_t i = rank_; i-- > 0;) {
    if (shape_[i] != 1 && strides_[i] != stride) return elems() == 0;
    stride *= shape_[i];
  }
  return true;
}

View View::slice(std::uint32_t dim, std::uint64_t begin, std::uint64_t length) const {
  if (dim >= rank_ || !core::fits(begin, length, shape_[dim])) {
    core::throw_invalid("slice [" + std::to_string(begin) + ", +" + std::to_string(length) +
                        ") leaves dimension " + std::to_string(dim) + " of the view");
  }
  View result = *this;
  result.shape_[dim] = length;
  // Beside an extent of 0 the others, and the strides, may be anything.
  if (result.elems() == 0) return result;
  const std::uint64_t offset_bits = begin * strides_[dim] * bits(dtype_);
  if (offset_bits % 8 != 0) core::throw_invalid("a slice of i4 must start at an even element");
  result.offset_bytes_ += offset_bits / 8;
  return result;
}

View View::reshape(std::initializer_list<std::uint64_t> shape) const {
  const std::uint64_t count = count_of({shape.begin(), shape.size()});
  if (!is_dense() || count != elems() || shape.size() > kMaxRank) {
    core::throw_invalid("reshape needs a dense view, the same " + std::to_string(elems()) +
                        " elements, and at most " + std::to_string(kMaxRank) + " dimensions");
  }
  View result = *this;
  result.rank_ = static_cast<std::uint32_t>(shape.size());
  std::copy(shape.begin(), shape.end(), result.shape_.begin());
  std::uint64_t stride = 1;
  for (std::uint32_t i = result.rank_; i-- > 0;) {
    result.strides_[i] = stride;
    stride *= std::max<std::uint64_t>(result.shape_[i], 1);
  }
  return result;
}

View View::as_bytes() const noexcept {
  View result;
  result.buffer_ = buffer_;
  result.offset_bytes_ = offset_bytes_;
  result.dtype_ = DType::u8;
  result.rank_ = 1;
  result.shape_[0] = span_bytes();
  result.strides_[0] = 1;
  return result;
}

}  // namespace sampan
