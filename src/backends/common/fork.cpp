#include "backends/common/fork.h"

#include <pthread.h>

#include <atomic>

namespace sampan::common {
namespace {

std::atomic<std::uint32_t> forks{0};

}  // namespace

void watch_forks() noexcept {
  pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
}

std::uint32_t fork_count() noexcept { return forks.load(std::memory_order_relaxed); }

}  // namespace sampan::common
