#include <algorithm>

#include "tables.h"
#include "work.h"

namespace sampan::emulator::ze {
namespace {

ze_result_t pool_create(ze_context_handle_t context, const ze_event_pool_desc_t* desc,
                        std::uint32_t device_count, ze_device_handle_t* of,
                        ze_event_pool_handle_t* out) {
  const auto owner = find<Context>(context);
  require_desc(desc, ZE_STRUCTURE_TYPE_EVENT_POOL_DESC);
  require_pointer(out);
  require(desc->count != 0, ZE_RESULT_ERROR_INVALID_SIZE);
  require((device_count == 0) == (of == nullptr), ZE_RESULT_ERROR_INVALID_SIZE);
  for (std::uint32_t i = 0; i < device_count; ++i) owner->check(device_of(of[i]));
  auto pool = std::make_shared<EventPool>();
  pool->context = owner;
  pool->flags = desc->flags;
  pool->used.resize(desc->count);
  give(out, std::move(pool));
  return ZE_RESULT_SUCCESS;
}

ze_result_t pool_destroy(ze_event_pool_handle_t handle) {
  const auto pool = find<EventPool>(handle);
  {
    const std::lock_guard lock(world());
    demand(std::ranges::find(pool->used, true) == pool->used.end(),
           ZE_RESULT_ERROR_HANDLE_OBJECT_IN_USE, "an event pool was destroyed before its events");
  }
  (void)take<EventPool>(handle);
  return ZE_RESULT_SUCCESS;
}

ze_result_t create(ze_event_pool_handle_t handle, const ze_event_desc_t* desc,
                   ze_event_handle_t* out) {
  const auto pool = find<EventPool>(handle);
  require_desc(desc, ZE_STRUCTURE_TYPE_EVENT_DESC);
  require_pointer(out);
  auto event = std::make_shared<Event>();
  event->pool = pool;
  event->index = desc->index;
  {
    const std::lock_guard lock(world());
    demand(desc->index < pool->used.size() && !pool->used[desc->index],
           ZE_RESULT_ERROR_INVALID_ARGUMENT,
           "an event's place in its pool is taken or isn't there");
    pool->used[desc->index] = true;
  }
  give(out, std::move(event));
  return ZE_RESULT_SUCCESS;
}

ze_result_t destroy(ze_event_handle_t handle) {
  const auto event = find<Event>(handle);
  {
    const std::lock_guard lock(world());
    const bool pending = event->pending_signals + event->pending_waits != 0;
    demand(!pending || event->pool->context->any_lost(), ZE_RESULT_ERROR_HANDLE_OBJECT_IN_USE,
           "an event was destroyed that commands still use");
    event->pool->used[event->index] = false;
  }
  (void)take<Event>(handle);
  return ZE_RESULT_SUCCESS;
}

ze_result_t host_signal(ze_event_handle_t handle) {
  const auto event = find<Event>(handle);
  {
    const std::lock_guard lock(world());
    event->signalled = true;
  }
  world_changed().notify_all();
  return ZE_RESULT_SUCCESS;
}

ze_result_t host_reset(ze_event_handle_t handle) {
  const auto event = find<Event>(handle);
  const std::lock_guard lock(world());
  const bool pending = event->pending_signals + event->pending_waits != 0;
  demand(!pending || event->pool->context->any_lost(),
         ZE_RESULT_ERROR_INVALID_SYNCHRONIZATION_OBJECT,
         "an event was reset that commands still use");
  event->signalled = false;
  return ZE_RESULT_SUCCESS;
}

void require_host_visible(const Event& event) {
  demand((event.pool->flags & ZE_EVENT_POOL_FLAG_HOST_VISIBLE) != 0,
         ZE_RESULT_ERROR_INVALID_SYNCHRONIZATION_OBJECT, "the host can't see this event");
}

ze_result_t synchronize(ze_event_handle_t handle, std::uint64_t timeout_ns) {
  const auto event = find<Event>(handle);
  require_host_visible(*event);
  std::unique_lock lock(world());
  return wait_in_world(
      lock, timeout_ns, [&] { return event->signalled; }, [&] { return event->orphaned(); });
}

ze_result_t query(ze_event_handle_t handle) {
  const auto event = find<Event>(handle);
  require_host_visible(*event);
  const std::lock_guard lock(world());
  if (event->signalled) return ZE_RESULT_SUCCESS;
  return event->orphaned() ? ZE_RESULT_ERROR_DEVICE_LOST : ZE_RESULT_NOT_READY;
}

ze_result_t timestamp(ze_event_handle_t handle, ze_kernel_timestamp_result_t* out) {
  const auto event = find<Event>(handle);
  require_pointer(out);
  demand((event->pool->flags & ZE_EVENT_POOL_FLAG_KERNEL_TIMESTAMP) != 0,
         ZE_RESULT_ERROR_INVALID_ARGUMENT, "this event's pool takes no timestamps");
  const std::lock_guard lock(world());
  if (!event->signalled) return ZE_RESULT_NOT_READY;
  constexpr std::uint64_t kMask = (std::uint64_t{1} << Device::kKernelValidBits) - 1;
  out->global = {event->begin_ticks & kMask, event->end_ticks & kMask};
  out->context = out->global;
  return ZE_RESULT_SUCCESS;
}

}  // namespace

template <>
HandleTable<EventPool>& table_of() {
  static auto* const table = new HandleTable<EventPool>(Kind::pool);
  return *table;
}

template <>
HandleTable<Event>& table_of() {
  static auto* const table = new HandleTable<Event>(Kind::event);
  return *table;
}

void fill(ze_event_pool_dditable_t& table) {
  table.pfnCreate = kEntry<"zeEventPoolCreate", pool_create>;
  table.pfnDestroy = kFreeingEntry<"zeEventPoolDestroy", pool_destroy>;
}

void fill(ze_event_dditable_t& table) {
  table.pfnCreate = kEntry<"zeEventCreate", create>;
  table.pfnDestroy = kFreeingEntry<"zeEventDestroy", destroy>;
  table.pfnHostSignal = kEntry<"zeEventHostSignal", host_signal>;
  table.pfnHostReset = kEntry<"zeEventHostReset", host_reset>;
  table.pfnHostSynchronize = kEntry<"zeEventHostSynchronize", synchronize>;
  table.pfnQueryStatus = kEntry<"zeEventQueryStatus", query>;
  table.pfnQueryKernelTimestamp = kEntry<"zeEventQueryKernelTimestamp", timestamp>;
}

}  // namespace sampan::emulator::ze
