// Compares the backend's own declarations of HIP and hipRTC with the installed headers. Compiled
// only where those are; signatures and layouts are checked at compile time.
#define __HIP_PLATFORM_AMD__ 1
#include <hip/hip_runtime_api.h>
#include <hip/hiprtc.h>

#include <gtest/gtest.h>

#include "backends/cuda_like/error.h"
#include "backends/cuda_like/vendor.h"
#include "backends/hip/api.h"
#include "signature.h"

namespace sampan::hip {
namespace {

using cuda_like::CompilerApi;
using cuda_like::DriverApi;
using cuda_like::kSame;

static_assert(kSame<&DriverApi::init, decltype(&hipInit)>);
static_assert(kSame<&DriverApi::driver_version, decltype(&hipDriverGetVersion)>);
static_assert(kSame<&DriverApi::device_count, decltype(&hipGetDeviceCount)>);
static_assert(kSame<&DriverApi::device_get, decltype(&hipDeviceGet)>);
static_assert(kSame<&DriverApi::device_name, decltype(&hipDeviceGetName)>);
static_assert(kSame<&DriverApi::device_total_memory, decltype(&hipDeviceTotalMem)>);
static_assert(kSame<&DriverApi::device_uuid, decltype(&hipDeviceGetUuid)>);
static_assert(kSame<&DriverApi::device_pci_bus_id, decltype(&hipDeviceGetPCIBusId)>);
static_assert(kSame<&DriverApi::device_attribute, decltype(&hipDeviceGetAttribute)>);
static_assert(kSame<&DriverApi::memory_info, decltype(&hipMemGetInfo)>);
static_assert(kSame<&DriverApi::free, decltype(&hipFree)>);
static_assert(kSame<&DriverApi::host_free, decltype(&hipHostFree)>);
static_assert(kSame<&DriverApi::host_device_address, decltype(&hipHostGetDevicePointer)>);
static_assert(kSame<&DriverApi::host_register, decltype(&hipHostRegister)>);
static_assert(kSame<&DriverApi::host_unregister, decltype(&hipHostUnregister)>);
static_assert(kSame<&DriverApi::copy_to_device, decltype(&hipMemcpyHtoDAsync)>);
static_assert(kSame<&DriverApi::copy_to_host, decltype(&hipMemcpyDtoHAsync)>);
static_assert(kSame<&DriverApi::fill8, decltype(&hipMemsetD8Async)>);
static_assert(kSame<&DriverApi::fill16, decltype(&hipMemsetD16Async)>);
static_assert(kSame<&DriverApi::fill32, decltype(&hipMemsetD32Async)>);
static_assert(kSame<&DriverApi::stream_create, decltype(&hipStreamCreateWithPriority)>);
static_assert(kSame<&DriverApi::stream_destroy, decltype(&hipStreamDestroy)>);
static_assert(kSame<&DriverApi::stream_synchronize, decltype(&hipStreamSynchronize)>);
static_assert(kSame<&DriverApi::stream_query, decltype(&hipStreamQuery)>);
static_assert(kSame<&DriverApi::stream_wait_event, decltype(&hipStreamWaitEvent)>);
static_assert(kSame<&DriverApi::event_create, decltype(&hipEventCreateWithFlags)>);
static_assert(kSame<&DriverApi::event_destroy, decltype(&hipEventDestroy)>);
static_assert(kSame<&DriverApi::event_record, decltype(&hipEventRecord)>);
static_assert(kSame<&DriverApi::event_query, decltype(&hipEventQuery)>);
static_assert(kSame<&DriverApi::event_synchronize, decltype(&hipEventSynchronize)>);
static_assert(kSame<&DriverApi::event_elapsed_ms, decltype(&hipEventElapsedTime)>);
static_assert(kSame<&DriverApi::module_load, decltype(&hipModuleLoadDataEx)>);
static_assert(kSame<&DriverApi::module_unload, decltype(&hipModuleUnload)>);
static_assert(kSame<&DriverApi::module_function, decltype(&hipModuleGetFunction)>);
static_assert(kSame<&DriverApi::module_global, decltype(&hipModuleGetGlobal)>);
static_assert(kSame<&DriverApi::function_attribute, decltype(&hipFuncGetAttribute)>);
static_assert(kSame<&DriverApi::launch, decltype(&hipModuleLaunchKernel)>);
static_assert(kSame<&DriverApi::launch_host_function, decltype(&hipLaunchHostFunc)>);
static_assert(kSame<&DriverApi::stream_write_value, decltype(&hipStreamWriteValue32)>);
static_assert(kSame<&DriverApi::can_access_peer, decltype(&hipDeviceCanAccessPeer)>);
static_assert(kSame<&DriverApi::graph_create, decltype(&hipGraphCreate)>);
static_assert(kSame<&DriverApi::graph_destroy, decltype(&hipGraphDestroy)>);
static_assert(kSame<&DriverApi::graph_launch, decltype(&hipGraphLaunch)>);
static_assert(kSame<&DriverApi::exec_destroy, decltype(&hipGraphExecDestroy)>);
// Overloaded in C++.
static_assert(kSame<&DriverApi::allocate, hipError_t (*)(void**, std::size_t)>);
static_assert(kSame<&DriverApi::host_allocate, hipError_t (*)(void**, std::size_t, unsigned)>);
static_assert(kSame<&DriverApi::occupancy, hipError_t (*)(int*, hipFunction_t, int, std::size_t)>);

static_assert(kSame<&Api::get_error_name, decltype(&hipGetErrorName)>);
static_assert(kSame<&Api::set_device, decltype(&hipSetDevice)>);
static_assert(kSame<&Api::get_device, decltype(&hipGetDevice)>);
static_assert(kSame<&Api::reset_device, decltype(&hipDeviceReset)>);
static_assert(kSame<&Api::copy, decltype(&hipMemcpyAsync)>);
static_assert(kSame<&Api::copy_2d, decltype(&hipMemcpy2DAsync)>);
static_assert(kSame<&Api::enable_peer, decltype(&hipDeviceEnablePeerAccess)>);
static_assert(kSame<&Api::copy_peer, decltype(&hipMemcpyPeerAsync)>);
static_assert(kSame<&Api::wait_value, decltype(&hipStreamWaitValue32)>);
static_assert(kSame<&Api::add_kernel, decltype(&hipGraphAddKernelNode)>);
static_assert(kSame<&Api::add_copy, decltype(&hipGraphAddMemcpyNode1D)>);
static_assert(kSame<&Api::add_fill, decltype(&hipGraphAddMemsetNode)>);
static_assert(kSame<&Api::instantiate, decltype(&hipGraphInstantiate)>);
static_assert(kSame<&Api::set_kernel, decltype(&hipGraphExecKernelNodeSetParams)>);

static_assert(kSame<&CompilerApi::version, decltype(&hiprtcVersion)>);
static_assert(kSame<&CompilerApi::error_text, decltype(&hiprtcGetErrorString)>);
static_assert(kSame<&CompilerApi::create, decltype(&hiprtcCreateProgram)>);
static_assert(kSame<&CompilerApi::destroy, decltype(&hiprtcDestroyProgram)>);
static_assert(kSame<&CompilerApi::compile, decltype(&hiprtcCompileProgram)>);
static_assert(kSame<&CompilerApi::log_bytes, decltype(&hiprtcGetProgramLogSize)>);
static_assert(kSame<&CompilerApi::log, decltype(&hiprtcGetProgramLog)>);
static_assert(kSame<&CompilerApi::code_bytes, decltype(&hiprtcGetCodeSize)>);
static_assert(kSame<&CompilerApi::code, decltype(&hiprtcGetCode)>);

#define SAMPAN_SAME_FIELD(ours, our_field, theirs, their_field)               \
  static_assert(offsetof(ours, our_field) == offsetof(theirs, their_field) && \
                sizeof(ours::our_field) == sizeof(theirs::their_field))

static_assert(sizeof(KernelNodeParams) == sizeof(hipKernelNodeParams));
SAMPAN_SAME_FIELD(KernelNodeParams, group, hipKernelNodeParams, blockDim);
SAMPAN_SAME_FIELD(KernelNodeParams, extra, hipKernelNodeParams, extra);
SAMPAN_SAME_FIELD(KernelNodeParams, function, hipKernelNodeParams, func);
SAMPAN_SAME_FIELD(KernelNodeParams, grid, hipKernelNodeParams, gridDim);
SAMPAN_SAME_FIELD(KernelNodeParams, arguments, hipKernelNodeParams, kernelParams);
SAMPAN_SAME_FIELD(KernelNodeParams, shared_bytes, hipKernelNodeParams, sharedMemBytes);

static_assert(sizeof(MemsetParams) == sizeof(hipMemsetParams));
SAMPAN_SAME_FIELD(MemsetParams, dst, hipMemsetParams, dst);
SAMPAN_SAME_FIELD(MemsetParams, element_bytes, hipMemsetParams, elementSize);
SAMPAN_SAME_FIELD(MemsetParams, height, hipMemsetParams, height);
SAMPAN_SAME_FIELD(MemsetParams, pitch_bytes, hipMemsetParams, pitch);
SAMPAN_SAME_FIELD(MemsetParams, value, hipMemsetParams, value);
SAMPAN_SAME_FIELD(MemsetParams, width, hipMemsetParams, width);

static_assert(sizeof(cuda_like::Uuid) == sizeof(hipUUID));

TEST(HipAbi, ConstantsHaveTheirNumbers) {
  EXPECT_EQ(cuda_like::kSuccess, hipSuccess);
  EXPECT_EQ(cuda_like::kErrorNotReady, hipErrorNotReady);
  EXPECT_EQ(cuda_like::kStreamNonBlocking, static_cast<unsigned>(hipStreamNonBlocking));
  EXPECT_EQ(cuda_like::kEventBlockingSync, static_cast<unsigned>(hipEventBlockingSync));
  EXPECT_EQ(cuda_like::kEventDisableTiming, static_cast<unsigned>(hipEventDisableTiming));
  EXPECT_EQ(cuda_like::kHostPortable, static_cast<unsigned>(hipHostMallocPortable));
  EXPECT_EQ(cuda_like::kHostMapped, static_cast<unsigned>(hipHostMallocMapped));
  EXPECT_EQ(cuda_like::kHostPortable, static_cast<unsigned>(hipHostRegisterPortable));
  EXPECT_EQ(cuda_like::kHostMapped, static_cast<unsigned>(hipHostRegisterMapped));
  EXPECT_EQ(cuda_like::kWaitValueGreaterOrEqual, static_cast<unsigned>(hipStreamWaitValueGte));
  EXPECT_EQ(cuda_like::kFunctionMaxThreads, HIP_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
  EXPECT_EQ(cuda_like::kFunctionSharedBytes, HIP_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
  EXPECT_EQ(cuda_like::kFunctionLocalBytes, HIP_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
  EXPECT_EQ(cuda_like::kFunctionRegisters, HIP_FUNC_ATTRIBUTE_NUM_REGS);
  EXPECT_EQ(kCopyDefault, hipMemcpyDefault);
}

TEST(HipAbi, AttributesHaveTheirNumbers) {
  const cuda_like::Attributes& numbers = cuda_like::vendor().attributes;
  EXPECT_EQ(numbers.max_group_items, hipDeviceAttributeMaxThreadsPerBlock);
  EXPECT_EQ(numbers.max_group[0], hipDeviceAttributeMaxBlockDimX);
  EXPECT_EQ(numbers.max_group[1], hipDeviceAttributeMaxBlockDimY);
  EXPECT_EQ(numbers.max_group[2], hipDeviceAttributeMaxBlockDimZ);
  EXPECT_EQ(numbers.max_grid[0], hipDeviceAttributeMaxGridDimX);
  EXPECT_EQ(numbers.max_grid[1], hipDeviceAttributeMaxGridDimY);
  EXPECT_EQ(numbers.max_grid[2], hipDeviceAttributeMaxGridDimZ);
  EXPECT_EQ(numbers.shared_bytes, hipDeviceAttributeMaxSharedMemoryPerBlock);
  EXPECT_EQ(numbers.warp_size, hipDeviceAttributeWarpSize);
  EXPECT_EQ(numbers.max_pitch_bytes, hipDeviceAttributeMaxPitch);
  EXPECT_EQ(numbers.multiprocessors, hipDeviceAttributeMultiprocessorCount);
  EXPECT_EQ(numbers.capability_major, hipDeviceAttributeComputeCapabilityMajor);
  EXPECT_EQ(numbers.capability_minor, hipDeviceAttributeComputeCapabilityMinor);
  EXPECT_EQ(numbers.cooperative_launch, hipDeviceAttributeCooperativeLaunch);
  EXPECT_EQ(numbers.wait_value, hipDeviceAttributeCanUseStreamWaitValue);
}

TEST(HipAbi, CodesHaveTheirMeanings) {
  struct Row {
    int code;
    sampan_code_t meaning;
    bool breaks_context;
  };
  constexpr Row kRows[] = {
      {hipErrorOutOfMemory, SAMPAN_OUT_OF_DEVICE_MEMORY, false},
      {hipErrorNoDevice, SAMPAN_NOT_FOUND, false},
      {hipErrorInvalidImage, SAMPAN_INVALID_BINARY, false},
      {hipErrorNoBinaryForGpu, SAMPAN_INVALID_BINARY, false},
      {hipErrorECCNotCorrectable, SAMPAN_DEVICE_LOST, true},
      {hipErrorPeerAccessUnsupported, SAMPAN_UNSUPPORTED, false},
      {hipErrorInvalidKernelFile, SAMPAN_INVALID_BINARY, false},
      {hipErrorNotFound, SAMPAN_NOT_FOUND, false},
      {hipErrorIllegalAddress, SAMPAN_ILLEGAL_ACCESS, true},
      {hipErrorLaunchOutOfResources, SAMPAN_LAUNCH_FAILED, false},
      {hipErrorLaunchTimeOut, SAMPAN_LAUNCH_FAILED, true},
      {hipErrorContextIsDestroyed, SAMPAN_DEVICE_LOST, true},
      {hipErrorAssert, SAMPAN_LAUNCH_FAILED, true},
      {hipErrorHostMemoryAlreadyRegistered, SAMPAN_UNSUPPORTED, false},
      {hipErrorLaunchFailure, SAMPAN_LAUNCH_FAILED, true},
      {hipErrorCooperativeLaunchTooLarge, SAMPAN_UNSUPPORTED, false},
      {hipErrorNotSupported, SAMPAN_UNSUPPORTED, false},
      {hipErrorPriorLaunchFailure, SAMPAN_LAUNCH_FAILED, true},
      {hipErrorInvalidDeviceFunction, SAMPAN_NOT_FOUND, false},
      {hipErrorUnknown, SAMPAN_DRIVER_ERROR, false},
  };
  for (const Row& row : kRows) {
    EXPECT_EQ(cuda_like::meaning_of(row.code, cuda_like::During::kExecution), row.meaning)
        << row.code;
    EXPECT_EQ(cuda_like::breaks_context(row.code), row.breaks_context) << row.code;
  }
}

}  // namespace
}  // namespace sampan::hip
