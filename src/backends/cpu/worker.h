// What a thread needs to run work-groups.
#pragma once

#include <cstdlib>
#include <memory>

#include "backends/cpu/fiber.h"
#include "dialect/cpu_abi.h"

namespace sampan::cpu {

/// The local memory and the fibers of one thread at a time. Both are taken at first use and kept.
class Worker {
 public:
  /// SAMPAN_CPU_LOCAL_BYTES for the group that runs now; null when out of memory.
  [[nodiscard]] void* local_memory() noexcept {
    if (!local_memory_) {
      local_memory_.reset(std::aligned_alloc(SAMPAN_CPU_LOCAL_ALIGN, SAMPAN_CPU_LOCAL_BYTES));
    }
    return local_memory_.get();
  }

  [[nodiscard]] FiberGroup& fibers() noexcept { return fibers_; }

 private:
  struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<void, Free> local_memory_;
  FiberGroup fibers_;
};

}  // namespace sampan::cpu
