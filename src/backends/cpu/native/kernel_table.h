// The functions that exist once per instruction level, and the level's register tiles.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/cpu/native/gemm_plan.h"
#include "backends/cpu/native/isa.h"

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
};

/// The table of a level; of the nearest lower level where the build lacks it.
[[nodiscard]] const KernelTable& kernel_table(IsaLevel isa) noexcept;

}  // namespace sampan::cpu::native
