#include "backends/opencl/progress.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "backends/common/environment.h"

namespace sampan::opencl {
namespace {

cl::Int status_of(cl::Event event) {
  cl::Int status = cl::kComplete;
  check(api().get_event_info(event, cl::kEventCommandExecutionStatus, sizeof status, &status,
                             nullptr),
        "clGetEventInfo", During::kQuery, "Asking for the state of work");
  return status;
}

bool validation_wanted() {
  const std::string value = common::Environment::of_process().value("SAMPAN_VALIDATE");
  return !value.empty() && value != "0";
}

Failure failure_at(cl::Int status) {
  Failure failure = failure_of(status, "clGetEventInfo", During::kExecution, "Work on the stream");
  failure.flags |= SAMPAN_ERROR_STICKY;
  return failure;
}

}  // namespace

Progress::Progress() : traces_launches_(validation_wanted()) {}

void Progress::note_traced_launch(std::uint64_t sequence, const std::string* kernel,
                                  OwnedEvent event) {
  {
    const std::lock_guard lock(mutex_);
    traced_.push_back({std::move(event), sequence, kernel});
    while (traced_.size() > 1 && status_of(traced_.front().event.get()) == cl::kComplete) {
      traced_.pop_front();
    }
  }
  note_launch(sequence, kernel);
}

void Progress::note_dependency(std::shared_ptr<Point> point) {
  {
    const std::lock_guard lock(mutex_);
    waits_.push_back({std::move(point), submissions_.load(std::memory_order_relaxed)});
    dependencies_.fetch_add(1, std::memory_order_relaxed);
  }
  note_work();
}

Mark Progress::mark() const noexcept {
  Mark mark;
  mark.submissions = submissions_.load(std::memory_order_acquire);
  mark.launches = launches_.load(std::memory_order_relaxed);
  mark.last_sequence = last_sequence_.load(std::memory_order_relaxed);
  mark.last_kernel = last_kernel_.load(std::memory_order_relaxed);
  return mark;
}

// Polls, oldest first, what the work before `before_position` waits for. Oldest first keeps the
// recursion flat when two streams wait for each other many times.
void Progress::check_dependencies(std::uint64_t before_position) {
  for (;;) {
    Dependency oldest;
    {
      const std::lock_guard lock(mutex_);
      if (waits_.empty() || waits_.front().position >= before_position) return;
      oldest = waits_.front();
    }
    try {
      (void)oldest.point->poll();
    } catch (const Failure& cause) {
      remember(cause, oldest.position + 1);
    }
    drop_oldest(oldest.point.get());
  }
}

void Progress::drop_oldest(const Point* expected) {
  const std::lock_guard lock(mutex_);
  if (waits_.empty() || waits_.front().point.get() != expected) return;
  waits_.pop_front();
  dependencies_.fetch_sub(1, std::memory_order_relaxed);
}

void Progress::complete(const Mark& mark) {
  check_dependencies(mark.submissions);
  const std::lock_guard lock(mutex_);
  if (first_ && mark.submissions >= failed_from_) throw Failure(*first_);
  if (mark.submissions > confirmed_.submissions) confirmed_ = mark;
  std::erase_if(traced_, [](const TracedLaunch& launch) {
    return status_of(launch.event.get()) == cl::kComplete;
  });
}

void Progress::fail(cl::Int status, const Mark& mark) {
  // A failure that came through an event has its cause there.
  check_dependencies(mark.submissions);
  remember(blame(status, mark), mark.submissions);
  throw_failure();
}

Failure Progress::blame(cl::Int status, const Mark& mark) {
  const std::lock_guard lock(mutex_);
  for (const TracedLaunch& launch : traced_) {
    const cl::Int own = status_of(launch.event.get());
    if (own >= 0) continue;
    Failure failure = failure_at(own);
    failure.sequence = launch.sequence;
    failure.kernel = *launch.kernel;
    failure.message = "Launch " + std::to_string(launch.sequence) + " of kernel '" +
                      *launch.kernel + "': " + failure.message;
    return failure;
  }
  Failure failure = failure_at(status);
  const std::uint64_t suspects = mark.launches - std::min(mark.launches, confirmed_.launches);
  if (suspects == 0) return failure;
  if (suspects == 1) {
    failure.sequence = mark.last_sequence;
    failure.kernel = *mark.last_kernel;
    failure.message = "Launch " + std::to_string(mark.last_sequence) + " of kernel '" +
                      *mark.last_kernel + "' or a copy beside it: " + failure.message;
  } else {
    failure.message = "One of the " + std::to_string(suspects) + " launches after number " +
                      std::to_string(confirmed_.last_sequence) + " up to number " +
                      std::to_string(mark.last_sequence) +
                      " (SAMPAN_VALIDATE=1 tells which): " + failure.message;
  }
  return failure;
}

void Progress::fail(const Failure& failure) {
  remember(failure, submissions_.load(std::memory_order_relaxed) + 1);
  throw_failure();
}

void Progress::remember(const Failure& failure, std::uint64_t from_submissions) {
  const std::lock_guard lock(mutex_);
  if (first_) {
    failed_from_ = std::min(failed_from_, from_submissions);
    return;
  }
  first_ = failure;
  first_->flags = (first_->flags | SAMPAN_ERROR_STICKY) & ~std::uint32_t{SAMPAN_ERROR_RETRYABLE};
  failed_from_ = from_submissions;
  failed_.store(true, std::memory_order_release);
}

void Progress::throw_failure() const {
  const std::lock_guard lock(mutex_);
  throw Failure(*first_);
}

void Progress::check_oldest() {
  Dependency oldest;
  {
    const std::lock_guard lock(mutex_);
    if (waits_.empty()) return;
    oldest = waits_.front();
  }
  try {
    if (oldest.point->poll()) drop_oldest(oldest.point.get());
  } catch (const Failure& cause) {
    remember(cause, oldest.position + 1);
    throw_failure();
  }
}

void Progress::end() noexcept {
  try {
    check_dependencies(submissions_.load(std::memory_order_relaxed) + 1);
  } catch (...) {
    // The driver doesn't answer any more; what matters is to let go of the other streams.
  }
  const std::lock_guard lock(mutex_);
  waits_.clear();
  traced_.clear();
  dependencies_.store(0, std::memory_order_relaxed);
}

Point::Point(OwnedEvent marker, std::shared_ptr<Progress> progress, const Mark& mark)
    : event_(std::move(marker)), progress_(std::move(progress)), mark_(mark) {}

Point::Point(OwnedEvent event) : event_(std::move(event)), progress_(nullptr), mark_{} {}

bool Point::poll() {
  const State state = state_.load(std::memory_order_acquire);
  if (state == State::kComplete) return true;
  if (state == State::kFailed) throw_cause();
  return settle(status_of(event()));
}

// Takes over what the driver says; the first thread to see the end of the work keeps it.
bool Point::settle(cl::Int status) {
  if (status > cl::kComplete) return false;
  const std::lock_guard lock(mutex_);
  if (state_.load(std::memory_order_relaxed) == State::kPending) {
    try {
      if (progress_ == nullptr) {
        if (cause_) throw Failure(*cause_);
      } else if (status < 0) {
        progress_->fail(status, mark_);
      } else {
        progress_->complete(mark_);
      }
      state_.store(State::kComplete, std::memory_order_release);
    } catch (const Failure& cause) {
      cause_ = cause;
      state_.store(State::kFailed, std::memory_order_release);
    }
  }
  if (state_.load(std::memory_order_relaxed) == State::kFailed) throw Failure(*cause_);
  return true;
}

void Point::throw_cause() {
  const std::lock_guard lock(mutex_);
  throw Failure(*cause_);
}

bool Point::wait(std::uint64_t timeout_ns) {
  if (poll()) return true;
  if (timeout_ns == SAMPAN_WAIT_FOREVER) {
    const cl::Event waited = event();
    const cl::Int code = api().wait_for_events(1, &waited);
    // The code says only that something failed; the event knows what.
    const cl::Int status = status_of(waited);
    if (status > cl::kComplete) {
      check(code, "clWaitForEvents", During::kExecution, "Waiting for work");
    }
    return settle(std::min(status, cl::kComplete));
  }
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::microseconds kLongest(500);
  const auto start = Clock::now();
  std::chrono::nanoseconds pause = std::chrono::microseconds(10);
  for (;;) {
    const auto elapsed = std::chrono::nanoseconds(Clock::now() - start);
    const auto elapsed_ns = static_cast<std::uint64_t>(elapsed.count());
    if (elapsed_ns >= timeout_ns) return poll();
    const auto left = std::chrono::nanoseconds(timeout_ns - elapsed_ns);
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(pause, left));
    if (poll()) return true;
    pause = std::min<std::chrono::nanoseconds>(pause * 2, kLongest);
  }
}

bool Point::signal(const Failure* failure) {
  {
    const std::lock_guard lock(mutex_);
    if (signalled_) return false;
    signalled_ = true;
    if (failure != nullptr) cause_ = *failure;
  }
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
