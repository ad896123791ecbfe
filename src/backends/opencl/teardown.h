// When the driver may no longer be called: in a fork, where its threads are missing and a call may
// wait for them for ever; and late in the process's exit, when its static objects are destroyed.
#pragma once

#include <atomic>
#include <cstdint>

#include "backends/common/fork.h"

namespace sampan::opencl {

/// Whether this process is a fork of the one that loaded the backend. Costs a load.
[[nodiscard]] inline bool is_fork() noexcept { return common::fork_count() != 0; }

/// A call of the ABI under way. The exit code that gives up what is left over waits for those of
/// other threads, and lets no more of them in. Costs two additions to a word that few threads share.
class Visit {
 public:
  /// Throws Failure (device_lost) in a fork, and once the process ends in another thread.
  Visit() : visitors_(slot()) {
    visitors_.fetch_add(1);
    if (is_closed()) [[unlikely]] {
      refuse();
    }
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() { visitors_.fetch_sub(1, std::memory_order_release); }

 private:
  [[nodiscard]] static std::atomic<std::uint32_t>& slot() noexcept;
  [[nodiscard]] static bool is_closed() noexcept;
  [[noreturn]] void refuse();

  std::atomic<std::uint32_t>& visitors_;
};

/// A driver registers exit code of its own when it starts, and more when it first compiles.
enum class After { start, build };

/// Call after each such step of the driver's. From then on, what is left over at the process's exit
/// is given up before the exit code that the driver has registered so far, once calls of other
/// threads have returned and the work of all streams has ended, up to ten seconds for each.
void watch_exit(After step);

/// Whether objects must be abandoned instead of destroyed.
[[nodiscard]] bool is_driver_gone() noexcept;

/// Keeps an object for ever, within reach of leak checkers.
void abandon(void* object) noexcept;

/// Deletes an object of the ABI, or abandons it where its end may not call the driver.
template <typename Object>
void dispose(Object* object) noexcept {
  if (is_driver_gone()) {
    abandon(object);
  } else {
    delete object;
  }
}

}  // namespace sampan::opencl
