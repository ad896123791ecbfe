#include "support/canary.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

namespace sampan::test {
namespace {

using reference::Dtype;

std::vector<std::int64_t> compact_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t step = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides;
}

// Element offsets of all indices of `shape`, row-major.
std::vector<std::int64_t> element_offsets(const Layout& layout) {
  std::vector<std::int64_t> offsets{0};
  for (std::size_t axis = 0; axis < layout.shape.size(); ++axis) {
    std::vector<std::int64_t> next;
    next.reserve(offsets.size() * static_cast<std::size_t>(layout.shape[axis]));
    for (const std::int64_t offset : offsets) {
      for (std::int64_t i = 0; i < layout.shape[axis]; ++i) {
        next.push_back(offset + i * layout.strides[axis]);
      }
    }
    offsets = std::move(next);
  }
  return offsets;
}

// The finalising mix of SplitMix64 (Steele, Lea and Flood 2014).
std::byte canary_byte(std::size_t position) {
  std::uint64_t x = position + 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return static_cast<std::byte>(x >> 56);
}

std::vector<std::byte> poison_element(Dtype dtype) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double largest = std::numeric_limits<double>::infinity();  // saturates
  return reference::encode(dtype, std::vector<double>{reference::is_float(dtype) ? nan : largest});
}

}  // namespace

GuardedBuffer::GuardedBuffer(const Layout& layout, Filler filler) : layout_(layout) {
  if (layout_.strides.empty()) layout_.strides = compact_strides(layout_.shape);
  const std::size_t element_bytes = reference::size_bytes(layout_.dtype);
  std::size_t end = first_element_bytes();
  for (const std::int64_t offset : element_offsets(layout_)) {
    positions_.push_back(first_element_bytes() + static_cast<std::size_t>(offset) * element_bytes);
    end = std::max(end, positions_.back() + element_bytes);
  }
  image_.resize(end + kGuardBytes);
  const std::vector<std::byte> poison = poison_element(layout_.dtype);
  for (std::size_t i = 0; i < image_.size(); ++i) {
    image_[i] = filler == Filler::kCanary ? canary_byte(i) : poison[i % element_bytes];
  }
  is_element_.resize(image_.size());
  for (const std::size_t position : positions_) {
    std::fill_n(is_element_.begin() + static_cast<std::ptrdiff_t>(position), element_bytes, true);
  }
}

std::size_t GuardedBuffer::first_element_bytes() const {
  return kGuardBytes +
         static_cast<std::size_t>(layout_.offset) * reference::size_bytes(layout_.dtype);
}

void GuardedBuffer::set(std::span<const double> values) {
  const std::vector<std::byte> bytes = reference::encode(layout_.dtype, values);
  const std::size_t element_bytes = reference::size_bytes(layout_.dtype);
  for (std::size_t i = 0; i < positions_.size(); ++i) {
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * element_bytes), element_bytes,
                image_.begin() + static_cast<std::ptrdiff_t>(positions_[i]));
  }
}

std::vector<double> GuardedBuffer::elements(std::span<const std::byte> memory) const {
  std::vector<double> values;
  values.reserve(positions_.size());
  for (const std::size_t position : positions_) {
    values.push_back(reference::decode(layout_.dtype, memory.data() + position, 1).front());
  }
  return values;
}

std::optional<std::string> GuardedBuffer::stray_write(std::span<const std::byte> memory) const {
  return first_change(memory, false);
}

std::optional<std::string> GuardedBuffer::any_write(std::span<const std::byte> memory) const {
  return first_change(memory, true);
}

std::optional<std::string> GuardedBuffer::first_change(std::span<const std::byte> memory,
                                                       bool elements_too) const {
  if (memory.size() != image_.size()) {
    return "the buffer has " + std::to_string(memory.size()) + " bytes instead of " +
           std::to_string(image_.size());
  }
  for (std::size_t i = 0; i < image_.size(); ++i) {
    if (memory[i] == image_[i] || (is_element_[i] && !elements_too)) continue;
    const auto place =
        static_cast<std::ptrdiff_t>(i) - static_cast<std::ptrdiff_t>(first_element_bytes());
    return "byte " + std::to_string(place) + ", counted from the first element, was written; the " +
           "elements end at byte " +
           std::to_string(static_cast<std::ptrdiff_t>(image_.size() - kGuardBytes) -
                          static_cast<std::ptrdiff_t>(first_element_bytes()));
  }
  return std::nullopt;
}

}  // namespace sampan::test
