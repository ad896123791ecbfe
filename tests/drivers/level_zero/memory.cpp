#include "memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "tables.h"

namespace sampan::emulator::ze {
namespace {

constexpr std::size_t kPoisonedBytes = 16 << 20;  // of a large block, at its beginning
constexpr int kNewByte = 0xCD, kFreedByte = 0xDD;
constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kLargestAlignment = 65536;

struct Allocation {
  std::shared_ptr<Context> context;  // null: imported
  ze_memory_type_t type = ZE_MEMORY_TYPE_UNKNOWN;
  Device* device = nullptr;  // of device and shared memory
  std::size_t bytes = 0;
};

struct Space {
  std::mutex mutex;
  std::map<const char*, Allocation> blocks;
};

Space& space() {
  static auto* const the_space = new Space;
  return *the_space;
}

// With the lock held. Null where the address is in no block.
const std::pair<const char* const, Allocation>* block_of(const void* address) {
  const auto* const at = static_cast<const char*>(address);
  auto& blocks = space().blocks;
  auto it = blocks.upper_bound(at);
  if (it == blocks.begin()) return nullptr;
  --it;
  return at < it->first + it->second.bytes ? &*it : nullptr;
}

Kind kind_of(const Allocation& block) {
  if (block.context == nullptr) return Kind::registration;
  return block.device != nullptr ? Kind::memory : Kind::host;
}

void reserve(Device& device, std::size_t bytes) {
  const std::uint64_t limit =
      std::min(memory_bytes_of_device(), Control::of_library().memory_limit());
  std::uint64_t used = device.used_bytes.load();
  do {
    require(bytes <= limit && used <= limit - bytes, ZE_RESULT_ERROR_OUT_OF_DEVICE_MEMORY);
  } while (!device.used_bytes.compare_exchange_weak(used, used + bytes));
  Control::of_library().add_used_bytes(static_cast<std::int64_t>(bytes));
}

void unreserve(Device& device, std::size_t bytes) {
  device.used_bytes -= bytes;
  Control::of_library().add_used_bytes(-static_cast<std::int64_t>(bytes));
}

void* allocate(Allocation block, std::size_t alignment) {
  require(block.bytes != 0, ZE_RESULT_ERROR_INVALID_SIZE);
  require((alignment & (alignment - 1)) == 0 && alignment <= kLargestAlignment,
          ZE_RESULT_ERROR_UNSUPPORTED_ALIGNMENT);
  require(block.bytes <= memory_bytes_of_device(), ZE_RESULT_ERROR_UNSUPPORTED_SIZE);
  if (block.device != nullptr) reserve(*block.device, block.bytes);
  const std::size_t step = std::max(alignment, kPageBytes);
  void* const pointer = std::aligned_alloc(step, (block.bytes + step - 1) / step * step);
  if (pointer == nullptr) {
    if (block.device != nullptr) unreserve(*block.device, block.bytes);
    throw Refusal{ZE_RESULT_ERROR_OUT_OF_HOST_MEMORY};
  }
  std::memset(pointer, kNewByte, std::min(block.bytes, kPoisonedBytes));
  const std::lock_guard lock(space().mutex);
  Control::of_library().add_live(kind_of(block), 1);
  space().blocks[static_cast<const char*>(pointer)] = std::move(block);
  return pointer;
}

ze_result_t allocate_device(ze_context_handle_t context, const ze_device_mem_alloc_desc_t* desc,
                            std::size_t bytes, std::size_t alignment, ze_device_handle_t device,
                            void** out) {
  const auto owner = find<Context>(context);
  require_desc(desc, ZE_STRUCTURE_TYPE_DEVICE_MEM_ALLOC_DESC);
  require_pointer(out);
  Device& on = device_of(device);
  owner->check(on);
  *out = allocate({owner, ZE_MEMORY_TYPE_DEVICE, &on, bytes}, alignment);
  return ZE_RESULT_SUCCESS;
}

ze_result_t allocate_host(ze_context_handle_t context, const ze_host_mem_alloc_desc_t* desc,
                          std::size_t bytes, std::size_t alignment, void** out) {
  const auto owner = find<Context>(context);
  require_desc(desc, ZE_STRUCTURE_TYPE_HOST_MEM_ALLOC_DESC);
  require_pointer(out);
  *out = allocate({owner, ZE_MEMORY_TYPE_HOST, nullptr, bytes}, alignment);
  return ZE_RESULT_SUCCESS;
}

ze_result_t allocate_shared(ze_context_handle_t context, const ze_device_mem_alloc_desc_t* desc,
                            const ze_host_mem_alloc_desc_t* host, std::size_t bytes,
                            std::size_t alignment, ze_device_handle_t device, void** out) {
  const auto owner = find<Context>(context);
  require_desc(desc, ZE_STRUCTURE_TYPE_DEVICE_MEM_ALLOC_DESC);
  require_desc(host, ZE_STRUCTURE_TYPE_HOST_MEM_ALLOC_DESC);
  require_pointer(out);
  Device& on = device_of(device);
  owner->check(on);
  *out = allocate({owner, ZE_MEMORY_TYPE_SHARED, &on, bytes}, alignment);
  return ZE_RESULT_SUCCESS;
}

// Takes the block that begins at `pointer` out of the map.
Allocation remove(void* pointer, bool imported) {
  const std::lock_guard lock(space().mutex);
  auto& blocks = space().blocks;
  const auto it = blocks.find(static_cast<const char*>(pointer));
  demand(it != blocks.end() && (it->second.context == nullptr) == imported,
         ZE_RESULT_ERROR_INVALID_ARGUMENT, "memory was freed that isn't allocated");
  Allocation block = std::move(it->second);
  blocks.erase(it);
  Control::of_library().add_live(kind_of(block), -1);
  return block;
}

ze_result_t free_memory(ze_context_handle_t context, void* pointer) {
  (void)find<Context>(context);
  require_pointer(pointer);
  const Allocation block = remove(pointer, false);
  if (block.device != nullptr) unreserve(*block.device, block.bytes);
  std::memset(pointer, kFreedByte, std::min(block.bytes, kPoisonedBytes));
  std::free(pointer);
  return ZE_RESULT_SUCCESS;
}

ze_result_t allocation_properties(ze_context_handle_t context, const void* pointer,
                                  ze_memory_allocation_properties_t* out,
                                  ze_device_handle_t* device) {
  (void)find<Context>(context);
  require_pointer(pointer);
  require_pointer(out);
  const std::lock_guard lock(space().mutex);
  const auto* const block = block_of(pointer);
  out->type = block != nullptr ? block->second.type : ZE_MEMORY_TYPE_UNKNOWN;
  out->id = block != nullptr ? reinterpret_cast<std::uint64_t>(block->first) : 0;
  out->pageSize = block != nullptr ? kPageBytes : 0;
  if (device != nullptr) {
    *device =
        reinterpret_cast<ze_device_handle_t>(block != nullptr ? block->second.device : nullptr);
  }
  return ZE_RESULT_SUCCESS;
}

ze_result_t address_range(ze_context_handle_t context, const void* pointer, void** base,
                          std::size_t* bytes) {
  (void)find<Context>(context);
  require_pointer(pointer);
  const std::lock_guard lock(space().mutex);
  const auto* const block = block_of(pointer);
  require(block != nullptr, ZE_RESULT_ERROR_INVALID_ARGUMENT);
  if (base != nullptr) *base = const_cast<char*>(block->first);
  if (bytes != nullptr) *bytes = block->second.bytes;
  return ZE_RESULT_SUCCESS;
}

}  // namespace

bool is_known(const Context& context, const void* address) {
  const std::lock_guard lock(space().mutex);
  const auto* const block = block_of(address);
  return block != nullptr &&
         (block->second.context == nullptr || block->second.context.get() == &context);
}

void require_inside(const Context& context, const void* address, std::size_t bytes) {
  require_pointer(address);
  const std::lock_guard lock(space().mutex);
  const auto* const block = block_of(address);
  if (block == nullptr) return;
  const auto used = static_cast<std::size_t>(static_cast<const char*>(address) - block->first);
  demand(bytes <= block->second.bytes - used, ZE_RESULT_ERROR_INVALID_SIZE,
         "a copy or fill leaves its allocation");
  const bool foreign = block->second.context != nullptr && block->second.device != nullptr &&
                       block->second.context.get() != &context;
  demand(!foreign, ZE_RESULT_ERROR_INVALID_ARGUMENT, "device memory of another context is used");
}

void import_host(void* pointer, std::size_t bytes) {
  const std::lock_guard lock(space().mutex);
  require(block_of(pointer) == nullptr, ZE_RESULT_ERROR_INVALID_ARGUMENT);
  Control::of_library().add_live(Kind::registration, 1);
  space().blocks[static_cast<const char*>(pointer)] = {nullptr, ZE_MEMORY_TYPE_HOST, nullptr,
                                                       bytes};
}

void release_host(void* pointer) { (void)remove(pointer, true); }

void fill(ze_mem_dditable_t& table) {
  table.pfnAllocDevice = kEntry<"zeMemAllocDevice", allocate_device>;
  table.pfnAllocHost = kEntry<"zeMemAllocHost", allocate_host>;
  table.pfnAllocShared = kEntry<"zeMemAllocShared", allocate_shared>;
  table.pfnFree = kFreeingEntry<"zeMemFree", free_memory>;
  table.pfnGetAllocProperties = kEntry<"zeMemGetAllocProperties", allocation_properties>;
  table.pfnGetAddressRange = kEntry<"zeMemGetAddressRange", address_range>;
}

}  // namespace sampan::emulator::ze
