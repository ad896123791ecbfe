// Loaded code and its kernels.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "backends/common/bytes.h"
#include "backends/cpu/builtin.h"
#include "backends/cpu/device.h"
#include "backends/cpu/kernel.h"
#include "backends/cpu/kernel_library.h"
#include "backends/cpu/retired.h"
#include "sampan/plugin/backend.h"

namespace sampan::cpu {

/// What a module's kernels come from, and the kernels that were asked for. Lives until the work
/// that was submitted before the module was unloaded has run.
class ModuleCode final : public Retirable {
 public:
  /// Code compiled ahead of time into the plug-in.
  explicit ModuleCode(const BuiltinModule& builtin) : builtin_(&builtin) {}
  explicit ModuleCode(KernelLibrary library) : library_(std::move(library)) {}

  /// The kernel of that name; null if there is none. Throws std::bad_alloc, and KernelLibraryError
  /// for one that this backend can't run.
  [[nodiscard]] sampan_kernel* find(const char* name);

 private:
  [[nodiscard]] const sampan_cpu_kernel* code_of(const char* name) const;

  const BuiltinModule* builtin_ = nullptr;  // or library_
  KernelLibrary library_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<sampan_kernel>, std::less<>> kernels_;
};

struct Module {
  Device& device;
  std::string name;
  std::unique_ptr<ModuleCode> code;
  common::Bytes binary;  ///< as kernel_binary.h packs it; empty for built-in code
};

extern const sampan_module_table_t kModuleTable;

}  // namespace sampan::cpu

struct sampan_module final : sampan::cpu::Module {};
