#pragma once

#include <cstdint>

#include "sampan/ops/plan.h"
#include "sampan/stream.h"

namespace sampan::ops {

enum class Activation : std::uint32_t { none = 0, silu = 1, gelu = 2 /* tanh form */ };

/// D = activation(alpha * op(A) * op(B) + beta * C + bias) + residual
///
/// Shapes    op(A) [m, k], op(B) [k, n], C, D and residual [m, n], bias [n]; each of m, n, k, batch
///           may be 0. A batch repeats all but bias at its own stride (0: shared by the batch).
/// Layout    row-major; leading dimensions and strides in elements, 0 = dense. `a_transposed`: A is
///           stored [k, m]; `b_transposed`: B is stored [n, k], as linear layers keep weights.
/// Types     A f32, f16 or bf16; B of A's type, or f16 or bf16 under an A of f32 (weights kept
///           small are widened exactly); D (and C, bias, residual) of A's type or f32;
///           or A, B i8 and D i32, without alpha, beta, bias, activation and residual;
///           or weight-only: A and D f32, f16 or bf16, B i8 or i4 stored [n, k] with one symmetric
///           scale [n, k / group_k] of scale_type (f16, bf16 or f32) per `group_k` values along k
///           (a multiple of 32 that divides k); b_transposed must be set, and the strides of an i4
///           B even.
/// Numerics  floats accumulate in f32 in an order fixed per device and plan: bitwise equal from run
///           to run; |D - exact| <= gamma(k + 4) * (|alpha| |A||B| + |beta C| + |bias|) before the
///           activation, plus one rounding to D's type (Higham, Accuracy and Stability of Numerical
///           Algorithms, 2nd ed., 3.5). Integers are exact modulo 2^32.
/// beta == 0 C is never read: it may be uninitialised.
/// Aliasing  D may be C or the residual exactly; no other overlap with an input.
struct GemmDesc {
  std::uint64_t m = 0, n = 0, k = 0, batch = 1;
  DType a = DType::f32, b = DType::f32, d = DType::f32;
  bool a_transposed = false, b_transposed = false;
  bool b_constant = false;  ///< B never changes between runs: the plan may keep a repacked copy
  float alpha = 1.0f, beta = 0.0f;
  bool has_bias = false, has_residual = false;
  Activation activation = Activation::none;
  std::uint64_t lda = 0, ldb = 0, ldc = 0, ldd = 0, ld_residual = 0;
  /// Read only if batch > 1; 0 repeats the same matrix, which D's may not be. The residual has D's.
  std::uint64_t a_batch_stride = 0, b_batch_stride = 0, c_batch_stride = 0, d_batch_stride = 0;
  std::uint64_t group_k = 0;  ///< > 0: weight-only
  DType scale_type = DType::f16;
};

struct GemmArgs {
  View a{}, b{}, d{};
  View c{};         ///< if beta != 0
  View bias{};      ///< if has_bias
  View residual{};  ///< if has_residual; batch stride as d
  View scales{};    ///< if group_k > 0
};

class GemmPlan : public Plan {
 public:
  GemmPlan() noexcept = default;
  GemmPlan(const Device& device, const GemmDesc& desc);
  void run(Stream& stream, const GemmArgs& args) const;
};

}  // namespace sampan::ops
