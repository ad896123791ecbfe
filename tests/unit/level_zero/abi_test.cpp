// Compares the backend's own declarations of Level Zero with the official headers. Compiled only
// where those are installed; all but the names of codes is checked at compile time.
#include <gtest/gtest.h>
#include <level_zero/ze_api.h>

#include <cstddef>
#include <string>
#include <type_traits>

#include "backends/level_zero/api.h"
#include "backends/level_zero/error.h"

namespace sampan::level_zero {
namespace {

// How a calling convention passes a type.
template <typename T>
consteval int class_of() {
  if (std::is_pointer_v<T>) return 1;
  return std::is_integral_v<T> || std::is_enum_v<T> ? 2 : 3;
}

template <typename A, typename B>
consteval bool same_kind() {
  return class_of<A>() == class_of<B>() && sizeof(A) == sizeof(B);
}

template <typename Ours, typename Theirs>
struct SameShape;

// As many parameters, each of the same kind and size; and so the result.
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

static_assert(kSame<&Api::init, decltype(&zeInit)>);
static_assert(kSame<&Api::driver_get, decltype(&zeDriverGet)>);
static_assert(kSame<&Api::driver_get_properties, decltype(&zeDriverGetProperties)>);
static_assert(
    kSame<&Api::driver_get_extension_properties, decltype(&zeDriverGetExtensionProperties)>);
static_assert(kSame<&Api::driver_get_extension_function_address,
                    decltype(&zeDriverGetExtensionFunctionAddress)>);
static_assert(kSame<&Api::device_get, decltype(&zeDeviceGet)>);
static_assert(kSame<&Api::device_get_properties, decltype(&zeDeviceGetProperties)>);
static_assert(kSame<&Api::device_get_compute_properties, decltype(&zeDeviceGetComputeProperties)>);
static_assert(kSame<&Api::device_get_module_properties, decltype(&zeDeviceGetModuleProperties)>);
static_assert(kSame<&Api::device_get_command_queue_group_properties,
                    decltype(&zeDeviceGetCommandQueueGroupProperties)>);
static_assert(kSame<&Api::device_get_memory_properties, decltype(&zeDeviceGetMemoryProperties)>);
static_assert(
    kSame<&Api::device_get_memory_access_properties, decltype(&zeDeviceGetMemoryAccessProperties)>);
static_assert(kSame<&Api::device_can_access_peer, decltype(&zeDeviceCanAccessPeer)>);
static_assert(kSame<&Api::device_get_status, decltype(&zeDeviceGetStatus)>);
static_assert(kSame<&Api::device_get_global_timestamps, decltype(&zeDeviceGetGlobalTimestamps)>);
static_assert(kSame<&Api::device_pci_get_properties, decltype(&zeDevicePciGetPropertiesExt)>);
static_assert(kSame<&Api::context_create, decltype(&zeContextCreate)>);
static_assert(kSame<&Api::context_destroy, decltype(&zeContextDestroy)>);
static_assert(kSame<&Api::mem_alloc_device, decltype(&zeMemAllocDevice)>);
static_assert(kSame<&Api::mem_alloc_host, decltype(&zeMemAllocHost)>);
static_assert(kSame<&Api::mem_free, decltype(&zeMemFree)>);
static_assert(kSame<&Api::list_create_immediate, decltype(&zeCommandListCreateImmediate)>);
static_assert(kSame<&Api::list_destroy, decltype(&zeCommandListDestroy)>);
static_assert(kSame<&Api::append_barrier, decltype(&zeCommandListAppendBarrier)>);
static_assert(kSame<&Api::append_memory_copy, decltype(&zeCommandListAppendMemoryCopy)>);
static_assert(
    kSame<&Api::append_memory_copy_region, decltype(&zeCommandListAppendMemoryCopyRegion)>);
static_assert(kSame<&Api::append_memory_fill, decltype(&zeCommandListAppendMemoryFill)>);
static_assert(kSame<&Api::append_launch_kernel, decltype(&zeCommandListAppendLaunchKernel)>);
static_assert(kSame<&Api::event_pool_create, decltype(&zeEventPoolCreate)>);
static_assert(kSame<&Api::event_pool_destroy, decltype(&zeEventPoolDestroy)>);
static_assert(kSame<&Api::event_create, decltype(&zeEventCreate)>);
static_assert(kSame<&Api::event_destroy, decltype(&zeEventDestroy)>);
static_assert(kSame<&Api::event_host_signal, decltype(&zeEventHostSignal)>);
static_assert(kSame<&Api::event_host_reset, decltype(&zeEventHostReset)>);
static_assert(kSame<&Api::event_host_synchronize, decltype(&zeEventHostSynchronize)>);
static_assert(kSame<&Api::event_query_status, decltype(&zeEventQueryStatus)>);
static_assert(kSame<&Api::event_query_kernel_timestamp, decltype(&zeEventQueryKernelTimestamp)>);
static_assert(kSame<&Api::module_create, decltype(&zeModuleCreate)>);
static_assert(kSame<&Api::module_destroy, decltype(&zeModuleDestroy)>);
static_assert(kSame<&Api::module_get_native_binary, decltype(&zeModuleGetNativeBinary)>);
static_assert(kSame<&Api::build_log_get_string, decltype(&zeModuleBuildLogGetString)>);
static_assert(kSame<&Api::build_log_destroy, decltype(&zeModuleBuildLogDestroy)>);
static_assert(kSame<&Api::kernel_create, decltype(&zeKernelCreate)>);
static_assert(kSame<&Api::kernel_destroy, decltype(&zeKernelDestroy)>);
static_assert(kSame<&Api::kernel_set_group_size, decltype(&zeKernelSetGroupSize)>);
static_assert(kSame<&Api::kernel_set_argument_value, decltype(&zeKernelSetArgumentValue)>);
static_assert(kSame<&Api::kernel_get_properties, decltype(&zeKernelGetProperties)>);

// ---- Layouts: each member lies where theirs does ------------------------------------------------

static_assert(sizeof(ze::DriverProperties) == sizeof(ze_driver_properties_t));
static_assert(offsetof(ze::DriverProperties, type) == offsetof(ze_driver_properties_t, stype));
static_assert(offsetof(ze::DriverProperties, next) == offsetof(ze_driver_properties_t, pNext));
static_assert(offsetof(ze::DriverProperties, uuid) == offsetof(ze_driver_properties_t, uuid));
static_assert(offsetof(ze::DriverProperties, version) ==
              offsetof(ze_driver_properties_t, driverVersion));
static_assert(sizeof(ze::ExtensionProperties) == sizeof(ze_driver_extension_properties_t));
static_assert(offsetof(ze::ExtensionProperties, name) ==
              offsetof(ze_driver_extension_properties_t, name));
static_assert(offsetof(ze::ExtensionProperties, version) ==
              offsetof(ze_driver_extension_properties_t, version));
static_assert(sizeof(ze::DeviceProperties) == sizeof(ze_device_properties_t));
static_assert(offsetof(ze::DeviceProperties, type) == offsetof(ze_device_properties_t, stype));
static_assert(offsetof(ze::DeviceProperties, next) == offsetof(ze_device_properties_t, pNext));
static_assert(offsetof(ze::DeviceProperties, device_type) ==
              offsetof(ze_device_properties_t, type));
static_assert(offsetof(ze::DeviceProperties, vendor_id) ==
              offsetof(ze_device_properties_t, vendorId));
static_assert(offsetof(ze::DeviceProperties, device_id) ==
              offsetof(ze_device_properties_t, deviceId));
static_assert(offsetof(ze::DeviceProperties, flags) == offsetof(ze_device_properties_t, flags));
static_assert(offsetof(ze::DeviceProperties, subdevice_id) ==
              offsetof(ze_device_properties_t, subdeviceId));
static_assert(offsetof(ze::DeviceProperties, clock_mhz) ==
              offsetof(ze_device_properties_t, coreClockRate));
static_assert(offsetof(ze::DeviceProperties, max_allocation_bytes) ==
              offsetof(ze_device_properties_t, maxMemAllocSize));
static_assert(offsetof(ze::DeviceProperties, max_hardware_contexts) ==
              offsetof(ze_device_properties_t, maxHardwareContexts));
static_assert(offsetof(ze::DeviceProperties, max_queue_priority) ==
              offsetof(ze_device_properties_t, maxCommandQueuePriority));
static_assert(offsetof(ze::DeviceProperties, threads_per_eu) ==
              offsetof(ze_device_properties_t, numThreadsPerEU));
static_assert(offsetof(ze::DeviceProperties, simd_width) ==
              offsetof(ze_device_properties_t, physicalEUSimdWidth));
static_assert(offsetof(ze::DeviceProperties, eus_per_subslice) ==
              offsetof(ze_device_properties_t, numEUsPerSubslice));
static_assert(offsetof(ze::DeviceProperties, subslices_per_slice) ==
              offsetof(ze_device_properties_t, numSubslicesPerSlice));
static_assert(offsetof(ze::DeviceProperties, slices) ==
              offsetof(ze_device_properties_t, numSlices));
static_assert(offsetof(ze::DeviceProperties, ticks_per_second) ==
              offsetof(ze_device_properties_t, timerResolution));
static_assert(offsetof(ze::DeviceProperties, timestamp_bits) ==
              offsetof(ze_device_properties_t, timestampValidBits));
static_assert(offsetof(ze::DeviceProperties, kernel_timestamp_bits) ==
              offsetof(ze_device_properties_t, kernelTimestampValidBits));
static_assert(offsetof(ze::DeviceProperties, uuid) == offsetof(ze_device_properties_t, uuid));
static_assert(offsetof(ze::DeviceProperties, name) == offsetof(ze_device_properties_t, name));
static_assert(sizeof(ze::ComputeProperties) == sizeof(ze_device_compute_properties_t));
static_assert(offsetof(ze::ComputeProperties, type) ==
              offsetof(ze_device_compute_properties_t, stype));
static_assert(offsetof(ze::ComputeProperties, next) ==
              offsetof(ze_device_compute_properties_t, pNext));
static_assert(offsetof(ze::ComputeProperties, max_group_items) ==
              offsetof(ze_device_compute_properties_t, maxTotalGroupSize));
static_assert(offsetof(ze::ComputeProperties, max_group) ==
              offsetof(ze_device_compute_properties_t, maxGroupSizeX));
static_assert(offsetof(ze::ComputeProperties, max_grid) ==
              offsetof(ze_device_compute_properties_t, maxGroupCountX));
static_assert(offsetof(ze::ComputeProperties, local_memory_bytes) ==
              offsetof(ze_device_compute_properties_t, maxSharedLocalMemory));
static_assert(offsetof(ze::ComputeProperties, subgroup_size_count) ==
              offsetof(ze_device_compute_properties_t, numSubGroupSizes));
static_assert(offsetof(ze::ComputeProperties, subgroup_sizes) ==
              offsetof(ze_device_compute_properties_t, subGroupSizes));
static_assert(sizeof(ze::ModuleProperties) == sizeof(ze_device_module_properties_t));
static_assert(offsetof(ze::ModuleProperties, type) ==
              offsetof(ze_device_module_properties_t, stype));
static_assert(offsetof(ze::ModuleProperties, next) ==
              offsetof(ze_device_module_properties_t, pNext));
static_assert(offsetof(ze::ModuleProperties, spirv_version) ==
              offsetof(ze_device_module_properties_t, spirvVersionSupported));
static_assert(offsetof(ze::ModuleProperties, flags) ==
              offsetof(ze_device_module_properties_t, flags));
static_assert(offsetof(ze::ModuleProperties, fp16) ==
              offsetof(ze_device_module_properties_t, fp16flags));
static_assert(offsetof(ze::ModuleProperties, fp32) ==
              offsetof(ze_device_module_properties_t, fp32flags));
static_assert(offsetof(ze::ModuleProperties, fp64) ==
              offsetof(ze_device_module_properties_t, fp64flags));
static_assert(offsetof(ze::ModuleProperties, max_argument_bytes) ==
              offsetof(ze_device_module_properties_t, maxArgumentsSize));
static_assert(offsetof(ze::ModuleProperties, printf_bytes) ==
              offsetof(ze_device_module_properties_t, printfBufferSize));
static_assert(offsetof(ze::ModuleProperties, native_uuid) ==
              offsetof(ze_device_module_properties_t, nativeKernelSupported));
static_assert(sizeof(ze::QueueGroupProperties) == sizeof(ze_command_queue_group_properties_t));
static_assert(offsetof(ze::QueueGroupProperties, type) ==
              offsetof(ze_command_queue_group_properties_t, stype));
static_assert(offsetof(ze::QueueGroupProperties, next) ==
              offsetof(ze_command_queue_group_properties_t, pNext));
static_assert(offsetof(ze::QueueGroupProperties, flags) ==
              offsetof(ze_command_queue_group_properties_t, flags));
static_assert(offsetof(ze::QueueGroupProperties, max_pattern_bytes) ==
              offsetof(ze_command_queue_group_properties_t, maxMemoryFillPatternSize));
static_assert(offsetof(ze::QueueGroupProperties, queues) ==
              offsetof(ze_command_queue_group_properties_t, numQueues));
static_assert(sizeof(ze::MemoryProperties) == sizeof(ze_device_memory_properties_t));
static_assert(offsetof(ze::MemoryProperties, type) ==
              offsetof(ze_device_memory_properties_t, stype));
static_assert(offsetof(ze::MemoryProperties, next) ==
              offsetof(ze_device_memory_properties_t, pNext));
static_assert(offsetof(ze::MemoryProperties, flags) ==
              offsetof(ze_device_memory_properties_t, flags));
static_assert(offsetof(ze::MemoryProperties, max_clock_rate) ==
              offsetof(ze_device_memory_properties_t, maxClockRate));
static_assert(offsetof(ze::MemoryProperties, bus_width) ==
              offsetof(ze_device_memory_properties_t, maxBusWidth));
static_assert(offsetof(ze::MemoryProperties, total_bytes) ==
              offsetof(ze_device_memory_properties_t, totalSize));
static_assert(offsetof(ze::MemoryProperties, name) ==
              offsetof(ze_device_memory_properties_t, name));
static_assert(sizeof(ze::MemoryAccessProperties) == sizeof(ze_device_memory_access_properties_t));
static_assert(offsetof(ze::MemoryAccessProperties, type) ==
              offsetof(ze_device_memory_access_properties_t, stype));
static_assert(offsetof(ze::MemoryAccessProperties, next) ==
              offsetof(ze_device_memory_access_properties_t, pNext));
static_assert(offsetof(ze::MemoryAccessProperties, host) ==
              offsetof(ze_device_memory_access_properties_t, hostAllocCapabilities));
static_assert(offsetof(ze::MemoryAccessProperties, device) ==
              offsetof(ze_device_memory_access_properties_t, deviceAllocCapabilities));
static_assert(offsetof(ze::MemoryAccessProperties, shared_single) ==
              offsetof(ze_device_memory_access_properties_t, sharedSingleDeviceAllocCapabilities));
static_assert(offsetof(ze::MemoryAccessProperties, shared_cross) ==
              offsetof(ze_device_memory_access_properties_t, sharedCrossDeviceAllocCapabilities));
static_assert(offsetof(ze::MemoryAccessProperties, shared_system) ==
              offsetof(ze_device_memory_access_properties_t, sharedSystemAllocCapabilities));
static_assert(sizeof(ze::PciProperties) == sizeof(ze_pci_ext_properties_t));
static_assert(offsetof(ze::PciProperties, type) == offsetof(ze_pci_ext_properties_t, stype));
static_assert(offsetof(ze::PciProperties, next) == offsetof(ze_pci_ext_properties_t, pNext));
static_assert(offsetof(ze::PciProperties, domain) ==
              offsetof(ze_pci_ext_properties_t, address.domain));
static_assert(offsetof(ze::PciProperties, bus) == offsetof(ze_pci_ext_properties_t, address.bus));
static_assert(offsetof(ze::PciProperties, device) ==
              offsetof(ze_pci_ext_properties_t, address.device));
static_assert(offsetof(ze::PciProperties, function) ==
              offsetof(ze_pci_ext_properties_t, address.function));
static_assert(offsetof(ze::PciProperties, generation) ==
              offsetof(ze_pci_ext_properties_t, maxSpeed.genVersion));
static_assert(offsetof(ze::PciProperties, lanes) ==
              offsetof(ze_pci_ext_properties_t, maxSpeed.width));
static_assert(offsetof(ze::PciProperties, bandwidth) ==
              offsetof(ze_pci_ext_properties_t, maxSpeed.maxBandwidth));
static_assert(sizeof(ze::ContextDesc) == sizeof(ze_context_desc_t));
static_assert(offsetof(ze::ContextDesc, type) == offsetof(ze_context_desc_t, stype));
static_assert(offsetof(ze::ContextDesc, next) == offsetof(ze_context_desc_t, pNext));
static_assert(offsetof(ze::ContextDesc, flags) == offsetof(ze_context_desc_t, flags));
static_assert(sizeof(ze::QueueDesc) == sizeof(ze_command_queue_desc_t));
static_assert(offsetof(ze::QueueDesc, type) == offsetof(ze_command_queue_desc_t, stype));
static_assert(offsetof(ze::QueueDesc, next) == offsetof(ze_command_queue_desc_t, pNext));
static_assert(offsetof(ze::QueueDesc, ordinal) == offsetof(ze_command_queue_desc_t, ordinal));
static_assert(offsetof(ze::QueueDesc, index) == offsetof(ze_command_queue_desc_t, index));
static_assert(offsetof(ze::QueueDesc, flags) == offsetof(ze_command_queue_desc_t, flags));
static_assert(offsetof(ze::QueueDesc, mode) == offsetof(ze_command_queue_desc_t, mode));
static_assert(offsetof(ze::QueueDesc, priority) == offsetof(ze_command_queue_desc_t, priority));
static_assert(sizeof(ze::EventPoolDesc) == sizeof(ze_event_pool_desc_t));
static_assert(offsetof(ze::EventPoolDesc, type) == offsetof(ze_event_pool_desc_t, stype));
static_assert(offsetof(ze::EventPoolDesc, next) == offsetof(ze_event_pool_desc_t, pNext));
static_assert(offsetof(ze::EventPoolDesc, flags) == offsetof(ze_event_pool_desc_t, flags));
static_assert(offsetof(ze::EventPoolDesc, count) == offsetof(ze_event_pool_desc_t, count));
static_assert(sizeof(ze::EventDesc) == sizeof(ze_event_desc_t));
static_assert(offsetof(ze::EventDesc, type) == offsetof(ze_event_desc_t, stype));
static_assert(offsetof(ze::EventDesc, next) == offsetof(ze_event_desc_t, pNext));
static_assert(offsetof(ze::EventDesc, index) == offsetof(ze_event_desc_t, index));
static_assert(offsetof(ze::EventDesc, signal) == offsetof(ze_event_desc_t, signal));
static_assert(offsetof(ze::EventDesc, wait) == offsetof(ze_event_desc_t, wait));
static_assert(sizeof(ze::TimestampData) == sizeof(ze_kernel_timestamp_data_t));
static_assert(offsetof(ze::TimestampData, begin) ==
              offsetof(ze_kernel_timestamp_data_t, kernelStart));
static_assert(offsetof(ze::TimestampData, end) == offsetof(ze_kernel_timestamp_data_t, kernelEnd));
static_assert(sizeof(ze::TimestampResult) == sizeof(ze_kernel_timestamp_result_t));
static_assert(offsetof(ze::TimestampResult, global) ==
              offsetof(ze_kernel_timestamp_result_t, global));
static_assert(offsetof(ze::TimestampResult, context) ==
              offsetof(ze_kernel_timestamp_result_t, context));
static_assert(sizeof(ze::DeviceMemDesc) == sizeof(ze_device_mem_alloc_desc_t));
static_assert(offsetof(ze::DeviceMemDesc, type) == offsetof(ze_device_mem_alloc_desc_t, stype));
static_assert(offsetof(ze::DeviceMemDesc, next) == offsetof(ze_device_mem_alloc_desc_t, pNext));
static_assert(offsetof(ze::DeviceMemDesc, flags) == offsetof(ze_device_mem_alloc_desc_t, flags));
static_assert(offsetof(ze::DeviceMemDesc, ordinal) ==
              offsetof(ze_device_mem_alloc_desc_t, ordinal));
static_assert(sizeof(ze::HostMemDesc) == sizeof(ze_host_mem_alloc_desc_t));
static_assert(offsetof(ze::HostMemDesc, type) == offsetof(ze_host_mem_alloc_desc_t, stype));
static_assert(offsetof(ze::HostMemDesc, next) == offsetof(ze_host_mem_alloc_desc_t, pNext));
static_assert(offsetof(ze::HostMemDesc, flags) == offsetof(ze_host_mem_alloc_desc_t, flags));
static_assert(sizeof(ze::ModuleDesc) == sizeof(ze_module_desc_t));
static_assert(offsetof(ze::ModuleDesc, type) == offsetof(ze_module_desc_t, stype));
static_assert(offsetof(ze::ModuleDesc, next) == offsetof(ze_module_desc_t, pNext));
static_assert(offsetof(ze::ModuleDesc, format) == offsetof(ze_module_desc_t, format));
static_assert(offsetof(ze::ModuleDesc, code_bytes) == offsetof(ze_module_desc_t, inputSize));
static_assert(offsetof(ze::ModuleDesc, code) == offsetof(ze_module_desc_t, pInputModule));
static_assert(offsetof(ze::ModuleDesc, flags) == offsetof(ze_module_desc_t, pBuildFlags));
static_assert(offsetof(ze::ModuleDesc, constants) == offsetof(ze_module_desc_t, pConstants));
static_assert(sizeof(ze::KernelDesc) == sizeof(ze_kernel_desc_t));
static_assert(offsetof(ze::KernelDesc, type) == offsetof(ze_kernel_desc_t, stype));
static_assert(offsetof(ze::KernelDesc, next) == offsetof(ze_kernel_desc_t, pNext));
static_assert(offsetof(ze::KernelDesc, flags) == offsetof(ze_kernel_desc_t, flags));
static_assert(offsetof(ze::KernelDesc, name) == offsetof(ze_kernel_desc_t, pKernelName));
static_assert(sizeof(ze::KernelProperties) == sizeof(ze_kernel_properties_t));
static_assert(offsetof(ze::KernelProperties, type) == offsetof(ze_kernel_properties_t, stype));
static_assert(offsetof(ze::KernelProperties, next) == offsetof(ze_kernel_properties_t, pNext));
static_assert(offsetof(ze::KernelProperties, argument_count) ==
              offsetof(ze_kernel_properties_t, numKernelArgs));
static_assert(offsetof(ze::KernelProperties, group) ==
              offsetof(ze_kernel_properties_t, requiredGroupSizeX));
static_assert(offsetof(ze::KernelProperties, subgroups) ==
              offsetof(ze_kernel_properties_t, requiredNumSubGroups));
static_assert(offsetof(ze::KernelProperties, subgroup_size) ==
              offsetof(ze_kernel_properties_t, requiredSubgroupSize));
static_assert(offsetof(ze::KernelProperties, max_subgroup_size) ==
              offsetof(ze_kernel_properties_t, maxSubgroupSize));
static_assert(offsetof(ze::KernelProperties, max_subgroups) ==
              offsetof(ze_kernel_properties_t, maxNumSubgroups));
static_assert(offsetof(ze::KernelProperties, local_bytes) ==
              offsetof(ze_kernel_properties_t, localMemSize));
static_assert(offsetof(ze::KernelProperties, private_bytes) ==
              offsetof(ze_kernel_properties_t, privateMemSize));
static_assert(offsetof(ze::KernelProperties, spill_bytes) ==
              offsetof(ze_kernel_properties_t, spillMemSize));
static_assert(offsetof(ze::KernelProperties, kernel_uuid) ==
              offsetof(ze_kernel_properties_t, uuid.kid));
static_assert(offsetof(ze::KernelProperties, module_uuid) ==
              offsetof(ze_kernel_properties_t, uuid.mid));
static_assert(sizeof(ze::CopyRegion) == sizeof(ze_copy_region_t));
static_assert(offsetof(ze::CopyRegion, x) == offsetof(ze_copy_region_t, originX));
static_assert(offsetof(ze::CopyRegion, y) == offsetof(ze_copy_region_t, originY));
static_assert(offsetof(ze::CopyRegion, z) == offsetof(ze_copy_region_t, originZ));
static_assert(offsetof(ze::CopyRegion, width) == offsetof(ze_copy_region_t, width));
static_assert(offsetof(ze::CopyRegion, height) == offsetof(ze_copy_region_t, height));
static_assert(offsetof(ze::CopyRegion, depth) == offsetof(ze_copy_region_t, depth));
static_assert(sizeof(ze::GroupCount) == sizeof(ze_group_count_t));
static_assert(offsetof(ze::GroupCount, x) == offsetof(ze_group_count_t, groupCountX));
static_assert(offsetof(ze::GroupCount, y) == offsetof(ze_group_count_t, groupCountY));
static_assert(offsetof(ze::GroupCount, z) == offsetof(ze_group_count_t, groupCountZ));

// ---- Values
// --------------------------------------------------------------------------------------

static_assert(ze::kSuccess == ZE_RESULT_SUCCESS);
static_assert(ze::kNotReady == ZE_RESULT_NOT_READY);
static_assert(ze::kDeviceLost == ZE_RESULT_ERROR_DEVICE_LOST);
static_assert(ze::kOutOfHostMemory == ZE_RESULT_ERROR_OUT_OF_HOST_MEMORY);
static_assert(ze::kOutOfDeviceMemory == ZE_RESULT_ERROR_OUT_OF_DEVICE_MEMORY);
static_assert(ze::kModuleBuildFailure == ZE_RESULT_ERROR_MODULE_BUILD_FAILURE);
static_assert(ze::kUninitialized == ZE_RESULT_ERROR_UNINITIALIZED);
static_assert(ze::kUnsupportedFeature == ZE_RESULT_ERROR_UNSUPPORTED_FEATURE);
static_assert(ze::kInvalidArgument == ZE_RESULT_ERROR_INVALID_ARGUMENT);
static_assert(ze::kUnsupportedSize == ZE_RESULT_ERROR_UNSUPPORTED_SIZE);
static_assert(ze::kInvalidNativeBinary == ZE_RESULT_ERROR_INVALID_NATIVE_BINARY);
static_assert(ze::kInvalidKernelName == ZE_RESULT_ERROR_INVALID_KERNEL_NAME);
static_assert(ze::kTypeDriverProperties == ZE_STRUCTURE_TYPE_DRIVER_PROPERTIES);
static_assert(ze::kTypeDeviceComputeProperties == ZE_STRUCTURE_TYPE_DEVICE_COMPUTE_PROPERTIES);
static_assert(ze::kTypeDeviceModuleProperties == ZE_STRUCTURE_TYPE_DEVICE_MODULE_PROPERTIES);
static_assert(ze::kTypeQueueGroupProperties == ZE_STRUCTURE_TYPE_COMMAND_QUEUE_GROUP_PROPERTIES);
static_assert(ze::kTypeDeviceMemoryProperties == ZE_STRUCTURE_TYPE_DEVICE_MEMORY_PROPERTIES);
static_assert(ze::kTypeMemoryAccessProperties == ZE_STRUCTURE_TYPE_DEVICE_MEMORY_ACCESS_PROPERTIES);
static_assert(ze::kTypeContextDesc == ZE_STRUCTURE_TYPE_CONTEXT_DESC);
static_assert(ze::kTypeQueueDesc == ZE_STRUCTURE_TYPE_COMMAND_QUEUE_DESC);
static_assert(ze::kTypeEventPoolDesc == ZE_STRUCTURE_TYPE_EVENT_POOL_DESC);
static_assert(ze::kTypeEventDesc == ZE_STRUCTURE_TYPE_EVENT_DESC);
static_assert(ze::kTypeDeviceMemDesc == ZE_STRUCTURE_TYPE_DEVICE_MEM_ALLOC_DESC);
static_assert(ze::kTypeHostMemDesc == ZE_STRUCTURE_TYPE_HOST_MEM_ALLOC_DESC);
static_assert(ze::kTypeModuleDesc == ZE_STRUCTURE_TYPE_MODULE_DESC);
static_assert(ze::kTypeKernelDesc == ZE_STRUCTURE_TYPE_KERNEL_DESC);
static_assert(ze::kTypeKernelProperties == ZE_STRUCTURE_TYPE_KERNEL_PROPERTIES);
static_assert(ze::kTypePciProperties == ZE_STRUCTURE_TYPE_PCI_EXT_PROPERTIES);
static_assert(ze::kTypeDeviceProperties12 == ZE_STRUCTURE_TYPE_DEVICE_PROPERTIES_1_2);
static_assert(ze::kInitGpuOnly == ZE_INIT_FLAG_GPU_ONLY);
static_assert(ze::kQueueGroupCompute == ZE_COMMAND_QUEUE_GROUP_PROPERTY_FLAG_COMPUTE);
static_assert(ze::kEventPoolHostVisible == ZE_EVENT_POOL_FLAG_HOST_VISIBLE);
static_assert(ze::kEventPoolKernelTimestamp == ZE_EVENT_POOL_FLAG_KERNEL_TIMESTAMP);
static_assert(ze::kScopeHost == ZE_EVENT_SCOPE_FLAG_HOST);
static_assert(ze::kModuleFp64 == ZE_DEVICE_MODULE_FLAG_FP64);
static_assert(ze::kAccessReadWrite == ZE_MEMORY_ACCESS_CAP_FLAG_RW);
static_assert(ze::kDeviceTypeGpu == ZE_DEVICE_TYPE_GPU);
static_assert(ze::kDeviceTypeCpu == ZE_DEVICE_TYPE_CPU);
static_assert(ze::kModeAsynchronous == ZE_COMMAND_QUEUE_MODE_ASYNCHRONOUS);
static_assert(ze::kPriorityNormal == ZE_COMMAND_QUEUE_PRIORITY_NORMAL);
static_assert(ze::kPriorityLow == ZE_COMMAND_QUEUE_PRIORITY_PRIORITY_LOW);
static_assert(ze::kPriorityHigh == ZE_COMMAND_QUEUE_PRIORITY_PRIORITY_HIGH);
static_assert(ze::kFormatSpirv == ZE_MODULE_FORMAT_IL_SPIRV);
static_assert(ze::kFormatNative == ZE_MODULE_FORMAT_NATIVE);

struct Code {
  ze_result_t value;
  const char* name;
};

TEST(Abi, CodesHaveTheirNames) {
  const Code codes[] = {
      {ZE_RESULT_NOT_READY, "ZE_RESULT_NOT_READY"},
      {ZE_RESULT_ERROR_DEVICE_LOST, "ZE_RESULT_ERROR_DEVICE_LOST"},
      {ZE_RESULT_ERROR_OUT_OF_HOST_MEMORY, "ZE_RESULT_ERROR_OUT_OF_HOST_MEMORY"},
      {ZE_RESULT_ERROR_OUT_OF_DEVICE_MEMORY, "ZE_RESULT_ERROR_OUT_OF_DEVICE_MEMORY"},
      {ZE_RESULT_ERROR_MODULE_BUILD_FAILURE, "ZE_RESULT_ERROR_MODULE_BUILD_FAILURE"},
      {ZE_RESULT_ERROR_MODULE_LINK_FAILURE, "ZE_RESULT_ERROR_MODULE_LINK_FAILURE"},
      {ZE_RESULT_ERROR_DEVICE_REQUIRES_RESET, "ZE_RESULT_ERROR_DEVICE_REQUIRES_RESET"},
      {ZE_RESULT_ERROR_DEVICE_IN_LOW_POWER_STATE, "ZE_RESULT_ERROR_DEVICE_IN_LOW_POWER_STATE"},
      {ZE_RESULT_ERROR_INSUFFICIENT_PERMISSIONS, "ZE_RESULT_ERROR_INSUFFICIENT_PERMISSIONS"},
      {ZE_RESULT_ERROR_NOT_AVAILABLE, "ZE_RESULT_ERROR_NOT_AVAILABLE"},
      {ZE_RESULT_ERROR_DEPENDENCY_UNAVAILABLE, "ZE_RESULT_ERROR_DEPENDENCY_UNAVAILABLE"},
      {ZE_RESULT_ERROR_UNINITIALIZED, "ZE_RESULT_ERROR_UNINITIALIZED"},
      {ZE_RESULT_ERROR_UNSUPPORTED_VERSION, "ZE_RESULT_ERROR_UNSUPPORTED_VERSION"},
      {ZE_RESULT_ERROR_UNSUPPORTED_FEATURE, "ZE_RESULT_ERROR_UNSUPPORTED_FEATURE"},
      {ZE_RESULT_ERROR_INVALID_ARGUMENT, "ZE_RESULT_ERROR_INVALID_ARGUMENT"},
      {ZE_RESULT_ERROR_INVALID_NULL_HANDLE, "ZE_RESULT_ERROR_INVALID_NULL_HANDLE"},
      {ZE_RESULT_ERROR_HANDLE_OBJECT_IN_USE, "ZE_RESULT_ERROR_HANDLE_OBJECT_IN_USE"},
      {ZE_RESULT_ERROR_INVALID_NULL_POINTER, "ZE_RESULT_ERROR_INVALID_NULL_POINTER"},
      {ZE_RESULT_ERROR_INVALID_SIZE, "ZE_RESULT_ERROR_INVALID_SIZE"},
      {ZE_RESULT_ERROR_UNSUPPORTED_SIZE, "ZE_RESULT_ERROR_UNSUPPORTED_SIZE"},
      {ZE_RESULT_ERROR_UNSUPPORTED_ALIGNMENT, "ZE_RESULT_ERROR_UNSUPPORTED_ALIGNMENT"},
      {ZE_RESULT_ERROR_INVALID_SYNCHRONIZATION_OBJECT,
       "ZE_RESULT_ERROR_INVALID_SYNCHRONIZATION_OBJECT"},
      {ZE_RESULT_ERROR_INVALID_ENUMERATION, "ZE_RESULT_ERROR_INVALID_ENUMERATION"},
      {ZE_RESULT_ERROR_UNSUPPORTED_ENUMERATION, "ZE_RESULT_ERROR_UNSUPPORTED_ENUMERATION"},
      {ZE_RESULT_ERROR_INVALID_NATIVE_BINARY, "ZE_RESULT_ERROR_INVALID_NATIVE_BINARY"},
      {ZE_RESULT_ERROR_INVALID_KERNEL_NAME, "ZE_RESULT_ERROR_INVALID_KERNEL_NAME"},
      {ZE_RESULT_ERROR_INVALID_GROUP_SIZE_DIMENSION,
       "ZE_RESULT_ERROR_INVALID_GROUP_SIZE_DIMENSION"},
      {ZE_RESULT_ERROR_INVALID_GLOBAL_WIDTH_DIMENSION,
       "ZE_RESULT_ERROR_INVALID_GLOBAL_WIDTH_DIMENSION"},
      {ZE_RESULT_ERROR_INVALID_KERNEL_ARGUMENT_INDEX,
       "ZE_RESULT_ERROR_INVALID_KERNEL_ARGUMENT_INDEX"},
      {ZE_RESULT_ERROR_INVALID_KERNEL_ARGUMENT_SIZE,
       "ZE_RESULT_ERROR_INVALID_KERNEL_ARGUMENT_SIZE"},
      {ZE_RESULT_ERROR_INVALID_KERNEL_ATTRIBUTE_VALUE,
       "ZE_RESULT_ERROR_INVALID_KERNEL_ATTRIBUTE_VALUE"},
      {ZE_RESULT_ERROR_INVALID_MODULE_UNLINKED, "ZE_RESULT_ERROR_INVALID_MODULE_UNLINKED"},
      {ZE_RESULT_ERROR_INVALID_COMMAND_LIST_TYPE, "ZE_RESULT_ERROR_INVALID_COMMAND_LIST_TYPE"},
      {ZE_RESULT_ERROR_OVERLAPPING_REGIONS, "ZE_RESULT_ERROR_OVERLAPPING_REGIONS"},
      {ZE_RESULT_ERROR_UNKNOWN, "ZE_RESULT_ERROR_UNKNOWN"},
  };
  for (const Code& code : codes) {
    EXPECT_EQ(code_name(static_cast<ze::Result>(code.value)), code.name);
  }
  EXPECT_EQ(code_name(0x12345), "Level Zero error 0x12345");
}

TEST(Abi, MemoryLossAndMistakesAreToldApart) {
  const auto meaning = [](ze::Result code, During during) {
    return failure_of(code, "zeCall", during, "Doing").code;
  };
  EXPECT_EQ(meaning(ze::kOutOfDeviceMemory, During::kAllocation), SAMPAN_OUT_OF_DEVICE_MEMORY);
  EXPECT_EQ(meaning(ze::kUnsupportedSize, During::kAllocation), SAMPAN_OUT_OF_DEVICE_MEMORY);
  EXPECT_EQ(meaning(ze::kOutOfHostMemory, During::kAllocation), SAMPAN_OUT_OF_HOST_MEMORY);
  EXPECT_EQ(meaning(ze::kDeviceLost, During::kExecution), SAMPAN_DEVICE_LOST);
  EXPECT_EQ(meaning(ze::kModuleBuildFailure, During::kBuild), SAMPAN_COMPILE_FAILED);
  EXPECT_EQ(meaning(ze::kInvalidArgument, During::kSubmission), SAMPAN_INVALID_ARGUMENT);
  EXPECT_EQ(meaning(ze::kInvalidArgument, During::kQuery), SAMPAN_DRIVER_ERROR);
  EXPECT_EQ(meaning(0x12345, During::kQuery), SAMPAN_DRIVER_ERROR);
  const Failure lost = failure_of(ze::kDeviceLost, "zeCall", During::kQuery, "Doing");
  EXPECT_EQ(lost.flags, SAMPAN_ERROR_STICKY | SAMPAN_ERROR_DEVICE_LOST);
  EXPECT_EQ(lost.driver_call, "zeCall");
  EXPECT_EQ(lost.driver_code, ze::kDeviceLost);
}

}  // namespace
}  // namespace sampan::level_zero
