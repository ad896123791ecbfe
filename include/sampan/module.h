#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sampan {

class Device;
namespace core {
class ModuleImpl;
class KernelImpl;
}  // namespace core

/// Code to load. The text or bytes are read before `Device::load` returns.
struct Code {
  enum class Format : std::uint32_t {
    dialect =
        0,       ///< Sampan's portable kernel language (kernels/README.md); compiled for the device
    source = 1,  ///< text in the device's own language (CUDA C++, OpenCL C …)
    native = 2,  ///< the vendor's binary (cubin, PTX, code object), or what `Module::binary` gave
    spirv = 3,
    builtin = 4,  ///< a kernel file that ships with Sampan, by name: `name` = "gemm"
  };
  Format format = Format::dialect;
  std::string name;                  ///< for messages and caches: "my_kernels"
  std::span<const std::byte> bytes;  ///< empty for builtin

  [[nodiscard]] static Code dialect(std::string name, std::string_view text);
  [[nodiscard]] static Code source(std::string name, std::string_view text);
  [[nodiscard]] static Code native(std::string name, std::span<const std::byte> bytes);
  [[nodiscard]] static Code spirv(std::string name, std::span<const std::byte> bytes);
  [[nodiscard]] static Code builtin(std::string name);
};

struct LoadOptions {
  /// Macro definitions, in any order: {"BM", "128"}. Values without spaces or quotes.
  std::vector<std::pair<std::string, std::string>> defines;
};

/// One entry point of a module; shared, cheap to copy, keeps its module alive. Free-threaded: it
/// has no argument state, and many streams may launch it at once.
class Kernel {
 public:
  Kernel() noexcept = default;
  explicit Kernel(std::shared_ptr<core::KernelImpl> impl) noexcept;

  [[nodiscard]] explicit operator bool() const noexcept { return impl_ != nullptr; }
  [[nodiscard]] const std::string& name() const noexcept;
  [[nodiscard]] Device device() const;
  /// Items per group that the kernel fixes, or {0, 0, 0}.
  [[nodiscard]] std::array<std::uint32_t, 3> group() const noexcept;
  [[nodiscard]] std::uint32_t max_group_items() const noexcept;
  [[nodiscard]] core::KernelImpl* impl() const noexcept { return impl_.get(); }
  [[nodiscard]] const std::shared_ptr<core::KernelImpl>& shared_impl() const noexcept {
    return impl_;
  }

 private:
  std::shared_ptr<core::KernelImpl> impl_;
};

/// Code loaded on one device; shared, cheap to copy. Free-threaded.
class Module {
 public:
  Module() noexcept = default;
  explicit Module(std::shared_ptr<core::ModuleImpl> impl) noexcept;

  [[nodiscard]] explicit operator bool() const noexcept { return impl_ != nullptr; }
  [[nodiscard]] Device device() const;
  /// not_found; unsupported: it needs more local memory than a group has here.
  [[nodiscard]] Kernel kernel(const std::string& name) const;
  /// Compiled code, loadable as Code::native on a device of the same kind. unsupported.
  [[nodiscard]] std::vector<std::byte> binary() const;

 private:
  std::shared_ptr<core::ModuleImpl> impl_;
};

}  // namespace sampan
