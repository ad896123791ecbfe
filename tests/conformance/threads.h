#pragma once

#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace sampan::conformance {

/// Threads of one case. What leaves one of them, an Error of the backend under test say, must not
/// end the process: join() waits for all of them and throws the first.
class Threads {
 public:
  Threads() = default;
  Threads(const Threads&) = delete;

  template <class Body>
  void start(Body body) {
    threads_.emplace_back([this, body = std::move(body)]() mutable {
      try {
        body();
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!first_) first_ = std::current_exception();
      }
    });
  }

  void join() {
    threads_.clear();
    if (first_) std::rethrow_exception(std::exchange(first_, nullptr));
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
  std::vector<std::jthread> threads_;  // last: joined before the rest is gone
};

}  // namespace sampan::conformance
