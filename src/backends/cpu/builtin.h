// Kernels compiled ahead of time into the plug-in.
#pragma once

#include <span>
#include <string_view>

#include "backends/cpu/native/isa.h"
#include "dialect/cpu_abi.h"

namespace sampan::cpu {

/// One kernel file compiled with one set of macros for one instruction level.
struct BuiltinModule {
  std::string_view name;     ///< "gemm"
  std::string_view options;  ///< as sampan_module_desc_t.options: "-DBM=64 -DBN=64"
  native::IsaLevel isa;
  std::span<const sampan_cpu_kernel* const> kernels;
};

/// Every one of them (generated at build time), sorted by nothing in particular.
[[nodiscard]] std::span<const BuiltinModule> builtin_modules();

/// The one that a device of level `isa` runs: the highest level up to that; null if there is none.
[[nodiscard]] const BuiltinModule* find_builtin(std::string_view name, std::string_view options,
                                                native::IsaLevel isa);

}  // namespace sampan::cpu
