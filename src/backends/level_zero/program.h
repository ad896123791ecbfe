#pragma once

#include "backends/common/bytes.h"
#include "backends/common/code_cache.h"
#include "backends/level_zero/module.h"

namespace sampan::level_zero {

/// Loads the code that `desc` describes. Source becomes SPIR-V (spirv.h) and SPIR-V becomes native
/// code, each once: both are kept in the code cache. Throws Failure: COMPILE_FAILED with the log as
/// detail, INVALID_BINARY, UNSUPPORTED.
[[nodiscard]] OwnedModule build_module(const Device& device, const sampan_module_desc_t& desc);

/// The native code of a module, packed as an entry of the code cache, whose digest and key are
/// checked when it is loaded. Throws Failure.
[[nodiscard]] common::Bytes packed_binary(const Device& device, ze::Module module);

/// Of all Level Zero devices.
[[nodiscard]] common::CodeCache& cache();

/// Of the plug-in; part of cache keys.
[[nodiscard]] const char* build_id();

/// "a module", or its name in quotes, for messages.
[[nodiscard]] std::string quoted_name(const sampan_module_desc_t& desc);

/// The line of a compiler's log that says what is wrong: the first with "error" in it, else the
/// first with anything.
[[nodiscard]] std::string first_error(const std::string& log);

}  // namespace sampan::level_zero
