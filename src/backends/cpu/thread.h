// A worker thread of the backend.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <vector>

namespace sampan::cpu {

/// A thread with all asynchronous signals blocked (handlers of the application run on its own
/// threads), the default floating-point environment and a stack of 2 MiB. Trivially destructible:
/// who owns it calls join.
class Thread {
 public:
  /// Starts `main(argument)`. `name` has at most 15 characters. `cores` are the numbers of the
  /// logical processors that it may run on, empty for those of the caller; it must live as long as
  /// the thread. Returns 0 or an errno.
  [[nodiscard]] int start(const char* name, const std::vector<unsigned>& cores,
                          void (*main)(void* argument), void* argument);
  void join();
  /// Instead of join in a forked child.
  void forget() { started_ = false; }
  [[nodiscard]] bool started() const { return started_; }

 private:
  pthread_t thread_{};
  bool started_ = false;
};

/// True if the calling thread has `bytes` of stack left, as far as the system tells.
[[nodiscard]] bool has_stack(std::size_t bytes) noexcept;

}  // namespace sampan::cpu
