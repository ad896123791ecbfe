#include "backends/opencl/teardown.h"

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

#include "backends/opencl/error.h"
#include "backends/opencl/stream.h"

namespace sampan::opencl {
namespace {

std::atomic<bool> exiting{false};

}  // namespace

void throw_fork() {
  throw Failure(SAMPAN_DEVICE_LOST,
                "this process was forked after the OpenCL driver was started, and the driver's "
                "threads stayed behind; use OpenCL in the parent, or fork before");
}

void watch_exit(After step) {
  // Exit code runs in reverse order: this before what the driver had registered, and after the
  // destructors of objects that are younger.
  static std::once_flag registered[2];
  std::call_once(registered[static_cast<int>(step)], [] {
    (void)std::atexit([] {
      if (is_driver_gone()) return;
      Stream::wait_for_all();
      exiting.store(true, std::memory_order_relaxed);
    });
  });
}

bool is_driver_gone() noexcept { return is_fork() || exiting.load(std::memory_order_relaxed); }

void abandon(void* object) noexcept {
  static auto* const kept = new (std::nothrow) std::vector<void*>;
  try {
    if (kept != nullptr) kept->push_back(object);
  } catch (const std::bad_alloc&) {
    // It is kept all the same.
  }
}

}  // namespace sampan::opencl
