#include "backends/cuda_like/point.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "sampan/plugin/backend.h"

namespace sampan::cuda_like {
namespace {

constexpr const char* kWaiting = "Work on the stream";
constexpr auto kFirstPause = std::chrono::microseconds(10);
constexpr auto kLongestPause = std::chrono::microseconds(500);
// Short work ends within what going to sleep and waking up would take.
constexpr auto kSpin = std::chrono::microseconds(20);

using Clock = std::chrono::steady_clock;

Clock::time_point deadline_after(std::uint64_t timeout_ns) {
  const auto now = Clock::now();
  const auto room = static_cast<std::uint64_t>((Clock::time_point::max() - now).count());
  return timeout_ns >= room ? Clock::time_point::max() : now + std::chrono::nanoseconds(timeout_ns);
}

}  // namespace

Point::Point(OwnedEvent event, std::shared_ptr<Progress> progress, const Mark& mark)
    : event_(std::move(event)), progress_(std::move(progress)), mark_(mark) {}

Point::Point(std::shared_ptr<OpenContext> context)
    : context_(std::move(context)), word_(context_->take_word()), progress_(nullptr), mark_{} {}

Point::~Point() {
  if (word_.host != nullptr) context_->give_word(word_);
}

// Not pending any more.
bool Point::outcome() const {
  if (state_.load(std::memory_order_acquire) == State::kComplete) return true;
  throw cause();
}

Failure Point::cause() const {
  {
    const std::lock_guard lock(mutex_);
    if (cause_) return *cause_;
  }
  return progress_->first();
}

// The driver says that the work has run.
void Point::settle() {
  try {
    progress_->settle(mark_);
    state_.store(State::kComplete, std::memory_order_release);
  } catch (const Failure& failure) {
    const std::lock_guard lock(mutex_);
    if (!cause_) cause_ = failure;
    state_.store(State::kFailed, std::memory_order_release);
  }
}

bool Point::poll() {
  if (state_.load(std::memory_order_acquire) != State::kPending) return outcome();
  if (by_signal()) return false;
  event_.context().check_alive();
  const Current current(event_.context().handle());
  const Result code = api().event_query(event());
  if (code == kErrorNotReady) return false;
  if (code == kSuccess) {
    settle();
    return outcome();
  }
  const Failure failure = failure_of(code, api().event_query.symbol, During::kExecution, kWaiting);
  if (breaks_context(code)) progress_->blame(failure, mark_);
  throw failure;
}

void Point::passed() {
  if (state_.load(std::memory_order_acquire) == State::kPending && !by_signal()) settle();
  (void)outcome();
}

bool Point::known_failed() const {
  const State state = state_.load(std::memory_order_acquire);
  if (state != State::kPending) return state == State::kFailed;
  return !by_signal() && progress_->known_failed(mark_);
}

bool Point::known_complete() const {
  return state_.load(std::memory_order_acquire) == State::kComplete;
}

bool Point::wait(std::uint64_t timeout_ns) {
  if (by_signal()) return wait_for_signal(timeout_ns);
  if (poll()) return true;
  const auto end = deadline_after(timeout_ns);
  const auto spin_end = std::min(end, Clock::now() + kSpin);
  while (Clock::now() < spin_end) {
    if (poll()) return true;
  }
  if (timeout_ns == SAMPAN_WAIT_FOREVER) {
    wait_for_driver();
    return true;
  }
  for (auto pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
    const auto now = Clock::now();
    if (now >= end) return poll();
    std::this_thread::sleep_until(std::min(end, now + pause));
    if (poll()) return true;
  }
}

void Point::wait_for_driver() {
  event_.context().check_alive();
  const Current current(event_.context().handle());
  const Result code = api().event_synchronize(event());
  if (code == kSuccess) {
    settle();
    (void)outcome();
    return;
  }
  const Failure failure =
      failure_of(code, api().event_synchronize.symbol, During::kExecution, kWaiting);
  if (breaks_context(code)) progress_->blame(failure, mark_);
  throw failure;
}

bool Point::wait_for_signal(std::uint64_t timeout_ns) {
  {
    std::unique_lock lock(mutex_);
    const auto done = [this] { return state_.load() != State::kPending; };
    const auto end = deadline_after(timeout_ns);
    if (end == Clock::time_point::max()) {
      signalled_.wait(lock, done);
    } else if (!signalled_.wait_until(lock, end, done)) {
      return false;
    }
  }
  return outcome();
}

void Point::block() noexcept {
  std::unique_lock lock(mutex_);
  signalled_.wait(lock, [this] { return state_.load() != State::kPending; });
}

bool Point::signal(const Failure* failure) {
  {
    const std::lock_guard lock(mutex_);
    if (state_.load(std::memory_order_relaxed) != State::kPending) return false;
    if (failure != nullptr) cause_ = *failure;
    state_.store(failure != nullptr ? State::kFailed : State::kComplete, std::memory_order_release);
  }
  signalled_.notify_all();
  // After a failure, too: the driver can't skip what waits, and what waits counts as failed.
  std::atomic_ref(*word_.host).store(1, std::memory_order_release);
  return true;
}

}  // namespace sampan::cuda_like
