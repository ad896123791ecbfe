#include "backends/cuda_like/module.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include "backends/common/text.h"
#include "backends/cuda_like/program.h"

namespace sampan::cuda_like {
namespace {

// One copy of each name for the life of the process: failures are reported after unloading, too.
const std::string* lasting(const std::string& name) {
  static auto* const kMutex = new std::mutex;
  static auto* const kNames = new std::set<std::string>;
  const std::lock_guard lock(*kMutex);
  return &*kNames->insert(name).first;
}

// 0 where the driver doesn't tell.
std::uint32_t fact(DriverFunction function, int attribute) {
  int value = 0;
  if (api().function_attribute(&value, attribute, function) != kSuccess) return 0;
  return static_cast<std::uint32_t>(std::max(value, 0));
}

sampan_code_t load(sampan_device_t* device, const sampan_module_desc_t* desc, sampan_module_t** out,
                   sampan_error_t* error) {
  return guarded(*device->context(), error,
                 [&] { *out = std::make_unique<sampan_module>(*device, *desc).release(); });
}

void unload(sampan_module_t* module) { dispose(module); }

sampan_code_t kernel(sampan_module_t* module, const char* name, sampan_kernel_t** out,
                     sampan_error_t* error) {
  return guarded(*module->device().context(), error, [&] { *out = module->kernel(name); });
}

sampan_code_t kernel_info(sampan_kernel_t* kernel, sampan_kernel_info_t* out,
                          sampan_error_t* error) {
  return guarded(error, [&] {
    sampan_kernel_info_t info = kernel->info();
    info.size = std::min<std::uint32_t>(out->size, sizeof info);
    std::memcpy(out, &info, info.size);
  });
}

sampan_code_t binary(sampan_module_t* module,
                     void (*sink)(void* context, const void* bytes, std::uint64_t size_bytes),
                     void* context, sampan_error_t* error) {
  return guarded(error, [&] {
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

Kernel::Kernel(Device& device, DriverModule module, const std::string& name)
    : device_(device),
      name_(lasting(name)),
      allowed_bytes_(static_cast<std::uint32_t>(device.facts().shared_default_bytes)) {
  find(module, name);
  info_.max_group_items = fact(function_, kFunctionMaxThreads);
  info_.arg_count = std::numeric_limits<std::uint32_t>::max();
  info_.local_bytes = fact(function_, kFunctionSharedBytes);
  info_.private_bytes = fact(function_, kFunctionLocalBytes);
  info_.registers = fact(function_, kFunctionRegisters);
  if (of_dialect_) read_group(module, name);
}

// The dialect puts a prefix before the names of its kernels (kernels/dialect/cuda_like.h).
void Kernel::find(DriverModule module, const std::string& name) {
  constexpr Result kNotFound = 500;
  const std::string full = "sampan_kernel_" + name;
  const std::string doing = "Looking up kernel " + common::in_quotes(name);
  const auto& look_up = api().module_function;
  Result code = look_up(&function_, module, full.c_str());
  of_dialect_ = code == kSuccess;
  if (code == kNotFound) code = look_up(&function_, module, name.c_str());
  if (code == kSuccess) return;
  Failure failure = failure_of(code, look_up.symbol, During::kBuild, doing);
  if (code == kNotFound) failure.message += "; the module has no kernel of that name";
  throw failure;
}

void Kernel::read_group(DriverModule module, const std::string& name) {
  const std::string doing = "Looking up kernel " + common::in_quotes(name);
  Address at = 0;
  std::size_t bytes = 0;
  check(api().module_global, During::kBuild, doing, &at, &bytes, module,
        ("sampan_group_" + name).c_str());
  const std::lock_guard lock(device_.service_mutex());
  const DriverStream stream = device_.service_stream();
  check(api().copy_to_host, During::kSubmission, doing, static_cast<void*>(info_.group), at,
        std::min(bytes, sizeof info_.group), stream);
  check(api().stream_synchronize, During::kExecution, doing, stream);
}

void Kernel::allow(std::uint32_t bytes) {
  if (api().function_set_attribute) {
    check(api().function_set_attribute, During::kSubmission,
          "Giving kernel " + common::in_quotes(*name_) + " " + std::to_string(bytes) +
              " bytes of local memory",
          function_, kFunctionMaxDynamicShared, static_cast<int>(bytes));
  }
  std::uint32_t allowed = allowed_bytes_.load();
  while (allowed < bytes && !allowed_bytes_.compare_exchange_weak(allowed, bytes)) {
  }
}

Module::Module(Device& device, const sampan_module_desc_t& desc)
    : device_(device), image_(make_image(device, desc)) {
  handle_ = load_image(device, image_, desc);
}

Module::~Module() {
  quietly(*device_.context(), [this] { (void)api().module_unload(handle_); });
}

sampan_kernel* Module::kernel(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = kernels_.find(name);
  if (found != kernels_.end()) return found->second.get();
  auto made = std::make_unique<sampan_kernel>(device_, handle_, name);
  return kernels_.emplace(name, std::move(made)).first->second.get();
}

common::Bytes Module::binary() const { return pack_image(device_, image_); }

}  // namespace sampan::cuda_like
