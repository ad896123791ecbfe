// Loops over a device's threads.
#pragma once

#include <atomic>
#include <cstdint>

#include "backends/cpu/thread_pool.h"

namespace sampan::cpu {

/// Calls `body(i)` for every i below `count`, each once, on the calling thread and those of the
/// pool that have time; returns when all calls have returned. `body` must be safe to call from
/// several threads.
template <typename Body>
void parallel_for(ThreadPool& pool, Worker& self, std::uint64_t count, Body body) noexcept {
  struct Loop {
    Body& body;
    const std::uint64_t count;
    std::atomic<std::uint64_t> next{0};
  } loop{body, count};
  const auto run = [](void* context, Worker&) {
    auto& shared = *static_cast<Loop*>(context);
    for (;;) {
      const std::uint64_t i = shared.next.fetch_add(1, std::memory_order_relaxed);
      if (i >= shared.count) return;
      shared.body(i);
    }
  };
  if (count == 1) {
    run(&loop, self);
  } else {
    pool.run(run, &loop, self);
  }
}

}  // namespace sampan::cpu
