// Matrix products: plain, with fused epilogue, and with quantised weights.
#pragma once

#include <cstdint>
#include <optional>

#include "reference/bound.h"
#include "reference/elementwise.h"
#include "reference/view.h"

namespace sampan::reference {

/// Everything in D = activation(alpha * A * B + beta * C + bias) + residual besides A and B.
struct GemmSpec {
  /// Factors, as the f32 numbers that the device gets.
  double alpha = 1;
  double beta = 0;
  /// [batch, m, n]. Never read when beta is 0, so a NaN in it can't reach D.
  std::optional<View<3>> c;
  /// [n], added to every row.
  std::optional<View<1>> bias;
  Activation activation = Activation::kNone;
  /// [batch, m, n], added after the activation.
  std::optional<View<3>> residual;
  Dtype out = Dtype::kF32;
  Arithmetic arithmetic = kFloat32;
  /// Roundings that each term of the product may suffer beyond the multiplication's own; 1 where
  /// an operand is itself a product made on the device, as with quantised weights.
  int operand_roundings = 0;
};

/// D [batch, m, n] for A [batch, m, k] and B [batch, k, n]; any extent may be 0 (k = 0: A * B = 0).
/// Pass a transposed operand as `view.swapped(1, 2)`, a shared one with batch stride 0.
///
/// Bound without an activation, for any order of additions, with or without fused multiply-add:
/// gamma_r * (|alpha| * sum|a||b| + |beta||c| + |bias| + |residual|), r = k, plus 1 per addend
/// present and 1 for alpha, plus the rounding to `out`
/// (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 3.1 and 3.5).
///
/// With `out` = kI32 this is the integer product: exact modulo 2^32, bound 0; alpha is 1, beta 0,
/// and there is no bias, activation or residual.
[[nodiscard]] Result gemm(const View<3>& a, const View<3>& b, const GemmSpec& spec);

}  // namespace sampan::reference
