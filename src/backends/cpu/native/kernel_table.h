// The functions that exist once per instruction level, and the level's register tiles.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/cpu/native/attention_plan.h"
#include "backends/cpu/native/gemm_plan.h"
#include "backends/cpu/native/isa.h"
#include "backends/cpu/native/rowops.h"

namespace sampan::cpu::native {

struct KernelTable {
  TileGeometry tiles[kComputeFormats];  ///< rows == 0: the level lacks that format

  /// Computes one item of a blocked product. `scratch` is the task's own.
  void (*gemm_blocked_item)(const GemmPlan& plan, const GemmDesc& desc, const GemmBuffers& buffers,
                            const GemmItem& item, std::byte* scratch);

  /// Computes one item of a streaming product.
  void (*gemm_small_item)(const GemmPlan& plan, const GemmDesc& desc, const GemmBuffers& buffers,
                          const GemmItem& item, std::byte* scratch);

  /// Packs the panel of B that starts at column `col` in k block `block`.
  void (*gemm_pack_panel)(const GemmPlan& plan, const GemmDesc& desc, const GemmBuffers& buffers,
                          std::int64_t block, std::int64_t col, std::uint32_t* panel);

  /// Runs one item of attention from a fresh state; `scratch` is the task's own.
  void (*attention_item)(const AttentionPlan& plan, const AttentionDesc& desc,
                         const AttentionBuffers& buffers, std::int64_t kv_len,
                         const AttentionItem& item, std::byte* scratch,
                         const AttentionState& state);

  /// Adds to the state of `rows` query rows that of the same rows over other keys.
  void (*attention_merge)(const AttentionPlan& plan, const AttentionState& into,
                          const AttentionState& from, std::int64_t rows);

  /// Writes the item's rows of O from their final state.
  void (*attention_store)(const AttentionPlan& plan, const AttentionDesc& desc,
                          const AttentionBuffers& buffers, const AttentionItem& item,
                          const AttentionState& state);

  /// Runs a row operation on some rows; elementwise ones on some columns only.
  void (*row_op)(const RowDesc& desc, const RowBuffers& buffers, Range rows, Range cols);
};

/// The table of a level; of the nearest lower level where the build lacks it.
[[nodiscard]] const KernelTable& kernel_table(IsaLevel isa) noexcept;

}  // namespace sampan::cpu::native
