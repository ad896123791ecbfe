// Shared by the sources of gemm that are compiled once; not for the kernels.
#pragma once

#include "backends/cpu/native/gemm_plan.h"
#include "backends/cpu/native/kernel_table.h"

namespace sampan::cpu::native {

/// The format in which a level multiplies these operand types.
[[nodiscard]] ComputeFormat compute_format(const GemmDesc& desc, const KernelTable& table);

/// The plan of a description that gemm_check accepts.
[[nodiscard]] GemmPlan make_plan(const GemmDesc& desc, const KernelTable& table,
                                 std::uint32_t threads);

}  // namespace sampan::cpu::native
