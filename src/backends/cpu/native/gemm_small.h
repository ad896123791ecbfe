// Products with few rows of A, which stream B once without packing it; see gemm_small.cpp.
#pragma once

#include "backends/cpu/native/isa_target.h"
#include "backends/cpu/native/kernel_table.h"

namespace sampan::cpu::native::SAMPAN_ISA {

void gemm_small_item(const GemmPlan& plan, const GemmDesc& desc, const GemmBuffers& buffers,
                     const GemmItem& item, std::byte* scratch);

}  // namespace sampan::cpu::native::SAMPAN_ISA
