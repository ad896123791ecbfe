// Packed matrix product for CPUs: D = act(alpha * op(A) * op(B) + beta * C + bias) + residual.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/cpu/native/isa.h"
#include "backends/cpu/native/types.h"

namespace sampan::cpu::native {

/// Applied to each element after the bias and before the residual.
/// silu is x / (1 + e^-x); gelu is x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))).
enum class Activation : std::uint8_t { none, silu, gelu };

/// One operand's storage. Row-major: element (row, column) of the stored matrix lies at
/// `batch * batch_stride + row * row_stride + column`, all in elements. Strides of 0 are allowed
/// for batch_stride only (the operand is shared).
struct MatrixLayout {
  ElementType type = ElementType::f32;
  std::int64_t row_stride = 0;
  std::int64_t batch_stride = 0;
};

/// Shapes, layouts and the epilogue of a product: everything but the addresses.
///
/// Shapes    op(A) is [m, k] and op(B) [k, n]; D, C and residual are [m, n]; bias is [n].
///           A is stored [m, k], or [k, m] when `transpose_a`; B is stored [k, n], or [n, k] when
///           `transpose_b` (a torch linear's weight). Any of m, n, k, batch may be 0.
/// Types     A, B, C, D, bias, residual each f32, f16 or bf16, in any mix, with f32 accumulation;
///           or A and B i8 and D i32 (no epilogue), exact modulo 2^32;
///           or weight-only: A and D floating, B i8 or i4 stored [n, k] with `transpose_b`, and one
///           symmetric scale, scales[n, k / group_k] (dense), per `group_k` values along k, a
///           multiple of 32 that divides k. Row and batch strides of an i4 B are even.
/// Numerics  f32: |D - exact| <= gamma(k + 4) * (|alpha| |A||B| + |beta C| + |bias| + |residual|),
///           u = 2^-24, plus one rounding to D's type (and the activation's own error). Products
///           and sums that are integers below 2^24 come out exact. With bf16 dot instructions
///           (x86_64_v4_bf16, A and B both bf16) subnormal inputs and results count as zero.
///           A result depends on the description and the instruction level, never on the thread
///           count or on where the operands lie.
/// beta == 0 C is never read, so uninitialised memory there cannot reach D.
/// Aliasing  D may be the very matrix of C or of the residual; no other overlap with an input.
struct GemmDesc {
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  std::int64_t batch = 1;
  MatrixLayout a;
  MatrixLayout b;
  MatrixLayout c;  ///< ignored when beta is 0
  MatrixLayout d;
  MatrixLayout residual;  ///< ignored unless has_residual
  bool transpose_a = false;
  bool transpose_b = false;
  std::int64_t group_k = 0;  ///< above 0: weight-only
  ElementType scale_type = ElementType::f16;
  bool packed_b = false;  ///< B was written by gemm_pack_b; batch must be 1 or b.batch_stride 0
  bool has_bias = false;
  bool has_residual = false;
  ElementType bias_type = ElementType::f32;
  Activation activation = Activation::none;
  float alpha = 1.0f;
  float beta = 0.0f;
};

/// The addresses of a product, aligned to their element type. Unused ones are null.
struct GemmBuffers {
  const void* a = nullptr;
  const void* b = nullptr;
  const void* c = nullptr;
  const void* bias = nullptr;
  const void* residual = nullptr;
  const void* scales = nullptr;  ///< not read once B is packed
  void* d = nullptr;
};

/// Whether `gemm` can run `desc`: `ok`, `unsupported` or `invalid_argument`. Reads no memory.
Status gemm_check(const GemmDesc& desc) noexcept;

/// Bytes of workspace that `gemm` needs with this many threads; 0 when `desc` is refused.
[[nodiscard]] std::size_t gemm_workspace_bytes(const GemmDesc& desc, IsaLevel isa,
                                               std::uint32_t threads) noexcept;

/// Computes the product and returns when D is complete. Allocates nothing.
///
/// `workspace` is aligned to kWorkspaceAlignmentBytes and not shared with a concurrent call; its
/// content before and after means nothing. `isa` must not exceed detect_isa().
/// Errors: those of `gemm_check`; `invalid_argument` also for a null operand that would be read or
/// written; `workspace_too_small`.
Status gemm(const GemmDesc& desc, const GemmBuffers& buffers, IsaLevel isa,
            const Parallel& parallel, void* workspace, std::size_t workspace_bytes) noexcept;

/// Bytes that `gemm_pack_b` writes; 0 when `desc` is refused. Depends on n, k, the types of A and B
/// and `isa` alone, so one packed matrix serves any m.
[[nodiscard]] std::size_t gemm_packed_b_bytes(const GemmDesc& desc, IsaLevel isa) noexcept;

/// Rearranges a constant B once, so that later products (with `packed_b` set and the same `isa`)
/// skip that step. Reads `b` and `scales` of `buffers`. Weight-only codes become f32: packing
/// trades memory for speed. `packed` is aligned to kWorkspaceAlignmentBytes. Errors: as for `gemm`.
Status gemm_pack_b(const GemmDesc& desc, const GemmBuffers& buffers, IsaLevel isa,
                   const Parallel& parallel, void* packed, std::size_t packed_bytes) noexcept;

}  // namespace sampan::cpu::native
