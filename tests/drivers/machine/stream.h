// Asynchronous in-order queues, and moments on them to wait for.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "status.h"

namespace sampan::emulator {

class Context;

/// A moment that comes once. Free-threaded.
class Moment {
 public:
  /// It has come, now. Wakes who waits.
  void reach();
  [[nodiscard]] bool reached() const { return time_ns_.load(std::memory_order_acquire) != 0; }
  void wait() const;
  /// When it came, on the steady clock; 0 before.
  [[nodiscard]] std::uint64_t time_ns() const { return time_ns_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint64_t> time_ns_{0};
};

/// One piece of a stream's work. A Refusal that it throws fails the whole context.
struct Work {
  std::function<void()> run;
  /// Run also where the context has failed: what others wait for.
  bool after_failure = false;
};

/// An in-order queue with a thread of its own, which starts with the first work. Free-threaded.
/// Always owned by a shared_ptr: the thread holds one until it ends.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  /// `blocking`: ordered against the context's legacy stream.
  Stream(Context& context, bool blocking, int priority)
      : context_(context), blocking_(blocking), priority_(priority) {}

  [[nodiscard]] Context& context() const { return context_; }
  [[nodiscard]] bool blocking() const { return blocking_; }
  [[nodiscard]] int priority() const { return priority_; }

  /// Appends; returns the number of the work, which counts from 1.
  std::uint64_t push(Work work);
  /// Waits until that much work has been done or dropped.
  void wait(std::uint64_t number) const;
  /// The number of the last work pushed.
  [[nodiscard]] std::uint64_t pushed() const { return pushed_.load(std::memory_order_acquire); }
  [[nodiscard]] bool idle() const {
    return completed_.load(std::memory_order_acquire) == pushed_.load(std::memory_order_acquire);
  }

  /// No work will follow; what was pushed is still done.
  void close();
  /// Drops what was not begun; what runs is told to end. Followed by `close`.
  void abort();
  [[nodiscard]] bool aborted() const { return aborted_.load(std::memory_order_relaxed); }

 private:
  void work();
  void run(const Work& work);

  Context& context_;
  const bool blocking_;
  const int priority_;

  std::atomic<std::uint64_t> pushed_{0};
  std::atomic<std::uint64_t> completed_{0};
  std::atomic<bool> aborted_{false};

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Work> queue_;
  bool closed_ = false;
  bool started_ = false;
};

/// The work that calls `function(argument)`.
[[nodiscard]] Work host_callback(void (*function)(void*), void* argument);

}  // namespace sampan::emulator
