#include "backends/cuda_like/vendor.h"

#include <algorithm>
#include <cstring>

#include "backends/cuda/api.h"
#include "backends/cuda_like/image.h"

namespace sampan::cuda {

Api& api() {
  static Api the_api;
  return the_api;
}

namespace {

using cuda_like::CompilerApi;
using cuda_like::DriverApi;
using cuda_like::kSuccess;
using cuda_like::Shape;
using cuda_like::SymbolRow;

std::vector<SymbolRow> driver_symbols(DriverApi& a) {
  Api& own = api();
  const auto optional = [](auto&&... row) { return SymbolRow::optional(row...); };
  return {
      {"cuInit", &a.init},
      {"cuDriverGetVersion", &a.driver_version},
      {"cuDeviceGetCount", &a.device_count},
      {"cuDeviceGet", &a.device_get},
      {"cuDeviceGetName", &a.device_name},
      {"cuDeviceTotalMem_v2", &a.device_total_memory},
      {"cuDeviceGetUuid_v2", &a.device_uuid, "cuDeviceGetUuid"},
      {"cuDeviceGetPCIBusId", &a.device_pci_bus_id},
      {"cuDeviceGetAttribute", &a.device_attribute},
      {"cuMemGetInfo_v2", &a.memory_info},
      {"cuMemAlloc_v2", &a.allocate},
      {"cuMemFree_v2", &a.free},
      {"cuMemHostAlloc", &a.host_allocate},
      {"cuMemFreeHost", &a.host_free},
      {"cuMemHostGetDevicePointer_v2", &a.host_device_address},
      {"cuMemHostRegister_v2", &a.host_register, "cuMemHostRegister"},
      {"cuMemHostUnregister", &a.host_unregister},
      {"cuMemcpyHtoDAsync_v2", &a.copy_to_device},
      {"cuMemcpyDtoHAsync_v2", &a.copy_to_host},
      {"cuMemsetD8Async", &a.fill8},
      {"cuMemsetD16Async", &a.fill16},
      {"cuMemsetD32Async", &a.fill32},
      {"cuStreamCreateWithPriority", &a.stream_create},
      {"cuStreamDestroy_v2", &a.stream_destroy},
      {"cuStreamSynchronize", &a.stream_synchronize},
      {"cuStreamQuery", &a.stream_query},
      {"cuStreamWaitEvent", &a.stream_wait_event},
      {"cuEventCreate", &a.event_create},
      {"cuEventDestroy_v2", &a.event_destroy},
      {"cuEventRecord", &a.event_record},
      {"cuEventQuery", &a.event_query},
      {"cuEventSynchronize", &a.event_synchronize},
      {"cuEventElapsedTime", &a.event_elapsed_ms, "cuEventElapsedTime_v2"},
      {"cuModuleLoadDataEx", &a.module_load},
      {"cuModuleUnload", &a.module_unload},
      {"cuModuleGetFunction", &a.module_function},
      {"cuModuleGetGlobal_v2", &a.module_global},
      {"cuFuncGetAttribute", &a.function_attribute},
      {"cuFuncSetAttribute", &a.function_set_attribute},
      {"cuLaunchKernel", &a.launch},
      {"cuGetErrorName", &own.get_error_name},
      {"cuDevicePrimaryCtxRetain", &own.primary_retain},
      {"cuDevicePrimaryCtxRelease_v2", &own.primary_release, "cuDevicePrimaryCtxRelease"},
      {"cuDevicePrimaryCtxReset_v2", &own.primary_reset, "cuDevicePrimaryCtxReset"},
      {"cuCtxGetCurrent", &own.get_current},
      {"cuCtxSetCurrent", &own.set_current},
      {"cuMemcpyAsync", &own.copy},
      {"cuMemcpy2DAsync_v2", &own.copy_2d},
      optional("cuLaunchHostFunc", &a.launch_host_function),
      optional("cuLaunchCooperativeKernel", &a.launch_cooperative),
      optional("cuOccupancyMaxActiveBlocksPerMultiprocessor", &a.occupancy),
      optional("cuStreamWriteValue32_v2", &a.stream_write_value, "cuStreamWriteValue32"),
      optional("cuDeviceCanAccessPeer", &a.can_access_peer),
      optional("cuGraphCreate", &a.graph_create),
      optional("cuGraphDestroy", &a.graph_destroy),
      optional("cuGraphLaunch", &a.graph_launch),
      optional("cuGraphExecDestroy", &a.exec_destroy),
      optional("cuCtxEnablePeerAccess", &own.enable_peer),
      optional("cuMemcpyPeerAsync", &own.copy_peer),
      optional("cuStreamWaitValue32_v2", &own.wait_value, "cuStreamWaitValue32"),
      optional("cuGraphAddKernelNode_v2", &own.add_kernel, "cuGraphAddKernelNode"),
      optional("cuGraphAddMemcpyNode", &own.add_copy),
      optional("cuGraphAddMemsetNode", &own.add_fill),
      optional("cuGraphInstantiateWithFlags", &own.instantiate),
      optional("cuGraphExecKernelNodeSetParams_v2", &own.set_kernel,
               "cuGraphExecKernelNodeSetParams"),
  };
}

const char* error_name(Result code) {
  const char* name = nullptr;
  return api().get_error_name(code, &name) == kSuccess && name != nullptr ? name : "an error";
}

Result enable_peer(Context, Context peer) {
  constexpr Result kAlreadyEnabled = 704;
  const Result code = api().enable_peer(peer, 0u);
  return code == kAlreadyEnabled ? kSuccess : code;
}

Result copy_2d(const cuda_like::Copy2d& rows, DriverStream stream) {
  Memcpy2d what{};
  what.src_memory_type = what.dst_memory_type = kMemoryTypeUnified;
  what.src_device = rows.src;
  what.src_pitch_bytes = rows.src_pitch_bytes;
  what.dst_device = rows.dst;
  what.dst_pitch_bytes = rows.dst_pitch_bytes;
  what.width_bytes = rows.row_bytes;
  what.height = rows.rows;
  return api().copy_2d(&what, stream);
}

Result wait_value(DriverStream stream, Address address, std::uint32_t value) {
  return api().wait_value(stream, address, value, cuda_like::kWaitValueGreaterOrEqual);
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

Result add_copy(DriverNode* out, DriverGraph graph, const DriverNode* after, Context context,
                Address dst, Address src, std::size_t bytes) {
  Memcpy3d what{};
  what.src_memory_type = what.dst_memory_type = kMemoryTypeUnified;
  what.src_device = src;
  what.dst_device = dst;
  what.width_bytes = bytes;
  what.height = what.depth = 1;
  return api().add_copy(out, graph, after, std::size_t{after != nullptr}, &what, context);
}

Result add_fill(DriverNode* out, DriverGraph graph, const DriverNode* after, Context context,
                const cuda_like::FillNode& fill) {
  const MemsetNodeParams what{fill.dst,           fill.pitch_bytes, fill.value,
                              fill.element_bytes, fill.width,       fill.rows};
  return api().add_fill(out, graph, after, std::size_t{after != nullptr}, &what, context);
}

Result instantiate(DriverExec* out, DriverGraph graph) {
  return api().instantiate(out, graph, 0ull);
}

Shape shape() {
  const Api& own = api();
  Shape s;
  s.error_name = {error_name, own.get_error_name.symbol};
  s.context_retain = own.primary_retain;
  s.context_release = own.primary_release;
  s.context_reset = own.primary_reset;
  s.context_get = own.get_current;
  s.context_set = own.set_current;
  s.copy = own.copy;
  s.copy_2d = {copy_2d, own.copy_2d.symbol};
  s.copy_peer = own.copy_peer;
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
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::vector<SymbolRow> compiler_symbols(CompilerApi& a) {
  return {
      {"nvrtcVersion", &a.version},
      {"nvrtcGetErrorString", &a.error_text},
      {"nvrtcCreateProgram", &a.create},
      {"nvrtcDestroyProgram", &a.destroy},
      {"nvrtcCompileProgram", &a.compile},
      {"nvrtcGetProgramLogSize", &a.log_bytes},
      {"nvrtcGetProgramLog", &a.log},
      {"nvrtcGetCUBINSize", &a.code_bytes},
      {"nvrtcGetCUBIN", &a.code},
      {"nvrtcGetPTXSize", &a.ptx_bytes},
      {"nvrtcGetPTX", &a.ptx},
      SymbolRow::optional("nvrtcGetNumSupportedArchs", &a.arch_count),
      SymbolRow::optional("nvrtcGetSupportedArchs", &a.archs),
  };
}

std::string isa(Ordinal, int major, int minor) {
  return "sm_" + std::to_string(major) + std::to_string(minor);
}

std::string fallback_arch(std::span<const int> archs, int major, int minor) {
  const int device = major * 10 + minor;
  int best = 0;
  for (const int arch : archs) {
    if (arch <= device) best = std::max(best, arch);
  }
  if (best == device || best == 0) return {};
  return "--gpu-architecture=compute_" + std::to_string(best);
}

bool starts_with_word(common::ByteView image, std::uint32_t word) {
  return image.size() >= sizeof word && std::memcmp(image.data(), &word, sizeof word) == 0;
}

// PTX is text and says its version first.
bool is_ptx(common::ByteView image) {
  const std::string_view text = common::text_of(image);
  const bool plain = std::ranges::all_of(text.substr(0, text.find('\0')), [](unsigned char c) {
    return c >= ' ' || c == '\n' || c == '\r' || c == '\t';
  });
  return plain && text.find(".version") != std::string_view::npos;
}

std::string refusal(common::ByteView image) {
  constexpr std::uint16_t kMachine = 190;            // EM_CUDA
  constexpr std::uint32_t kFatBinary = 0xba55ed50u;  // fatbinary.h
  if (cuda_like::is_elf(image)) return cuda_like::elf_refusal(image, kMachine);
  if (starts_with_word(image, kFatBinary) || is_ptx(image)) return {};
  return "is neither PTX nor a cubin nor a fat binary";
}

constexpr const char* kDriverLibraries[] = {"libcuda.so.1"};
constexpr const char* kCompilerLibraries[] = {"libnvrtc.so.13", "libnvrtc.so.12",
                                              "libnvrtc.so.11.2", "libnvrtc.so"};
constexpr const char* kCompilerOptions[] = {"--std=c++17", nullptr};

}  // namespace
}  // namespace sampan::cuda

namespace sampan::cuda_like {

const Vendor& vendor() {
  static const Vendor kVendor{
      .backend = "cuda",
      .title = "CUDA",
      .maker = "NVIDIA Corporation",
      .build_id = "cuda-" SAMPAN_VERSION,
      .language = SAMPAN_LANGUAGE_CUDA,
      .tile_class = "cuda",
      .attributes = {.max_group_items = 1,
                     .max_group = {2, 3, 4},
                     .max_grid = {5, 6, 7},
                     .shared_bytes = 8,
                     .shared_optin_bytes = 97,
                     .warp_size = 10,
                     .max_pitch_bytes = 11,
                     .multiprocessors = 16,
                     .capability_major = 75,
                     .capability_minor = 76,
                     .cooperative_launch = 95,
                     .wait_value = -1},
      .driver_libraries = cuda::kDriverLibraries,
      .driver_symbols = cuda::driver_symbols,
      .shape = cuda::shape,
      .version_text = cuda::version_text,
      .compiler = "NVRTC",
      .compiler_libraries = cuda::kCompilerLibraries,
      .compiler_symbols = cuda::compiler_symbols,
      .compiler_hint = "install NVRTC of CUDA 11.2 or later, or load code compiled before",
      .compiler_options = cuda::kCompilerOptions,
      .isa = cuda::isa,
      .fallback_arch = cuda::fallback_arch,
      .refusal = cuda::refusal,
      .load_logs = true,
  };
  return kVendor;
}

}  // namespace sampan::cuda_like
