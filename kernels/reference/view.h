// Strided windows on f64 data: how operations of the reference take their inputs.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace sampan::reference {

/// Read-only window: element (i, j, ...) is data[i * strides[0] + j * strides[1] + ...].
/// Strides count elements; a stride of 0 broadcasts. The window doesn't own the data, and holds
/// decoded numbers, whatever type they were stored in.
template <int Rank>
class View {
 public:
  using Index = std::array<std::int64_t, Rank>;

  /// Compact row-major window.
  View(const double* data, const Index& shape) : View(data, shape, compact_strides(shape)) {}
  View(const double* data, const Index& shape, const Index& strides)
      : data_(data), shape_(shape), strides_(strides) {}

  [[nodiscard]] std::int64_t extent(int axis) const { return shape_[axis]; }
  [[nodiscard]] std::int64_t stride(int axis) const { return strides_[axis]; }
  [[nodiscard]] const Index& shape() const { return shape_; }

  template <class... Indices>
  [[nodiscard]] double operator()(Indices... indices) const {
    static_assert(sizeof...(Indices) == Rank);
    const Index at{static_cast<std::int64_t>(indices)...};
    std::int64_t offset = 0;
    for (int axis = 0; axis < Rank; ++axis) offset += at[axis] * strides_[axis];
    return data_[offset];
  }

  /// The same data with two axes exchanged: a transpose without a copy.
  [[nodiscard]] View swapped(int first, int second) const {
    View view = *this;
    std::swap(view.shape_[first], view.shape_[second]);
    std::swap(view.strides_[first], view.strides_[second]);
    return view;
  }

  /// The window at `index` of the first axis.
  [[nodiscard]] View<Rank - 1> slice(std::int64_t index) const requires(Rank > 1) {
    typename View<Rank - 1>::Index shape;
    typename View<Rank - 1>::Index strides;
    std::copy(shape_.begin() + 1, shape_.end(), shape.begin());
    std::copy(strides_.begin() + 1, strides_.end(), strides.begin());
    return {data_ + index * strides_[0], shape, strides};
  }

  [[nodiscard]] static Index compact_strides(const Index& shape) {
    Index strides{};
    std::int64_t step = 1;
    for (int axis = Rank - 1; axis >= 0; --axis) {
      strides[axis] = step;
      step *= shape[axis];
    }
    return strides;
  }

 private:
  const double* data_;
  Index shape_;
  Index strides_;
};

/// Row-major copy of a matrix that may be strided.
[[nodiscard]] inline std::vector<double> compact(const View<2>& matrix) {
  std::vector<double> copy;
  copy.reserve(static_cast<std::size_t>(matrix.extent(0) * matrix.extent(1)));
  for (std::int64_t i = 0; i < matrix.extent(0); ++i) {
    for (std::int64_t j = 0; j < matrix.extent(1); ++j) copy.push_back(matrix(i, j));
  }
  return copy;
}

}  // namespace sampan::reference
