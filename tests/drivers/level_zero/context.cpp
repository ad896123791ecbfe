#include <set>

#include "memory.h"
#include "objects.h"
#include "tables.h"
#include "work.h"

namespace sampan::emulator::ze {
namespace {

// All contexts that live, with the world's lock held.
std::set<Context*>& contexts() {
  static auto* const all = new std::set<Context*>;
  return *all;
}

void unregister(Context* context) {
  {
    const std::lock_guard lock(world());
    contexts().erase(context);
  }
  delete context;
}

ze_result_t create_on(const ze_context_desc_t* desc, ze_context_handle_t* out) {
  require_desc(desc, ZE_STRUCTURE_TYPE_CONTEXT_DESC);
  require_pointer(out);
  const std::shared_ptr<Context> made(new Context, unregister);
  {
    const std::lock_guard lock(world());
    contexts().insert(made.get());
    for (const auto& device : devices()) device->lost = false;
  }
  give(out, made);
  return ZE_RESULT_SUCCESS;
}

ze_result_t create(ze_driver_handle_t driver, const ze_context_desc_t* desc,
                   ze_context_handle_t* out) {
  require(driver != nullptr, ZE_RESULT_ERROR_INVALID_NULL_HANDLE);
  return create_on(desc, out);
}

ze_result_t create_ex(ze_driver_handle_t driver, const ze_context_desc_t* desc, std::uint32_t count,
                      ze_device_handle_t* of, ze_context_handle_t* out) {
  require(driver != nullptr, ZE_RESULT_ERROR_INVALID_NULL_HANDLE);
  require((count == 0) == (of == nullptr), ZE_RESULT_ERROR_INVALID_SIZE);
  for (std::uint32_t i = 0; i < count; ++i) (void)device_of(of[i]);
  return create_on(desc, out);
}

ze_result_t destroy(ze_context_handle_t handle) {
  (void)take<Context>(handle);
  return ZE_RESULT_SUCCESS;
}

ze_result_t status(ze_context_handle_t handle) {
  return find<Context>(handle)->any_lost() ? ZE_RESULT_ERROR_DEVICE_LOST : ZE_RESULT_SUCCESS;
}

}  // namespace

template <>
HandleTable<Context>& table_of() {
  static auto* const table = new HandleTable<Context>(Kind::context);
  return *table;
}

bool Context::any_lost() const {
  for (const auto& each : lost) {
    if (each) return true;
  }
  return false;
}

void lose_in_contexts(unsigned index) {
  for (Context* const context : contexts()) context->lost[index] = true;
}

void fill(ze_context_dditable_t& table) {
  table.pfnCreate = kEntry<"zeContextCreate", create>;
  table.pfnCreateEx = kEntry<"zeContextCreateEx", create_ex>;
  table.pfnDestroy = kFreeingEntry<"zeContextDestroy", destroy>;
  table.pfnGetStatus = kEntry<"zeContextGetStatus", status>;
}

}  // namespace sampan::emulator::ze
