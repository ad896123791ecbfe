// Modules, their build logs, kernels.
#include <algorithm>
#include <cstring>
#include <span>

#include "tables.h"
#include "work.h"

namespace sampan::emulator::ze {
namespace {

struct BuildLog {
  std::string text;
};

// What stands for a native binary: a mark, a checksum and the SPIR-V that it was made of.
struct NativeHead {
  char mark[8] = {'S', 'A', 'M', 'P', 'A', 'N', 'Z', 'E'};
  std::uint64_t checksum = 0;
};

// FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
std::uint64_t checksum_of(std::span<const std::byte> bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::byte b : bytes) {
    hash = (hash ^ std::to_integer<std::uint64_t>(b)) * 0x100000001b3u;
  }
  return hash;
}

std::span<const std::byte> unpack(std::span<const std::byte> native) {
  NativeHead head;
  require(native.size() > sizeof head, ZE_RESULT_ERROR_INVALID_NATIVE_BINARY);
  std::memcpy(&head, native.data(), sizeof head);
  const auto code = native.subspan(sizeof head);
  const bool ours = std::memcmp(head.mark, NativeHead{}.mark, sizeof head.mark) == 0;
  require(ours && head.checksum == checksum_of(code), ZE_RESULT_ERROR_INVALID_NATIVE_BINARY);
  return code;
}

ze_result_t create(ze_context_handle_t context, ze_device_handle_t device,
                   const ze_module_desc_t* desc, ze_module_handle_t* out,
                   ze_module_build_log_handle_t* log) {
  const auto owner = find<Context>(context);
  owner->check(device_of(device));
  require_desc(desc, ZE_STRUCTURE_TYPE_MODULE_DESC);
  require_pointer(desc->pInputModule);
  require_pointer(out);
  require(desc->inputSize != 0, ZE_RESULT_ERROR_INVALID_SIZE);
  require(desc->format <= ZE_MODULE_FORMAT_NATIVE, ZE_RESULT_ERROR_INVALID_ENUMERATION);
  std::span<const std::byte> code{reinterpret_cast<const std::byte*>(desc->pInputModule),
                                  desc->inputSize};
  if (desc->format == ZE_MODULE_FORMAT_NATIVE) code = unpack(code);
  auto text = std::make_shared<BuildLog>();
  auto module = std::make_shared<Module>();
  module->context = owner;
  module->program = Program::compile(code, text->text);
  if (log != nullptr) give(log, std::move(text));
  if (module->program == nullptr) return ZE_RESULT_ERROR_MODULE_BUILD_FAILURE;
  give(out, std::move(module));
  return ZE_RESULT_SUCCESS;
}

ze_result_t destroy(ze_module_handle_t handle) {
  const auto module = find<Module>(handle);
  (void)take<Module>(handle);
  return ZE_RESULT_SUCCESS;
}

ze_result_t native_binary(ze_module_handle_t handle, std::size_t* bytes, std::uint8_t* out) {
  const auto module = find<Module>(handle);
  require_pointer(bytes);
  const auto code = module->program->spirv();
  NativeHead head;
  head.checksum = checksum_of(code);
  const std::size_t all = sizeof head + code.size();
  if (out != nullptr) {
    require(*bytes >= all, ZE_RESULT_ERROR_INVALID_SIZE);
    std::memcpy(out, &head, sizeof head);
    std::memcpy(out + sizeof head, code.data(), code.size());
  }
  *bytes = all;
  return ZE_RESULT_SUCCESS;
}

ze_result_t kernel_names(ze_module_handle_t handle, std::uint32_t* count, const char** out) {
  const auto module = find<Module>(handle);
  require_pointer(count);
  const auto& kernels = module->program->kernels();
  const auto there = static_cast<std::uint32_t>(kernels.size());
  if (*count != 0 && out != nullptr) {
    auto it = kernels.begin();
    for (std::uint32_t i = 0; i < std::min(*count, there); ++i) out[i] = (it++)->first.c_str();
  }
  *count = there;
  return ZE_RESULT_SUCCESS;
}

ze_result_t log_destroy(ze_module_build_log_handle_t handle) {
  (void)take<BuildLog>(handle);
  return ZE_RESULT_SUCCESS;
}

// Texts of the driver's are copied with their zero; a call without room asks for the size.
ze_result_t give_text(const std::string& text, std::size_t* bytes, char* out) {
  require_pointer(bytes);
  if (out != nullptr && *bytes != 0) {
    const std::size_t kept = std::min(*bytes - 1, text.size());
    std::memcpy(out, text.data(), kept);
    out[kept] = '\0';
  }
  *bytes = text.size() + 1;
  return ZE_RESULT_SUCCESS;
}

ze_result_t log_string(ze_module_build_log_handle_t handle, std::size_t* bytes, char* out) {
  return give_text(find<BuildLog>(handle)->text, bytes, out);
}

ze_result_t kernel_create(ze_module_handle_t handle, const ze_kernel_desc_t* desc,
                          ze_kernel_handle_t* out) {
  const auto module = find<Module>(handle);
  require_desc(desc, ZE_STRUCTURE_TYPE_KERNEL_DESC);
  require_pointer(desc->pKernelName);
  require_pointer(out);
  const auto& kernels = module->program->kernels();
  const auto found = kernels.find(desc->pKernelName);
  require(found != kernels.end(), ZE_RESULT_ERROR_INVALID_KERNEL_NAME);
  auto kernel = std::make_shared<Kernel>();
  kernel->module = module;
  kernel->name = found->first;
  kernel->signature = &found->second;
  kernel->arguments.resize(found->second.arguments.size());
  give(out, std::move(kernel));
  return ZE_RESULT_SUCCESS;
}

ze_result_t kernel_destroy(ze_kernel_handle_t handle) {
  (void)take<Kernel>(handle);
  return ZE_RESULT_SUCCESS;
}

ze_result_t kernel_set_group(ze_kernel_handle_t handle, std::uint32_t x, std::uint32_t y,
                             std::uint32_t z) {
  const auto kernel = find<Kernel>(handle);
  require(x != 0 && y != 0 && z != 0 && std::uint64_t{x} * y * z <= 1024,
          ZE_RESULT_ERROR_INVALID_GROUP_SIZE_DIMENSION);
  kernel->group = {x, y, z};
  return ZE_RESULT_SUCCESS;
}

ze_result_t kernel_suggest_group(ze_kernel_handle_t handle, std::uint32_t x, std::uint32_t,
                                 std::uint32_t, std::uint32_t* out_x, std::uint32_t* out_y,
                                 std::uint32_t* out_z) {
  (void)find<Kernel>(handle);
  require_pointer(out_x);
  require_pointer(out_y);
  require_pointer(out_z);
  *out_x = std::clamp(x, 1u, 64u);
  *out_y = *out_z = 1;
  return ZE_RESULT_SUCCESS;
}

ze_result_t kernel_set_argument(ze_kernel_handle_t handle, std::uint32_t index, std::size_t bytes,
                                const void* value) {
  const auto kernel = find<Kernel>(handle);
  require(index < kernel->arguments.size(), ZE_RESULT_ERROR_INVALID_KERNEL_ARGUMENT_INDEX);
  KernelArgument& argument = kernel->arguments[index];
  const char kind = kernel->signature->arguments[index];
  if (kind == 'l') {
    require(value == nullptr && bytes != 0, ZE_RESULT_ERROR_INVALID_KERNEL_ARGUMENT_SIZE);
    argument.local_bytes = bytes;
  } else if (kind == 'g') {
    require(bytes == sizeof(void*), ZE_RESULT_ERROR_INVALID_KERNEL_ARGUMENT_SIZE);
    argument.value.assign(bytes, std::byte{0});
    if (value != nullptr) std::memcpy(argument.value.data(), value, bytes);
  } else {
    require_pointer(value);
    argument.value.resize(bytes);
    std::memcpy(argument.value.data(), value, bytes);
  }
  argument.set = true;
  return ZE_RESULT_SUCCESS;
}

ze_result_t kernel_set_indirect(ze_kernel_handle_t handle, ze_kernel_indirect_access_flags_t) {
  (void)find<Kernel>(handle);
  return ZE_RESULT_SUCCESS;
}

ze_result_t kernel_properties(ze_kernel_handle_t handle, ze_kernel_properties_t* out) {
  const auto kernel = find<Kernel>(handle);
  require_pointer(out);
  const KernelFacts facts = kernel->module->program->facts(kernel->name);
  out->numKernelArgs = static_cast<std::uint32_t>(kernel->arguments.size());
  out->requiredGroupSizeX = kernel->signature->group[0];
  out->requiredGroupSizeY = kernel->signature->group[1];
  out->requiredGroupSizeZ = kernel->signature->group[2];
  out->requiredNumSubGroups = out->requiredSubgroupSize = 0;
  out->maxSubgroupSize = out->maxNumSubgroups = 1;
  out->localMemSize = static_cast<std::uint32_t>(facts.local_bytes);
  out->privateMemSize = static_cast<std::uint32_t>(facts.private_bytes);
  out->spillMemSize = 0;
  out->uuid = {};
  return ZE_RESULT_SUCCESS;
}

ze_result_t kernel_name(ze_kernel_handle_t handle, std::size_t* bytes, char* out) {
  return give_text(find<Kernel>(handle)->name, bytes, out);
}

}  // namespace

template <>
HandleTable<Module>& table_of() {
  static auto* const table = new HandleTable<Module>(Kind::module);
  return *table;
}

template <>
HandleTable<BuildLog>& table_of() {
  static auto* const table = new HandleTable<BuildLog>(Kind::log);
  return *table;
}

template <>
HandleTable<Kernel>& table_of() {
  static auto* const table = new HandleTable<Kernel>(Kind::kernel);
  return *table;
}

void fill(ze_module_dditable_t& table) {
  table.pfnCreate = kEntry<"zeModuleCreate", create>;
  table.pfnDestroy = kFreeingEntry<"zeModuleDestroy", destroy>;
  table.pfnGetNativeBinary = kEntry<"zeModuleGetNativeBinary", native_binary>;
  table.pfnGetKernelNames = kEntry<"zeModuleGetKernelNames", kernel_names>;
}

void fill(ze_module_build_log_dditable_t& table) {
  table.pfnDestroy = kFreeingEntry<"zeModuleBuildLogDestroy", log_destroy>;
  table.pfnGetString = kEntry<"zeModuleBuildLogGetString", log_string>;
}

void fill(ze_kernel_dditable_t& table) {
  table.pfnCreate = kEntry<"zeKernelCreate", kernel_create>;
  table.pfnDestroy = kFreeingEntry<"zeKernelDestroy", kernel_destroy>;
  table.pfnSetGroupSize = kEntry<"zeKernelSetGroupSize", kernel_set_group>;
  table.pfnSuggestGroupSize = kEntry<"zeKernelSuggestGroupSize", kernel_suggest_group>;
  table.pfnSetArgumentValue = kEntry<"zeKernelSetArgumentValue", kernel_set_argument>;
  table.pfnSetIndirectAccess = kEntry<"zeKernelSetIndirectAccess", kernel_set_indirect>;
  table.pfnGetProperties = kEntry<"zeKernelGetProperties", kernel_properties>;
  table.pfnGetName = kEntry<"zeKernelGetName", kernel_name>;
}

}  // namespace sampan::emulator::ze
