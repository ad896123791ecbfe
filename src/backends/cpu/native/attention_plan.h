// How one attention is cut into independent items, shared by its driver and its kernels.
//
// The query rows of one batch entry and key head, all query heads that read it together, are
// numbered position * (heads / kv_heads) + head, so that neighbours see about the same keys.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/cpu/native/attention.h"
#include "backends/cpu/native/gemm_plan.h"

namespace sampan::cpu::native {

/// Keys whose scores are held at once: a multiple of every tile's columns.
inline constexpr std::int64_t kKeyBlock = 240;
/// Query rows whose scores are held at once: a multiple of every tile's rows.
inline constexpr std::int64_t kScoreRows = 64;

struct AttentionPlan {
  std::int64_t rows = 0;       ///< query rows of one batch entry and key head
  std::int64_t row_chunk = 0;  ///< rows of an item; their keys are packed once
  std::int64_t row_chunks = 0;
  std::int64_t key_part = 0;   ///< keys of an item
  std::int64_t key_parts = 1;  ///< for the longest run
  std::int64_t items = 0;      ///< batch * kv_heads * row_chunks * key_parts
  std::uint32_t tasks = 0;
  std::int64_t dim_padded = 0;  ///< head_dim rounded up to whole vectors

  std::size_t q_bytes = 0;       ///< scratch of one task: packed queries,
  std::size_t k_bytes = 0;       ///< packed keys,
  std::size_t v_bytes = 0;       ///< packed values,
  std::size_t scores_bytes = 0;  ///< scores of kScoreRows rows,
  std::size_t state_bytes = 0;   ///< running sums, maxima and weight sums of row_chunk rows
  std::size_t partial_bytes =
      0;  ///< states of one item that are kept for merging, if key_parts > 1

  [[nodiscard]] std::size_t task_bytes() const {
    return q_bytes + k_bytes + v_bytes + scores_bytes + state_bytes;
  }
};

/// One item: some query rows against some keys.
struct AttentionItem {
  std::int64_t batch = 0;
  std::int64_t kv_head = 0;
  Range rows;
  Range keys;
};

/// The running state of some query rows: with s_j the scaled scores of the keys seen so far,
/// maximum = max s_j, weight_sum = sum e^(s_j - maximum), sums = sum e^(s_j - maximum) v_j.
struct AttentionState {
  float* maximum = nullptr;     ///< [rows]
  float* weight_sum = nullptr;  ///< [rows]
  float* sums = nullptr;        ///< [rows, dim_padded]
};

/// The three arrays of `rows` rows in `memory`.
[[nodiscard]] inline AttentionState attention_state(void* memory, std::int64_t rows,
                                                    std::int64_t dim_padded) {
  auto* words = static_cast<float*>(memory);
  return {words + rows * dim_padded, words + rows * (dim_padded + 1), words};
}

/// Keys that query row `row` sees.
[[nodiscard]] inline std::int64_t visible_keys(const AttentionDesc& desc, std::int64_t kv_len,
                                               std::int64_t row) {
  if (!desc.causal) return kv_len;
  const std::int64_t position = row / (desc.heads / desc.kv_heads);
  const std::int64_t visible = position + kv_len - desc.q_len + 1;
  return visible < 0 ? 0 : visible;
}

}  // namespace sampan::cpu::native
