// Operations that move elements without arithmetic, and those that choose among them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reference/bound.h"
#include "reference/view.h"

namespace sampan::reference {

/// Column of the largest element of each row of x [rows, cols], cols > 0. A NaN counts as larger
/// than any number; of equal elements (two NaNs, +0 and -0) the lowest column wins.
[[nodiscard]] std::vector<std::int32_t> argmax(const View<2>& x);

struct TopK {
  std::vector<double> values;         ///< [rows, count], falling
  std::vector<std::int32_t> indices;  ///< [rows, count]
};

/// The `count` <= cols largest elements of each row, ordered by the rule of argmax.
[[nodiscard]] TopK top_k(const View<2>& x, std::int64_t count);

/// Row ids[t] of table [rows, cols] for each t, as `out`; zeros for an id outside of the table.
[[nodiscard]] Result embedding(const View<2>& table, std::span<const std::int32_t> ids, Dtype out);

/// Elements of x [rows, cols] in the order of its transpose [cols, rows].
[[nodiscard]] std::vector<double> transpose(const View<2>& x);

}  // namespace sampan::reference
