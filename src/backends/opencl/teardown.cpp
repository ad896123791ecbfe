#include "backends/opencl/teardown.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "backends/opencl/error.h"
#include "backends/opencl/stream.h"

namespace sampan::opencl {
namespace {

std::atomic<bool> exiting{false};
thread_local bool ends_process = false;  // the thread that runs the exit code

struct alignas(64) Slot {
  std::atomic<std::uint32_t> visitors{0};
};
Slot slots[64];  // more than threads that submit at once

void wait_for_visitors() noexcept {
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (const Slot& slot : slots) {
    while (slot.visitors.load() != 0 && std::chrono::steady_clock::now() < patience) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

}  // namespace

namespace {

// A driver may compile a kernel as late as at its first run, and its compiler then registers exit
// code behind our back, which runs before ours (PoCL 3.1 with LLVM 15). The main thread's
// thread-local objects end before any exit code: by then that work must have ended.
struct Drain {
  Drain() noexcept = default;
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;
  ~Drain() {
    if (::gettid() == ::getpid() && !is_driver_gone()) Stream::wait_for_all();
  }
};

}  // namespace

std::atomic<std::uint32_t>& Visit::slot() noexcept {
  static std::atomic<std::uint32_t> threads{0};
  static thread_local const Drain drain;
  static thread_local const std::uint32_t index =
      threads.fetch_add(1, std::memory_order_relaxed) % std::size(slots);
  return slots[index].visitors;
}

bool Visit::is_closed() noexcept { return is_fork() || (exiting.load() && !ends_process); }

void Visit::refuse() {
  visitors_.fetch_sub(1);
  throw Failure(SAMPAN_DEVICE_LOST,
                is_fork() ? "this process was forked after the OpenCL driver was started, and the "
                            "driver's threads stayed behind; use OpenCL in the parent, or fork before"
                          : "the process is ending and the OpenCL driver with it; end threads that "
                            "use OpenCL before");
}

void watch_exit(After step) {
  // Exit code runs in reverse order: this before what the driver had registered, and after the
  // destructors of objects that are younger.
  static std::once_flag registered[2];
  std::call_once(registered[static_cast<int>(step)], [] {
    (void)std::atexit([] {
      if (is_driver_gone()) return;
      ends_process = true;
      exiting.store(true);
      wait_for_visitors();
      Stream::wait_for_all();
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
