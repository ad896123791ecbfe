#pragma once

#include <cstddef>
#include <cstdint>

namespace sampan::cuda_like {

// Our own words for the driver's types. Enumerations are ints in the C ABI, handles are pointers,
// and device addresses are 64-bit words whether a header says `unsigned long long` or `void*`.
using Result = int;
using Ordinal = int;  ///< CUdevice, hipDevice_t
using Address = std::uint64_t;
using DriverStream = struct DriverStreamHandle*;
using DriverEvent = struct DriverEventHandle*;
using DriverModule = struct DriverModuleHandle*;
using DriverFunction = struct DriverFunctionHandle*;
using DriverGraph = struct DriverGraphHandle*;
using DriverNode = struct DriverNodeHandle*;
using DriverExec = struct DriverExecHandle*;
/// What is current on a thread: a CUcontext, or a HIP device's ordinal. Null: nothing is.
using Context = struct ContextHandle*;
using HostFunction = void (*)(void* user);

struct Uuid {
  std::uint8_t bytes[16];
};

// Numbers that both drivers share (CUDA 13.0 cuda.h; HIP 5.2 hip_runtime_api.h). Codes of failures
// are in error.cpp.
inline constexpr Result kSuccess = 0;
inline constexpr Result kErrorNotReady = 600;
inline constexpr unsigned kStreamNonBlocking = 1;
inline constexpr unsigned kEventBlockingSync = 1;
inline constexpr unsigned kEventDisableTiming = 2;
inline constexpr unsigned kHostPortable = 1;  ///< of host allocation and registration
inline constexpr unsigned kHostMapped = 2;
inline constexpr unsigned kWaitValueGreaterOrEqual = 0;
inline constexpr int kFunctionMaxThreads = 0;
inline constexpr int kFunctionSharedBytes = 1;
inline constexpr int kFunctionLocalBytes = 3;
inline constexpr int kFunctionRegisters = 4;
inline constexpr int kFunctionMaxDynamicShared = 8;

/// One function of a driver and the symbol it came from.
template <typename Function>
struct Entry {
  Function* function = nullptr;
  const char* symbol = "";

  [[nodiscard]] explicit operator bool() const { return function != nullptr; }
  template <typename... Arguments>
  auto operator()(Arguments... arguments) const {
    return function(arguments...);
  }
};

/// The functions that have one shape in every CUDA-shaped driver. A vendor's table gives their
/// symbols; functions of other shapes are in its own table, behind `Shape`.
struct DriverApi {
  // Required. In the comments: CUDA's symbol, HIP's symbol.
  Entry<Result(unsigned flags)> init;                 // cuInit, hipInit
  Entry<Result(int* out)> driver_version;             // cuDriverGetVersion, hipDriverGetVersion
  Entry<Result(int* out)> device_count;               // cuDeviceGetCount, hipGetDeviceCount
  Entry<Result(Ordinal* out, int index)> device_get;  // cuDeviceGet, hipDeviceGet
  Entry<Result(char* out, int room, Ordinal)> device_name;  // cuDeviceGetName, hipDeviceGetName
  Entry<Result(std::size_t* out_bytes, Ordinal)>
      device_total_memory;                        // cuDeviceTotalMem_v2, hipDeviceTotalMem
  Entry<Result(Uuid* out, Ordinal)> device_uuid;  // cuDeviceGetUuid_v2, hipDeviceGetUuid
  Entry<Result(char* out, int room, Ordinal)> device_pci_bus_id;     // cuDeviceGetPCIBusId, hip…
  Entry<Result(int* out, int attribute, Ordinal)> device_attribute;  // cuDeviceGetAttribute, hip…

  Entry<Result(std::size_t* out_free, std::size_t* out_total)>
      memory_info;                                          // cuMemGetInfo_v2, hipMemGetInfo
  Entry<Result(Address* out, std::size_t bytes)> allocate;  // cuMemAlloc_v2, hipMalloc
  Entry<Result(Address)> free;                              // cuMemFree_v2, hipFree
  Entry<Result(void** out, std::size_t bytes, unsigned flags)>
      host_allocate;               // cuMemHostAlloc, hipHostMalloc
  Entry<Result(void*)> host_free;  // cuMemFreeHost, hipHostFree
  Entry<Result(Address* out, void* host, unsigned flags)>
      host_device_address;  // cuMemHostGetDevicePointer_v2, hipHostGetDevicePointer
  Entry<Result(void* host, std::size_t bytes, unsigned flags)>
      host_register;                          // cuMemHostRegister_v2, hipHostRegister
  Entry<Result(void* host)> host_unregister;  // cuMemHostUnregister, hipHostUnregister

  Entry<Result(Address dst, const void* src, std::size_t bytes, DriverStream)>
      copy_to_device;  // cuMemcpyHtoDAsync_v2, hipMemcpyHtoDAsync
  Entry<Result(void* dst, Address src, std::size_t bytes, DriverStream)>
      copy_to_host;  // cuMemcpyDtoHAsync_v2, hipMemcpyDtoHAsync
  Entry<Result(Address, unsigned char value, std::size_t count, DriverStream)>
      fill8;  // cuMemsetD8Async
  Entry<Result(Address, unsigned short value, std::size_t count, DriverStream)>
      fill16;  // cuMemsetD16Async
  Entry<Result(Address, unsigned value, std::size_t count, DriverStream)>
      fill32;  // cuMemsetD32Async

  Entry<Result(DriverStream* out, unsigned flags, int priority)>
      stream_create;                               // cuStreamCreateWithPriority, hip…
  Entry<Result(DriverStream)> stream_destroy;      // cuStreamDestroy_v2, hipStreamDestroy
  Entry<Result(DriverStream)> stream_synchronize;  // cuStreamSynchronize, hip…
  Entry<Result(DriverStream)> stream_query;        // cuStreamQuery, hip…
  Entry<Result(DriverStream, DriverEvent, unsigned flags)>
      stream_wait_event;  // cuStreamWaitEvent, hip…
  Entry<Result(DriverEvent* out, unsigned flags)>
      event_create;                                       // cuEventCreate, hipEventCreateWithFlags
  Entry<Result(DriverEvent)> event_destroy;               // cuEventDestroy_v2, hipEventDestroy
  Entry<Result(DriverEvent, DriverStream)> event_record;  // cuEventRecord, hip…
  Entry<Result(DriverEvent)> event_query;                 // cuEventQuery, hip…
  Entry<Result(DriverEvent)> event_synchronize;           // cuEventSynchronize, hip…
  Entry<Result(float* out, DriverEvent start, DriverEvent end)>
      event_elapsed_ms;  // cuEventElapsedTime, hip…

  Entry<Result(DriverModule* out, const void* image, unsigned option_count, int* options,
               void** values)>
      module_load;                            // cuModuleLoadDataEx, hip…
  Entry<Result(DriverModule)> module_unload;  // cuModuleUnload, hip…
  Entry<Result(DriverFunction* out, DriverModule, const char* name)>
      module_function;  // cuModuleGetFunction
  Entry<Result(int* out, int attribute, DriverFunction)>
      function_attribute;  // cuFuncGetAttribute, hip…
  Entry<Result(Address* out, std::size_t* out_bytes, DriverModule, const char* name)>
      module_global;  // cuModuleGetGlobal_v2, hipModuleGetGlobal
  Entry<Result(DriverFunction, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned group_x,
               unsigned group_y, unsigned group_z, unsigned shared_bytes, DriverStream,
               void** arguments, void** extra)>
      launch;  // cuLaunchKernel, hipModuleLaunchKernel

  // Optional: null where the driver is too old, or has no such thing.
  Entry<Result(DriverStream, HostFunction, void* user)>
      launch_host_function;  // cuLaunchHostFunc, hip…
  Entry<Result(DriverFunction, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned group_x,
               unsigned group_y, unsigned group_z, unsigned shared_bytes, DriverStream,
               void** arguments)>
      launch_cooperative;  // cuLaunchCooperativeKernel, hipModule…
  Entry<Result(int* out_groups, DriverFunction, int group_items, std::size_t shared_bytes)>
      occupancy;  // cuOccupancyMaxActiveBlocksPerMultiprocessor, hipModule…
  Entry<Result(DriverFunction, int attribute, int value)>
      function_set_attribute;  // cuFuncSetAttribute; HIP: null
  Entry<Result(DriverStream, Address, std::uint32_t value, unsigned flags)>
      stream_write_value;  // cuStreamWriteValue32_v2, hipStreamWriteValue32
  Entry<Result(int* out, Ordinal, Ordinal peer)> can_access_peer;  // cuDeviceCanAccessPeer, hip…
  Entry<Result(DriverGraph* out, unsigned flags)> graph_create;    // cuGraphCreate, hip…
  Entry<Result(DriverGraph)> graph_destroy;                        // cuGraphDestroy, hip…
  Entry<Result(DriverExec, DriverStream)> graph_launch;            // cuGraphLaunch, hip…
  Entry<Result(DriverExec)> exec_destroy;                          // cuGraphExecDestroy, hip…
};

/// One kernel in a graph.
struct KernelNode {
  DriverFunction function;
  unsigned grid[3];
  unsigned group[3];
  unsigned shared_bytes;
  void** arguments;
};

/// `rows` rows of `width` elements, `pitch_bytes` apart, set to `value`.
struct FillNode {
  Address dst;
  std::size_t pitch_bytes;
  unsigned value;
  unsigned element_bytes;  ///< 1, 2 or 4
  std::size_t width;
  std::size_t rows;
};

struct Copy2d {
  Address dst, src;
  std::size_t dst_pitch_bytes, src_pitch_bytes, row_bytes, rows;
};

/// What drivers of this family do each in a way of their own. Each function is one driver call, or
/// the few that stand for it, and returns the driver's code. Free-threaded as the driver is.
struct Shape {
  Entry<const char*(Result)> error_name;  ///< never null

  // The context of a device that the process shares with everybody else in it.
  Entry<Result(Context* out, Ordinal)> context_retain;
  Entry<Result(Ordinal)> context_release;
  Entry<Result(Ordinal)> context_reset;  ///< destroys everything in it, also what others made
  Entry<Result(Context* out)> context_get;
  Entry<Result(Context)> context_set;
  Entry<Result(Context current, Context peer)> enable_peer;  ///< success if it was enabled before

  Entry<Result(Address dst, Address src, std::size_t bytes, DriverStream)>
      copy;  ///< any kinds of memory
  Entry<Result(const Copy2d&, DriverStream)> copy_2d;
  Entry<Result(Address dst, Context dst_context, Address src, Context src_context,
               std::size_t bytes, DriverStream)>
      copy_peer;
  /// The stream goes on when the word at `address` is at least `value`; null where not offered.
  Entry<Result(DriverStream, Address, std::uint32_t value)> wait_value;

  // Graphs; null where the driver has none. Each node comes after `after`, if there is one.
  Entry<Result(DriverNode* out, DriverGraph, const DriverNode* after, const KernelNode&)>
      add_kernel;
  Entry<Result(DriverNode* out, DriverGraph, const DriverNode* after, Context, Address dst,
               Address src, std::size_t bytes)>
      add_copy;
  Entry<Result(DriverNode* out, DriverGraph, const DriverNode* after, Context, const FillNode&)>
      add_fill;
  Entry<Result(DriverExec* out, DriverGraph)> instantiate;
  Entry<Result(DriverExec, DriverNode, const KernelNode&)> set_kernel;
};

/// A run-time compiler: NVRTC, hipRTC and their clones differ only in prefix and in what they make.
using Program = struct ProgramHandle*;
struct CompilerApi {
  Entry<Result(int* out_major, int* out_minor)> version;  // nvrtcVersion, hiprtcVersion
  Entry<const char*(Result)> error_text;  // nvrtcGetErrorString, hiprtcGetErrorString
  Entry<Result(Program* out, const char* text, const char* name, int header_count,
               const char* const* headers, const char* const* header_names)>
      create;
  Entry<Result(Program*)> destroy;
  Entry<Result(Program, int option_count, const char* const* options)> compile;
  Entry<Result(Program, std::size_t* out)>
      log_bytes;  // nvrtcGetProgramLogSize, hiprtcGetProgramLogSize
  Entry<Result(Program, char* out)> log;
  Entry<Result(Program, std::size_t* out)> code_bytes;  // nvrtcGetCUBINSize, hiprtcGetCodeSize
  Entry<Result(Program, char* out)> code;               // nvrtcGetCUBIN, hiprtcGetCode

  // Optional: an intermediate language that the driver compiles. HIP has none.
  Entry<Result(Program, std::size_t* out)> ptx_bytes;  // nvrtcGetPTXSize
  Entry<Result(Program, char* out)> ptx;               // nvrtcGetPTX
  Entry<Result(int* out)> arch_count;                  // nvrtcGetNumSupportedArchs
  Entry<Result(int* out)> archs;                       // nvrtcGetSupportedArchs
};

}  // namespace sampan::cuda_like
