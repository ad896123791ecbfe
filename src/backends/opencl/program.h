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
[[nodiscard]] common::Bytes program_binary(cl::Program program);

/// The form in which native code is handed out: behind a digest, as drivers don't live through
/// damaged code (PoCL 3.1 aborts the process). `build_program` checks it.
[[nodiscard]] common::Bytes sealed(common::ByteView code);

/// Of the plug-in; part of cache keys.
[[nodiscard]] const char* build_id();

}  // namespace sampan::opencl
