#include "reference/normalize.h"

#include <cmath>
#include <vector>

namespace sampan::reference {
namespace {

// 1 / sqrt(sum / count + epsilon).
Bounded inverse_root(const Arithmetic& arithmetic, Bounded sum, std::int64_t count,
                     double epsilon) {
  const Bounded mean = divide(arithmetic, sum, exact(static_cast<double>(count)));
  return reciprocal_sqrt(arithmetic, add(arithmetic, mean, exact(epsilon)));
}

Bounded row_mean(const Arithmetic& arithmetic, const View<2>& x, std::int64_t row) {
  Sum sum(arithmetic);
  for (std::int64_t col = 0; col < x.extent(1); ++col) sum.add(exact(x(row, col)));
  return divide(arithmetic, sum.total(), exact(static_cast<double>(x.extent(1))));
}

// Sum of (x - mean)^2. The mean's error e shifts every term alike, and since the deviations sum to
// zero it adds exactly cols * e^2; deviation and square round once each (README.md, lemma 10).
Bounded squared_deviations(const Arithmetic& arithmetic, const View<2>& x, std::int64_t row,
                           Bounded mean) {
  const auto cols = static_cast<double>(x.extent(1));
  double sum = 0;
  for (std::int64_t col = 0; col < x.extent(1); ++col) {
    const double deviation = x(row, col) - mean.value;
    sum += deviation * deviation;
  }
  if (!std::isfinite(sum)) return {sum, 0};
  const double shift = cols * mean.error * mean.error;
  const double rounding = gamma(cols + 2, arithmetic) * (sum + shift);
  const double flush = cols * arithmetic.flush * (4 + 2 * std::sqrt(sum) + 2 * mean.error);
  return {sum, shift + rounding + flush};
}

}  // namespace

Result rms_norm(const View<2>& x, const View<1>& weight, const NormSpec& spec) {
  const Arithmetic& arithmetic = spec.arithmetic;
  Result result;
  for (std::int64_t row = 0; row < x.extent(0); ++row) {
    Sum squares(arithmetic);
    for (std::int64_t col = 0; col < x.extent(1); ++col) {
      squares.add_product(exact(x(row, col)), exact(x(row, col)));
    }
    const Bounded inverse = inverse_root(arithmetic, squares.total(), x.extent(1), spec.epsilon);
    for (std::int64_t col = 0; col < x.extent(1); ++col) {
      const Bounded unit = multiply(arithmetic, exact(x(row, col)), inverse);
      result.append(stored(arithmetic, spec.out, multiply(arithmetic, unit, exact(weight(col)))));
    }
  }
  return result;
}

Result layer_norm(const View<2>& x, const View<1>& weight, const std::optional<View<1>>& bias,
                  const NormSpec& spec) {
  const Arithmetic& arithmetic = spec.arithmetic;
  Result result;
  for (std::int64_t row = 0; row < x.extent(0); ++row) {
    const Bounded mean = row_mean(arithmetic, x, row);
    const Bounded squares = squared_deviations(arithmetic, x, row, mean);
    const Bounded inverse = inverse_root(arithmetic, squares, x.extent(1), spec.epsilon);
    for (std::int64_t col = 0; col < x.extent(1); ++col) {
      const Bounded deviation = subtract(arithmetic, exact(x(row, col)), mean);
      Bounded y =
          multiply(arithmetic, multiply(arithmetic, deviation, inverse), exact(weight(col)));
      if (bias) y = add(arithmetic, y, exact((*bias)(col)));
      result.append(stored(arithmetic, spec.out, y));
    }
  }
  return result;
}

}  // namespace sampan::reference
