#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "backends/common/bytes.h"
#include "backends/cuda_like/device.h"
#include "sampan/plugin/backend.h"

struct sampan_kernel;

namespace sampan::cuda_like {

/// One entry point of a module. Free-threaded.
class Kernel {
 public:
  /// The context is current. Throws Failure: the module has no kernel of that name.
  Kernel(Device& device, DriverModule module, const std::string& name);
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  [[nodiscard]] Device& device() const { return device_; }
  [[nodiscard]] DriverFunction function() const { return function_; }
  /// Lives as long as the process, for messages that come late.
  [[nodiscard]] const std::string* name() const { return name_; }
  /// Written in the dialect: the host knows its arguments.
  [[nodiscard]] bool of_dialect() const { return of_dialect_; }
  /// See sampan_module_table_t::kernel_info; without `size`.
  [[nodiscard]] const sampan_kernel_info_t& info() const { return info_; }

  /// The dynamic local memory that a launch with `asked_bytes` needs; makes the driver allow it.
  /// Throws Failure.
  [[nodiscard]] unsigned local_bytes(std::uint32_t asked_bytes) {
    // A kernel of the dialect has all its local memory in one pool, and it is static.
    if (of_dialect_ && info_.local_bytes != 0) return 0;
    if (asked_bytes > allowed_bytes_.load(std::memory_order_relaxed)) [[unlikely]] {
      allow(asked_bytes);
    }
    return asked_bytes;
  }

 private:
  void find(DriverModule module, const std::string& name);
  void read_group(DriverModule module, const std::string& name);
  void allow(std::uint32_t bytes);

  Device& device_;
  const std::string* const name_;
  DriverFunction function_ = nullptr;
  bool of_dialect_ = false;
  sampan_kernel_info_t info_{};
  std::atomic<std::uint32_t> allowed_bytes_;
};

/// A loaded module. Free-threaded.
class Module {
 public:
  /// The context is current. Throws Failure; see sampan_module_table_t::load.
  Module(Device& device, const sampan_module_desc_t& desc);
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  ~Module();

  [[nodiscard]] Device& device() const { return device_; }
  /// The context is current. Throws Failure.
  [[nodiscard]] sampan_kernel* kernel(const std::string& name);
  /// The code, with what it is good for.
  [[nodiscard]] common::Bytes binary() const;

 private:
  Device& device_;
  const common::Bytes image_;
  DriverModule handle_ = nullptr;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<sampan_kernel>> kernels_;
};

extern const sampan_module_table_t kModuleTable;

}  // namespace sampan::cuda_like

/// What the ABI calls a kernel and a module.
struct sampan_kernel final : sampan::cuda_like::Kernel {
  using Kernel::Kernel;
};
struct sampan_module final : sampan::cuda_like::Module {
  using Module::Module;
};
