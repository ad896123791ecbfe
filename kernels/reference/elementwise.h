// Operations that treat each element alone, and the activations that other operations fuse.
#pragma once

#include <span>

#include "reference/bound.h"

namespace sampan::reference {

enum class Activation {
  kNone,
  kSilu,      ///< x / (1 + e^-x)
  kGeluTanh,  ///< x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), Hendrycks and Gimpel 2016
  kGeluErf,   ///< x/2 (1 + erf(x / sqrt(2))), the exact GELU
};

/// One application of `activation` in f32. GELU's bound covers the formulas above and the equal
/// x / (1 + e^-2y) of the tanh form.
[[nodiscard]] Bounded activate(const Arithmetic&, Activation activation, Bounded x);

struct ElementwiseSpec {
  Dtype out = Dtype::kF32;
  Arithmetic arithmetic = kFloat32;
};

/// activation(x[i]).
[[nodiscard]] Result activation(std::span<const double> x, Activation function,
                                const ElementwiseSpec& spec);

/// a[i] + b[i]; the spans have equal length, as in the two functions below.
[[nodiscard]] Result add(std::span<const double> a, std::span<const double> b,
                         const ElementwiseSpec& spec);

/// a[i] * b[i].
[[nodiscard]] Result multiply(std::span<const double> a, std::span<const double> b,
                              const ElementwiseSpec& spec);

/// silu(gate[i]) * up[i]: the SwiGLU of Llama.
[[nodiscard]] Result silu_multiply(std::span<const double> gate, std::span<const double> up,
                                   const ElementwiseSpec& spec);

/// factor * x[i]; `factor` must be an f32 number.
[[nodiscard]] Result scale(std::span<const double> x, double factor, const ElementwiseSpec& spec);

/// x[i] as an f32, then as `out`, by the rules of round_to; the bound is 0. The step through f32
/// matters for i32 elements beyond 2^24 only.
[[nodiscard]] Result cast(std::span<const double> x, Dtype out);

}  // namespace sampan::reference
