// Compares the backend's own declarations of the CUDA driver and of NVRTC with the toolkit's
// headers. Compiled only where those are installed; signatures and layouts are checked at compile
// time.
#include <cuda.h>
#include <gtest/gtest.h>
#include <nvrtc.h>

#include "backends/cuda/api.h"
#include "backends/cuda_like/error.h"
#include "backends/cuda_like/vendor.h"
#include "signature.h"

namespace sampan::cuda {
namespace {

using cuda_like::CompilerApi;
using cuda_like::DriverApi;
using cuda_like::kSame;

static_assert(kSame<&DriverApi::init, decltype(&cuInit)>);
static_assert(kSame<&DriverApi::driver_version, decltype(&cuDriverGetVersion)>);
static_assert(kSame<&DriverApi::device_count, decltype(&cuDeviceGetCount)>);
static_assert(kSame<&DriverApi::device_get, decltype(&cuDeviceGet)>);
static_assert(kSame<&DriverApi::device_name, decltype(&cuDeviceGetName)>);
static_assert(kSame<&DriverApi::device_total_memory, decltype(&cuDeviceTotalMem_v2)>);
static_assert(kSame<&DriverApi::device_uuid, decltype(&cuDeviceGetUuid_v2)>);
static_assert(kSame<&DriverApi::device_pci_bus_id, decltype(&cuDeviceGetPCIBusId)>);
static_assert(kSame<&DriverApi::device_attribute, decltype(&cuDeviceGetAttribute)>);
static_assert(kSame<&DriverApi::memory_info, decltype(&cuMemGetInfo_v2)>);
static_assert(kSame<&DriverApi::allocate, decltype(&cuMemAlloc_v2)>);
static_assert(kSame<&DriverApi::free, decltype(&cuMemFree_v2)>);
static_assert(kSame<&DriverApi::host_allocate, decltype(&cuMemHostAlloc)>);
static_assert(kSame<&DriverApi::host_free, decltype(&cuMemFreeHost)>);
static_assert(kSame<&DriverApi::host_device_address, decltype(&cuMemHostGetDevicePointer_v2)>);
static_assert(kSame<&DriverApi::host_register, decltype(&cuMemHostRegister_v2)>);
static_assert(kSame<&DriverApi::host_unregister, decltype(&cuMemHostUnregister)>);
static_assert(kSame<&DriverApi::copy_to_device, decltype(&cuMemcpyHtoDAsync_v2)>);
static_assert(kSame<&DriverApi::copy_to_host, decltype(&cuMemcpyDtoHAsync_v2)>);
static_assert(kSame<&DriverApi::fill8, decltype(&cuMemsetD8Async)>);
static_assert(kSame<&DriverApi::fill16, decltype(&cuMemsetD16Async)>);
static_assert(kSame<&DriverApi::fill32, decltype(&cuMemsetD32Async)>);
static_assert(kSame<&DriverApi::stream_create, decltype(&cuStreamCreateWithPriority)>);
static_assert(kSame<&DriverApi::stream_destroy, decltype(&cuStreamDestroy_v2)>);
static_assert(kSame<&DriverApi::stream_synchronize, decltype(&cuStreamSynchronize)>);
static_assert(kSame<&DriverApi::stream_query, decltype(&cuStreamQuery)>);
static_assert(kSame<&DriverApi::stream_wait_event, decltype(&cuStreamWaitEvent)>);
static_assert(kSame<&DriverApi::event_create, decltype(&cuEventCreate)>);
static_assert(kSame<&DriverApi::event_destroy, decltype(&cuEventDestroy_v2)>);
static_assert(kSame<&DriverApi::event_record, decltype(&cuEventRecord)>);
static_assert(kSame<&DriverApi::event_query, decltype(&cuEventQuery)>);
static_assert(kSame<&DriverApi::event_synchronize, decltype(&cuEventSynchronize)>);
static_assert(kSame<&DriverApi::event_elapsed_ms, decltype(&cuEventElapsedTime)>);
static_assert(kSame<&DriverApi::module_load, decltype(&cuModuleLoadDataEx)>);
static_assert(kSame<&DriverApi::module_unload, decltype(&cuModuleUnload)>);
static_assert(kSame<&DriverApi::module_function, decltype(&cuModuleGetFunction)>);
static_assert(kSame<&DriverApi::module_global, decltype(&cuModuleGetGlobal_v2)>);
static_assert(kSame<&DriverApi::function_attribute, decltype(&cuFuncGetAttribute)>);
static_assert(kSame<&DriverApi::function_set_attribute, decltype(&cuFuncSetAttribute)>);
static_assert(kSame<&DriverApi::launch, decltype(&cuLaunchKernel)>);
static_assert(kSame<&DriverApi::launch_host_function, decltype(&cuLaunchHostFunc)>);
static_assert(kSame<&DriverApi::launch_cooperative, decltype(&cuLaunchCooperativeKernel)>);
static_assert(kSame<&DriverApi::occupancy, decltype(&cuOccupancyMaxActiveBlocksPerMultiprocessor)>);
static_assert(kSame<&DriverApi::stream_write_value, decltype(&cuStreamWriteValue32_v2)>);
static_assert(kSame<&DriverApi::can_access_peer, decltype(&cuDeviceCanAccessPeer)>);
static_assert(kSame<&DriverApi::graph_create, decltype(&cuGraphCreate)>);
static_assert(kSame<&DriverApi::graph_destroy, decltype(&cuGraphDestroy)>);
static_assert(kSame<&DriverApi::graph_launch, decltype(&cuGraphLaunch)>);
static_assert(kSame<&DriverApi::exec_destroy, decltype(&cuGraphExecDestroy)>);

static_assert(kSame<&Api::get_error_name, decltype(&cuGetErrorName)>);
static_assert(kSame<&Api::primary_retain, decltype(&cuDevicePrimaryCtxRetain)>);
static_assert(kSame<&Api::primary_release, decltype(&cuDevicePrimaryCtxRelease_v2)>);
static_assert(kSame<&Api::primary_reset, decltype(&cuDevicePrimaryCtxReset_v2)>);
static_assert(kSame<&Api::get_current, decltype(&cuCtxGetCurrent)>);
static_assert(kSame<&Api::set_current, decltype(&cuCtxSetCurrent)>);
static_assert(kSame<&Api::copy, decltype(&cuMemcpyAsync)>);
static_assert(kSame<&Api::copy_2d, decltype(&cuMemcpy2DAsync_v2)>);
static_assert(kSame<&Api::enable_peer, decltype(&cuCtxEnablePeerAccess)>);
static_assert(kSame<&Api::copy_peer, decltype(&cuMemcpyPeerAsync)>);
static_assert(kSame<&Api::wait_value, decltype(&cuStreamWaitValue32_v2)>);
static_assert(kSame<&Api::add_kernel, decltype(&cuGraphAddKernelNode_v2)>);
static_assert(kSame<&Api::add_copy, decltype(&cuGraphAddMemcpyNode)>);
static_assert(kSame<&Api::add_fill, decltype(&cuGraphAddMemsetNode)>);
static_assert(kSame<&Api::instantiate, decltype(&cuGraphInstantiateWithFlags)>);
static_assert(kSame<&Api::set_kernel, decltype(&cuGraphExecKernelNodeSetParams_v2)>);

static_assert(kSame<&CompilerApi::version, decltype(&nvrtcVersion)>);
static_assert(kSame<&CompilerApi::error_text, decltype(&nvrtcGetErrorString)>);
static_assert(kSame<&CompilerApi::create, decltype(&nvrtcCreateProgram)>);
static_assert(kSame<&CompilerApi::destroy, decltype(&nvrtcDestroyProgram)>);
static_assert(kSame<&CompilerApi::compile, decltype(&nvrtcCompileProgram)>);
static_assert(kSame<&CompilerApi::log_bytes, decltype(&nvrtcGetProgramLogSize)>);
static_assert(kSame<&CompilerApi::log, decltype(&nvrtcGetProgramLog)>);
static_assert(kSame<&CompilerApi::code_bytes, decltype(&nvrtcGetCUBINSize)>);
static_assert(kSame<&CompilerApi::code, decltype(&nvrtcGetCUBIN)>);
static_assert(kSame<&CompilerApi::ptx_bytes, decltype(&nvrtcGetPTXSize)>);
static_assert(kSame<&CompilerApi::ptx, decltype(&nvrtcGetPTX)>);
static_assert(kSame<&CompilerApi::arch_count, decltype(&nvrtcGetNumSupportedArchs)>);
static_assert(kSame<&CompilerApi::archs, decltype(&nvrtcGetSupportedArchs)>);

#define SAMPAN_SAME_FIELD(ours, our_field, theirs, their_field)               \
  static_assert(offsetof(ours, our_field) == offsetof(theirs, their_field) && \
                sizeof(ours::our_field) == sizeof(theirs::their_field))

static_assert(sizeof(Memcpy2d) == sizeof(CUDA_MEMCPY2D));
SAMPAN_SAME_FIELD(Memcpy2d, src_memory_type, CUDA_MEMCPY2D, srcMemoryType);
SAMPAN_SAME_FIELD(Memcpy2d, src_device, CUDA_MEMCPY2D, srcDevice);
SAMPAN_SAME_FIELD(Memcpy2d, src_pitch_bytes, CUDA_MEMCPY2D, srcPitch);
SAMPAN_SAME_FIELD(Memcpy2d, dst_memory_type, CUDA_MEMCPY2D, dstMemoryType);
SAMPAN_SAME_FIELD(Memcpy2d, dst_device, CUDA_MEMCPY2D, dstDevice);
SAMPAN_SAME_FIELD(Memcpy2d, dst_pitch_bytes, CUDA_MEMCPY2D, dstPitch);
SAMPAN_SAME_FIELD(Memcpy2d, width_bytes, CUDA_MEMCPY2D, WidthInBytes);
SAMPAN_SAME_FIELD(Memcpy2d, height, CUDA_MEMCPY2D, Height);

static_assert(sizeof(Memcpy3d) == sizeof(CUDA_MEMCPY3D));
SAMPAN_SAME_FIELD(Memcpy3d, src_memory_type, CUDA_MEMCPY3D, srcMemoryType);
SAMPAN_SAME_FIELD(Memcpy3d, src_device, CUDA_MEMCPY3D, srcDevice);
SAMPAN_SAME_FIELD(Memcpy3d, dst_memory_type, CUDA_MEMCPY3D, dstMemoryType);
SAMPAN_SAME_FIELD(Memcpy3d, dst_device, CUDA_MEMCPY3D, dstDevice);
SAMPAN_SAME_FIELD(Memcpy3d, width_bytes, CUDA_MEMCPY3D, WidthInBytes);
SAMPAN_SAME_FIELD(Memcpy3d, height, CUDA_MEMCPY3D, Height);
SAMPAN_SAME_FIELD(Memcpy3d, depth, CUDA_MEMCPY3D, Depth);

static_assert(sizeof(KernelNodeParams) == sizeof(CUDA_KERNEL_NODE_PARAMS_v2));
SAMPAN_SAME_FIELD(KernelNodeParams, function, CUDA_KERNEL_NODE_PARAMS_v2, func);
static_assert(offsetof(KernelNodeParams, grid) == offsetof(CUDA_KERNEL_NODE_PARAMS_v2, gridDimX));
static_assert(offsetof(KernelNodeParams, group) == offsetof(CUDA_KERNEL_NODE_PARAMS_v2, blockDimX));
SAMPAN_SAME_FIELD(KernelNodeParams, shared_bytes, CUDA_KERNEL_NODE_PARAMS_v2, sharedMemBytes);
SAMPAN_SAME_FIELD(KernelNodeParams, arguments, CUDA_KERNEL_NODE_PARAMS_v2, kernelParams);
SAMPAN_SAME_FIELD(KernelNodeParams, extra, CUDA_KERNEL_NODE_PARAMS_v2, extra);
SAMPAN_SAME_FIELD(KernelNodeParams, kernel, CUDA_KERNEL_NODE_PARAMS_v2, kern);
SAMPAN_SAME_FIELD(KernelNodeParams, context, CUDA_KERNEL_NODE_PARAMS_v2, ctx);

static_assert(sizeof(MemsetNodeParams) == sizeof(CUDA_MEMSET_NODE_PARAMS));
SAMPAN_SAME_FIELD(MemsetNodeParams, dst, CUDA_MEMSET_NODE_PARAMS, dst);
SAMPAN_SAME_FIELD(MemsetNodeParams, pitch_bytes, CUDA_MEMSET_NODE_PARAMS, pitch);
SAMPAN_SAME_FIELD(MemsetNodeParams, value, CUDA_MEMSET_NODE_PARAMS, value);
SAMPAN_SAME_FIELD(MemsetNodeParams, element_bytes, CUDA_MEMSET_NODE_PARAMS, elementSize);
SAMPAN_SAME_FIELD(MemsetNodeParams, width, CUDA_MEMSET_NODE_PARAMS, width);
SAMPAN_SAME_FIELD(MemsetNodeParams, height, CUDA_MEMSET_NODE_PARAMS, height);

static_assert(sizeof(cuda_like::Uuid) == sizeof(CUuuid));

TEST(CudaAbi, ConstantsHaveTheirNumbers) {
  EXPECT_EQ(cuda_like::kSuccess, CUDA_SUCCESS);
  EXPECT_EQ(cuda_like::kErrorNotReady, CUDA_ERROR_NOT_READY);
  EXPECT_EQ(cuda_like::kStreamNonBlocking, CU_STREAM_NON_BLOCKING);
  EXPECT_EQ(cuda_like::kEventBlockingSync, CU_EVENT_BLOCKING_SYNC);
  EXPECT_EQ(cuda_like::kEventDisableTiming, CU_EVENT_DISABLE_TIMING);
  EXPECT_EQ(cuda_like::kHostPortable, static_cast<unsigned>(CU_MEMHOSTALLOC_PORTABLE));
  EXPECT_EQ(cuda_like::kHostMapped, static_cast<unsigned>(CU_MEMHOSTALLOC_DEVICEMAP));
  EXPECT_EQ(cuda_like::kHostPortable, static_cast<unsigned>(CU_MEMHOSTREGISTER_PORTABLE));
  EXPECT_EQ(cuda_like::kHostMapped, static_cast<unsigned>(CU_MEMHOSTREGISTER_DEVICEMAP));
  EXPECT_EQ(cuda_like::kWaitValueGreaterOrEqual, CU_STREAM_WAIT_VALUE_GEQ);
  EXPECT_EQ(cuda_like::kFunctionMaxThreads, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
  EXPECT_EQ(cuda_like::kFunctionSharedBytes, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
  EXPECT_EQ(cuda_like::kFunctionLocalBytes, CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
  EXPECT_EQ(cuda_like::kFunctionRegisters, CU_FUNC_ATTRIBUTE_NUM_REGS);
  EXPECT_EQ(cuda_like::kFunctionMaxDynamicShared, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
  EXPECT_EQ(kMemoryTypeUnified, CU_MEMORYTYPE_UNIFIED);
}

TEST(CudaAbi, AttributesHaveTheirNumbers) {
  const cuda_like::Attributes& numbers = cuda_like::vendor().attributes;
  EXPECT_EQ(numbers.max_group_items, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
  EXPECT_EQ(numbers.max_group[0], CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X);
  EXPECT_EQ(numbers.max_group[1], CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y);
  EXPECT_EQ(numbers.max_group[2], CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z);
  EXPECT_EQ(numbers.max_grid[0], CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X);
  EXPECT_EQ(numbers.max_grid[1], CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y);
  EXPECT_EQ(numbers.max_grid[2], CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z);
  EXPECT_EQ(numbers.shared_bytes, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK);
  EXPECT_EQ(numbers.shared_optin_bytes, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
  EXPECT_EQ(numbers.warp_size, CU_DEVICE_ATTRIBUTE_WARP_SIZE);
  EXPECT_EQ(numbers.max_pitch_bytes, CU_DEVICE_ATTRIBUTE_MAX_PITCH);
  EXPECT_EQ(numbers.multiprocessors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  EXPECT_EQ(numbers.capability_major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
  EXPECT_EQ(numbers.capability_minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  EXPECT_EQ(numbers.cooperative_launch, CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH);
}

TEST(CudaAbi, CodesHaveTheirMeanings) {
  struct Row {
    int code;
    sampan_code_t meaning;
    bool breaks_context;
  };
  constexpr Row kRows[] = {
      {CUDA_ERROR_OUT_OF_MEMORY, SAMPAN_OUT_OF_DEVICE_MEMORY, false},
      {CUDA_ERROR_DEVICE_UNAVAILABLE, SAMPAN_DEVICE_LOST, true},
      {CUDA_ERROR_NO_DEVICE, SAMPAN_NOT_FOUND, false},
      {CUDA_ERROR_INVALID_IMAGE, SAMPAN_INVALID_BINARY, false},
      {CUDA_ERROR_NO_BINARY_FOR_GPU, SAMPAN_INVALID_BINARY, false},
      {CUDA_ERROR_ECC_UNCORRECTABLE, SAMPAN_DEVICE_LOST, true},
      {CUDA_ERROR_PEER_ACCESS_UNSUPPORTED, SAMPAN_UNSUPPORTED, false},
      {CUDA_ERROR_INVALID_PTX, SAMPAN_INVALID_BINARY, false},
      {CUDA_ERROR_NVLINK_UNCORRECTABLE, SAMPAN_DEVICE_LOST, true},
      {CUDA_ERROR_JIT_COMPILER_NOT_FOUND, SAMPAN_UNSUPPORTED, false},
      {CUDA_ERROR_UNSUPPORTED_PTX_VERSION, SAMPAN_INVALID_BINARY, false},
      {CUDA_ERROR_CONTAINED, SAMPAN_DEVICE_LOST, true},
      {CUDA_ERROR_NOT_FOUND, SAMPAN_NOT_FOUND, false},
      {CUDA_ERROR_ILLEGAL_ADDRESS, SAMPAN_ILLEGAL_ACCESS, true},
      {CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, SAMPAN_LAUNCH_FAILED, false},
      {CUDA_ERROR_LAUNCH_TIMEOUT, SAMPAN_LAUNCH_FAILED, true},
      {CUDA_ERROR_CONTEXT_IS_DESTROYED, SAMPAN_DEVICE_LOST, true},
      {CUDA_ERROR_ASSERT, SAMPAN_LAUNCH_FAILED, true},
      {CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED, SAMPAN_UNSUPPORTED, false},
      {CUDA_ERROR_HARDWARE_STACK_ERROR, SAMPAN_LAUNCH_FAILED, true},
      {CUDA_ERROR_ILLEGAL_INSTRUCTION, SAMPAN_LAUNCH_FAILED, true},
      {CUDA_ERROR_MISALIGNED_ADDRESS, SAMPAN_ILLEGAL_ACCESS, true},
      {CUDA_ERROR_INVALID_ADDRESS_SPACE, SAMPAN_ILLEGAL_ACCESS, true},
      {CUDA_ERROR_INVALID_PC, SAMPAN_ILLEGAL_ACCESS, true},
      {CUDA_ERROR_LAUNCH_FAILED, SAMPAN_LAUNCH_FAILED, true},
      {CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE, SAMPAN_UNSUPPORTED, false},
      {CUDA_ERROR_NOT_SUPPORTED, SAMPAN_UNSUPPORTED, false},
      {CUDA_ERROR_UNKNOWN, SAMPAN_DRIVER_ERROR, false},
  };
  for (const Row& row : kRows) {
    EXPECT_EQ(cuda_like::meaning_of(row.code, cuda_like::During::kExecution), row.meaning)
        << row.code;
    EXPECT_EQ(cuda_like::breaks_context(row.code), row.breaks_context) << row.code;
  }
}

}  // namespace
}  // namespace sampan::cuda
