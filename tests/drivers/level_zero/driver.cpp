// The driver and its devices.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "memory.h"
#include "objects.h"
#include "tables.h"
#include "work.h"

namespace sampan::emulator::ze {
namespace {

constexpr std::uint32_t kDriverVersion = 1 << 24 | 4 << 16 | 1;
constexpr std::uint32_t kExtensionVersion = ZE_MAKE_VERSION(1, 0);
constexpr std::size_t kLargestPattern = 8;  // so that patterns of 16 bytes need another way

int the_driver;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

void require_driver(ze_driver_handle_t handle) {
  require(handle != nullptr, ZE_RESULT_ERROR_INVALID_NULL_HANDLE);
  demand(static_cast<void*>(handle) == &the_driver, ZE_RESULT_ERROR_INVALID_ARGUMENT,
         "a handle isn't a driver's");
}

// Keeps what the caller set: the type and the chain.
template <typename Properties>
void start(Properties* properties) {
  require_pointer(properties);
  const auto type = properties->stype;
  void* const next = properties->pNext;
  *properties = {};
  properties->stype = type;
  properties->pNext = next;
}

void copy_name(const char* text, char* out, std::size_t room) {
  std::snprintf(out, room, "%s", text);
}

// How lists are asked for: the number alone, or as many as there is room for.
template <typename T, typename Fill>
void list(std::uint32_t* count, T* out, std::uint32_t there, Fill&& fill) {
  require_pointer(count);
  if (*count == 0 || out == nullptr) {
    *count = there;
    return;
  }
  *count = std::min(*count, there);
  for (std::uint32_t i = 0; i < *count; ++i) fill(i, out[i]);
}

void lose(int index, int) {
  if (index < 0 || static_cast<std::size_t>(index) >= devices().size()) return;
  {
    const std::lock_guard lock(world());
    devices()[static_cast<std::size_t>(index)]->lost = true;
    lose_in_contexts(static_cast<unsigned>(index));
  }
  world_changed().notify_all();
}

ze_result_t init(ze_init_flags_t) {
  Control::of_library().on_lose(lose);
  return ZE_RESULT_SUCCESS;
}

ze_result_t driver_get(std::uint32_t* count, ze_driver_handle_t* out) {
  list(count, out, 1, [](std::uint32_t, ze_driver_handle_t& driver) {
    driver = reinterpret_cast<ze_driver_handle_t>(&the_driver);
  });
  return ZE_RESULT_SUCCESS;
}

ze_result_t driver_api_version(ze_driver_handle_t driver, ze_api_version_t* out) {
  require_driver(driver);
  require_pointer(out);
  *out = ZE_API_VERSION_CURRENT;
  return ZE_RESULT_SUCCESS;
}

ze_result_t driver_properties(ze_driver_handle_t driver, ze_driver_properties_t* out) {
  require_driver(driver);
  start(out);
  std::memcpy(out->uuid.id, "sampan test ze", 14);
  out->driverVersion = kDriverVersion;
  return ZE_RESULT_SUCCESS;
}

ze_result_t driver_ipc_properties(ze_driver_handle_t driver, ze_driver_ipc_properties_t* out) {
  require_driver(driver);
  start(out);
  return ZE_RESULT_SUCCESS;
}

ze_result_t driver_extensions(ze_driver_handle_t driver, std::uint32_t* count,
                              ze_driver_extension_properties_t* out) {
  require_driver(driver);
  constexpr const char* kNames[] = {ZE_PCI_PROPERTIES_EXT_NAME, "SAMPAN_extension_emulated"};
  list(count, out, std::size(kNames),
       [&](std::uint32_t i, ze_driver_extension_properties_t& extension) {
         copy_name(kNames[i], extension.name, sizeof extension.name);
         extension.version = kExtensionVersion;
       });
  return ZE_RESULT_SUCCESS;
}

// Intel's functions for memory of the program's own; documented with the compute runtime as
// "external pointer import".
ze_result_t import_pointer(ze_driver_handle_t driver, void* pointer, std::size_t bytes) {
  require_driver(driver);
  require_pointer(pointer);
  require(bytes != 0, ZE_RESULT_ERROR_INVALID_SIZE);
  import_host(pointer, bytes);
  return ZE_RESULT_SUCCESS;
}

ze_result_t release_pointer(ze_driver_handle_t driver, void* pointer) {
  require_driver(driver);
  release_host(pointer);
  return ZE_RESULT_SUCCESS;
}

ze_result_t driver_function(ze_driver_handle_t driver, const char* name, void** out) {
  require_driver(driver);
  require_pointer(name);
  require_pointer(out);
  const std::string wanted = name;
  if (wanted == "zexDriverImportExternalPointer") {
    *out = reinterpret_cast<void*>(kEntry<"zexDriverImportExternalPointer", import_pointer>);
  } else if (wanted == "zexDriverReleaseImportedPointer") {
    *out =
        reinterpret_cast<void*>(kFreeingEntry<"zexDriverReleaseImportedPointer", release_pointer>);
  } else {
    return ZE_RESULT_ERROR_INVALID_ARGUMENT;
  }
  return ZE_RESULT_SUCCESS;
}

ze_result_t device_get(ze_driver_handle_t driver, std::uint32_t* count, ze_device_handle_t* out) {
  require_driver(driver);
  list(count, out, static_cast<std::uint32_t>(devices().size()),
       [](std::uint32_t i, ze_device_handle_t& device) {
         device = reinterpret_cast<ze_device_handle_t>(devices()[i].get());
       });
  return ZE_RESULT_SUCCESS;
}

ze_result_t sub_devices(ze_device_handle_t device, std::uint32_t* count, ze_device_handle_t*) {
  (void)device_of(device);
  require_pointer(count);
  *count = 0;
  return ZE_RESULT_SUCCESS;
}

ze_result_t device_properties(ze_device_handle_t handle, ze_device_properties_t* out) {
  const Device& device = device_of(handle);
  start(out);
  out->type = ZE_DEVICE_TYPE_GPU;
  out->vendorId = 0x8086;
  out->deviceId = 0x7e57;
  out->coreClockRate = 1000;
  out->maxMemAllocSize = memory_bytes_of_device();
  out->maxHardwareContexts = 64;
  out->maxCommandQueuePriority = 1;
  out->numThreadsPerEU = 8;
  out->physicalEUSimdWidth = 8;
  out->numEUsPerSubslice = 8;
  out->numSubslicesPerSlice = 4;
  out->numSlices = 1;
  out->timerResolution = out->stype == ZE_STRUCTURE_TYPE_DEVICE_PROPERTIES_1_2
                             ? Device::kTicksPerSecond
                             : 1'000'000'000 / Device::kTicksPerSecond;
  out->timestampValidBits = Device::kValidBits;
  out->kernelTimestampValidBits = Device::kKernelValidBits;
  std::memcpy(out->uuid.id, "sampan test ze ", 15);
  out->uuid.id[15] = static_cast<std::uint8_t>(device.index + 1);
  const std::string name = "Level Zero test device " + std::to_string(device.index);
  copy_name(name.c_str(), out->name, sizeof out->name);
  return ZE_RESULT_SUCCESS;
}

ze_result_t compute_properties(ze_device_handle_t handle, ze_device_compute_properties_t* out) {
  (void)device_of(handle);
  start(out);
  out->maxTotalGroupSize = 1024;
  out->maxGroupSizeX = out->maxGroupSizeY = out->maxGroupSizeZ = 1024;
  out->maxGroupCountX = out->maxGroupCountY = out->maxGroupCountZ = 0x7fffffff;
  out->maxSharedLocalMemory = 64 << 10;
  out->numSubGroupSizes = 1;
  out->subGroupSizes[0] = 1;
  return ZE_RESULT_SUCCESS;
}

ze_result_t module_properties(ze_device_handle_t handle, ze_device_module_properties_t* out) {
  (void)device_of(handle);
  start(out);
  out->spirvVersionSupported = ZE_MAKE_VERSION(1, 2);
  out->flags = ZE_DEVICE_MODULE_FLAG_FP64 | ZE_DEVICE_MODULE_FLAG_INT64_ATOMICS;
  out->maxArgumentsSize = 1024;
  return ZE_RESULT_SUCCESS;
}

ze_result_t queue_groups(ze_device_handle_t handle, std::uint32_t* count,
                         ze_command_queue_group_properties_t* out) {
  (void)device_of(handle);
  list(count, out, 2, [](std::uint32_t i, ze_command_queue_group_properties_t& group) {
    start(&group);
    const bool compute = i == 1;  // the copy engine comes first, to catch who takes number 0
    group.flags = ZE_COMMAND_QUEUE_GROUP_PROPERTY_FLAG_COPY;
    if (compute) {
      group.flags |= ZE_COMMAND_QUEUE_GROUP_PROPERTY_FLAG_COMPUTE |
                     ZE_COMMAND_QUEUE_GROUP_PROPERTY_FLAG_COOPERATIVE_KERNELS;
    }
    group.maxMemoryFillPatternSize = compute ? kLargestPattern : 1;
    group.numQueues = compute ? 4 : 1;
  });
  return ZE_RESULT_SUCCESS;
}

ze_result_t memory_properties(ze_device_handle_t handle, std::uint32_t* count,
                              ze_device_memory_properties_t* out) {
  (void)device_of(handle);
  list(count, out, 1, [](std::uint32_t, ze_device_memory_properties_t& memory) {
    start(&memory);
    memory.totalSize = memory_bytes_of_device();
    memory.maxClockRate = 1;
    memory.maxBusWidth = 64;
    copy_name("test memory", memory.name, sizeof memory.name);
  });
  return ZE_RESULT_SUCCESS;
}

ze_result_t memory_access(ze_device_handle_t handle, ze_device_memory_access_properties_t* out) {
  (void)device_of(handle);
  start(out);
  out->hostAllocCapabilities = out->deviceAllocCapabilities =
      out->sharedSingleDeviceAllocCapabilities = ZE_MEMORY_ACCESS_CAP_FLAG_RW;
  return ZE_RESULT_SUCCESS;
}

ze_result_t cache_properties(ze_device_handle_t handle, std::uint32_t* count,
                             ze_device_cache_properties_t*) {
  (void)device_of(handle);
  require_pointer(count);
  *count = 0;
  return ZE_RESULT_SUCCESS;
}

ze_result_t can_access_peer(ze_device_handle_t device, ze_device_handle_t peer, ze_bool_t* out) {
  (void)device_of(device);
  (void)device_of(peer);
  require_pointer(out);
  *out = 1;
  return ZE_RESULT_SUCCESS;
}

ze_result_t device_status(ze_device_handle_t handle) {
  return device_of(handle).lost ? ZE_RESULT_ERROR_DEVICE_LOST : ZE_RESULT_SUCCESS;
}

ze_result_t global_timestamps(ze_device_handle_t handle, std::uint64_t* host_ns,
                              std::uint64_t* ticks) {
  const Device& device = device_of(handle);
  require_pointer(host_ns);
  require_pointer(ticks);
  require(!device.lost, ZE_RESULT_ERROR_DEVICE_LOST);
  *host_ns =
      static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  *ticks = device.ticks() & ((std::uint64_t{1} << Device::kValidBits) - 1);
  return ZE_RESULT_SUCCESS;
}

ze_result_t pci_properties(ze_device_handle_t handle, ze_pci_ext_properties_t* out) {
  const Device& device = device_of(handle);
  start(out);
  out->address = {0, 0xc1 + device.index, 0, 0};
  return ZE_RESULT_SUCCESS;
}

}  // namespace

std::uint64_t Device::ticks() const {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const auto ns =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  const std::uint64_t began = 0x1'0000'0000u * (index + 1) + 12345;
  return ns / (1'000'000'000 / kTicksPerSecond) + began;
}

std::vector<std::unique_ptr<Device>>& devices() {
  static auto* const all = [] {
    auto* const made = new std::vector<std::unique_ptr<Device>>;
    const std::uint64_t wanted = setting("SAMPAN_EMU_LEVEL_ZERO_DEVICES", 2);
    for (unsigned i = 0; i < std::min<std::uint64_t>(wanted, kMostDevices); ++i) {
      made->push_back(std::make_unique<Device>());
      made->back()->index = i;
    }
    return made;
  }();
  return *all;
}

Device& device_of(ze_device_handle_t handle) {
  require(handle != nullptr, ZE_RESULT_ERROR_INVALID_NULL_HANDLE);
  for (const auto& device : devices()) {
    if (static_cast<void*>(device.get()) == static_cast<void*>(handle)) return *device;
  }
  demand(false, ZE_RESULT_ERROR_INVALID_ARGUMENT, "a handle isn't a device's");
  throw Refusal{ZE_RESULT_ERROR_INVALID_ARGUMENT};
}

std::uint64_t memory_bytes_of_device() { return setting("SAMPAN_EMU_MEMORY_MB", 2048) << 20; }

ze_result_t unsupported() { return ZE_RESULT_ERROR_UNSUPPORTED_FEATURE; }

void fill(ze_global_dditable_t& table) { table.pfnInit = kEntry<"zeInit", init>; }

void fill(ze_driver_dditable_t& table) {
  table.pfnGet = kEntry<"zeDriverGet", driver_get>;
  table.pfnGetApiVersion = kEntry<"zeDriverGetApiVersion", driver_api_version>;
  table.pfnGetProperties = kEntry<"zeDriverGetProperties", driver_properties>;
  table.pfnGetIpcProperties = kEntry<"zeDriverGetIpcProperties", driver_ipc_properties>;
  table.pfnGetExtensionProperties = kEntry<"zeDriverGetExtensionProperties", driver_extensions>;
  table.pfnGetExtensionFunctionAddress =
      kEntry<"zeDriverGetExtensionFunctionAddress", driver_function>;
}

void fill(ze_device_dditable_t& table) {
  table.pfnGet = kEntry<"zeDeviceGet", device_get>;
  table.pfnGetSubDevices = kEntry<"zeDeviceGetSubDevices", sub_devices>;
  table.pfnGetProperties = kEntry<"zeDeviceGetProperties", device_properties>;
  table.pfnGetComputeProperties = kEntry<"zeDeviceGetComputeProperties", compute_properties>;
  table.pfnGetModuleProperties = kEntry<"zeDeviceGetModuleProperties", module_properties>;
  table.pfnGetCommandQueueGroupProperties =
      kEntry<"zeDeviceGetCommandQueueGroupProperties", queue_groups>;
  table.pfnGetMemoryProperties = kEntry<"zeDeviceGetMemoryProperties", memory_properties>;
  table.pfnGetMemoryAccessProperties = kEntry<"zeDeviceGetMemoryAccessProperties", memory_access>;
  table.pfnGetCacheProperties = kEntry<"zeDeviceGetCacheProperties", cache_properties>;
  table.pfnCanAccessPeer = kEntry<"zeDeviceCanAccessPeer", can_access_peer>;
  table.pfnGetStatus = kEntry<"zeDeviceGetStatus", device_status>;
  table.pfnGetGlobalTimestamps = kEntry<"zeDeviceGetGlobalTimestamps", global_timestamps>;
  table.pfnPciGetPropertiesExt = kEntry<"zeDevicePciGetPropertiesExt", pci_properties>;
}

}  // namespace sampan::emulator::ze
