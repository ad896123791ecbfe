// One item of a blocked product; see gemm_blocked.cpp.
#pragma once

#include "backends/cpu/native/isa_target.h"
#include "backends/cpu/native/kernel_table.h"

namespace sampan::cpu::native::SAMPAN_ISA {

void gemm_blocked_item(const GemmPlan& plan, const GemmDesc& desc, const GemmBuffers& buffers,
                       const GemmItem& item, std::byte* scratch);
void gemm_pack_panel(const GemmPlan& plan, const GemmDesc& desc, const GemmBuffers& buffers,
                     std::int64_t block, std::int64_t col, std::uint32_t* panel);

/// The register tile of a format at this level; all zero where the level lacks the format.
[[nodiscard]] TileGeometry tile_geometry(ComputeFormat format);

}  // namespace sampan::cpu::native::SAMPAN_ISA
