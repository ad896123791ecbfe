#include "backends/cpu/module.h"

#include <cstring>

#include "backends/cpu/compiler.h"
#include "backends/cpu/kernel_binary.h"

namespace sampan::cpu {
namespace {

// A launch's arguments must fit into a record of the stream's queue.
constexpr std::uint32_t kMaxArgs = 512;

void check_kernel(const sampan_cpu_kernel& code, const char* name) {
  const std::string subject = std::string("kernel '") + name + "' ";
  if (code.abi != SAMPAN_CPU_ABI) {
    throw KernelLibraryError(subject +
                             "was compiled with another version of Sampan's headers; "
                             "compile it anew");
  }
  if (code.arg_count > kMaxArgs) {
    throw KernelLibraryError(subject + "takes more than " + std::to_string(kMaxArgs) +
                             " arguments; pass them in a buffer");
  }
  const std::uint64_t items =
      std::uint64_t{code.group_size[0]} * code.group_size[1] * code.group_size[2];
  if (code.run_groups == nullptr && items > FiberGroup::kMaxItems) {
    throw KernelLibraryError(subject + "has barriers and groups of " + std::to_string(items) +
                             " items, of which a CPU takes " +
                             std::to_string(FiberGroup::kMaxItems) +
                             "; compile it with smaller groups");
  }
}

// Copies the log to where the caller wants it.
void put_detail(sampan_error_t* error, const std::string& log) {
  if (error->detail == nullptr || error->detail_bytes == 0) return;
  const std::size_t bytes = std::min<std::size_t>(log.size(), error->detail_bytes - 1);
  std::memcpy(error->detail, log.data(), bytes);
  error->detail[bytes] = '\0';
}

template <typename Body>
sampan_code_t guarded_load(sampan_error_t* error, Body body) noexcept {
  return guarded(error, [&]() -> sampan_code_t {
    try {
      return body();
    } catch (const CompileError& failure) {
      put_detail(error, failure.log);
      return fail(error, SAMPAN_COMPILE_FAILED, "%s", failure.what());
    } catch (const NoCompiler& failure) {
      return fail(error, SAMPAN_UNSUPPORTED, "%s", failure.what());
    } catch (const KernelLibraryError& failure) {
      return fail(error, SAMPAN_INVALID_BINARY, "%s", failure.what());
    } catch (const std::runtime_error& failure) {
      return fail(error, SAMPAN_DRIVER_ERROR, "%s", failure.what());
    }
  });
}

std::unique_ptr<sampan_module> new_module(Device& device, const sampan_module_desc_t& desc) {
  return std::make_unique<sampan_module>(sampan_module{{device, desc.name, nullptr, {}}});
}

sampan_code_t load_source(Device& device, const sampan_module_desc_t& desc, sampan_module_t** out) {
  auto module = new_module(device, desc);
  const BuiltinModule* builtin =
      desc.builtin != 0 ? find_builtin(desc.name, desc.options, device.isa()) : nullptr;
  if (builtin != nullptr) {
    module->code = std::make_unique<ModuleCode>(*builtin);
  } else {
    const common::Bytes object =
        compile_kernels({.name = desc.name,
                         .text = {static_cast<const char*>(desc.code), desc.code_bytes},
                         .options = desc.options,
                         .isa = device.isa()});
    module->code = std::make_unique<ModuleCode>(KernelLibrary(object));
    module->binary = pack_kernel_binary(object, device.isa());
  }
  *out = module.release();
  return SAMPAN_OK;
}

sampan_code_t load_native(Device& device, const sampan_module_desc_t& desc, sampan_module_t** out,
                          sampan_error_t* error) {
  const common::ByteView binary(static_cast<const std::byte*>(desc.code), desc.code_bytes);
  std::string reason;
  const auto object = unpack_kernel_binary(binary, device.isa(), reason);
  if (!object) {
    return fail(error, SAMPAN_INVALID_BINARY, "the binary of '%s' can't be loaded: %s", desc.name,
                reason.c_str());
  }
  auto module = new_module(device, desc);
  module->code = std::make_unique<ModuleCode>(KernelLibrary(*object));
  module->binary.assign(binary.begin(), binary.end());
  *out = module.release();
  return SAMPAN_OK;
}

sampan_code_t module_load(sampan_device_t* device, const sampan_module_desc_t* desc,
                          sampan_module_t** out, sampan_error_t* error) {
  return guarded_load(error, [&]() -> sampan_code_t {
    if (const auto code = device->check(error); code != SAMPAN_OK) return code;
    switch (desc->format) {
      case SAMPAN_FORMAT_SOURCE:
        return load_source(*device, *desc, out);
      case SAMPAN_FORMAT_NATIVE:
        return load_native(*device, *desc, out, error);
      default:
        return fail(error, SAMPAN_UNSUPPORTED,
                    "a CPU takes kernels as source or as its own binaries, and '%s' is neither",
                    desc->name);
    }
  });
}

void module_unload(sampan_module_t* module) {
  module->device.retire(std::move(module->code));
  delete module;
}

sampan_code_t module_kernel(sampan_module_t* module, const char* name, sampan_kernel_t** out,
                            sampan_error_t* error) {
  return guarded_load(error, [&]() -> sampan_code_t {
    if (const auto code = module->device.check(error); code != SAMPAN_OK) return code;
    sampan_kernel* kernel = module->code->find(name);
    if (kernel == nullptr) {
      return fail(error, SAMPAN_NOT_FOUND, "module '%s' has no kernel named '%s'",
                  module->name.c_str(), name);
    }
    *out = kernel;
    return SAMPAN_OK;
  });
}

sampan_code_t module_kernel_info(sampan_kernel_t* kernel, sampan_kernel_info_t* out,
                                 sampan_error_t*) {
  sampan_kernel_info_t info{};
  info.size = sizeof info;
  std::memcpy(info.group, kernel->code->group_size, sizeof info.group);
  info.max_group_items = info.group[0] * info.group[1] * info.group[2];
  info.arg_count = kernel->code->arg_count;
  info.local_bytes = kernel->code->flat != 0 ? 0 : kernel->code->local_bytes_max;
  copy_out(out, info);
  return SAMPAN_OK;
}

sampan_code_t module_binary(sampan_module_t* module,
                            void (*sink)(void* context, const void* bytes,
                                         std::uint64_t size_bytes),
                            void* context, sampan_error_t* error) {
  if (module->binary.empty()) {
    return fail(error, SAMPAN_UNSUPPORTED,
                "module '%s' was compiled ahead of time into the CPU backend and has no binary of "
                "its own",
                module->name.c_str());
  }
  sink(context, module->binary.data(), module->binary.size());
  return SAMPAN_OK;
}

}  // namespace

const sampan_cpu_kernel* ModuleCode::code_of(const char* name) const {
  if (builtin_ == nullptr) return library_.find(name);
  for (const sampan_cpu_kernel* kernel : builtin_->kernels) {
    if (std::strcmp(kernel->name, name) == 0) return kernel;
  }
  return nullptr;
}

sampan_kernel* ModuleCode::find(const char* name) {
  const std::lock_guard lock(mutex_);
  if (const auto known = kernels_.find(std::string_view(name)); known != kernels_.end()) {
    return known->second.get();
  }
  const sampan_cpu_kernel* code = code_of(name);
  if (code == nullptr) return nullptr;
  check_kernel(*code, name);
  return kernels_.emplace(name, std::make_unique<sampan_kernel>(*code)).first->second.get();
}

const sampan_module_table_t kModuleTable = {
    .size = sizeof(sampan_module_table_t),
    .reserved = 0,
    .load = module_load,
    .unload = module_unload,
    .kernel = module_kernel,
    .kernel_info = module_kernel_info,
    .binary = module_binary,
};

}  // namespace sampan::cpu
