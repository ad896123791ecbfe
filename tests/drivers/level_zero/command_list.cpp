// Command queues, regular and immediate command lists, fences.
#include <algorithm>
#include <cstring>
#include <optional>

#include "memory.h"
#include "tables.h"
#include "work.h"

namespace sampan::emulator::ze {
namespace {

constexpr std::uint32_t kQueueGroups = 2;
constexpr std::uint32_t kCopyGroup = 0;  // driver.cpp, queue_groups

struct CommandQueue {
  CommandQueue(std::shared_ptr<Context> context, Device& device)
      : queue(std::move(context), device) {}
  Queue queue;
  bool synchronous = false;
  std::uint32_t group = 0;
};

struct CommandList {
  std::shared_ptr<Context> context;
  Device* device = nullptr;
  std::uint32_t group = 0;
  std::vector<Command> commands;  // of a regular one
  bool closed = false;
  std::optional<Queue> queue;  // of an immediate one
  bool synchronous = false;
};

void require_queue_desc(const ze_command_queue_desc_t* desc) {
  require_desc(desc, ZE_STRUCTURE_TYPE_COMMAND_QUEUE_DESC);
  demand(desc->ordinal < kQueueGroups, ZE_RESULT_ERROR_INVALID_ARGUMENT,
         "the device has no queue group of that number");
  demand(desc->index < (desc->ordinal == kCopyGroup ? 1u : 4u), ZE_RESULT_ERROR_INVALID_ARGUMENT,
         "the queue group has no queue of that number");
  require(desc->mode <= ZE_COMMAND_QUEUE_MODE_ASYNCHRONOUS &&
              desc->priority <= ZE_COMMAND_QUEUE_PRIORITY_PRIORITY_HIGH,
          ZE_RESULT_ERROR_INVALID_ENUMERATION);
}

ze_result_t queue_create(ze_context_handle_t context, ze_device_handle_t device,
                         const ze_command_queue_desc_t* desc, ze_command_queue_handle_t* out) {
  const auto owner = find<Context>(context);
  Device& on = device_of(device);
  require_queue_desc(desc);
  require_pointer(out);
  owner->check(on);
  auto made = std::make_shared<CommandQueue>(owner, on);
  made->synchronous = desc->mode == ZE_COMMAND_QUEUE_MODE_SYNCHRONOUS;
  made->group = desc->ordinal;
  give(out, std::move(made));
  return ZE_RESULT_SUCCESS;
}

ze_result_t queue_destroy(ze_command_queue_handle_t handle) {
  const auto queue = find<CommandQueue>(handle);
  demand(queue->queue.idle(), ZE_RESULT_ERROR_HANDLE_OBJECT_IN_USE,
         "a command queue was destroyed that has work");
  (void)take<CommandQueue>(handle);
  return ZE_RESULT_SUCCESS;
}

ze_result_t queue_execute(ze_command_queue_handle_t handle, std::uint32_t count,
                          ze_command_list_handle_t* lists, ze_fence_handle_t fence) {
  const auto queue = find<CommandQueue>(handle);
  require(count != 0, ZE_RESULT_ERROR_INVALID_SIZE);
  require_pointer(lists);
  queue->queue.context().check(queue->queue.device());
  std::vector<Command> all;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto list = find<CommandList>(lists[i]);
    demand(list->closed && !list->queue, ZE_RESULT_ERROR_INVALID_ARGUMENT,
           "a command list was executed that isn't closed, or is immediate");
    require(list->group == queue->group, ZE_RESULT_ERROR_INVALID_COMMAND_LIST_TYPE);
    all.push_back({.barrier = true});
    all.insert(all.end(), list->commands.begin(), list->commands.end());
  }
  all.push_back({.fence = fence != nullptr ? find<Fence>(fence) : nullptr, .barrier = true});
  queue->queue.push(std::move(all));
  return queue->synchronous ? queue->queue.synchronize(UINT64_MAX) : ZE_RESULT_SUCCESS;
}

ze_result_t queue_synchronize(ze_command_queue_handle_t handle, std::uint64_t timeout_ns) {
  return find<CommandQueue>(handle)->queue.synchronize(timeout_ns);
}

ze_result_t list_create(ze_context_handle_t context, ze_device_handle_t device,
                        const ze_command_list_desc_t* desc, ze_command_list_handle_t* out) {
  const auto owner = find<Context>(context);
  Device& on = device_of(device);
  require_desc(desc, ZE_STRUCTURE_TYPE_COMMAND_LIST_DESC);
  require_pointer(out);
  demand(desc->commandQueueGroupOrdinal < kQueueGroups, ZE_RESULT_ERROR_INVALID_ARGUMENT,
         "the device has no queue group of that number");
  owner->check(on);
  auto made = std::make_shared<CommandList>();
  made->context = owner;
  made->device = &on;
  made->group = desc->commandQueueGroupOrdinal;
  give(out, std::move(made));
  return ZE_RESULT_SUCCESS;
}

ze_result_t list_create_immediate(ze_context_handle_t context, ze_device_handle_t device,
                                  const ze_command_queue_desc_t* desc,
                                  ze_command_list_handle_t* out) {
  const auto owner = find<Context>(context);
  Device& on = device_of(device);
  require_queue_desc(desc);
  require_pointer(out);
  owner->check(on);
  auto made = std::make_shared<CommandList>();
  made->context = owner;
  made->device = &on;
  made->group = desc->ordinal;
  made->synchronous = desc->mode == ZE_COMMAND_QUEUE_MODE_SYNCHRONOUS;
  made->queue.emplace(owner, on);
  give(out, std::move(made));
  return ZE_RESULT_SUCCESS;
}

ze_result_t list_destroy(ze_command_list_handle_t handle) {
  const auto list = find<CommandList>(handle);
  demand(!list->queue || list->queue->idle(), ZE_RESULT_ERROR_HANDLE_OBJECT_IN_USE,
         "an immediate command list was destroyed that has work");
  (void)take<CommandList>(handle);
  return ZE_RESULT_SUCCESS;
}

ze_result_t list_close(ze_command_list_handle_t handle) {
  find<CommandList>(handle)->closed = true;
  return ZE_RESULT_SUCCESS;
}

ze_result_t list_reset(ze_command_list_handle_t handle) {
  const auto list = find<CommandList>(handle);
  demand(!list->queue, ZE_RESULT_ERROR_INVALID_ARGUMENT, "an immediate command list was reset");
  list->closed = false;
  list->commands.clear();
  return ZE_RESULT_SUCCESS;
}

/// A list that takes commands.
std::shared_ptr<CommandList> open_list(ze_command_list_handle_t handle) {
  auto list = find<CommandList>(handle);
  demand(!list->closed, ZE_RESULT_ERROR_INVALID_ARGUMENT,
         "a command was appended to a closed list");
  list->context->check(*list->device);
  return list;
}

ze_result_t append(CommandList& list, Command command, ze_event_handle_t signal,
                   std::uint32_t wait_count, ze_event_handle_t* waits) {
  require((wait_count == 0) == (waits == nullptr), ZE_RESULT_ERROR_INVALID_SIZE);
  if (signal != nullptr) command.signal = find<Event>(signal);
  for (std::uint32_t i = 0; i < wait_count; ++i) command.waits.push_back(find<Event>(waits[i]));
  if (!list.queue) {
    list.commands.push_back(std::move(command));
    return ZE_RESULT_SUCCESS;
  }
  std::vector<Command> one;
  one.push_back(std::move(command));
  list.queue->push(std::move(one));
  return list.synchronous ? list.queue->synchronize(UINT64_MAX) : ZE_RESULT_SUCCESS;
}

ze_result_t append_barrier(ze_command_list_handle_t handle, ze_event_handle_t signal,
                           std::uint32_t wait_count, ze_event_handle_t* waits) {
  return append(*open_list(handle), {.barrier = true}, signal, wait_count, waits);
}

ze_result_t append_copy(ze_command_list_handle_t handle, void* dst, const void* src,
                        std::size_t bytes, ze_event_handle_t signal, std::uint32_t wait_count,
                        ze_event_handle_t* waits) {
  const auto list = open_list(handle);
  require_inside(*list->context, dst, bytes);
  require_inside(*list->context, src, bytes);
  return append(*list, {.run = [=] { std::memmove(dst, src, bytes); }}, signal, wait_count, waits);
}

struct Area {
  char* first;
  ze_copy_region_t region;
  std::size_t pitch, slice_pitch;

  [[nodiscard]] char* row(std::uint32_t y, std::uint32_t z) const {
    return first + (region.originZ + z) * slice_pitch + (region.originY + y) * pitch +
           region.originX;
  }
};

ze_result_t append_copy_region(ze_command_list_handle_t handle, void* dst,
                               const ze_copy_region_t* dst_region, std::uint32_t dst_pitch,
                               std::uint32_t dst_slice_pitch, const void* src,
                               const ze_copy_region_t* src_region, std::uint32_t src_pitch,
                               std::uint32_t src_slice_pitch, ze_event_handle_t signal,
                               std::uint32_t wait_count, ze_event_handle_t* waits) {
  const auto list = open_list(handle);
  require_pointer(dst_region);
  require_pointer(src_region);
  const ze_copy_region_t size = *src_region;
  demand(size.width == dst_region->width && size.height == dst_region->height &&
             size.depth == dst_region->depth && size.width != 0 && size.height != 0,
         ZE_RESULT_ERROR_INVALID_SIZE, "the regions of a copy have different or no sizes");
  demand(size.width <= src_pitch && size.width <= dst_pitch, ZE_RESULT_ERROR_INVALID_SIZE,
         "the rows of a copy are longer than their pitch");
  const Area to{static_cast<char*>(dst), *dst_region, dst_pitch, dst_slice_pitch};
  const Area from{static_cast<char*>(const_cast<void*>(src)), size, src_pitch, src_slice_pitch};
  const std::uint32_t depth = std::max(size.depth, 1u);
  for (const Area& area : {to, from}) {
    require_inside(*list->context, area.row(0, 0), size.width);
    require_inside(
        *list->context, area.first,
        static_cast<std::size_t>(area.row(size.height - 1, depth - 1) - area.first) + size.width);
  }
  const auto run = [=] {
    for (std::uint32_t z = 0; z < depth; ++z) {
      for (std::uint32_t y = 0; y < size.height; ++y) {
        std::memmove(to.row(y, z), from.row(y, z), size.width);
      }
    }
  };
  return append(*list, {.run = run}, signal, wait_count, waits);
}

ze_result_t append_fill(ze_command_list_handle_t handle, void* dst, const void* pattern,
                        std::size_t pattern_bytes, std::size_t bytes, ze_event_handle_t signal,
                        std::uint32_t wait_count, ze_event_handle_t* waits) {
  constexpr std::size_t kLargest[kQueueGroups] = {1, 8};  // driver.cpp, queue_groups
  const auto list = open_list(handle);
  require_pointer(pattern);
  require_inside(*list->context, dst, bytes);
  demand(pattern_bytes != 0 && (pattern_bytes & (pattern_bytes - 1)) == 0 &&
             pattern_bytes <= kLargest[list->group],
         ZE_RESULT_ERROR_INVALID_SIZE, "a fill's pattern is longer than its queue group allows");
  demand(bytes % pattern_bytes == 0 && reinterpret_cast<std::uintptr_t>(dst) % pattern_bytes == 0,
         ZE_RESULT_ERROR_INVALID_SIZE, "a fill's size or place is no multiple of its pattern");
  const std::string kept(static_cast<const char*>(pattern), pattern_bytes);
  const auto run = [=] {
    for (std::size_t at = 0; at < bytes; at += kept.size()) {
      std::memcpy(static_cast<char*>(dst) + at, kept.data(), kept.size());
    }
  };
  return append(*list, {.run = run}, signal, wait_count, waits);
}

// What a launch needs is taken now: the kernel may be changed or destroyed afterwards.
std::function<void()> make_launch(const CommandList& list, const Kernel& kernel,
                                  const ze_group_count_t& groups) {
  const std::string& kinds = kernel.signature->arguments;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const KernelArgument& argument = kernel.arguments[i];
    demand(argument.set, ZE_RESULT_ERROR_INVALID_ARGUMENT,
           "a kernel was launched with an argument unset");
    if (kinds[i] != 'g') continue;
    void* pointer = nullptr;
    std::memcpy(&pointer, argument.value.data(), sizeof pointer);
    demand(pointer == nullptr || is_known(*list.context, pointer), ZE_RESULT_ERROR_INVALID_ARGUMENT,
           "a kernel was given an address that the device doesn't know");
  }
  const auto& fixed = kernel.signature->group;
  demand(fixed[0] == 0 || fixed == kernel.group, ZE_RESULT_ERROR_INVALID_GROUP_SIZE_DIMENSION,
         "a kernel was launched with another group size than it requires");
  require(groups.groupCountX != 0 && groups.groupCountY != 0 && groups.groupCountZ != 0,
          ZE_RESULT_ERROR_INVALID_ARGUMENT);
  return [module = kernel.module, name = kernel.name, arguments = kernel.arguments,
          group = kernel.group, groups] {
    module->program->run(name, arguments,
                         {groups.groupCountX, groups.groupCountY, groups.groupCountZ}, group);
  };
}

ze_result_t append_launch(ze_command_list_handle_t handle, ze_kernel_handle_t kernel_handle,
                          const ze_group_count_t* groups, ze_event_handle_t signal,
                          std::uint32_t wait_count, ze_event_handle_t* waits) {
  const auto list = open_list(handle);
  const auto kernel = find<Kernel>(kernel_handle);
  require_pointer(groups);
  demand(list->group != kCopyGroup, ZE_RESULT_ERROR_INVALID_COMMAND_LIST_TYPE,
         "a kernel was launched on a copy engine");
  return append(*list, {.run = make_launch(*list, *kernel, *groups)}, signal, wait_count, waits);
}

ze_result_t append_signal(ze_command_list_handle_t handle, ze_event_handle_t event) {
  require(event != nullptr, ZE_RESULT_ERROR_INVALID_NULL_HANDLE);
  return append(*open_list(handle), {.barrier = true}, event, 0, nullptr);
}

ze_result_t append_reset(ze_command_list_handle_t handle, ze_event_handle_t event) {
  require(event != nullptr, ZE_RESULT_ERROR_INVALID_NULL_HANDLE);
  return append(*open_list(handle), {.barrier = true, .resets = true}, event, 0, nullptr);
}

// In order with all later commands, as the specification has it, and with none of the earlier ones.
ze_result_t append_wait(ze_command_list_handle_t handle, std::uint32_t count,
                        ze_event_handle_t* waits) {
  require_pointer(waits);
  return append(*open_list(handle), {.barrier = true}, nullptr, count, waits);
}

ze_result_t append_timestamp(ze_command_list_handle_t handle, std::uint64_t* out,
                             ze_event_handle_t signal, std::uint32_t wait_count,
                             ze_event_handle_t* waits) {
  const auto list = open_list(handle);
  require_inside(*list->context, out, sizeof *out);
  const Device& device = *list->device;
  const auto run = [out, &device] {
    *out = device.ticks() & ((std::uint64_t{1} << Device::kValidBits) - 1);
  };
  return append(*list, {.run = run, .barrier = true}, signal, wait_count, waits);
}

ze_result_t fence_create(ze_command_queue_handle_t queue, const ze_fence_desc_t* desc,
                         ze_fence_handle_t* out) {
  const auto of = find<CommandQueue>(queue);
  require_desc(desc, ZE_STRUCTURE_TYPE_FENCE_DESC);
  require_pointer(out);
  auto fence = std::make_shared<Fence>();
  fence->signalled = (desc->flags & ZE_FENCE_FLAG_SIGNALED) != 0;
  fence->context = of->queue.shared_context();
  give(out, std::move(fence));
  return ZE_RESULT_SUCCESS;
}

ze_result_t fence_destroy(ze_fence_handle_t handle) {
  (void)take<Fence>(handle);
  return ZE_RESULT_SUCCESS;
}

ze_result_t fence_synchronize(ze_fence_handle_t handle, std::uint64_t timeout_ns) {
  const auto fence = find<Fence>(handle);
  std::unique_lock lock(world());
  return wait_in_world(
      lock, timeout_ns, [&] { return fence->signalled; },
      [&] { return !fence->signalled && fence->context->any_lost(); });
}

ze_result_t fence_query(ze_fence_handle_t handle) { return fence_synchronize(handle, 0); }

ze_result_t fence_reset(ze_fence_handle_t handle) {
  const auto fence = find<Fence>(handle);
  const std::lock_guard lock(world());
  fence->signalled = false;
  return ZE_RESULT_SUCCESS;
}

}  // namespace

template <>
HandleTable<CommandQueue>& table_of() {
  static auto* const table = new HandleTable<CommandQueue>(Kind::queue);
  return *table;
}

template <>
HandleTable<CommandList>& table_of() {
  static auto* const table = new HandleTable<CommandList>(Kind::stream);
  return *table;
}

template <>
HandleTable<Fence>& table_of() {
  static auto* const table = new HandleTable<Fence>(Kind::fence);
  return *table;
}

void fill(ze_command_queue_dditable_t& table) {
  table.pfnCreate = kEntry<"zeCommandQueueCreate", queue_create>;
  table.pfnDestroy = kFreeingEntry<"zeCommandQueueDestroy", queue_destroy>;
  table.pfnExecuteCommandLists = kEntry<"zeCommandQueueExecuteCommandLists", queue_execute>;
  table.pfnSynchronize = kEntry<"zeCommandQueueSynchronize", queue_synchronize>;
}

void fill(ze_command_list_dditable_t& table) {
  table.pfnCreate = kEntry<"zeCommandListCreate", list_create>;
  table.pfnCreateImmediate = kEntry<"zeCommandListCreateImmediate", list_create_immediate>;
  table.pfnDestroy = kFreeingEntry<"zeCommandListDestroy", list_destroy>;
  table.pfnClose = kEntry<"zeCommandListClose", list_close>;
  table.pfnReset = kEntry<"zeCommandListReset", list_reset>;
  table.pfnAppendBarrier = kEntry<"zeCommandListAppendBarrier", append_barrier>;
  table.pfnAppendMemoryCopy = kEntry<"zeCommandListAppendMemoryCopy", append_copy>;
  table.pfnAppendMemoryCopyRegion =
      kEntry<"zeCommandListAppendMemoryCopyRegion", append_copy_region>;
  table.pfnAppendMemoryFill = kEntry<"zeCommandListAppendMemoryFill", append_fill>;
  table.pfnAppendLaunchKernel = kEntry<"zeCommandListAppendLaunchKernel", append_launch>;
  table.pfnAppendSignalEvent = kEntry<"zeCommandListAppendSignalEvent", append_signal>;
  table.pfnAppendEventReset = kEntry<"zeCommandListAppendEventReset", append_reset>;
  table.pfnAppendWaitOnEvents = kEntry<"zeCommandListAppendWaitOnEvents", append_wait>;
  table.pfnAppendWriteGlobalTimestamp =
      kEntry<"zeCommandListAppendWriteGlobalTimestamp", append_timestamp>;
}

void fill(ze_fence_dditable_t& table) {
  table.pfnCreate = kEntry<"zeFenceCreate", fence_create>;
  table.pfnDestroy = kFreeingEntry<"zeFenceDestroy", fence_destroy>;
  table.pfnHostSynchronize = kEntry<"zeFenceHostSynchronize", fence_synchronize>;
  table.pfnQueryStatus = kEntry<"zeFenceQueryStatus", fence_query>;
  table.pfnReset = kEntry<"zeFenceReset", fence_reset>;
}

}  // namespace sampan::emulator::ze
