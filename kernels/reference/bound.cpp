#include "reference/bound.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sampan::reference {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A product with log2(e): the constant's rounding, the product's, and that of the subtraction or
// scaling that made the argument.
constexpr double kExpArgumentRoundings = 3;

// `value` with the error that reached it and that of its own rounding.
Bounded rounded(const Arithmetic& arithmetic, double value, double propagated, double relative,
                double flush_scale = 1) {
  if (!std::isfinite(value)) return {value, 0};
  const double magnitude = std::fabs(value) + propagated;
  return {value, propagated + relative * magnitude + arithmetic.flush * flush_scale};
}

double ulps_to_relative(const Arithmetic& arithmetic, double ulps) {
  return 2 * ulps * arithmetic.roundoff;
}

// Bound for a function that is monotone on a's interval: its ends are the extremes.
template <class Function>
Bounded monotone(const Arithmetic& arithmetic, Bounded a, double ulps, Function function) {
  const double value = function(a.value);
  double propagated = 0;
  if (a.error > 0) {
    propagated = std::max(std::fabs(function(a.value + a.error) - value),
                          std::fabs(function(a.value - a.error) - value));
  }
  return rounded(arithmetic, value, propagated, ulps_to_relative(arithmetic, ulps));
}

}  // namespace

double gamma(double roundings, const Arithmetic& arithmetic) {
  const double total = roundings * arithmetic.roundoff;
  return total < 1 ? total / (1 - total) : kInfinity;
}

Bounded exact(double value) { return {value, 0}; }

Bounded add(const Arithmetic& arithmetic, Bounded a, Bounded b) {
  return rounded(arithmetic, a.value + b.value, a.error + b.error, arithmetic.roundoff, 3);
}

Bounded subtract(const Arithmetic& arithmetic, Bounded a, Bounded b) {
  return add(arithmetic, a, {-b.value, b.error});
}

Bounded multiply(const Arithmetic& arithmetic, Bounded a, Bounded b) {
  const double size_a = std::fabs(a.value);
  const double size_b = std::fabs(b.value);
  const double propagated = size_a * b.error + size_b * a.error + a.error * b.error;
  const double flush_scale = 1 + size_a + size_b + a.error + b.error;
  return rounded(arithmetic, a.value * b.value, propagated, arithmetic.roundoff, flush_scale);
}

Bounded divide(const Arithmetic& arithmetic, Bounded a, Bounded b) {
  const double value = a.value / b.value;
  if (!std::isfinite(value)) return {value, 0};
  const double nearest_divisor = std::fabs(b.value) - b.error;
  if (!(nearest_divisor > 0)) return {value, kInfinity};
  const double propagated = (a.error + std::fabs(value) * b.error) / nearest_divisor;
  return rounded(arithmetic, value, propagated,
                 ulps_to_relative(arithmetic, arithmetic.quotient_ulps), 1 + 1 / nearest_divisor);
}

Bounded reciprocal_sqrt(const Arithmetic& arithmetic, Bounded a) {
  const double value = 1 / std::sqrt(a.value);
  if (!std::isfinite(value)) return {value, 0};
  const double least = a.value - a.error;
  if (!(least > 0)) return {value, kInfinity};
  return monotone(arithmetic, a, arithmetic.rsqrt_ulps, [](double x) { return 1 / std::sqrt(x); });
}

Bounded exponential(const Arithmetic& arithmetic, Bounded a) {
  if (!std::isfinite(a.value)) return {std::exp(a.value), 0};
  const double scaling = kExpArgumentRoundings * arithmetic.roundoff * std::fabs(a.value);
  return monotone(arithmetic, {a.value, a.error + scaling}, arithmetic.exp2_ulps,
                  [](double x) { return std::exp(x); });
}

Bounded hyperbolic_tangent(const Arithmetic& arithmetic, Bounded a) {
  return monotone(arithmetic, a, arithmetic.tanh_ulps, [](double x) { return std::tanh(x); });
}

Bounded error_function(const Arithmetic& arithmetic, Bounded a) {
  return monotone(arithmetic, a, arithmetic.erf_ulps, [](double x) { return std::erf(x); });
}

Bounded complementary_error_function(const Arithmetic& arithmetic, Bounded a) {
  return monotone(arithmetic, a, arithmetic.erf_ulps, [](double x) { return std::erfc(x); });
}

Bounded sine(const Arithmetic& arithmetic, Bounded a) {
  // |sin'| <= 1, and no two values are more than 2 apart.
  return rounded(arithmetic, std::sin(a.value), std::min(a.error, 2.0),
                 ulps_to_relative(arithmetic, arithmetic.sincos_ulps));
}

Bounded cosine(const Arithmetic& arithmetic, Bounded a) {
  return rounded(arithmetic, std::cos(a.value), std::min(a.error, 2.0),
                 ulps_to_relative(arithmetic, arithmetic.sincos_ulps));
}

Bounded logistic(const Arithmetic& arithmetic, Bounded a) {
  if (!std::isfinite(a.value)) return {1 / (1 + std::exp(-a.value)), 0};
  // Far below zero e^-a overflows in f32, giving 0 for a value under 2^-127: within `flush`.
  const Bounded power = exponential(arithmetic, {-a.value, a.error});
  const Bounded quotient = divide(arithmetic, exact(1), add(arithmetic, exact(1), power));
  // Whatever the argument's error, a logistic lies in [0, 1].
  return {quotient.value, std::min(quotient.error, 1.0)};
}

void Sum::add(Bounded term) {
  value_ += term.value;
  magnitude_ += std::fabs(term.value) + term.error;
  error_ += term.error + 3 * arithmetic_.flush;
  ++terms_;
}

void Sum::add_product(Bounded a, Bounded b) {
  const double size_a = std::fabs(a.value);
  const double size_b = std::fabs(b.value);
  const double propagated = size_a * b.error + size_b * a.error + a.error * b.error;
  const double flush_scale = 1 + size_a + size_b + a.error + b.error;
  add({a.value * b.value, propagated + arithmetic_.flush * flush_scale});
}

Bounded Sum::total(int extra_roundings) const {
  if (!std::isfinite(value_)) return {value_, 0};
  // n terms need n - 1 additions; the n-th rounding is the product's.
  const double growth = gamma(static_cast<double>(terms_ + extra_roundings), arithmetic_);
  return {value_, error_ + (terms_ == 0 ? 0 : growth * magnitude_)};
}

Bounded either(Bounded a, Bounded b) { return {a.value, std::max(a.error, b.error)}; }

Bounded stored(const Arithmetic& arithmetic, Dtype out, Bounded result) {
  if (!std::isfinite(result.value) || out == Dtype::kF32) return result;
  const double magnitude = std::fabs(result.value) + result.error;
  const double subnormal = float_format(out).min_subnormal / 2;
  // bf16 shares f32's exponents, so a device that flushes f32 flushes it too.
  const double flush = out == Dtype::kBf16 ? arithmetic.flush : 0;
  return {result.value, result.error + unit_roundoff(out) * magnitude + subnormal + flush};
}

void Result::reserve(std::size_t count) {
  value.reserve(count);
  bound.reserve(count);
}

void Result::append(Bounded element) {
  value.push_back(element.value);
  bound.push_back(element.error);
}

}  // namespace sampan::reference
