#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "backends/common/bytes.h"
#include "backends/level_zero/device.h"
#include "sampan/plugin/backend.h"

struct sampan_kernel;

namespace sampan::level_zero {

/// A module or kernel of the driver's, destroyed with its owner.
template <typename Handle, ze::Result (*Api::*kDestroy)(Handle)>
class Owned {
 public:
  Owned() = default;
  explicit Owned(Handle handle) : handle_(handle) {}
  Owned(Owned&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Owned& operator=(Owned&& other) noexcept {
    const Owned old(std::exchange(handle_, std::exchange(other.handle_, nullptr)));
    return *this;
  }
  ~Owned() {
    if (handle_ != nullptr) (void)(api().*kDestroy)(handle_);
  }
  [[nodiscard]] Handle get() const { return handle_; }
  [[nodiscard]] explicit operator bool() const { return handle_ != nullptr; }

 private:
  Handle handle_ = nullptr;
};

using OwnedModule = Owned<ze::Module, &Api::module_destroy>;
using OwnedKernel = Owned<ze::Kernel, &Api::kernel_destroy>;

/// Loaded code. Streams that launched a kernel of it share it with the module.
struct Program {
  explicit Program(OwnedModule built) : handle(std::move(built)) {}

  OwnedModule handle;
  std::atomic<bool> unloaded{false};  ///< streams drop their kernels of it at their next launch
};

/// One entry point of a module. Streams make kernels of the driver's of their own from it, since
/// those hold arguments. Free-threaded.
class Kernel {
 public:
  /// Throws Failure: the module has no kernel of that name.
  Kernel(Device& device, std::shared_ptr<Program> program, const std::string& name);
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  [[nodiscard]] Device& device() const { return device_; }
  [[nodiscard]] const std::shared_ptr<Program>& program() const { return program_; }
  /// Differs for all kernels of the process, also after unloading.
  [[nodiscard]] std::uint64_t id() const { return id_; }
  /// Lives as long as the process, for messages that come late.
  [[nodiscard]] const std::string* name() const { return name_; }
  [[nodiscard]] std::uint32_t arg_count() const { return properties_.argument_count; }

  /// One with no arguments set. Throws Failure.
  [[nodiscard]] OwnedKernel make() const;

  /// See sampan_module_table_t::kernel_info; without `size`.
  [[nodiscard]] sampan_kernel_info_t info() const;

 private:
  Device& device_;
  const std::shared_ptr<Program> program_;
  const std::string* const name_;
  const std::uint64_t id_;
  ze::KernelProperties properties_{};
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
  [[nodiscard]] common::Bytes binary() const;
  [[nodiscard]] Device& device() const { return device_; }

 private:
  Device& device_;
  const std::shared_ptr<Program> program_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<sampan_kernel>> kernels_;
};

extern const sampan_module_table_t kModuleTable;

}  // namespace sampan::level_zero

/// What the ABI calls a kernel and a module.
struct sampan_kernel final : sampan::level_zero::Kernel {
  using Kernel::Kernel;
};
struct sampan_module final : sampan::level_zero::Module {
  using Module::Module;
};
