#pragma once

#include <cstdint>

#include "sampan/ops/plan.h"
#include "sampan/stream.h"

namespace sampan::ops {

/// Rotary position embedding, the half-split convention of Llama checkpoints: for i < d / 2,
///   y[i]         = x[i] * cos(p * w_i) - x[i + d / 2] * sin(p * w_i)
///   y[i + d / 2] = x[i + d / 2] * cos(p * w_i) + x[i] * sin(p * w_i),   w_i = theta^(-2 i / d)
/// x and y [tokens, heads, d], token stride in elements (0 = dense); token t has position
/// `first_position + t`, or positions[t] (i32) if the view is given. y may be x.
struct RopeDesc {
  std::uint64_t tokens = 0, heads = 1, d = 64;
  DType dtype = DType::f32;
  double theta = 10000.0;
  std::uint64_t x_stride = 0, y_stride = 0;
};
class RopePlan : public Plan {
 public:
  RopePlan() noexcept = default;
  RopePlan(const Device& device, const RopeDesc& desc);
  void run(Stream& stream, const View& x, const View& y, std::uint32_t first_position,
           const View& positions = {}) const;
};

/// y[t, :] = table[ids[t], :]; ids i32; an id outside of the table gives a row of zeros.
struct EmbeddingDesc {
  std::uint64_t tokens = 0, rows = 0, cols = 0;
  DType table_dtype = DType::f32, y_dtype = DType::f32;
};
class EmbeddingPlan : public Plan {
 public:
  EmbeddingPlan() noexcept = default;
  EmbeddingPlan(const Device& device, const EmbeddingDesc& desc);
  void run(Stream& stream, const View& table, const View& ids, const View& y) const;
};

/// Weight-only quantisation of w [n, k] to q (i8 or i4) with scales [n, k / group_k]: per group,
/// scale = max|w| / 127 (i8) or / 7 (i4), rounded to scale_type; q = round-to-nearest-even(w /
/// scale), clamped to ±127 or -8 … 7. A group of zeros has scale 0. `GemmPlan` reads the result.
struct QuantizeDesc {
  std::uint64_t n = 0, k = 0, group_k = 32;
  DType w_dtype = DType::f32, q_dtype = DType::i8, scale_type = DType::f16;
};
class QuantizePlan : public Plan {
 public:
  QuantizePlan() noexcept = default;
  QuantizePlan(const Device& device, const QuantizeDesc& desc);
  void run(Stream& stream, const View& w, const View& q, const View& scales) const;
};
/// w = q * scale
class DequantizePlan : public Plan {
 public:
  DequantizePlan() noexcept = default;
  DequantizePlan(const Device& device, const QuantizeDesc& desc);
  void run(Stream& stream, const View& q, const View& scales, const View& w) const;
};

}  // namespace sampan::ops
