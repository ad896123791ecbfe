#include "core/module.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/device.h"
#include "core/error.h"
#include "core/kernel_source.h"
#include "core/open_device.h"

namespace sampan {
namespace core {
namespace {

constexpr std::size_t kLogBytes = 64 * 1024;

bool is_macro_text(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c > ' ' && c < 127 && c != '"' && c != '\'' && c != '\\' && c != '`' && c != '$';
  });
}

// "-DA=1 -DB=2", sorted by name.
std::string options_text(const LoadOptions& options) {
  auto defines = options.defines;
  std::sort(defines.begin(), defines.end());
  std::string text;
  for (const auto& [name, value] : defines) {
    if (name.empty()) throw_invalid("a definition has no name; write NAME=VALUE");
    if (!is_macro_text(name) || !is_macro_text(value)) {
      throw_invalid("the definition '" + name + "=" + value +
                    "' holds a space, a quote or a control character; leave it out");
    }
    text += (text.empty() ? "-D" : " -D") + name + (value.empty() ? "" : "=" + value);
  }
  return text;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::uint32_t abi_format(Code::Format format) {
  switch (format) {
    case Code::Format::native:
      return SAMPAN_FORMAT_NATIVE;
    case Code::Format::spirv:
      return SAMPAN_FORMAT_SPIRV;
    default:
      return SAMPAN_FORMAT_SOURCE;
  }
}

}  // namespace

ModuleImpl::ModuleImpl(std::shared_ptr<OpenDevice> device, const Code& code,
                       const LoadOptions& options)
    : device_(std::move(device)) {
  device_->require_current();
  const bool builtin = code.format == Code::Format::builtin;
  const bool dialect = builtin || code.format == Code::Format::dialect;
  if (builtin) {
    text_ = builtin_kernel(code.name);
    if (text_.empty()) {
      throw Error(ErrorCode::not_found,
                  "no kernel file named '" + code.name + "' ships with Sampan");
    }
  } else if (code.bytes.empty()) {
    throw_invalid("the code of module '" + code.name + "' is empty");
  } else if (dialect) {
    text_ = as_text(code.bytes);
  }
  std::string flat;
  if (dialect) {
    if (device_->raw_info.language == SAMPAN_LANGUAGE_NONE) {
      throw_unsupported(device_->info.id + " takes no source; load compiled code");
    }
    flat = flatten(text_, code.name + (builtin ? ".k" : ""), device_->raw_info.language);
  }
  const std::string defines = options_text(options);
  const std::string_view bytes = dialect ? std::string_view(flat) : as_text(code.bytes);

  sampan_module_desc_t desc{};
  desc.size = sizeof(desc);
  desc.format = abi_format(code.format);
  desc.code = bytes.data();
  desc.code_bytes = bytes.size();
  desc.name = code.name.c_str();
  desc.options = defines.c_str();
  desc.builtin = builtin ? 1 : 0;
  std::string log(kLogBytes, '\0');
  ErrorRecord error(log);
  const Backend& backend = device_->backend;
  check(backend.module.load(device_->handle(), &desc, &handle_, error.raw()), error, backend.name);
}

ModuleImpl::~ModuleImpl() {
  if (handle_ != nullptr) device_->backend.module.unload(handle_);
}

std::vector<Access> ModuleImpl::accesses(const std::string& kernel) const {
  return kernel_accesses(text_, kernel);
}

std::vector<std::uint32_t> ModuleImpl::value_bytes(const std::string& kernel) const {
  return kernel_value_bytes(text_, kernel);
}

KernelImpl::KernelImpl(std::shared_ptr<ModuleImpl> module_in, std::string name_in)
    : module(std::move(module_in)), name(std::move(name_in)) {
  const Backend& backend = module->device()->backend;
  ErrorRecord error;
  check(backend.module.kernel(module->handle(), name.c_str(), &handle, error.raw()), error,
        backend.name);
  info.size = sizeof(info);
  check(backend.module.kernel_info(handle, &info, error.raw()), error, backend.name);
  accesses = module->accesses(name);
  value_bytes = module->value_bytes(name);
  // Not every driver tells; the text does.
  if (info.arg_count == UINT32_MAX && !value_bytes.empty()) {
    info.arg_count = static_cast<std::uint32_t>(value_bytes.size());
  }
  // Here, as drivers answer late, oddly, or by aborting the process.
  const DeviceInfo& device = module->device()->info;
  if (info.local_bytes > device.local_memory_bytes) {
    throw_unsupported("kernel '" + name + "' holds " + std::to_string(info.local_bytes) +
                      " bytes of local memory, " + device.id + " has " +
                      std::to_string(device.local_memory_bytes) +
                      " for a group; make its LOCAL_POOL smaller");
  }
}

}  // namespace core

Code Code::dialect(std::string name, std::string_view text) {
  return {Format::dialect, std::move(name), std::as_bytes(std::span(text))};
}
Code Code::source(std::string name, std::string_view text) {
  return {Format::source, std::move(name), std::as_bytes(std::span(text))};
}
Code Code::native(std::string name, std::span<const std::byte> bytes) {
  return {Format::native, std::move(name), bytes};
}
Code Code::spirv(std::string name, std::span<const std::byte> bytes) {
  return {Format::spirv, std::move(name), bytes};
}
Code Code::builtin(std::string name) { return {Format::builtin, std::move(name), {}}; }

Kernel::Kernel(std::shared_ptr<core::KernelImpl> impl) noexcept : impl_(std::move(impl)) {}
const std::string& Kernel::name() const noexcept {
  static const std::string empty;
  return impl_ ? impl_->name : empty;
}
Device Kernel::device() const {
  return impl_ ? core::device_of(*impl_->module->device()) : Device();
}
std::array<std::uint32_t, 3> Kernel::group() const noexcept {
  if (!impl_) return {};
  return {impl_->info.group[0], impl_->info.group[1], impl_->info.group[2]};
}
std::uint32_t Kernel::max_group_items() const noexcept {
  return impl_ ? impl_->info.max_group_items : 0;
}

Module::Module(std::shared_ptr<core::ModuleImpl> impl) noexcept : impl_(std::move(impl)) {}
Device Module::device() const { return impl_ ? core::device_of(*impl_->device()) : Device(); }
Kernel Module::kernel(const std::string& name) const {
  if (!impl_) core::throw_invalid("this module is empty; load one with Device::load");
  impl_->device()->require_current();
  return Kernel(std::make_shared<core::KernelImpl>(impl_, name));
}
std::vector<std::byte> Module::binary() const {
  if (!impl_) core::throw_invalid("this module is empty; load one with Device::load");
  impl_->device()->require_current();
  std::vector<std::byte> bytes;
  const auto sink = [](void* context, const void* data, std::uint64_t size_bytes) {
    const auto* first = static_cast<const std::byte*>(data);
    static_cast<std::vector<std::byte>*>(context)->assign(first, first + size_bytes);
  };
  core::ErrorRecord error;
  const core::Backend& backend = impl_->device()->backend;
  core::check(backend.module.binary(impl_->handle(), sink, &bytes, error.raw()), error,
              backend.name);
  return bytes;
}

}  // namespace sampan
