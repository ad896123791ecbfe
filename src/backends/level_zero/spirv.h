#pragma once

#include "backends/common/bytes.h"
#include "sampan/plugin/backend.h"

namespace sampan::level_zero {

/// The SPIR-V of the dialect's or OpenCL C source in `desc`, which Level Zero itself doesn't take:
/// by clang-15, opt-15 and llvm-spirv-15, found in PATH, kept in the code cache. Throws Failure:
/// COMPILE_FAILED with the log as detail; UNSUPPORTED where a tool isn't installed.
[[nodiscard]] common::Bytes compile_to_spirv(const sampan_module_desc_t& desc);

/// Throws Failure, INVALID_BINARY, for what is no SPIR-V at all: drivers don't live through it.
void check_spirv(common::ByteView code, const sampan_module_desc_t& desc);

}  // namespace sampan::level_zero
