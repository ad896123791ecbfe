#include "backends/cuda_like/vendor.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "backends/cuda_like/image.h"
#include "backends/hip/api.h"

namespace sampan::hip {

Api& api() {
  static Api the_api;
  return the_api;
}

namespace {

using cuda_like::CompilerApi;
using cuda_like::Context;
using cuda_like::DriverApi;
using cuda_like::kSuccess;
using cuda_like::Shape;
using cuda_like::SymbolRow;

std::vector<SymbolRow> driver_symbols(DriverApi& a) {
  Api& own = api();
  const auto optional = [](auto&&... row) { return SymbolRow::optional(row...); };
  return {
      {"hipInit", &a.init},
      {"hipDriverGetVersion", &a.driver_version},
      {"hipGetDeviceCount", &a.device_count},
      {"hipDeviceGet", &a.device_get},
      {"hipDeviceGetName", &a.device_name},
      {"hipDeviceTotalMem", &a.device_total_memory},
      {"hipDeviceGetUuid", &a.device_uuid},
      {"hipDeviceGetPCIBusId", &a.device_pci_bus_id},
      {"hipDeviceGetAttribute", &a.device_attribute},
      {"hipMemGetInfo", &a.memory_info},
      {"hipMalloc", &a.allocate},
      {"hipFree", &a.free},
      {"hipHostMalloc", &a.host_allocate},
      {"hipHostFree", &a.host_free},
      {"hipHostGetDevicePointer", &a.host_device_address},
      {"hipHostRegister", &a.host_register},
      {"hipHostUnregister", &a.host_unregister},
      {"hipMemcpyHtoDAsync", &a.copy_to_device},
      {"hipMemcpyDtoHAsync", &a.copy_to_host},
      {"hipMemsetD8Async", &a.fill8},
      {"hipMemsetD16Async", &a.fill16},
      {"hipMemsetD32Async", &a.fill32},
      {"hipStreamCreateWithPriority", &a.stream_create},
      {"hipStreamDestroy", &a.stream_destroy},
      {"hipStreamSynchronize", &a.stream_synchronize},
      {"hipStreamQuery", &a.stream_query},
      {"hipStreamWaitEvent", &a.stream_wait_event},
      {"hipEventCreateWithFlags", &a.event_create},
      {"hipEventDestroy", &a.event_destroy},
      {"hipEventRecord", &a.event_record},
      {"hipEventQuery", &a.event_query},
      {"hipEventSynchronize", &a.event_synchronize},
      {"hipEventElapsedTime", &a.event_elapsed_ms},
      {"hipModuleLoadDataEx", &a.module_load},
      {"hipModuleUnload", &a.module_unload},
      {"hipModuleGetFunction", &a.module_function},
      {"hipModuleGetGlobal", &a.module_global},
      {"hipFuncGetAttribute", &a.function_attribute},
      {"hipModuleLaunchKernel", &a.launch},
      {"hipGetErrorName", &own.get_error_name},
      {"hipSetDevice", &own.set_device},
      {"hipGetDevice", &own.get_device},
      {"hipDeviceReset", &own.reset_device},
      {"hipMemcpyAsync", &own.copy},
      {"hipMemcpy2DAsync", &own.copy_2d},
      optional("hipLaunchHostFunc", &a.launch_host_function),
      optional("hipModuleLaunchCooperativeKernel", &a.launch_cooperative),
      optional("hipModuleOccupancyMaxActiveBlocksPerMultiprocessor", &a.occupancy),
      optional("hipStreamWriteValue32", &a.stream_write_value),
      optional("hipDeviceCanAccessPeer", &a.can_access_peer),
      optional("hipGraphCreate", &a.graph_create),
      optional("hipGraphDestroy", &a.graph_destroy),
      optional("hipGraphLaunch", &a.graph_launch),
      optional("hipGraphExecDestroy", &a.exec_destroy),
      optional("hipGetDevicePropertiesR0600", &own.get_properties, "hipGetDeviceProperties"),
      optional("hipDeviceEnablePeerAccess", &own.enable_peer),
      optional("hipMemcpyPeerAsync", &own.copy_peer),
      optional("hipStreamWaitValue32", &own.wait_value),
      optional("hipGraphAddKernelNode", &own.add_kernel),
      optional("hipGraphAddMemcpyNode1D", &own.add_copy),
      optional("hipGraphAddMemsetNode", &own.add_fill),
      optional("hipGraphInstantiate", &own.instantiate),
      optional("hipGraphExecKernelNodeSetParams", &own.set_kernel),
  };
}

// HIP knows a current device, by number, which is never none.
Context context_of(int device) {
  return reinterpret_cast<Context>(static_cast<std::intptr_t>(device) + 1);
}
int device_of(Context context) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(context) - 1);
}

const char* error_name(Result code) {
  const char* const name = api().get_error_name(code);
  return name != nullptr ? name : "an error";
}

Result context_get(Context* out) {
  int device = 0;
  const Result code = api().get_device(&device);
  if (code == kSuccess) *out = context_of(device);
  return code;
}

Result context_set(Context context) { return api().set_device(device_of(context)); }

// Runs `call` with `device` current.
template <typename Call>
Result on_device(int device, Call&& call) {
  int before = 0;
  Result code = api().get_device(&before);
  if (code != kSuccess) return code;
  code = api().set_device(device);
  if (code == kSuccess) code = call();
  (void)api().set_device(before);
  return code;
}

// The driver makes a device's context when the device becomes current, and keeps it.
Result context_retain(Context* out, Ordinal device) {
  const Result code = on_device(device, [] { return kSuccess; });
  if (code == kSuccess) *out = context_of(device);
  return code;
}

Result context_release(Ordinal) { return kSuccess; }

Result context_reset(Ordinal device) {
  return on_device(device, [] { return api().reset_device(); });
}

Result enable_peer(Context, Context peer) {
  constexpr Result kAlreadyEnabled = 704;
  const Result code = api().enable_peer(device_of(peer), 0u);
  return code == kAlreadyEnabled ? kSuccess : code;
}

Result copy(Address dst, Address src, std::size_t bytes, DriverStream stream) {
  return api().copy(dst, src, bytes, kCopyDefault, stream);
}

Result copy_2d(const cuda_like::Copy2d& rows, DriverStream stream) {
  return api().copy_2d(rows.dst, rows.dst_pitch_bytes, rows.src, rows.src_pitch_bytes,
                       rows.row_bytes, rows.rows, kCopyDefault, stream);
}

Result copy_peer(Address dst, Context dst_context, Address src, Context src_context,
                 std::size_t bytes, DriverStream stream) {
  return api().copy_peer(dst, device_of(dst_context), src, device_of(src_context), bytes, stream);
}

Result wait_value(DriverStream stream, Address address, std::uint32_t value) {
  return api().wait_value(stream, address, value, cuda_like::kWaitValueGreaterOrEqual, ~0u);
}

KernelNodeParams params_of(const cuda_like::KernelNode& node) {
  KernelNodeParams params{};
  params.function = node.function;
  std::ranges::copy(node.grid, params.grid);
  std::ranges::copy(node.group, params.group);
  params.shared_bytes = node.shared_bytes;
  params.arguments = node.arguments;
  return params;
}

Result add_kernel(DriverNode* out, DriverGraph graph, const DriverNode* after,
                  const cuda_like::KernelNode& node) {
  const KernelNodeParams params = params_of(node);
  return api().add_kernel(out, graph, after, std::size_t{after != nullptr}, &params);
}

Result set_kernel(DriverExec exec, DriverNode node, const cuda_like::KernelNode& what) {
  const KernelNodeParams params = params_of(what);
  return api().set_kernel(exec, node, &params);
}

Result add_copy(DriverNode* out, DriverGraph graph, const DriverNode* after, Context, Address dst,
                Address src, std::size_t bytes) {
  return api().add_copy(out, graph, after, std::size_t{after != nullptr}, dst, src, bytes,
                        kCopyDefault);
}

Result add_fill(DriverNode* out, DriverGraph graph, const DriverNode* after, Context,
                const cuda_like::FillNode& fill) {
  const MemsetParams what{fill.dst,         fill.element_bytes, fill.rows,
                          fill.pitch_bytes, fill.value,         fill.width};
  return api().add_fill(out, graph, after, std::size_t{after != nullptr}, &what);
}

Result instantiate(DriverExec* out, DriverGraph graph) {
  return api().instantiate(out, graph, nullptr, nullptr, std::size_t{0});
}

Shape shape() {
  const Api& own = api();
  Shape s;
  s.error_name = {error_name, own.get_error_name.symbol};
  s.context_retain = {context_retain, own.set_device.symbol};
  s.context_release = {context_release, own.set_device.symbol};
  s.context_reset = {context_reset, own.reset_device.symbol};
  s.context_get = {context_get, own.get_device.symbol};
  s.context_set = {context_set, own.set_device.symbol};
  s.copy = {copy, own.copy.symbol};
  s.copy_2d = {copy_2d, own.copy_2d.symbol};
  if (own.copy_peer) s.copy_peer = {copy_peer, own.copy_peer.symbol};
  if (own.enable_peer) s.enable_peer = {enable_peer, own.enable_peer.symbol};
  if (own.wait_value) s.wait_value = {wait_value, own.wait_value.symbol};
  if (own.add_kernel) s.add_kernel = {add_kernel, own.add_kernel.symbol};
  if (own.add_copy) s.add_copy = {add_copy, own.add_copy.symbol};
  if (own.add_fill) s.add_fill = {add_fill, own.add_fill.symbol};
  if (own.instantiate) s.instantiate = {instantiate, own.instantiate.symbol};
  if (own.set_kernel) s.set_kernel = {set_kernel, own.set_kernel.symbol};
  return s;
}

std::string version_text(int version) {
  return std::to_string(version / 10'000'000) + "." + std::to_string(version / 100'000 % 100) +
         "." + std::to_string(version % 100'000);
}

std::vector<SymbolRow> compiler_symbols(CompilerApi& a) {
  return {
      {"hiprtcVersion", &a.version},        {"hiprtcGetErrorString", &a.error_text},
      {"hiprtcCreateProgram", &a.create},   {"hiprtcDestroyProgram", &a.destroy},
      {"hiprtcCompileProgram", &a.compile}, {"hiprtcGetProgramLogSize", &a.log_bytes},
      {"hiprtcGetProgramLog", &a.log},      {"hiprtcGetCodeSize", &a.code_bytes},
      {"hiprtcGetCode", &a.code},
  };
}

// The name is in hipDeviceProp_t::gcnArchName, "gfx90a:sramecc+:xnack-", whose place differs
// between releases; attributes tell only 9 and 0 of gfx90a, and the kernel's sysfs is not there in
// every container. So it is looked for in whatever the driver writes, with room to spare: the
// struct had 792 bytes in HIP 5 and has 1472 in HIP 6. Code for the plain name runs with all
// settings behind it.
std::string isa(Ordinal device, int, int) {
  if (!api().get_properties) return {};
  std::string properties(std::size_t{64} << 10, '\0');
  if (api().get_properties(properties.data(), device) != kSuccess) return {};
  const std::size_t at = properties.find("gfx");
  if (at == std::string::npos) return {};
  const auto end =
      std::find_if_not(properties.begin() + static_cast<std::ptrdiff_t>(at), properties.end(),
                       [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; });
  return std::string(properties.begin() + static_cast<std::ptrdiff_t>(at), end);
}

std::string fallback_arch(std::span<const int>, int, int) { return {}; }

bool starts_with(common::ByteView image, std::string_view head) {
  return common::text_of(image).starts_with(head);
}

std::string refusal(common::ByteView image) {
  constexpr std::uint16_t kMachine = 224;  // EM_AMDGPU
  if (cuda_like::is_elf(image)) return cuda_like::elf_refusal(image, kMachine);
  const bool bundle = starts_with(image, "__CLANG_OFFLOAD_BUNDLE__") || starts_with(image, "CCOB");
  return bundle ? "" : "is neither a code object nor a bundle of them";
}

constexpr const char* kDriverLibraries[] = {"libamdhip64.so.7", "libamdhip64.so.6",
                                            "libamdhip64.so.5"};
// Since ROCm 6 a library of its own, before in the driver's.
constexpr const char* kCompilerLibraries[] = {
    "libhiprtc.so.7", "libhiprtc.so.6", "libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so.5"};
constexpr const char* kCompilerOptions[] = {"-O3", nullptr};

}  // namespace
}  // namespace sampan::hip

namespace sampan::cuda_like {

const Vendor& vendor() {
  static const Vendor kVendor{
      .backend = "hip",
      .title = "HIP",
      .maker = "Advanced Micro Devices, Inc.",
      .build_id = "hip-" SAMPAN_VERSION,
      .language = SAMPAN_LANGUAGE_HIP,
      .tile_class = "hip",
      .attributes = {.max_group_items = 56,
                     .max_group = {26, 27, 28},
                     .max_grid = {29, 30, 31},
                     .shared_bytes = 74,
                     .shared_optin_bytes = -1,
                     .warp_size = 87,
                     .max_pitch_bytes = 58,
                     .multiprocessors = 63,
                     .capability_major = 23,
                     .capability_minor = 61,
                     .cooperative_launch = 10,
                     .wait_value = 10013},
      .driver_libraries = hip::kDriverLibraries,
      .driver_symbols = hip::driver_symbols,
      .shape = hip::shape,
      .version_text = hip::version_text,
      .compiler = "hipRTC",
      .compiler_libraries = hip::kCompilerLibraries,
      .compiler_symbols = hip::compiler_symbols,
      .compiler_hint = "install hipRTC, or load code compiled before",
      .compiler_options = hip::kCompilerOptions,
      .isa = hip::isa,
      .fallback_arch = hip::fallback_arch,
      .refusal = hip::refusal,
      .load_logs = false,
  };
  return kVendor;
}

}  // namespace sampan::cuda_like
