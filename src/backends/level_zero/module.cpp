#include "backends/level_zero/module.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "backends/level_zero/program.h"

namespace sampan::level_zero {
namespace {

std::uint64_t next_kernel_id() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

// One copy of each name for the life of the process: failures are reported after unloading, too.
const std::string* lasting(const std::string& name) {
  static auto* const mutex = new std::mutex;
  static auto* const names = new std::set<std::string>;
  const std::lock_guard lock(*mutex);
  return &*names->insert(name).first;
}

ze::Result create_kernel(ze::Module module, const std::string& name, OwnedKernel& out) {
  ze::KernelDesc desc;
  desc.name = name.c_str();
  ze::Kernel kernel = nullptr;
  const ze::Result code = api().kernel_create(module, &desc, &kernel);
  if (code == ze::kSuccess) out = OwnedKernel(kernel);
  return code;
}

// The dialect puts a prefix before the names of its kernels (kernels/dialect/opencl.h); code of the
// user's own has none.
OwnedKernel make_kernel(ze::Module module, const std::string& name) {
  OwnedKernel kernel;
  ze::Result code = create_kernel(module, "sampan_kernel_" + name, kernel);
  if (code == ze::kInvalidKernelName) code = create_kernel(module, name, kernel);
  check(code, "zeKernelCreate", During::kBuild, "Looking up kernel '" + name + "'");
  return kernel;
}

sampan_code_t load(sampan_device_t* device, const sampan_module_desc_t* desc, sampan_module_t** out,
                   sampan_error_t* error) {
  return guarded(*device, error,
                 [&] { *out = std::make_unique<sampan_module>(*device, *desc).release(); });
}

void unload(sampan_module_t* module) { delete module; }

sampan_code_t kernel(sampan_module_t* module, const char* name, sampan_kernel_t** out,
                     sampan_error_t* error) {
  return guarded(module->device(), error, [&] { *out = module->kernel(name); });
}

sampan_code_t kernel_info(sampan_kernel_t* kernel, sampan_kernel_info_t* out,
                          sampan_error_t* error) {
  return guarded(kernel->device(), error, [&] {
    sampan_kernel_info_t info = kernel->info();
    info.size = std::min<std::uint32_t>(out->size, sizeof info);
    std::memcpy(out, &info, info.size);
  });
}

sampan_code_t binary(sampan_module_t* module,
                     void (*sink)(void* context, const void* bytes, std::uint64_t size_bytes),
                     void* context, sampan_error_t* error) {
  return guarded(module->device(), error, [&] {
    const common::Bytes bytes = module->binary();
    sink(context, bytes.data(), bytes.size());
  });
}

}  // namespace

const sampan_module_table_t kModuleTable = {
    .size = sizeof(sampan_module_table_t),
    .reserved = 0,
    .load = load,
    .unload = unload,
    .kernel = kernel,
    .kernel_info = kernel_info,
    .binary = binary,
};

Kernel::Kernel(Device& device, std::shared_ptr<Program> program, const std::string& name)
    : device_(device), program_(std::move(program)), name_(lasting(name)), id_(next_kernel_id()) {
  const OwnedKernel kernel = make();
  check(api().kernel_get_properties(kernel.get(), &properties_), "zeKernelGetProperties",
        During::kQuery, "Looking up kernel '" + name + "'");
}

OwnedKernel Kernel::make() const { return make_kernel(program_->handle.get(), *name_); }

sampan_kernel_info_t Kernel::info() const {
  sampan_kernel_info_t info{};
  std::ranges::copy(properties_.group, info.group);
  info.max_group_items = device_.facts().compute.max_group_items;
  info.arg_count = properties_.argument_count;
  info.local_bytes = properties_.local_bytes;
  info.private_bytes = std::uint64_t{properties_.private_bytes} + properties_.spill_bytes;
  return info;
}

Module::Module(Device& device, const sampan_module_desc_t& desc)
    : device_(device), program_(std::make_shared<Program>(build_module(device, desc))) {}

Module::~Module() {
  program_->unloaded.store(true, std::memory_order_relaxed);
  device_.unload_epoch.fetch_add(1, std::memory_order_release);
}

sampan_kernel* Module::kernel(const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto& slot = kernels_[name];
  if (slot == nullptr) {
    try {
      slot = std::make_unique<sampan_kernel>(device_, program_, name);
    } catch (...) {
      kernels_.erase(name);
      throw;
    }
  }
  return slot.get();
}

common::Bytes Module::binary() const { return packed_binary(device_, program_->handle.get()); }

}  // namespace sampan::level_zero
