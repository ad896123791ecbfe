// The function tables that the loader asks for.
#pragma once

#include <level_zero/ze_api.h>
#include <level_zero/ze_ddi.h>
#include <level_zero/zes_api.h>
#include <level_zero/zes_ddi.h>
#include <level_zero/zet_api.h>
#include <level_zero/zet_ddi.h>

#include <cstddef>
#include <cstring>

namespace sampan::emulator::ze {

// What the driver has; every other slot answers UNSUPPORTED_FEATURE.
void fill(ze_global_dditable_t& table);
void fill(ze_driver_dditable_t& table);
void fill(ze_device_dditable_t& table);
void fill(ze_context_dditable_t& table);
void fill(ze_command_queue_dditable_t& table);
void fill(ze_command_list_dditable_t& table);
void fill(ze_fence_dditable_t& table);
void fill(ze_event_pool_dditable_t& table);
void fill(ze_event_dditable_t& table);
void fill(ze_module_dditable_t& table);
void fill(ze_module_build_log_dditable_t& table);
void fill(ze_kernel_dditable_t& table);
void fill(ze_mem_dditable_t& table);
template <typename Table>
void fill(Table&) {}

/// Stands in every slot that `fill` leaves alone.
ze_result_t unsupported();

template <typename Table>
ze_result_t give_table(ze_api_version_t version, Table* table) {
  if (table == nullptr) return ZE_RESULT_ERROR_INVALID_NULL_POINTER;
  // The table has the size of the headers that this was built with.
  if (ZE_MAJOR_VERSION(version) != ZE_MAJOR_VERSION(ZE_API_VERSION_CURRENT) ||
      version > ZE_API_VERSION_CURRENT) {
    return ZE_RESULT_ERROR_UNSUPPORTED_VERSION;
  }
  static_assert(sizeof(Table) % sizeof(&unsupported) == 0);
  ze_result_t (*const stub)() = unsupported;
  for (std::size_t at = 0; at < sizeof(Table); at += sizeof stub) {
    std::memcpy(reinterpret_cast<char*>(table) + at, &stub, sizeof stub);
  }
  fill(*table);
  return ZE_RESULT_SUCCESS;
}

}  // namespace sampan::emulator::ze
