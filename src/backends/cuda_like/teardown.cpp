#include "backends/cuda_like/teardown.h"

#include <atomic>
#include <cstdlib>
#include <string>

#include "backends/cuda_like/vendor.h"

namespace sampan::cuda_like {
namespace {

std::atomic<bool> exiting{false};

}  // namespace

void watch_process() {
  common::watch_forks();
  (void)std::atexit([] { exiting.store(true, std::memory_order_relaxed); });
}

void throw_fork() {
  const std::string title = vendor().title;
  throw common::Failure(SAMPAN_DEVICE_LOST, "this process was forked after the " + title +
                                                " driver was started, and the driver's threads "
                                                "stayed behind; use " +
                                                title + " in the parent, or fork before");
}

bool is_driver_gone() noexcept {
  return common::fork_count() != 0 || exiting.load(std::memory_order_relaxed);
}

}  // namespace sampan::cuda_like
