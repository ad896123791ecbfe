#include "reference/gemm.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace sampan::reference {
namespace {

// One row of A * B before any rounding: the sums, and the sums of magnitudes that bound them.
struct ProductRow {
  std::vector<double> sum;
  std::vector<double> magnitude;
};

ProductRow multiply_row(const double* a_row, const std::vector<double>& b, std::int64_t n,
                        std::int64_t k) {
  ProductRow row{std::vector<double>(n), std::vector<double>(n)};
  for (std::int64_t p = 0; p < k; ++p) {
    const double* b_row = b.data() + p * n;
    for (std::int64_t j = 0; j < n; ++j) {
      const double product = a_row[p] * b_row[j];
      row.sum[j] += product;
      row.magnitude[j] += std::fabs(product);
    }
  }
  return row;
}

double largest_finite(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) {
    if (std::isfinite(value)) largest = std::max(largest, std::fabs(value));
  }
  return largest;
}

// The addends of one element besides the product, in the order-free sum before the activation.
struct Addends {
  double sum = 0;
  double magnitude = 0;
  int count = 0;

  void add(double value) {
    sum += value;
    magnitude += std::fabs(value);
    ++count;
  }
};

// alpha * product + addends, however the device orders it: see README.md, lemma 8.
Bounded linear_part(const GemmSpec& spec, std::int64_t k, double product_sum,
                    double product_magnitude, const Addends& addends, double flush_error) {
  const double value = spec.alpha * product_sum + addends.sum;
  if (!std::isfinite(value)) return {value, 0};
  const double roundings =
      static_cast<double>(k) + addends.count + (spec.alpha != 1 ? 1 : 0) + spec.operand_roundings;
  const double magnitude = std::fabs(spec.alpha) * product_magnitude + addends.magnitude;
  return {value, gamma(roundings, spec.arithmetic) * magnitude + flush_error};
}

// The value of the 32-bit two's complement integer that `sum`, below 2^53, leaves in an i32.
double wrapped_i32(double sum) {
  return static_cast<double>(static_cast<std::int32_t>(static_cast<std::int64_t>(sum)));
}

Bounded element(const GemmSpec& spec, std::int64_t batch, std::int64_t i, std::int64_t j,
                std::int64_t k, const ProductRow& row, double flush_error) {
  if (spec.out == Dtype::kI32) return exact(wrapped_i32(row.sum[j]));
  const bool linear = spec.activation == Activation::kNone;
  Addends addends;
  if (spec.beta != 0) addends.add(spec.beta * (*spec.c)(batch, i, j));
  if (spec.bias) addends.add((*spec.bias)(j));
  if (spec.residual && linear) addends.add((*spec.residual)(batch, i, j));
  Bounded value = linear_part(spec, k, row.sum[j], row.magnitude[j], addends, flush_error);
  value = activate(spec.arithmetic, spec.activation, value);
  if (spec.residual && !linear) {
    value = add(spec.arithmetic, value, exact((*spec.residual)(batch, i, j)));
  }
  return stored(spec.arithmetic, spec.out, value);
}

}  // namespace

Result gemm(const View<3>& a, const View<3>& b, const GemmSpec& spec) {
  const std::int64_t m = a.extent(1);
  const std::int64_t k = a.extent(2);
  const std::int64_t n = b.extent(2);
  Result result;
  result.reserve(a.extent(0) * m * n);
  for (std::int64_t batch = 0; batch < a.extent(0); ++batch) {
    const std::vector<double> a_rows = compact(a.slice(batch));
    const std::vector<double> b_rows = compact(b.slice(batch));
    // A subnormal operand flushed to zero loses at most flush * |the other operand|.
    const double term_flush = spec.arithmetic.flush *
                              (4 + largest_finite(a_rows) + largest_finite(b_rows)) *
                              std::max({1.0, std::fabs(spec.alpha), std::fabs(spec.beta)});
    const double flush_error = static_cast<double>(k + 3) * term_flush;
    for (std::int64_t i = 0; i < m; ++i) {
      const ProductRow row = multiply_row(a_rows.data() + i * k, b_rows, n, k);
      for (std::int64_t j = 0; j < n; ++j) {
        result.append(element(spec, batch, i, j, k, row, flush_error));
      }
    }
  }
  return result;
}

}  // namespace sampan::reference
