#include "reference/select.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sampan::reference {
namespace {

// Whether a ranks strictly above b: numbers by size, NaN above all of them.
bool ranks_above(double a, double b) {
  if (std::isnan(b)) return false;
  return std::isnan(a) || a > b;
}

// Columns of one row by falling rank, equal ones by rising column.
std::vector<std::int32_t> ranked_columns(const View<2>& x, std::int64_t row) {
  std::vector<std::int32_t> columns(x.extent(1));
  std::iota(columns.begin(), columns.end(), 0);
  std::stable_sort(columns.begin(), columns.end(), [&](std::int32_t a, std::int32_t b) {
    return ranks_above(x(row, a), x(row, b));
  });
  return columns;
}

}  // namespace

std::vector<std::int32_t> argmax(const View<2>& x) {
  std::vector<std::int32_t> best(x.extent(0));
  for (std::int64_t row = 0; row < x.extent(0); ++row) {
    for (std::int32_t col = 1; col < x.extent(1); ++col) {
      if (ranks_above(x(row, col), x(row, best[row]))) best[row] = col;
    }
  }
  return best;
}

TopK top_k(const View<2>& x, std::int64_t count) {
  TopK top;
  for (std::int64_t row = 0; row < x.extent(0); ++row) {
    const std::vector<std::int32_t> columns = ranked_columns(x, row);
    for (std::int64_t i = 0; i < count; ++i) {
      top.values.push_back(x(row, columns[i]));
      top.indices.push_back(columns[i]);
    }
  }
  return top;
}

Result embedding(const View<2>& table, std::span<const std::int32_t> ids, Dtype out) {
  Result result;
  result.reserve(ids.size() * table.extent(1));
  for (const std::int32_t id : ids) {
    const bool inside = id >= 0 && id < table.extent(0);
    for (std::int64_t col = 0; col < table.extent(1); ++col) {
      result.append(exact(inside ? round_to(out, table(id, col)) : 0));
    }
  }
  return result;
}

std::vector<double> transpose(const View<2>& x) { return compact(x.swapped(0, 1)); }

}  // namespace sampan::reference
