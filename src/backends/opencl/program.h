#pragma once

#include <string>

#include "backends/common/bytes.h"
#include "backends/opencl/device.h"
#include "backends/opencl/handle.h"
#include "sampan/plugin/backend.h"

namespace sampan::opencl {

/// Builds the program that `desc` describes. Source goes through the code cache, where the
/// driver's own binary is kept. Throws Failure: COMPILE_FAILED with the build log as detail,
/// INVALID_BINARY, UNSUPPORTED.
[[nodiscard]] OwnedProgram build_program(const Device& device, const sampan_module_desc_t& desc);

/// The native code of a built program; empty where the driver keeps it. Throws Failure.
///
/// It is packed as an entry of the code cache, whose digest and key are checked when it is loaded:
/// drivers don't live through damaged code (PoCL 3.1 crashes or aborts).
[[nodiscard]] common::Bytes program_binary(const Device& device, cl::Program program);

/// Of the plug-in; part of cache keys.
[[nodiscard]] const char* build_id();

}  // namespace sampan::opencl
