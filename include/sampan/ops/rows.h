#pragma once

#include <cstdint>

#include "sampan/ops/plan.h"
#include "sampan/stream.h"

namespace sampan::ops {

/// Operations over rows: x and y are [rows, cols], cols contiguous, row strides in elements (0 =
/// dense). `dtype` f32, f16 or bf16 for x and y; sums in f32. y may be x.
struct RowsDesc {
  std::uint64_t rows = 0, cols = 0;
  DType dtype = DType::f32;
  DType weight_dtype = DType::f32;  ///< of weight and bias [cols]
  std::uint64_t x_stride = 0, y_stride = 0;
  float epsilon = 1e-5f;  ///< norms
  float scale = 1.0f;     ///< softmax: of x before the exponential
};

/// y = x / sqrt(mean(x^2) + epsilon) * weight
class RmsNormPlan : public Plan {
 public:
  RmsNormPlan() noexcept = default;
  RmsNormPlan(const Device& device, const RowsDesc& desc);
  void run(Stream& stream, const View& x, const View& weight, const View& y) const;
};

/// y = (x - mean(x)) / sqrt(var(x) + epsilon) * weight + bias
class LayerNormPlan : public Plan {
 public:
  LayerNormPlan() noexcept = default;
  LayerNormPlan(const Device& device, const RowsDesc& desc);
  void run(Stream& stream, const View& x, const View& weight, const View& bias,
           const View& y) const;
};

/// y = exp(scale * x - max) / sum. A row of -inf only is 0.
class SoftmaxPlan : public Plan {
 public:
  SoftmaxPlan() noexcept = default;
  SoftmaxPlan(const Device& device, const RowsDesc& desc);
  void run(Stream& stream, const View& x, const View& y) const;
};

/// index[r] (i32) of the largest element of each row; the lowest index wins a tie; a NaN counts as
/// larger than any number.
class ArgmaxPlan : public Plan {
 public:
  ArgmaxPlan() noexcept = default;
  ArgmaxPlan(const Device& device, const RowsDesc& desc);
  void run(Stream& stream, const View& x, const View& index) const;
};

/// The `count` largest elements of each row, falling: values [rows, count] of x's type, index [rows, count]
/// i32. Ties and NaN as in argmax. count is at most 64.
class TopKPlan : public Plan {
 public:
  TopKPlan() noexcept = default;
  TopKPlan(const Device& device, const RowsDesc& desc, std::uint64_t count);
  void run(Stream& stream, const View& x, const View& values, const View& index) const;
};

/// y = x^T: x [rows, cols] to y [cols, rows], y_stride the row stride of y. Any dtype of 2 or 4 bytes;
/// x and y may not overlap.
class TransposePlan : public Plan {
 public:
  TransposePlan() noexcept = default;
  TransposePlan(const Device& device, const RowsDesc& desc);
  void run(Stream& stream, const View& x, const View& y) const;
};

}  // namespace sampan::ops
