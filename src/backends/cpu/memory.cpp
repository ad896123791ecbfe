#include "backends/cpu/memory.h"

#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdlib>
#include <memory>

#include "backends/cpu/host_memory.h"

namespace sampan::cpu {
namespace {

constexpr std::uint64_t kAlignmentBytes = 256;
constexpr std::uint64_t kHugePageBytes = std::uint64_t{2} << 20;
// The kernel promises memory that it doesn't have and ends the process when it is touched; from
// this size on it is asked first what is there.
constexpr std::uint64_t kAskBytes = std::uint64_t{16} << 20;

constexpr std::uint64_t round_up(std::uint64_t bytes, std::uint64_t multiple) {
  return (bytes + multiple - 1) / multiple * multiple;
}

// Pages come from the node while it has any, else from elsewhere.
void prefer_node(void* address, std::uint64_t size_bytes, int node) {
  constexpr int kMaxNode = 64;
  if (node < 0 || node >= kMaxNode) return;
  const unsigned long mask = 1ul << node;
  // Fails where the system has no NUMA policy; the memory is then as good as any other.
  (void)syscall(SYS_mbind, address, size_bytes, MPOL_PREFERRED, &mask, kMaxNode + 1, 0);
}

// Whole huge pages at a huge page's boundary, so that the kernel can use them; null when out of
// memory.
void* map_pages(std::uint64_t size_bytes, int node) {
  const std::uint64_t reach_bytes = size_bytes + kHugePageBytes;
  void* mapping = mmap(nullptr, reach_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return nullptr;
  const auto begin = reinterpret_cast<std::uintptr_t>(mapping);
  const std::uintptr_t aligned = round_up(begin, kHugePageBytes);
  if (aligned > begin) munmap(mapping, aligned - begin);
  if (begin + kHugePageBytes > aligned) {
    munmap(reinterpret_cast<void*>(aligned + size_bytes), begin + kHugePageBytes - aligned);
  }
  void* address = reinterpret_cast<void*>(aligned);
  (void)madvise(address, size_bytes, MADV_HUGEPAGE);  // refused where they are switched off
  prefer_node(address, size_bytes, node);
  return address;
}

sampan_code_t out_of_memory(Device& device, std::uint64_t requested_bytes, sampan_error_t* error) {
  const HostMemory memory = look_at_memory(device.place().numa_node);
  const std::uint64_t limit = std::min(memory.total_bytes, device.budget().limit_bytes());
  const std::uint64_t free = std::min(memory.free_bytes, device.budget().left_bytes());
  return fail(error, SAMPAN_OUT_OF_DEVICE_MEMORY,
              "out of memory: %" PRIu64 " bytes requested, %" PRIu64 " free, limit %" PRIu64
              "; free some, or raise the limit (SAMPAN_CPU_MEMORY_MB, control group)",
              requested_bytes, free, limit);
}

bool machine_has(const Device& device, std::uint64_t size_bytes) {
  return size_bytes < kAskBytes ||
         size_bytes <= look_at_memory(device.place().numa_node).free_bytes;
}

// Bytes behind a block of this size.
std::uint64_t rounded_bytes(std::uint64_t size_bytes) {
  return round_up(size_bytes, size_bytes < kHugePageBytes ? kAlignmentBytes : kHugePageBytes);
}

// Null when out of memory; sets `source`.
void* allocate_bytes(const Device& device, std::uint64_t size_bytes, Memory::Source& source) {
  if (!machine_has(device, size_bytes)) return nullptr;
  if (size_bytes < kHugePageBytes) {
    source = Memory::Source::kHeap;
    return std::aligned_alloc(kAlignmentBytes, rounded_bytes(size_bytes));
  }
  source = Memory::Source::kMapping;
  return map_pages(rounded_bytes(size_bytes), device.place().numa_node);
}

sampan_code_t memory_allocate(sampan_device_t* device, std::uint32_t, std::uint64_t size_bytes,
                              sampan_memory_t** out, sampan_error_t* error) {
  return guarded(error, [&] {
    if (const auto code = device->check(error); code != SAMPAN_OK) return code;
    if (size_bytes > device->budget().limit_bytes() || size_bytes > kNever / 2) {
      return out_of_memory(*device, size_bytes, error);
    }
    auto memory = std::make_unique<sampan_memory>(sampan_memory{{*device}});
    memory->size_bytes = size_bytes;
    if (!device->budget().take(size_bytes)) return out_of_memory(*device, size_bytes, error);
    void* address = allocate_bytes(*device, size_bytes, memory->source);
    if (address == nullptr) {
      device->budget().give_back(size_bytes);
      return out_of_memory(*device, size_bytes, error);
    }
    memory->address = static_cast<std::byte*>(address);
    *out = memory.release();
    return sampan_code_t{SAMPAN_OK};
  });
}

sampan_code_t memory_borrow(sampan_device_t* device, void* pointer, std::uint64_t size_bytes,
                            sampan_memory_t** out, sampan_error_t* error) {
  return guarded(error, [&] {
    if (const auto code = device->check(error); code != SAMPAN_OK) return code;
    *out = new sampan_memory{
        {*device, static_cast<std::byte*>(pointer), size_bytes, Memory::Source::kCaller}};
    return sampan_code_t{SAMPAN_OK};
  });
}

void memory_release(sampan_memory_t* memory) {
  switch (memory->source) {
    case Memory::Source::kHeap:
      std::free(memory->address);
      break;
    case Memory::Source::kMapping:
      munmap(memory->address, rounded_bytes(memory->size_bytes));
      break;
    case Memory::Source::kCaller:
      break;
  }
  if (memory->source != Memory::Source::kCaller) {
    memory->device.budget().give_back(memory->size_bytes);
  }
  delete memory;
}

sampan_code_t memory_address(sampan_memory_t* memory, void** out, sampan_error_t*) {
  *out = memory->address;
  return SAMPAN_OK;
}

}  // namespace

const sampan_memory_table_t kMemoryTable = {
    .size = sizeof(sampan_memory_table_t),
    .reserved = 0,
    .allocate = memory_allocate,
    .register_host = memory_borrow,
    .wrap = memory_borrow,
    .release = memory_release,
    .host_address = memory_address,
    .native = memory_address,
};

}  // namespace sampan::cpu
