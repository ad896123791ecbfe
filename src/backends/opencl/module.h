#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "backends/opencl/device.h"
#include "backends/opencl/handle.h"
#include "sampan/plugin/backend.h"

struct sampan_kernel;

namespace sampan::opencl {

/// A built program. Streams that launched a kernel of it share it with the module.
struct Program {
  explicit Program(OwnedProgram built) : handle(std::move(built)) {}

  OwnedProgram handle;
  std::atomic<bool> unloaded{false};  ///< streams drop their kernels of it at their next launch
};

/// One entry point of a module. Streams make cl_kernels of their own from it, since a cl_kernel
/// holds arguments. Free-threaded.
class Kernel {
 public:
  /// Throws Failure: the program has no kernel of that name.
  Kernel(Device& device, std::shared_ptr<Program> program, const std::string& name);
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  [[nodiscard]] Device& device() const { return device_; }
  [[nodiscard]] const std::shared_ptr<Program>& program() const { return program_; }
  /// Differs for all kernels of the process, also after unloading.
  [[nodiscard]] std::uint64_t id() const { return id_; }
  /// Lives as long as the process, for messages that come late.
  [[nodiscard]] const std::string* name() const { return name_; }
  [[nodiscard]] std::uint32_t arg_count() const { return arg_count_; }

  /// A cl_kernel with no arguments set. Throws Failure.
  [[nodiscard]] OwnedKernel make() const;

  /// See sampan_module_table_t::kernel_info; without `size`.
  [[nodiscard]] sampan_kernel_info_t info() const;

 private:
  Device& device_;
  const std::shared_ptr<Program> program_;
  const std::string* const name_;
  const std::uint64_t id_;
  const OwnedKernel kernel_;  // for questions only
  std::uint32_t arg_count_ = 0;
};

/// A loaded module. Free-threaded.
class Module {
 public:
  /// Throws Failure; see sampan_module_table_t::load.
  Module(Device& device, const sampan_module_desc_t& desc);
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  ~Module();

  /// Throws Failure.
  [[nodiscard]] sampan_kernel* kernel(const std::string& name);
  [[nodiscard]] std::vector<std::byte> binary() const;
  [[nodiscard]] Device& device() const { return device_; }

 private:
  Device& device_;
  const std::string name_;
  const std::shared_ptr<Program> program_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<sampan_kernel>> kernels_;
};

extern const sampan_module_table_t kModuleTable;

}  // namespace sampan::opencl

/// What the ABI calls a kernel and a module.
struct sampan_kernel final : sampan::opencl::Kernel {
  using Kernel::Kernel;
};
struct sampan_module final : sampan::opencl::Module {
  using Module::Module;
};
