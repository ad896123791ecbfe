#include "backends/opencl/module.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include "backends/opencl/program.h"

namespace sampan::opencl {
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

// The dialect puts a prefix before the names of its kernels (kernels/dialect/opencl.h); OpenCL C of
// the user's own has none.
OwnedKernel make_kernel(cl::Program program, const std::string& name) {
  cl::Int code = cl::kSuccess;
  OwnedKernel kernel(api().create_kernel(program, ("sampan_kernel_" + name).c_str(), &code));
  if (code == cl::kInvalidKernelName) {
    kernel = OwnedKernel(api().create_kernel(program, name.c_str(), &code));
  }
  check(code, "clCreateKernel", During::kBuild, "Looking up kernel '" + name + "'");
  return kernel;
}

template <typename T>
T group_fact(const OwnedKernel& kernel, const Device& device, cl::Uint name) {
  T answer{};
  const cl::Int code = api().get_kernel_work_group_info(kernel.get(), device.id(), name,
                                                        sizeof answer, &answer, nullptr);
  return code == cl::kSuccess ? answer : T{};
}

sampan_code_t load(sampan_device_t* device, const sampan_module_desc_t* desc, sampan_module_t** out,
                   sampan_error_t* error) {
  return guarded(*device, error,
                 [&] { *out = std::make_unique<sampan_module>(*device, *desc).release(); });
}

void unload(sampan_module_t* module) { dispose(module); }

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
    const auto bytes = module->binary();
    if (bytes.empty()) {
      throw Failure(SAMPAN_UNSUPPORTED, "This driver doesn't give out its native code");
    }
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
    : device_(device),
      program_(std::move(program)),
      name_(lasting(name)),
      id_(next_kernel_id()),
      kernel_(make_kernel(program_->handle.get(), name)) {
  cl::Uint count = 0;
  check(api().get_kernel_info(kernel_.get(), cl::kKernelNumArgs, sizeof count, &count, nullptr),
        "clGetKernelInfo", During::kQuery, "Looking up kernel '" + name + "'");
  arg_count_ = count;
}

OwnedKernel Kernel::make() const { return make_kernel(program_->handle.get(), *name_); }

sampan_kernel_info_t Kernel::info() const {
  struct Size3 {
    std::size_t of[3];
  };
  sampan_kernel_info_t info{};
  const auto fixed = group_fact<Size3>(kernel_, device_, cl::kKernelCompileWorkGroupSize);
  std::ranges::transform(fixed.of, info.group,
                         [](std::size_t size) { return static_cast<std::uint32_t>(size); });
  info.max_group_items = static_cast<std::uint32_t>(
      group_fact<std::size_t>(kernel_, device_, cl::kKernelWorkGroupSize));
  info.arg_count = arg_count_;
  info.local_bytes = group_fact<cl::Ulong>(kernel_, device_, cl::kKernelLocalMemSize);
  info.private_bytes = group_fact<cl::Ulong>(kernel_, device_, cl::kKernelPrivateMemSize);
  return info;
}

Module::Module(Device& device, const sampan_module_desc_t& desc)
    : device_(device),
      name_(desc.name != nullptr ? desc.name : ""),
      program_(std::make_shared<Program>(build_program(device, desc))) {}

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

std::vector<std::byte> Module::binary() const {
  return program_binary(device_, program_->handle.get());
}

}  // namespace sampan::opencl
