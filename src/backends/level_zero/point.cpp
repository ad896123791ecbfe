#include "backends/level_zero/point.h"

#include <algorithm>
#include <chrono>

namespace sampan::level_zero {
namespace {

constexpr const char* kWaiting = "Work on the stream";
// How long the driver waits before this looks at what the stream itself waits for.
constexpr std::uint64_t kSliceNs = 50'000'000;
constexpr std::uint64_t kFirstSliceNs = 1'000'000;

}  // namespace

Point::Point(OwnedEvent event, std::shared_ptr<Progress> progress, const Mark& mark)
    : event_(std::move(event)), progress_(std::move(progress)), mark_(mark) {}

Point::Point(OwnedEvent event) : event_(std::move(event)), progress_(nullptr), mark_{} {}

bool Point::outcome() const {
  if (state_.load(std::memory_order_acquire) == State::kComplete) return true;
  const std::lock_guard lock(mutex_);
  throw Failure(*cause_);
}

void Point::remember(const Failure& cause) {
  const std::lock_guard lock(mutex_);
  if (!cause_) cause_ = cause;
  state_.store(State::kFailed, std::memory_order_release);
}

// The driver says that the work has run.
bool Point::settle() {
  try {
    if (progress_ != nullptr) progress_->settle(mark_);
  } catch (const Failure& cause) {
    remember(cause);
    throw;
  }
  State pending = State::kPending;
  state_.compare_exchange_strong(pending, State::kComplete);
  return outcome();
}

// The device is lost. Other devices that wait for it must not wait for ever.
void Point::fail(ze::Result code, const char* call) {
  const Failure failure = failure_of(code, call, During::kExecution, kWaiting);
  if (failure.code != SAMPAN_DEVICE_LOST || progress_ == nullptr) throw failure;
  try {
    progress_->lose(failure, mark_);
  } catch (const Failure& cause) {
    remember(cause);
    (void)api().event_host_signal(event());
    throw;
  }
}

bool Point::poll_alone() {
  if (state_.load(std::memory_order_acquire) != State::kPending) return outcome();
  if (progress_ == nullptr) return false;
  const ze::Result code = api().event_query_status(event());
  if (code == ze::kNotReady) return false;
  if (code != ze::kSuccess) fail(code, "zeEventQueryStatus");
  return settle();
}

bool Point::poll() {
  if (poll_alone()) return true;
  if (progress_ != nullptr) progress_->observe(mark_);
  return false;
}

bool Point::wait(std::uint64_t timeout_ns) {
  if (poll()) return true;
  using Steady = std::chrono::steady_clock;
  const auto start = Steady::now();
  for (std::uint64_t slice_ns = kFirstSliceNs;; slice_ns = kSliceNs) {
    const auto passed_ns = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(Steady::now() - start).count());
    if (passed_ns >= timeout_ns && timeout_ns != SAMPAN_WAIT_FOREVER) return false;
    const ze::Result code =
        api().event_host_synchronize(event(), std::min(slice_ns, timeout_ns - passed_ns));
    if (code != ze::kNotReady && code != ze::kSuccess) fail(code, "zeEventHostSynchronize");
    if (poll()) return true;
  }
}

void Point::drain() noexcept {
  while (api().event_host_synchronize(event(), kSliceNs) == ze::kNotReady) {
    try {
      if (progress_ != nullptr) progress_->observe(mark_);
    } catch (const std::exception&) {
      // What it waits for has failed; the device goes on all the same.
    }
  }
}

bool Point::signal(const Failure* failure) {
  {
    const std::lock_guard lock(mutex_);
    if (state_.load(std::memory_order_relaxed) != State::kPending) return false;
    if (failure != nullptr) cause_ = *failure;
    state_.store(failure != nullptr ? State::kFailed : State::kComplete, std::memory_order_release);
  }
  // After a failure, too: the device can't skip what waits, and what waits counts as failed.
  check(api().event_host_signal(event()), "zeEventHostSignal", During::kQuery,
        "Signalling an event");
  return true;
}

std::uint64_t Point::stamp() const {
  ze::TimestampResult result{};
  check(api().event_query_kernel_timestamp(event(), &result), "zeEventQueryKernelTimestamp",
        During::kQuery, "Asking for a timestamp");
  return result.global.end;
}

}  // namespace sampan::level_zero
