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

/// The functions that have one shape in every CUDA-shaped driver. A vendor's table gives their
/// symbols; functions of other shapes are in its own table, behind `Shape`.
struct DriverApi {
  // Required. In the comments: CUDA's symbol, HIP's symbol.
  Result (*init)(unsigned flags);                       // cuInit, hipInit
  Result (*driver_version)(int* out);                   // cuDriverGetVersion, hipDriverGetVersion
  Result (*device_count)(int* out);                     // cuDeviceGetCount, hipGetDeviceCount
  Result (*device_get)(Ordinal* out, int index);        // cuDeviceGet, hipDeviceGet
  Result (*device_name)(char* out, int room, Ordinal);  // cuDeviceGetName, hipDeviceGetName
  Result (*device_total_memory)(std::size_t* out_bytes,
                                Ordinal);     // cuDeviceTotalMem_v2, hipDeviceTotalMem
  Result (*device_uuid)(Uuid* out, Ordinal);  // cuDeviceGetUuid_v2, hipDeviceGetUuid
  Result (*device_pci_bus_id)(char* out, int room, Ordinal);     // cuDeviceGetPCIBusId, hip…
  Result (*device_attribute)(int* out, int attribute, Ordinal);  // cuDeviceGetAttribute, hip…

  Result (*memory_info)(std::size_t* out_free,
                        std::size_t* out_total);        // cuMemGetInfo_v2, hipMemGetInfo
  Result (*allocate)(Address* out, std::size_t bytes);  // cuMemAlloc_v2, hipMalloc
  Result (*free)(Address);                              // cuMemFree_v2, hipFree
  Result (*host_allocate)(void** out, std::size_t bytes,
                          unsigned flags);  // cuMemHostAlloc, hipHostMalloc
  Result (*host_free)(void*);               // cuMemFreeHost, hipHostFree
  Result (*host_device_address)(
      Address* out, void* host,
      unsigned flags);  // cuMemHostGetDevicePointer_v2, hipHostGetDevicePointer
  Result (*host_register)(void* host, std::size_t bytes,
                          unsigned flags);  // cuMemHostRegister_v2, hipHostRegister
  Result (*host_unregister)(void* host);    // cuMemHostUnregister, hipHostUnregister

  Result (*copy_to_device)(Address dst, const void* src, std::size_t bytes,
                           DriverStream);  // cuMemcpyHtoDAsync_v2, hipMemcpyHtoDAsync
  Result (*copy_to_host)(void* dst, Address src, std::size_t bytes,
                         DriverStream);  // cuMemcpyDtoHAsync_v2, hipMemcpyDtoHAsync
  Result (*fill8)(Address, unsigned char value, std::size_t count,
                  DriverStream);  // cuMemsetD8Async
  Result (*fill16)(Address, unsigned short value, std::size_t count,
                   DriverStream);                                              // cuMemsetD16Async
  Result (*fill32)(Address, unsigned value, std::size_t count, DriverStream);  // cuMemsetD32Async

  Result (*stream_create)(DriverStream* out, unsigned flags,
                          int priority);       // cuStreamCreateWithPriority, hip…
  Result (*stream_destroy)(DriverStream);      // cuStreamDestroy_v2, hipStreamDestroy
  Result (*stream_synchronize)(DriverStream);  // cuStreamSynchronize, hip…
  Result (*stream_query)(DriverStream);        // cuStreamQuery, hip…
  Result (*stream_wait_event)(DriverStream, DriverEvent,
                              unsigned flags);  // cuStreamWaitEvent, hip…
  Result (*event_create)(DriverEvent* out,
                         unsigned flags);             // cuEventCreate, hipEventCreateWithFlags
  Result (*event_destroy)(DriverEvent);               // cuEventDestroy_v2, hipEventDestroy
  Result (*event_record)(DriverEvent, DriverStream);  // cuEventRecord, hip…
  Result (*event_query)(DriverEvent);                 // cuEventQuery, hip…
  Result (*event_synchronize)(DriverEvent);           // cuEventSynchronize, hip…
  Result (*event_elapsed_ms)(float* out, DriverEvent start,
                             DriverEvent end);  // cuEventElapsedTime, hip…

  Result (*module_load)(DriverModule* out, const void* image, unsigned option_count, int* options,
                        void** values);   // cuModuleLoadDataEx, hip…
  Result (*module_unload)(DriverModule);  // cuModuleUnload, hip…
  Result (*module_function)(DriverFunction* out, DriverModule,
                            const char* name);  // cuModuleGetFunction
  Result (*function_attribute)(int* out, int attribute,
                               DriverFunction);  // cuFuncGetAttribute, hip…
  Result (*launch)(DriverFunction, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                   unsigned group_x, unsigned group_y, unsigned group_z, unsigned shared_bytes,
                   DriverStream, void** arguments,
                   void** extra);  // cuLaunchKernel, hipModuleLaunchKernel

  // Optional: null where the driver is too old, or has no such thing.
  Result (*launch_host_function)(DriverStream, HostFunction, void* user);  // cuLaunchHostFunc, hip…
  Result (*launch_cooperative)(DriverFunction, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                               unsigned group_x, unsigned group_y, unsigned group_z,
                               unsigned shared_bytes, DriverStream,
                               void** arguments);  // cuLaunchCooperativeKernel, hipModule…
  Result (*occupancy)(
      int* out_groups, DriverFunction, int group_items,
      std::size_t shared_bytes);  // cuOccupancyMaxActiveBlocksPerMultiprocessor, hipModule…
  Result (*function_set_attribute)(DriverFunction, int attribute,
                                   int value);  // cuFuncSetAttribute; HIP: null
  Result (*stream_write_value)(DriverStream, Address, std::uint32_t value,
                               unsigned flags);  // cuStreamWriteValue32_v2, hipStreamWriteValue32
  Result (*can_access_peer)(int* out, Ordinal, Ordinal peer);  // cuDeviceCanAccessPeer, hip…
  Result (*graph_create)(DriverGraph* out, unsigned flags);    // cuGraphCreate, hip…
  Result (*graph_destroy)(DriverGraph);                        // cuGraphDestroy, hip…
  Result (*graph_launch)(DriverExec, DriverStream);            // cuGraphLaunch, hip…
  Result (*exec_destroy)(DriverExec);                          // cuGraphExecDestroy, hip…
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
  const char* (*error_name)(Result);  ///< never null

  // The context of a device that the process shares with everybody else in it.
  Result (*context_retain)(Context* out, Ordinal);
  Result (*context_release)(Ordinal);
  Result (*context_reset)(Ordinal);  ///< destroys everything in it, also what others made
  Result (*context_get)(Context* out);
  Result (*context_set)(Context);
  Result (*enable_peer)(Context current, Context peer);  ///< success if it was enabled before

  Result (*copy)(Address dst, Address src, std::size_t bytes,
                 DriverStream);  ///< any kinds of memory
  Result (*copy_2d)(const Copy2d&, DriverStream);
  Result (*copy_peer)(Address dst, Context dst_context, Address src, Context src_context,
                      std::size_t bytes, DriverStream);
  /// The stream goes on when the word at `address` is at least `value`; null where not offered.
  Result (*wait_value)(DriverStream, Address, std::uint32_t value);

  // Graphs; null where the driver has none. Each node comes after `after`, if there is one.
  Result (*add_kernel)(DriverNode* out, DriverGraph, const DriverNode* after, const KernelNode&);
  Result (*add_copy)(DriverNode* out, DriverGraph, const DriverNode* after, Context, Address dst,
                     Address src, std::size_t bytes);
  Result (*add_fill)(DriverNode* out, DriverGraph, const DriverNode* after, Context,
                     const FillNode&);
  Result (*instantiate)(DriverExec* out, DriverGraph);
  Result (*set_kernel)(DriverExec, DriverNode, const KernelNode&);
};

/// A run-time compiler: NVRTC, hipRTC and their clones differ only in prefix and in what they make.
using Program = struct ProgramHandle*;
struct CompilerApi {
  Result (*version)(int* out_major, int* out_minor);  // nvrtcVersion, hiprtcVersion
  const char* (*error_text)(Result);                  // nvrtcGetErrorString, hiprtcGetErrorString
  Result (*create)(Program* out, const char* text, const char* name, int header_count,
                   const char* const* headers, const char* const* header_names);
  Result (*destroy)(Program*);
  Result (*compile)(Program, int option_count, const char* const* options);
  Result (*log_bytes)(Program,
                      std::size_t* out);  // nvrtcGetProgramLogSize, hiprtcGetProgramLogSize
  Result (*log)(Program, char* out);
  Result (*code_bytes)(Program, std::size_t* out);  // nvrtcGetCUBINSize, hiprtcGetCodeSize
  Result (*code)(Program, char* out);               // nvrtcGetCUBIN, hiprtcGetCode

  // Optional: an intermediate language that the driver compiles. HIP has none.
  Result (*ptx_bytes)(Program, std::size_t* out);  // nvrtcGetPTXSize
  Result (*ptx)(Program, char* out);               // nvrtcGetPTX
  Result (*arch_count)(int* out);                  // nvrtcGetNumSupportedArchs
  Result (*archs)(int* out);                       // nvrtcGetSupportedArchs
};

}  // namespace sampan::cuda_like
