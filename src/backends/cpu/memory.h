// Blocks of memory of a CPU device.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/cpu/device.h"
#include "sampan/plugin/backend.h"

namespace sampan::cpu {

/// Main memory, ours or the caller's. Both kinds of memory are the same to a CPU.
struct Memory {
  enum class Source { kHeap, kMapping, kCaller };

  Device& device;
  std::byte* address = nullptr;
  std::uint64_t size_bytes = 0;
  Source source = Source::kCaller;
};

extern const sampan_memory_table_t kMemoryTable;

}  // namespace sampan::cpu

struct sampan_memory final : sampan::cpu::Memory {};

namespace sampan::cpu {

/// The address of a place; null for none.
[[nodiscard]] inline std::byte* address_of(const sampan_region_t& region) noexcept {
  return region.memory == nullptr ? nullptr : region.memory->address + region.offset_bytes;
}

}  // namespace sampan::cpu
