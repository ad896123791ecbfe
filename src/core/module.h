#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sampan/module.h"
#include "sampan/plugin/backend.h"

namespace sampan::core {

class OpenDevice;

/// How a kernel of the dialect uses an argument; from its parameter list.
enum class Access : std::uint8_t { unknown, value, read, write };

/// What stands behind a Module.
class ModuleImpl {
 public:
  ModuleImpl(std::shared_ptr<OpenDevice> device, const Code& code, const LoadOptions& options);
  ModuleImpl(const ModuleImpl&) = delete;
  ~ModuleImpl();

  [[nodiscard]] const std::shared_ptr<OpenDevice>& device() const noexcept { return device_; }
  [[nodiscard]] sampan_module_t* handle() const noexcept { return handle_; }
  /// Access of each parameter of a kernel of the dialect; empty if unknown.
  [[nodiscard]] std::vector<Access> accesses(const std::string& kernel) const;
  /// Size of each parameter that is a value, 0 if it is none or unknown; empty if all are unknown.
  [[nodiscard]] std::vector<std::uint32_t> value_bytes(const std::string& kernel) const;

 private:
  std::shared_ptr<OpenDevice> device_;
  sampan_module_t* handle_ = nullptr;
  std::string text_;  // of a dialect module, for accesses() and value_bytes()
};

/// What stands behind a Kernel.
class KernelImpl {
 public:
  KernelImpl(std::shared_ptr<ModuleImpl> module, std::string name);

  std::shared_ptr<ModuleImpl> module;
  std::string name;
  sampan_kernel_t* handle = nullptr;
  sampan_kernel_info_t info{};
  std::vector<Access> accesses;
  std::vector<std::uint32_t> value_bytes;
};

}  // namespace sampan::core
