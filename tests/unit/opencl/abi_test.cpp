// Compares the backend's own declarations of OpenCL with the official headers. Compiled only where
// those are installed; all checks happen at compile time.
#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <CL/cl_ext.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <type_traits>

#include "backends/opencl/api.h"
#include "backends/opencl/error.h"
#include "backends/opencl/text.h"

namespace sampan::opencl {
namespace {

template <typename T>
consteval int kind_of() {
  if (std::is_void_v<T>) return 0;
  if (std::is_pointer_v<T>) return 1;
  return std::is_integral_v<T> ? 2 : 3;
}

template <typename A, typename B>
consteval bool same_kind() {
  if constexpr (std::is_void_v<A> || std::is_void_v<B>) {
    return std::is_void_v<A> && std::is_void_v<B>;
  } else {
    return kind_of<A>() == kind_of<B>() && sizeof(A) == sizeof(B) &&
           std::is_signed_v<A> == std::is_signed_v<B>;
  }
}

template <typename Ours, typename Theirs>
struct SameShape;

/// As many parameters, each of the same kind, size and sign; and so the result.
template <typename R, typename... A, typename S, typename... B>
struct SameShape<R (*)(A...), S (*)(B...)> {
  static consteval bool value() {
    if constexpr (sizeof...(A) != sizeof...(B)) {
      return false;
    } else {
      return same_kind<R, S>() && (same_kind<A, B>() && ...);
    }
  }
};

template <auto kOurs, typename Theirs>
inline constexpr bool kSame = false;
template <typename Table, typename Member, Member Table::*kOurs, typename Theirs>
inline constexpr bool kSame<kOurs, Theirs> = SameShape<Member, Theirs>::value();

// The check sees differences: one parameter too few, another width, a number for a pointer.
static_assert(!SameShape<int (*)(int), int (*)(int, int)>::value());
static_assert(!SameShape<int (*)(long), int (*)(int)>::value());
static_assert(!SameShape<int (*)(std::size_t), int (*)(void*)>::value());
static_assert(!SameShape<int (*)(unsigned), int (*)(int)>::value());

static_assert(kSame<&Api::get_platform_ids, decltype(&clGetPlatformIDs)>);
static_assert(kSame<&Api::get_platform_info, decltype(&clGetPlatformInfo)>);
static_assert(kSame<&Api::get_device_ids, decltype(&clGetDeviceIDs)>);
static_assert(kSame<&Api::get_device_info, decltype(&clGetDeviceInfo)>);
static_assert(kSame<&Api::get_extension_function_address_for_platform,
                    decltype(&clGetExtensionFunctionAddressForPlatform)>);
static_assert(kSame<&Api::create_context, decltype(&clCreateContext)>);
static_assert(kSame<&Api::release_context, decltype(&clReleaseContext)>);
static_assert(kSame<&Api::create_command_queue, decltype(&clCreateCommandQueue)>);
static_assert(kSame<&Api::release_command_queue, decltype(&clReleaseCommandQueue)>);
static_assert(kSame<&Api::flush, decltype(&clFlush)>);
static_assert(kSame<&Api::finish, decltype(&clFinish)>);
static_assert(kSame<&Api::create_buffer, decltype(&clCreateBuffer)>);
static_assert(kSame<&Api::create_sub_buffer, decltype(&clCreateSubBuffer)>);
static_assert(kSame<&Api::retain_mem_object, decltype(&clRetainMemObject)>);
static_assert(kSame<&Api::release_mem_object, decltype(&clReleaseMemObject)>);
static_assert(kSame<&Api::enqueue_read_buffer, decltype(&clEnqueueReadBuffer)>);
static_assert(kSame<&Api::enqueue_write_buffer, decltype(&clEnqueueWriteBuffer)>);
static_assert(kSame<&Api::enqueue_copy_buffer, decltype(&clEnqueueCopyBuffer)>);
static_assert(kSame<&Api::enqueue_read_buffer_rect, decltype(&clEnqueueReadBufferRect)>);
static_assert(kSame<&Api::enqueue_write_buffer_rect, decltype(&clEnqueueWriteBufferRect)>);
static_assert(kSame<&Api::enqueue_copy_buffer_rect, decltype(&clEnqueueCopyBufferRect)>);
static_assert(kSame<&Api::enqueue_fill_buffer, decltype(&clEnqueueFillBuffer)>);
static_assert(kSame<&Api::enqueue_map_buffer, decltype(&clEnqueueMapBuffer)>);
static_assert(kSame<&Api::enqueue_unmap_mem_object, decltype(&clEnqueueUnmapMemObject)>);
static_assert(kSame<&Api::create_program_with_source, decltype(&clCreateProgramWithSource)>);
static_assert(kSame<&Api::create_program_with_binary, decltype(&clCreateProgramWithBinary)>);
static_assert(kSame<&Api::release_program, decltype(&clReleaseProgram)>);
static_assert(kSame<&Api::build_program, decltype(&clBuildProgram)>);
static_assert(kSame<&Api::get_program_info, decltype(&clGetProgramInfo)>);
static_assert(kSame<&Api::get_program_build_info, decltype(&clGetProgramBuildInfo)>);
static_assert(kSame<&Api::create_kernel, decltype(&clCreateKernel)>);
static_assert(kSame<&Api::release_kernel, decltype(&clReleaseKernel)>);
static_assert(kSame<&Api::set_kernel_arg, decltype(&clSetKernelArg)>);
static_assert(kSame<&Api::get_kernel_info, decltype(&clGetKernelInfo)>);
static_assert(kSame<&Api::get_kernel_work_group_info, decltype(&clGetKernelWorkGroupInfo)>);
static_assert(kSame<&Api::enqueue_nd_range_kernel, decltype(&clEnqueueNDRangeKernel)>);
static_assert(kSame<&Api::enqueue_marker_with_wait_list, decltype(&clEnqueueMarkerWithWaitList)>);
static_assert(kSame<&Api::enqueue_barrier_with_wait_list, decltype(&clEnqueueBarrierWithWaitList)>);
static_assert(kSame<&Api::wait_for_events, decltype(&clWaitForEvents)>);
static_assert(kSame<&Api::create_user_event, decltype(&clCreateUserEvent)>);
static_assert(kSame<&Api::set_user_event_status, decltype(&clSetUserEventStatus)>);
static_assert(kSame<&Api::release_event, decltype(&clReleaseEvent)>);
static_assert(kSame<&Api::get_event_info, decltype(&clGetEventInfo)>);
static_assert(kSame<&Api::get_event_profiling_info, decltype(&clGetEventProfilingInfo)>);
static_assert(kSame<&Api::create_command_queue_with_properties,
                    decltype(&clCreateCommandQueueWithProperties)>);
static_assert(kSame<&Api::svm_alloc, decltype(&clSVMAlloc)>);
static_assert(kSame<&Api::svm_free, decltype(&clSVMFree)>);
static_assert(kSame<&Api::set_kernel_arg_svm_pointer, decltype(&clSetKernelArgSVMPointer)>);
static_assert(kSame<&Api::enqueue_svm_memcpy, decltype(&clEnqueueSVMMemcpy)>);
static_assert(kSame<&Api::enqueue_svm_mem_fill, decltype(&clEnqueueSVMMemFill)>);
static_assert(kSame<&Api::get_device_and_host_timer, decltype(&clGetDeviceAndHostTimer)>);
static_assert(kSame<&Api::create_program_with_il, decltype(&clCreateProgramWithIL)>);

static_assert(kSame<&ExtensionApi::host_mem_alloc, clHostMemAllocINTEL_fn>);
static_assert(kSame<&ExtensionApi::device_mem_alloc, clDeviceMemAllocINTEL_fn>);
static_assert(kSame<&ExtensionApi::mem_blocking_free, clMemBlockingFreeINTEL_fn>);
static_assert(kSame<&ExtensionApi::set_kernel_arg_mem_pointer, clSetKernelArgMemPointerINTEL_fn>);
static_assert(kSame<&ExtensionApi::enqueue_memcpy, clEnqueueMemcpyINTEL_fn>);
static_assert(kSame<&ExtensionApi::enqueue_mem_fill, clEnqueueMemFillINTEL_fn>);
static_assert(kSame<&ExtensionApi::create_program_with_il, clCreateProgramWithILKHR_fn>);
static_assert(kSame<&ExtensionApi::create_command_buffer, clCreateCommandBufferKHR_fn>);
static_assert(kSame<&ExtensionApi::finalize_command_buffer, clFinalizeCommandBufferKHR_fn>);
static_assert(kSame<&ExtensionApi::release_command_buffer, clReleaseCommandBufferKHR_fn>);
static_assert(kSame<&ExtensionApi::enqueue_command_buffer, clEnqueueCommandBufferKHR_fn>);
static_assert(kSame<&ExtensionApi::command_copy_buffer, clCommandCopyBufferKHR_fn>);
static_assert(kSame<&ExtensionApi::command_fill_buffer, clCommandFillBufferKHR_fn>);
static_assert(kSame<&ExtensionApi::command_nd_range_kernel, clCommandNDRangeKernelKHR_fn>);

static_assert(cl::kFalse == CL_FALSE);
static_assert(cl::kTrue == CL_TRUE);
static_assert(cl::kSuccess == CL_SUCCESS);
static_assert(cl::kDeviceNotFound == CL_DEVICE_NOT_FOUND);
static_assert(cl::kDeviceNotAvailable == CL_DEVICE_NOT_AVAILABLE);
static_assert(cl::kCompilerNotAvailable == CL_COMPILER_NOT_AVAILABLE);
static_assert(cl::kMemObjectAllocationFailure == CL_MEM_OBJECT_ALLOCATION_FAILURE);
static_assert(cl::kOutOfResources == CL_OUT_OF_RESOURCES);
static_assert(cl::kOutOfHostMemory == CL_OUT_OF_HOST_MEMORY);
static_assert(cl::kProfilingInfoNotAvailable == CL_PROFILING_INFO_NOT_AVAILABLE);
static_assert(cl::kMemCopyOverlap == CL_MEM_COPY_OVERLAP);
static_assert(cl::kBuildProgramFailure == CL_BUILD_PROGRAM_FAILURE);
static_assert(cl::kMisalignedSubBufferOffset == CL_MISALIGNED_SUB_BUFFER_OFFSET);
static_assert(cl::kExecStatusErrorForEventsInWaitList ==
              CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
static_assert(cl::kCompileProgramFailure == CL_COMPILE_PROGRAM_FAILURE);
static_assert(cl::kInvalidValue == CL_INVALID_VALUE);
static_assert(cl::kInvalidBinary == CL_INVALID_BINARY);
static_assert(cl::kInvalidBuildOptions == CL_INVALID_BUILD_OPTIONS);
static_assert(cl::kInvalidProgramExecutable == CL_INVALID_PROGRAM_EXECUTABLE);
static_assert(cl::kInvalidKernelName == CL_INVALID_KERNEL_NAME);
static_assert(cl::kInvalidArgIndex == CL_INVALID_ARG_INDEX);
static_assert(cl::kInvalidArgValue == CL_INVALID_ARG_VALUE);
static_assert(cl::kInvalidArgSize == CL_INVALID_ARG_SIZE);
static_assert(cl::kInvalidKernelArgs == CL_INVALID_KERNEL_ARGS);
static_assert(cl::kInvalidWorkGroupSize == CL_INVALID_WORK_GROUP_SIZE);
static_assert(cl::kInvalidWorkItemSize == CL_INVALID_WORK_ITEM_SIZE);
static_assert(cl::kInvalidOperation == CL_INVALID_OPERATION);
static_assert(cl::kInvalidBufferSize == CL_INVALID_BUFFER_SIZE);
static_assert(cl::kPlatformNotFound == CL_PLATFORM_NOT_FOUND_KHR);
static_assert(cl::kPlatformVersion == CL_PLATFORM_VERSION);
static_assert(cl::kPlatformName == CL_PLATFORM_NAME);
static_assert(cl::kDeviceTypeCpu == CL_DEVICE_TYPE_CPU);
static_assert(cl::kDeviceTypeGpu == CL_DEVICE_TYPE_GPU);
static_assert(cl::kDeviceTypeCustom == CL_DEVICE_TYPE_CUSTOM);
static_assert(cl::kDeviceTypeAll == CL_DEVICE_TYPE_ALL);
static_assert(cl::kDeviceType == CL_DEVICE_TYPE);
static_assert(cl::kDeviceMaxComputeUnits == CL_DEVICE_MAX_COMPUTE_UNITS);
static_assert(cl::kDeviceMaxWorkGroupSize == CL_DEVICE_MAX_WORK_GROUP_SIZE);
static_assert(cl::kDeviceMaxWorkItemSizes == CL_DEVICE_MAX_WORK_ITEM_SIZES);
static_assert(cl::kDeviceMaxMemAllocSize == CL_DEVICE_MAX_MEM_ALLOC_SIZE);
static_assert(cl::kDeviceMemBaseAddrAlign == CL_DEVICE_MEM_BASE_ADDR_ALIGN);
static_assert(cl::kDeviceGlobalMemSize == CL_DEVICE_GLOBAL_MEM_SIZE);
static_assert(cl::kDeviceLocalMemSize == CL_DEVICE_LOCAL_MEM_SIZE);
static_assert(cl::kDeviceAvailable == CL_DEVICE_AVAILABLE);
static_assert(cl::kDeviceCompilerAvailable == CL_DEVICE_COMPILER_AVAILABLE);
static_assert(cl::kDeviceName == CL_DEVICE_NAME);
static_assert(cl::kDeviceVendor == CL_DEVICE_VENDOR);
static_assert(cl::kDriverVersion == CL_DRIVER_VERSION);
static_assert(cl::kDeviceVersion == CL_DEVICE_VERSION);
static_assert(cl::kDeviceExtensions == CL_DEVICE_EXTENSIONS);
static_assert(cl::kDeviceDoubleFpConfig == CL_DEVICE_DOUBLE_FP_CONFIG);
static_assert(cl::kDeviceHostUnifiedMemory == CL_DEVICE_HOST_UNIFIED_MEMORY);
static_assert(cl::kDeviceSvmCapabilities == CL_DEVICE_SVM_CAPABILITIES);
static_assert(cl::kDeviceIlVersion == CL_DEVICE_IL_VERSION);
static_assert(cl::kDeviceExtensionsWithVersion == CL_DEVICE_EXTENSIONS_WITH_VERSION);
static_assert(cl::kDeviceUuidKhr == CL_DEVICE_UUID_KHR);
static_assert(cl::kDevicePciBusInfoKhr == CL_DEVICE_PCI_BUS_INFO_KHR);
static_assert(cl::kDeviceComputeCapabilityMajorNv == CL_DEVICE_COMPUTE_CAPABILITY_MAJOR_NV);
static_assert(cl::kDeviceComputeCapabilityMinorNv == CL_DEVICE_COMPUTE_CAPABILITY_MINOR_NV);
static_assert(cl::kDeviceWarpSizeNv == CL_DEVICE_WARP_SIZE_NV);
static_assert(cl::kDeviceTopologyAmd == CL_DEVICE_TOPOLOGY_AMD);
static_assert(cl::kDeviceGlobalFreeMemoryAmd == CL_DEVICE_GLOBAL_FREE_MEMORY_AMD);
static_assert(cl::kDeviceWavefrontWidthAmd == CL_DEVICE_WAVEFRONT_WIDTH_AMD);
static_assert(cl::kDeviceSubGroupSizesIntel == CL_DEVICE_SUB_GROUP_SIZES_INTEL);
static_assert(cl::kDeviceDeviceMemCapabilitiesIntel == CL_DEVICE_DEVICE_MEM_CAPABILITIES_INTEL);
static_assert(cl::kDeviceHostMemCapabilitiesIntel == CL_DEVICE_HOST_MEM_CAPABILITIES_INTEL);
static_assert(cl::kDeviceCommandBufferCapabilitiesKhr == CL_DEVICE_COMMAND_BUFFER_CAPABILITIES_KHR);
static_assert(cl::kDeviceCommandBufferRequiredQueuePropertiesKhr ==
              CL_DEVICE_COMMAND_BUFFER_REQUIRED_QUEUE_PROPERTIES_KHR);
static_assert(cl::kSvmCoarseGrainBuffer == CL_DEVICE_SVM_COARSE_GRAIN_BUFFER);
static_assert(cl::kSvmFineGrainBuffer == CL_DEVICE_SVM_FINE_GRAIN_BUFFER);
static_assert(cl::kSvmFineGrainSystem == CL_DEVICE_SVM_FINE_GRAIN_SYSTEM);
static_assert(cl::kContextPlatform == CL_CONTEXT_PLATFORM);
static_assert(cl::kQueueOutOfOrderExecModeEnable == CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
static_assert(cl::kQueueProfilingEnable == CL_QUEUE_PROFILING_ENABLE);
static_assert(cl::kQueueProperties == CL_QUEUE_PROPERTIES);
static_assert(cl::kQueuePriorityKhr == CL_QUEUE_PRIORITY_KHR);
static_assert(cl::kQueuePriorityHighKhr == CL_QUEUE_PRIORITY_HIGH_KHR);
static_assert(cl::kQueuePriorityMedKhr == CL_QUEUE_PRIORITY_MED_KHR);
static_assert(cl::kQueuePriorityLowKhr == CL_QUEUE_PRIORITY_LOW_KHR);
static_assert(cl::kMemReadWrite == CL_MEM_READ_WRITE);
static_assert(cl::kMemUseHostPtr == CL_MEM_USE_HOST_PTR);
static_assert(cl::kMemAllocHostPtr == CL_MEM_ALLOC_HOST_PTR);
static_assert(cl::kMemSvmFineGrainBuffer == CL_MEM_SVM_FINE_GRAIN_BUFFER);
static_assert(cl::kMapRead == CL_MAP_READ);
static_assert(cl::kMapWrite == CL_MAP_WRITE);
static_assert(cl::kBufferCreateTypeRegion == CL_BUFFER_CREATE_TYPE_REGION);
static_assert(cl::kProgramBinarySizes == CL_PROGRAM_BINARY_SIZES);
static_assert(cl::kProgramBinaries == CL_PROGRAM_BINARIES);
static_assert(cl::kProgramBuildLog == CL_PROGRAM_BUILD_LOG);
static_assert(cl::kKernelNumArgs == CL_KERNEL_NUM_ARGS);
static_assert(cl::kKernelWorkGroupSize == CL_KERNEL_WORK_GROUP_SIZE);
static_assert(cl::kKernelCompileWorkGroupSize == CL_KERNEL_COMPILE_WORK_GROUP_SIZE);
static_assert(cl::kKernelLocalMemSize == CL_KERNEL_LOCAL_MEM_SIZE);
static_assert(cl::kKernelPrivateMemSize == CL_KERNEL_PRIVATE_MEM_SIZE);
static_assert(cl::kEventCommandExecutionStatus == CL_EVENT_COMMAND_EXECUTION_STATUS);
static_assert(cl::kComplete == CL_COMPLETE);
static_assert(cl::kProfilingCommandQueued == CL_PROFILING_COMMAND_QUEUED);
static_assert(cl::kProfilingCommandEnd == CL_PROFILING_COMMAND_END);
static_assert(cl::kCommandBufferFlagsKhr == CL_COMMAND_BUFFER_FLAGS_KHR);
static_assert(cl::kCommandBufferSimultaneousUseKhr == CL_COMMAND_BUFFER_SIMULTANEOUS_USE_KHR);
static_assert(cl::kCommandBufferCapabilitySimultaneousUseKhr ==
              CL_COMMAND_BUFFER_CAPABILITY_SIMULTANEOUS_USE_KHR);
static_assert(cl::kTopologyPcieAmd == CL_DEVICE_TOPOLOGY_TYPE_PCIE_AMD);

static_assert(sizeof(cl::BufferRegion) == sizeof(cl_buffer_region));
static_assert(offsetof(cl::BufferRegion, size_bytes) == offsetof(cl_buffer_region, size));
static_assert(sizeof(cl::PciBusInfo) == sizeof(cl_device_pci_bus_info_khr));
static_assert(offsetof(cl::PciBusInfo, function) ==
              offsetof(cl_device_pci_bus_info_khr, pci_function));
static_assert(sizeof(cl::NameVersion) == sizeof(cl_name_version));
static_assert(offsetof(cl::NameVersion, name) == offsetof(cl_name_version, name));
static_assert(sizeof(cl::TopologyAmd) == sizeof(cl_device_topology_amd));

TEST(OpenclAbi, TheLoaderHasWhatIsDeclared) { EXPECT_EQ("", loader().error); }

TEST(OpenclAbi, CodesHaveTheirOfficialNames) {
  struct Row {
    cl::Int code;
    const char* name;
  };
  constexpr Row kRows[] = {
      {CL_DEVICE_NOT_FOUND, "CL_DEVICE_NOT_FOUND"},
      {CL_DEVICE_NOT_AVAILABLE, "CL_DEVICE_NOT_AVAILABLE"},
      {CL_COMPILER_NOT_AVAILABLE, "CL_COMPILER_NOT_AVAILABLE"},
      {CL_MEM_OBJECT_ALLOCATION_FAILURE, "CL_MEM_OBJECT_ALLOCATION_FAILURE"},
      {CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES"},
      {CL_OUT_OF_HOST_MEMORY, "CL_OUT_OF_HOST_MEMORY"},
      {CL_PROFILING_INFO_NOT_AVAILABLE, "CL_PROFILING_INFO_NOT_AVAILABLE"},
      {CL_MEM_COPY_OVERLAP, "CL_MEM_COPY_OVERLAP"},
      {CL_BUILD_PROGRAM_FAILURE, "CL_BUILD_PROGRAM_FAILURE"},
      {CL_MAP_FAILURE, "CL_MAP_FAILURE"},
      {CL_MISALIGNED_SUB_BUFFER_OFFSET, "CL_MISALIGNED_SUB_BUFFER_OFFSET"},
      {CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST,
       "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST"},
      {CL_COMPILE_PROGRAM_FAILURE, "CL_COMPILE_PROGRAM_FAILURE"},
      {CL_LINKER_NOT_AVAILABLE, "CL_LINKER_NOT_AVAILABLE"},
      {CL_LINK_PROGRAM_FAILURE, "CL_LINK_PROGRAM_FAILURE"},
      {CL_INVALID_VALUE, "CL_INVALID_VALUE"},
      {CL_INVALID_PLATFORM, "CL_INVALID_PLATFORM"},
      {CL_INVALID_DEVICE, "CL_INVALID_DEVICE"},
      {CL_INVALID_CONTEXT, "CL_INVALID_CONTEXT"},
      {CL_INVALID_QUEUE_PROPERTIES, "CL_INVALID_QUEUE_PROPERTIES"},
      {CL_INVALID_COMMAND_QUEUE, "CL_INVALID_COMMAND_QUEUE"},
      {CL_INVALID_HOST_PTR, "CL_INVALID_HOST_PTR"},
      {CL_INVALID_MEM_OBJECT, "CL_INVALID_MEM_OBJECT"},
      {CL_INVALID_BINARY, "CL_INVALID_BINARY"},
      {CL_INVALID_BUILD_OPTIONS, "CL_INVALID_BUILD_OPTIONS"},
      {CL_INVALID_PROGRAM, "CL_INVALID_PROGRAM"},
      {CL_INVALID_PROGRAM_EXECUTABLE, "CL_INVALID_PROGRAM_EXECUTABLE"},
      {CL_INVALID_KERNEL_NAME, "CL_INVALID_KERNEL_NAME"},
      {CL_INVALID_KERNEL_DEFINITION, "CL_INVALID_KERNEL_DEFINITION"},
      {CL_INVALID_KERNEL, "CL_INVALID_KERNEL"},
      {CL_INVALID_ARG_INDEX, "CL_INVALID_ARG_INDEX"},
      {CL_INVALID_ARG_VALUE, "CL_INVALID_ARG_VALUE"},
      {CL_INVALID_ARG_SIZE, "CL_INVALID_ARG_SIZE"},
      {CL_INVALID_KERNEL_ARGS, "CL_INVALID_KERNEL_ARGS"},
      {CL_INVALID_WORK_DIMENSION, "CL_INVALID_WORK_DIMENSION"},
      {CL_INVALID_WORK_GROUP_SIZE, "CL_INVALID_WORK_GROUP_SIZE"},
      {CL_INVALID_WORK_ITEM_SIZE, "CL_INVALID_WORK_ITEM_SIZE"},
      {CL_INVALID_EVENT_WAIT_LIST, "CL_INVALID_EVENT_WAIT_LIST"},
      {CL_INVALID_EVENT, "CL_INVALID_EVENT"},
      {CL_INVALID_OPERATION, "CL_INVALID_OPERATION"},
      {CL_INVALID_BUFFER_SIZE, "CL_INVALID_BUFFER_SIZE"},
      {CL_INVALID_GLOBAL_WORK_SIZE, "CL_INVALID_GLOBAL_WORK_SIZE"},
      {CL_INVALID_PROPERTY, "CL_INVALID_PROPERTY"},
      {CL_PLATFORM_NOT_FOUND_KHR, "CL_PLATFORM_NOT_FOUND_KHR"},
      {CL_INVALID_COMMAND_BUFFER_KHR, "CL_INVALID_COMMAND_BUFFER_KHR"},
      {CL_INVALID_SYNC_POINT_WAIT_LIST_KHR, "CL_INVALID_SYNC_POINT_WAIT_LIST_KHR"},
      {CL_INCOMPATIBLE_COMMAND_QUEUE_KHR, "CL_INCOMPATIBLE_COMMAND_QUEUE_KHR"},
  };
  for (const Row& row : kRows) EXPECT_EQ(row.name, code_name(row.code));
  EXPECT_EQ("OpenCL error -12345", code_name(-12345));
}

TEST(OpenclAbi, WhatRanOutAndWhatIsLostAreToldApart) {
  struct Row {
    cl::Int code;
    During during;
    sampan_code_t meaning;
    std::uint32_t flags;
  };
  constexpr std::uint32_t kSticky = SAMPAN_ERROR_STICKY, kRetry = SAMPAN_ERROR_RETRYABLE,
                          kLost = SAMPAN_ERROR_STICKY | SAMPAN_ERROR_DEVICE_LOST;
  constexpr Row kRows[] = {
      {CL_MEM_OBJECT_ALLOCATION_FAILURE, During::kAllocation, SAMPAN_OUT_OF_DEVICE_MEMORY, kRetry},
      {CL_OUT_OF_RESOURCES, During::kAllocation, SAMPAN_OUT_OF_DEVICE_MEMORY, kRetry},
      {CL_OUT_OF_RESOURCES, During::kSubmission, SAMPAN_OUT_OF_DEVICE_MEMORY, kRetry},
      {CL_OUT_OF_RESOURCES, During::kExecution, SAMPAN_LAUNCH_FAILED, kSticky},
      {CL_OUT_OF_HOST_MEMORY, During::kAllocation, SAMPAN_OUT_OF_HOST_MEMORY, kRetry},
      {CL_OUT_OF_HOST_MEMORY, During::kExecution, SAMPAN_OUT_OF_HOST_MEMORY, kSticky},
      {CL_DEVICE_NOT_AVAILABLE, During::kAllocation, SAMPAN_DEVICE_LOST, kLost},
      {CL_DEVICE_NOT_AVAILABLE, During::kExecution, SAMPAN_DEVICE_LOST, kLost},
      {CL_BUILD_PROGRAM_FAILURE, During::kBuild, SAMPAN_COMPILE_FAILED, 0},
      {CL_INVALID_BINARY, During::kBuild, SAMPAN_INVALID_BINARY, 0},
      {CL_COMPILER_NOT_AVAILABLE, During::kBuild, SAMPAN_UNSUPPORTED, 0},
      {CL_INVALID_KERNEL_NAME, During::kBuild, SAMPAN_NOT_FOUND, 0},
      {CL_INVALID_WORK_GROUP_SIZE, During::kSubmission, SAMPAN_INVALID_ARGUMENT, 0},
      {-9999, During::kExecution, SAMPAN_ILLEGAL_ACCESS, kSticky},
      {-12345, During::kSubmission, SAMPAN_DRIVER_ERROR, 0},
  };
  for (const Row& row : kRows) {
    const Failure failure = failure_of(row.code, "clCall", row.during, "Doing something");
    EXPECT_EQ(row.meaning, failure.code) << row.code;
    EXPECT_EQ(row.flags, failure.flags) << row.code;
    EXPECT_EQ(row.code, failure.driver_code);
    EXPECT_EQ("clCall", failure.driver_call);
    EXPECT_NE(std::string::npos, failure.message.find(code_name(row.code)));
  }
}

TEST(OpenclAbi, TextIsCutBetweenCharacters) {
  char out[8];
  copy_text("a\xC3\xA9\xE2\x82\xAC", out, 6);  // 1, 2 and 3 bytes into room for 5
  EXPECT_STREQ("a\xC3\xA9", out);
  copy_text("a\xC3\xA9\xE2\x82\xAC", out, 7);
  EXPECT_STREQ("a\xC3\xA9\xE2\x82\xAC", out);
  copy_text("abc", out, 1);
  EXPECT_STREQ("", out);
}

TEST(OpenclAbi, ExtensionsAreWholeWords) {
  EXPECT_TRUE(lists("cl_a cl_b", "cl_a"));
  EXPECT_TRUE(lists("cl_a cl_b", "cl_b"));
  EXPECT_TRUE(lists("cl_aa cl_a", "cl_a"));
  EXPECT_FALSE(lists("cl_aa", "cl_a"));
  EXPECT_FALSE(lists("xcl_a", "cl_a"));
  EXPECT_FALSE(lists("", "cl_a"));
}

}  // namespace
}  // namespace sampan::opencl
