#pragma once

#include <string>

#include "backends/level_zero/api_types.h"

namespace sampan::level_zero {

/// The functions used, under their own names without `ze`. Level Zero 1.0 unless noted.
struct Api {
  ze::Result (*init)(ze::Flags);
  ze::Result (*driver_get)(std::uint32_t* count, ze::Driver* out);
  ze::Result (*driver_get_properties)(ze::Driver, ze::DriverProperties* out);
  ze::Result (*driver_get_extension_properties)(ze::Driver, std::uint32_t* count,
                                                ze::ExtensionProperties* out);
  ze::Result (*driver_get_extension_function_address)(ze::Driver, const char* name, void** out);

  ze::Result (*device_get)(ze::Driver, std::uint32_t* count, ze::Device* out);
  ze::Result (*device_get_properties)(ze::Device, ze::DeviceProperties* out);
  ze::Result (*device_get_compute_properties)(ze::Device, ze::ComputeProperties* out);
  ze::Result (*device_get_module_properties)(ze::Device, ze::ModuleProperties* out);
  ze::Result (*device_get_command_queue_group_properties)(ze::Device, std::uint32_t* count,
                                                          ze::QueueGroupProperties* out);
  ze::Result (*device_get_memory_properties)(ze::Device, std::uint32_t* count,
                                             ze::MemoryProperties* out);
  ze::Result (*device_get_memory_access_properties)(ze::Device, ze::MemoryAccessProperties* out);
  ze::Result (*device_can_access_peer)(ze::Device, ze::Device peer, ze::Bool* out);
  ze::Result (*device_get_status)(ze::Device);
  ze::Result (*device_get_global_timestamps)(ze::Device, std::uint64_t* host_ns,
                                             std::uint64_t* ticks);
  ze::Result (*device_pci_get_properties)(ze::Device, ze::PciProperties* out);  // 1.1, optional

  ze::Result (*context_create)(ze::Driver, const ze::ContextDesc*, ze::Context* out);
  ze::Result (*context_destroy)(ze::Context);

  ze::Result (*mem_alloc_device)(ze::Context, const ze::DeviceMemDesc*, std::size_t bytes,
                                 std::size_t alignment, ze::Device, void** out);
  ze::Result (*mem_alloc_host)(ze::Context, const ze::HostMemDesc*, std::size_t bytes,
                               std::size_t alignment, void** out);
  ze::Result (*mem_free)(ze::Context, void*);

  ze::Result (*list_create_immediate)(ze::Context, ze::Device, const ze::QueueDesc*,
                                      ze::CommandList* out);
  ze::Result (*list_destroy)(ze::CommandList);
  ze::Result (*append_barrier)(ze::CommandList, ze::Event signal, std::uint32_t wait_count,
                               ze::Event* waits);
  ze::Result (*append_memory_copy)(ze::CommandList, void* dst, const void* src, std::size_t bytes,
                                   ze::Event signal, std::uint32_t wait_count, ze::Event* waits);
  ze::Result (*append_memory_copy_region)(ze::CommandList, void* dst,
                                          const ze::CopyRegion* dst_region, std::uint32_t dst_pitch,
                                          std::uint32_t dst_slice_pitch, const void* src,
                                          const ze::CopyRegion* src_region, std::uint32_t src_pitch,
                                          std::uint32_t src_slice_pitch, ze::Event signal,
                                          std::uint32_t wait_count, ze::Event* waits);
  ze::Result (*append_memory_fill)(ze::CommandList, void* dst, const void* pattern,
                                   std::size_t pattern_bytes, std::size_t bytes, ze::Event signal,
                                   std::uint32_t wait_count, ze::Event* waits);
  ze::Result (*append_launch_kernel)(ze::CommandList, ze::Kernel, const ze::GroupCount*,
                                     ze::Event signal, std::uint32_t wait_count, ze::Event* waits);

  ze::Result (*event_pool_create)(ze::Context, const ze::EventPoolDesc*, std::uint32_t device_count,
                                  ze::Device* devices, ze::EventPool* out);
  ze::Result (*event_pool_destroy)(ze::EventPool);
  ze::Result (*event_create)(ze::EventPool, const ze::EventDesc*, ze::Event* out);
  ze::Result (*event_destroy)(ze::Event);
  ze::Result (*event_host_signal)(ze::Event);
  ze::Result (*event_host_reset)(ze::Event);
  ze::Result (*event_host_synchronize)(ze::Event, std::uint64_t timeout_ns);
  ze::Result (*event_query_status)(ze::Event);
  ze::Result (*event_query_kernel_timestamp)(ze::Event, ze::TimestampResult* out);

  ze::Result (*module_create)(ze::Context, ze::Device, const ze::ModuleDesc*, ze::Module* out,
                              ze::BuildLog* out_log);
  ze::Result (*module_destroy)(ze::Module);
  ze::Result (*module_get_native_binary)(ze::Module, std::size_t* bytes, std::uint8_t* out);
  ze::Result (*build_log_get_string)(ze::BuildLog, std::size_t* bytes, char* out);
  ze::Result (*build_log_destroy)(ze::BuildLog);
  ze::Result (*kernel_create)(ze::Module, const ze::KernelDesc*, ze::Kernel* out);
  ze::Result (*kernel_destroy)(ze::Kernel);
  ze::Result (*kernel_set_group_size)(ze::Kernel, std::uint32_t x, std::uint32_t y,
                                      std::uint32_t z);
  ze::Result (*kernel_set_argument_value)(ze::Kernel, std::uint32_t index, std::size_t bytes,
                                          const void* value);
  ze::Result (*kernel_get_properties)(ze::Kernel, ze::KernelProperties* out);
};

/// Intel's functions by which devices reach memory of the program's own; null where the driver has
/// none. Compute runtime, level_zero/include/level_zero/driver_experimental/zex_driver.h.
struct ImportApi {
  ze::Result (*import_pointer)(ze::Driver, void* pointer, std::size_t bytes);
  ze::Result (*release_pointer)(ze::Driver, void* pointer);
};

/// The loader library and its functions.
struct Loader {
  Api api{};
  std::string path;   ///< of the file opened; empty if none could be
  std::string error;  ///< why it is of no use, in one sentence; empty if it is
};

/// Opens and initialises libze_loader.so.1 at the first call. With SAMPAN_TEST_DRIVERS set it is
/// told to take the emulated driver and no other (ZE_ENABLE_ALT_DRIVERS). The library is never
/// closed and the result lives as long as the process. Free-threaded.
[[nodiscard]] const Loader& loader();

/// The functions alone. Only where `loader().error` is empty.
[[nodiscard]] const Api& api();

[[nodiscard]] ImportApi import_api(ze::Driver driver);

}  // namespace sampan::level_zero
