// Operations over the rows of a matrix: norms, softmax, and the elementwise steps of a transformer.
#pragma once

#include <cstdint>

#include "backends/cpu/native/isa.h"
#include "backends/cpu/native/types.h"

namespace sampan::cpu::native {

enum class RowKind : std::uint8_t {
  rms_norm,    ///< y = x / sqrt(mean(x^2) + epsilon) * weight
  layer_norm,  ///< y = (x - mean(x)) / sqrt(var(x) + epsilon) * weight + bias
  softmax,     ///< y = e^(scale * x - max) / sum; a row of -infinities gives 0
  silu_mul,    ///< y = x / (1 + e^-x) * x2
  add,         ///< y = x + x2
};

/// Shapes    x, x2 and y [rows, cols]; weight and bias [cols]; rows and cols may be 0.
/// Layout    cols contiguous; row strides in elements.
/// Types     `type` of x, x2 and y, `weight_type` of weight and bias: f32, f16 or bf16. Arithmetic
///           in f32, one rounding at the end; var(x) is the mean of (x - mean(x))^2.
/// Aliasing  y may be x or x2 exactly, with the same stride; no other overlap.
struct RowDesc {
  RowKind kind = RowKind::add;
  ElementType type = ElementType::f32;
  ElementType weight_type = ElementType::f32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t x_stride = 0;
  std::int64_t x2_stride = 0;
  std::int64_t y_stride = 0;
  float epsilon = 0.0f;
  float scale = 1.0f;
};

/// Addresses, aligned to their element type. Unused ones are null.
struct RowBuffers {
  const void* x = nullptr;
  const void* x2 = nullptr;      ///< silu_mul, add
  const void* weight = nullptr;  ///< norms
  const void* bias = nullptr;    ///< layer_norm; null: none
  void* y = nullptr;
};

/// Whether `row_op` can run `desc`: `ok`, `unsupported` or `invalid_argument`. Reads no memory.
Status row_check(const RowDesc& desc) noexcept;

/// Computes y and returns when it is complete. Needs no workspace, allocates nothing; a result
/// depends on the description and the level alone. `isa` must not exceed detect_isa().
/// Errors: those of `row_check`; `invalid_argument` also for a null operand.
Status row_op(const RowDesc& desc, const RowBuffers& buffers, IsaLevel isa,
              const Parallel& parallel) noexcept;

}  // namespace sampan::cpu::native
