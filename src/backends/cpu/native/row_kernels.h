// The vector part of the row operations; see row_kernels.cpp.
#pragma once

#include "backends/cpu/native/isa_target.h"
#include "backends/cpu/native/kernel_table.h"

namespace sampan::cpu::native::SAMPAN_ISA {

void row_op(const RowDesc& desc, const RowBuffers& buffers, Range rows, Range cols);

}  // namespace sampan::cpu::native::SAMPAN_ISA
