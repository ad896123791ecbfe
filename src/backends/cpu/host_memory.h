// How much main memory is there, and how much of it is free.
#pragma once

#include <cstdint>

namespace sampan::cpu {

struct HostMemory {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;  ///< what can be had without swapping, by the kernel's estimate
};

/// The machine's memory, or the node's (-1: any), within the limit of the process's control group.
/// Reads a few files of the kernel, about 50 us. Throws std::bad_alloc.
[[nodiscard]] HostMemory look_at_memory(int numa_node);

}  // namespace sampan::cpu
