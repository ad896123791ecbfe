#pragma once

#include <array>
#include <cstdint>

#include "sampan/ops/plan.h"
#include "sampan/stream.h"

namespace sampan::ops {

/// O = softmax(scale * Q * K^T + mask) * V, for each batch entry and head.
///
/// Shapes    q and o [b, sq, h, d]; k and v [b, skv, hkv, d]; h is a multiple of hkv, and query
/// head i
///           reads key head i / (h / hkv). d is 16 … 256, a multiple of 16.
/// Layout    d contiguous; strides of b, s and h in elements, all 0 = dense. So a cache with room
/// for
///           `capacity` keys is a k whose b stride is capacity * hkv * d.
/// Mask      causal: query row i sees keys 0 … i + skv - sq. A row that sees no key is 0.
/// Paged     page_size > 0: k and v are [pages, page_size, hkv, d] (strides: page, s, h) and row b
/// of
///           block_table [b, max_pages] (i32) lists the pages of its keys in order.
/// Types     f32, f16 or bf16, equal; scores and sums in f32.
/// Numerics  within the bound of kernels/reference/README.md; bitwise equal from run to run.
struct AttentionDesc {
  DType dtype = DType::f32;
  std::uint64_t b = 1, h = 1, hkv = 1, sq = 1, skv = 1, d = 64;
  std::array<std::uint64_t, 3> q_strides{}, k_strides{}, v_strides{}, o_strides{};
  float scale = 0.0f;  ///< 0: 1 / sqrt(d)
  bool causal = false;
  std::uint64_t page_size = 0, max_pages = 0;
};

struct AttentionArgs {
  View q{}, k{}, v{}, o{};
  View block_table{};       ///< if paged
  std::uint64_t skv = 0;  ///< keys of this run, at most desc.skv; 0: desc.skv
};

class AttentionPlan : public Plan {
 public:
  AttentionPlan() noexcept = default;
  AttentionPlan(const Device& device, const AttentionDesc& desc);
  void run(Stream& stream, const AttentionArgs& args) const;
};

}  // namespace sampan::ops
