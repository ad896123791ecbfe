#include "reference/elementwise.h"

#include <cmath>
#include <numbers>

namespace sampan::reference {
namespace {

// A constant as the device holds it: rounded once.
Bounded constant(const Arithmetic& arithmetic, double value) {
  return {value, std::fabs(value) * arithmetic.roundoff};
}

Bounded silu(const Arithmetic& arithmetic, Bounded x) {
  return multiply(arithmetic, x, logistic(arithmetic, x));
}

// x/2 * (1 + t).
Bounded half_of_one_plus(const Arithmetic& arithmetic, Bounded x, Bounded t) {
  const Bounded half = multiply(arithmetic, x, exact(0.5));
  return multiply(arithmetic, half, add(arithmetic, exact(1), t));
}

Bounded gelu_tanh(const Arithmetic& arithmetic, Bounded x) {
  const Bounded cubic = multiply(arithmetic, constant(arithmetic, 0.044715),
                                 multiply(arithmetic, x, multiply(arithmetic, x, x)));
  const double factor = std::sqrt(2 / std::numbers::pi);
  const Bounded inner =
      multiply(arithmetic, constant(arithmetic, factor), add(arithmetic, x, cubic));
  const Bounded by_tanh = half_of_one_plus(arithmetic, x, hyperbolic_tangent(arithmetic, inner));
  const Bounded doubled{2 * inner.value, 2 * inner.error};
  const Bounded by_logistic = multiply(arithmetic, x, logistic(arithmetic, doubled));
  return either(by_tanh, by_logistic);
}

Bounded gelu_erf(const Arithmetic& arithmetic, Bounded x) {
  const Bounded scaled = multiply(arithmetic, x, constant(arithmetic, 1 / std::numbers::sqrt2));
  const Bounded by_erf = half_of_one_plus(arithmetic, x, error_function(arithmetic, scaled));
  // The upper tail Q(|x|) = erfc(|x| / sqrt(2)) / 2, then x Q for x < 0 and x (1 - Q) above.
  const Bounded size{std::fabs(scaled.value), scaled.error};
  const Bounded tail =
      multiply(arithmetic, exact(0.5), complementary_error_function(arithmetic, size));
  const Bounded share = x.value < 0 ? tail : subtract(arithmetic, exact(1), tail);
  return either(by_erf, multiply(arithmetic, x, share));
}

template <class Function>
Result each(std::size_t count, const ElementwiseSpec& spec, Function function) {
  Result result;
  result.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    result.append(stored(spec.arithmetic, spec.out, function(i)));
  }
  return result;
}

}  // namespace

Bounded activate(const Arithmetic& arithmetic, Activation activation, Bounded x) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kSilu:
      return silu(arithmetic, x);
    case Activation::kGeluTanh:
      return gelu_tanh(arithmetic, x);
    case Activation::kGeluErf:
      return gelu_erf(arithmetic, x);
  }
  return x;
}

Result activation(std::span<const double> x, Activation function, const ElementwiseSpec& spec) {
  return each(x.size(), spec,
              [&](std::size_t i) { return activate(spec.arithmetic, function, exact(x[i])); });
}

Result add(std::span<const double> a, std::span<const double> b, const ElementwiseSpec& spec) {
  return each(a.size(), spec,
              [&](std::size_t i) { return add(spec.arithmetic, exact(a[i]), exact(b[i])); });
}

Result multiply(std::span<const double> a, std::span<const double> b, const ElementwiseSpec& spec) {
  return each(a.size(), spec,
              [&](std::size_t i) { return multiply(spec.arithmetic, exact(a[i]), exact(b[i])); });
}

Result silu_multiply(std::span<const double> gate, std::span<const double> up,
                     const ElementwiseSpec& spec) {
  const Arithmetic& arithmetic = spec.arithmetic;
  return each(gate.size(), spec, [&](std::size_t i) {
    return multiply(arithmetic, silu(arithmetic, exact(gate[i])), exact(up[i]));
  });
}

Result scale(std::span<const double> x, double factor, const ElementwiseSpec& spec) {
  return each(x.size(), spec,
              [&](std::size_t i) { return multiply(spec.arithmetic, exact(x[i]), exact(factor)); });
}

Result cast(std::span<const double> x, Dtype out) {
  Result result;
  result.reserve(x.size());
  for (const double value : x) result.append(exact(round_to(out, round_to(Dtype::kF32, value))));
  return result;
}

}  // namespace sampan::reference
