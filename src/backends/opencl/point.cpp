#include "backends/opencl/point.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace sampan::opencl {

cl::Int status_of(cl::Event event) {
  cl::Int status = cl::kComplete;
  check(api().get_event_info(event, cl::kEventCommandExecutionStatus, sizeof status, &status,
                             nullptr),
        "clGetEventInfo", During::kQuery, "Asking for the state of work");
  return status;
}

Point::Point(OwnedEvent marker, std::shared_ptr<Progress> progress, const Mark& mark)
    : event_(std::move(marker)), progress_(std::move(progress)), mark_(mark) {}

Point::Point(OwnedEvent event, bool takes_failures)
    : event_(std::move(event)), progress_(nullptr), mark_{}, takes_failures_(takes_failures) {}

Point::~Point() {
  // The driver still holds commands that wait for it: releasing it would be undefined.
  const bool stuck = waited_for_.load() && state_.load() != State::kComplete;
  if (progress_ == nullptr && !takes_failures_ && stuck) event_.leak();
}

bool Point::poll() {
  if (state_.load(std::memory_order_acquire) != State::kPending) return outcome();
  return progress_ != nullptr && settle(status_of(event()));
}

bool Point::outcome() {
  if (state_.load(std::memory_order_acquire) == State::kComplete) return true;
  const std::lock_guard lock(mutex_);
  throw Failure(*cause_);
}

// Takes over what the driver and the stream say; the first thread to see the end keeps it.
bool Point::settle(cl::Int status) {
  {
    const std::lock_guard lock(mutex_);
    if (state_.load(std::memory_order_relaxed) == State::kPending) {
      try {
        progress_->observe(mark_);
        if (status < 0) progress_->fail(status, mark_);
        if (status > cl::kComplete) return false;
        progress_->complete(mark_);
        state_.store(State::kComplete, std::memory_order_release);
      } catch (const Failure& cause) {
        cause_ = cause;
        state_.store(State::kFailed, std::memory_order_release);
      }
    }
  }
  return outcome();
}

bool Point::wait(std::uint64_t timeout_ns) {
  if (poll()) return true;
  if (progress_ == nullptr) return wait_for_signal(timeout_ns);
  if (timeout_ns == SAMPAN_WAIT_FOREVER) {
    wait_for_driver();
    return true;
  }
  using Clock = std::chrono::steady_clock;
  using std::chrono::nanoseconds;
  constexpr nanoseconds kLongest = std::chrono::microseconds(500);
  const auto start = Clock::now();
  nanoseconds pause = std::chrono::microseconds(10);
  for (;;) {
    const auto elapsed_ns = static_cast<std::uint64_t>(nanoseconds(Clock::now() - start).count());
    if (elapsed_ns >= timeout_ns) return poll();
    const std::uint64_t left_ns = timeout_ns - elapsed_ns;
    std::this_thread::sleep_for(
        left_ns < static_cast<std::uint64_t>(pause.count()) ? nanoseconds(left_ns) : pause);
    if (poll()) return true;
    pause = std::min(pause * 2, kLongest);
  }
}

bool Point::wait_for_signal(std::uint64_t timeout_ns) {
  // Longer limits would overflow the clock; a year is for ever.
  constexpr std::uint64_t kYearNs = 31'536'000'000'000'000u;
  std::unique_lock lock(mutex_);
  const bool came = signalled_.wait_for(
      lock, std::chrono::nanoseconds(std::min(timeout_ns, kYearNs)),
      [&] { return state_.load(std::memory_order_relaxed) != State::kPending; });
  lock.unlock();
  return came && outcome();
}

// First whatever the stream waits for, since work behind a failure may never end for the driver.
void Point::wait_for_driver() {
  try {
    progress_->wait_for_dependencies(mark_);
  } catch (const Failure&) {
    // The next look finds it, and keeps it if it concerns this point.
  }
  if (poll()) return;
  const cl::Event waited = event();
  const cl::Int code = api().wait_for_events(1, &waited);
  // The code says only that something failed; the event knows what.
  const cl::Int status = status_of(waited);
  if (status > cl::kComplete) {
    check(code, "clWaitForEvents", During::kExecution, "Waiting for work");
  }
  (void)settle(std::min(status, cl::kComplete));
}

bool Point::signal(const Failure* failure) {
  {
    const std::lock_guard lock(mutex_);
    if (state_.load(std::memory_order_relaxed) != State::kPending) return false;
    if (failure != nullptr) cause_ = *failure;
    state_.store(failure != nullptr ? State::kFailed : State::kComplete, std::memory_order_release);
  }
  signalled_.notify_all();
  if (failure != nullptr && !takes_failures_) return true;
  check(api().set_user_event_status(
            event(), failure != nullptr ? cl::kExecStatusErrorForEventsInWaitList : cl::kComplete),
        "clSetUserEventStatus", During::kQuery, "Signalling an event");
  return true;
}

std::uint64_t Point::end_ns() const {
  cl::Ulong end_ns = 0;
  check(api().get_event_profiling_info(event(), cl::kProfilingCommandEnd, sizeof end_ns, &end_ns,
                                       nullptr),
        "clGetEventProfilingInfo", During::kQuery, "Asking for a timestamp");
  return end_ns;
}

}  // namespace sampan::opencl
