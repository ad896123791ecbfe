#include "stream.h"

#include <chrono>
#include <new>
#include <thread>

#include "call.h"
#include "context.h"
#include "control.h"

namespace sampan::emulator {

void Moment::reach() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  time_ns_.store(static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count()),
                 std::memory_order_release);
  time_ns_.notify_all();
}

void Moment::wait() const { time_ns_.wait(0, std::memory_order_acquire); }

std::uint64_t Stream::push(Work work) {
  std::unique_lock lock(mutex_);
  if (closed_) {
    // Destroyed by another thread in the middle of this call; nobody may be left waiting.
    lock.unlock();
    if (work.after_failure) work.run();
    return pushed();
  }
  if (!started_) {
    std::thread([self = shared_from_this()] { self->work(); }).detach();
    started_ = true;
  }
  queue_.push_back(std::move(work));
  changed_.notify_one();
  return pushed_.fetch_add(1, std::memory_order_release) + 1;
}

void Stream::wait(std::uint64_t number) const {
  std::uint64_t done = completed_.load(std::memory_order_acquire);
  while (done < number) {
    completed_.wait(done, std::memory_order_acquire);
    done = completed_.load(std::memory_order_acquire);
  }
}

void Stream::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_one();
}

void Stream::abort() { aborted_.store(true); }

void Stream::work() {
  for (;;) {
    Work next;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return closed_ || !queue_.empty(); });
      if (queue_.empty()) return;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    run(next);
    next = {};  // what it holds must be gone when it counts as done
    completed_.fetch_add(1, std::memory_order_release);
    completed_.notify_all();
  }
}

void Stream::run(const Work& work) {
  Control::of_library().delay();
  const bool dropped = aborted() || context_.status() != Status::ok;
  if (dropped && !work.after_failure) return;
  try {
    work.run();
  } catch (const Refusal& refusal) {
    if (!aborted()) context_.fail(refusal.status);
  } catch (const std::bad_alloc&) {
    if (!aborted()) context_.fail(Status::launch_failed);
  }
}

Work host_callback(void (*function)(void*), void* argument) {
  return {[=] {
    const HostCallbackScope scope;
    function(argument);
  }};
}

}  // namespace sampan::emulator
