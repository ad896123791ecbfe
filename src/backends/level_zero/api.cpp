#include "backends/level_zero/api.h"

#include <array>
#include <cstdlib>
#include <vector>

#include "backends/common/shared_library.h"
#include "backends/common/test_drivers.h"
#include "backends/level_zero/error.h"

namespace sampan::level_zero {
namespace {

using common::SymbolSlot;

std::vector<SymbolSlot> slots_of(Api& a) {
  return {
      {"zeInit", &a.init},
      {"zeDriverGet", &a.driver_get},
      {"zeDriverGetProperties", &a.driver_get_properties},
      {"zeDriverGetExtensionProperties", &a.driver_get_extension_properties},
      {"zeDriverGetExtensionFunctionAddress", &a.driver_get_extension_function_address},
      {"zeDeviceGet", &a.device_get},
      {"zeDeviceGetProperties", &a.device_get_properties},
      {"zeDeviceGetComputeProperties", &a.device_get_compute_properties},
      {"zeDeviceGetModuleProperties", &a.device_get_module_properties},
      {"zeDeviceGetCommandQueueGroupProperties", &a.device_get_command_queue_group_properties},
      {"zeDeviceGetMemoryProperties", &a.device_get_memory_properties},
      {"zeDeviceGetMemoryAccessProperties", &a.device_get_memory_access_properties},
      {"zeDeviceCanAccessPeer", &a.device_can_access_peer},
      {"zeDeviceGetStatus", &a.device_get_status},
      {"zeDeviceGetGlobalTimestamps", &a.device_get_global_timestamps},
      {"zeDevicePciGetPropertiesExt", &a.device_pci_get_properties, SymbolSlot::Need::kOptional},
      {"zeContextCreate", &a.context_create},
      {"zeContextDestroy", &a.context_destroy},
      {"zeMemAllocDevice", &a.mem_alloc_device},
      {"zeMemAllocHost", &a.mem_alloc_host},
      {"zeMemFree", &a.mem_free},
      {"zeCommandListCreateImmediate", &a.list_create_immediate},
      {"zeCommandListDestroy", &a.list_destroy},
      {"zeCommandListAppendBarrier", &a.append_barrier},
      {"zeCommandListAppendMemoryCopy", &a.append_memory_copy},
      {"zeCommandListAppendMemoryCopyRegion", &a.append_memory_copy_region},
      {"zeCommandListAppendMemoryFill", &a.append_memory_fill},
      {"zeCommandListAppendLaunchKernel", &a.append_launch_kernel},
      {"zeEventPoolCreate", &a.event_pool_create},
      {"zeEventPoolDestroy", &a.event_pool_destroy},
      {"zeEventCreate", &a.event_create},
      {"zeEventDestroy", &a.event_destroy},
      {"zeEventHostSignal", &a.event_host_signal},
      {"zeEventHostReset", &a.event_host_reset},
      {"zeEventHostSynchronize", &a.event_host_synchronize},
      {"zeEventQueryStatus", &a.event_query_status},
      {"zeEventQueryKernelTimestamp", &a.event_query_kernel_timestamp},
      {"zeModuleCreate", &a.module_create},
      {"zeModuleDestroy", &a.module_destroy},
      {"zeModuleGetNativeBinary", &a.module_get_native_binary},
      {"zeModuleBuildLogGetString", &a.build_log_get_string},
      {"zeModuleBuildLogDestroy", &a.build_log_destroy},
      {"zeKernelCreate", &a.kernel_create},
      {"zeKernelDestroy", &a.kernel_destroy},
      {"zeKernelSetGroupSize", &a.kernel_set_group_size},
      {"zeKernelSetArgumentValue", &a.kernel_set_argument_value},
      {"zeKernelGetProperties", &a.kernel_get_properties},
  };
}

constexpr const char* kEmulatedDriver = "libze_emulated.so.1";

// The loader reads its variables when it is initialised, which happens once in a process.
void choose_driver() {
  const std::string folder = common::test_drivers_folder();
  if (folder.empty()) return;
  ::setenv("ZE_ENABLE_ALT_DRIVERS", (folder + "/" + kEmulatedDriver).c_str(), 1);
}

Loader open_loader() {
  Loader loader;
  const std::array<std::string, 1> names{"libze_loader.so.1"};
  choose_driver();
  const auto library = common::SharedLibrary::open_first(names);
  if (!library) {
    loader.error = "No Level Zero loader: " + library.error() +
                   "; install it (Debian: libze1) and the device's driver";
    return loader;
  }
  loader.path = library.path();
  const auto slots = slots_of(loader.api);
  loader.error = common::load_symbols(library, slots);
  if (!loader.error.empty()) return loader;
  const ze::Result code = loader.api.init(ze::kInitGpuOnly);
  if (code == ze::kUninitialized) {
    loader.error = "The Level Zero loader finds no driver for a GPU; install the vendor's";
  } else if (code != ze::kSuccess) {
    loader.error = "The Level Zero loader can't start (zeInit returned " + code_name(code) +
                   "); check the driver's installation";
  }
  return loader;
}

template <typename Function>
void find(ze::Driver driver, const char* name, Function*& out) {
  void* address = nullptr;
  const bool found =
      api().driver_get_extension_function_address(driver, name, &address) == ze::kSuccess;
  out = found ? reinterpret_cast<Function*>(address) : nullptr;
}

}  // namespace

const Loader& loader() {
  // Never destroyed: threads of drivers may outlive the static objects.
  static const Loader* const kLoader = new Loader(open_loader());
  return *kLoader;
}

const Api& api() { return loader().api; }

ImportApi import_api(ze::Driver driver) {
  ImportApi functions{};
  find(driver, "zexDriverImportExternalPointer", functions.import_pointer);
  find(driver, "zexDriverReleaseImportedPointer", functions.release_pointer);
  if (functions.release_pointer == nullptr) functions.import_pointer = nullptr;
  return functions;
}

}  // namespace sampan::level_zero
