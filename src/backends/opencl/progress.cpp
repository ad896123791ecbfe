#include "backends/opencl/progress.h"

#include <algorithm>

#include "backends/common/environment.h"
#include "backends/opencl/point.h"

namespace sampan::opencl {
namespace {

bool validation_wanted() {
  const std::string value = common::Environment::of_process().value("SAMPAN_VALIDATE");
  return !value.empty() && value != "0";
}

Failure failure_at(cl::Int status) {
  return failure_of(status, "clGetEventInfo", During::kExecution, "Work on the stream");
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

void Progress::note_dependency(std::shared_ptr<Point> point, std::shared_ptr<Point> before) {
  {
    const std::lock_guard lock(mutex_);
    waits_.push_back(
        {std::move(point), std::move(before), submissions_.load(std::memory_order_relaxed)});
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

std::optional<Progress::Dependency> Progress::oldest(const Mark& mark) const {
  if (dependencies_.load(std::memory_order_relaxed) == 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (waits_.empty() || waits_.front().position >= mark.submissions) return std::nullopt;
  return waits_.front();
}

void Progress::drop(const Dependency& oldest) {
  const std::lock_guard lock(mutex_);
  if (waits_.empty() || waits_.front().point != oldest.point) return;
  waits_.pop_front();
  dependencies_.fetch_sub(1, std::memory_order_relaxed);
}

void Progress::throw_if_failed(const Mark& mark) const {
  if (!failed_.load(std::memory_order_acquire)) return;
  const std::lock_guard lock(mutex_);
  if (first_ && mark.submissions >= failed_from_) throw Failure(*first_);
}

// Oldest first keeps the recursion flat when two streams wait for each other many times.
void Progress::observe(const Mark& mark) {
  while (const auto next = oldest(mark)) {
    try {
      if (!next->point->poll()) break;
    } catch (const Failure& cause) {
      strand(*next, cause);
    }
    drop(*next);
  }
  throw_if_failed(mark);
}

void Progress::wait_for_dependencies(const Mark& mark) {
  while (const auto next = oldest(mark)) {
    try {
      (void)next->point->wait(SAMPAN_WAIT_FOREVER);
    } catch (const Failure& cause) {
      strand(*next, cause);
    }
    drop(*next);
  }
  throw_if_failed(mark);
}

void Progress::complete(const Mark& mark) {
  const std::lock_guard lock(mutex_);
  if (mark.submissions > confirmed_.submissions) confirmed_ = mark;
  std::erase_if(traced_, [](const TracedLaunch& launch) {
    return status_of(launch.event.get()) == cl::kComplete;
  });
}

void Progress::fail(cl::Int status, const Mark& mark) {
  remember(blame(status, mark), mark.submissions);
  const std::lock_guard lock(mutex_);
  throw Failure(*first_);
}

void Progress::note_failure(const Failure& failure, const Mark& mark) {
  remember(failure, mark.submissions + 1);
}

void Progress::refuse(const Failure& failure) {
  remember(failure, submissions_.load(std::memory_order_relaxed) + 1);
  note_work();
  const std::lock_guard lock(mutex_);
  throw Failure(*first_);
}

void Progress::strand(const Dependency& at, const Failure& cause) {
  remember(cause, at.position + 1);
  const std::lock_guard lock(mutex_);
  if (!stranded_at_) stranded_at_ = at;
}

bool Progress::stranded(std::shared_ptr<Point>* out_before) const {
  const std::lock_guard lock(mutex_);
  if (!stranded_at_) return false;
  *out_before = stranded_at_->before;
  return true;
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

void Progress::end() noexcept {
  const std::lock_guard lock(mutex_);
  waits_.clear();
  stranded_at_.reset();
  traced_.clear();
  dependencies_.store(0, std::memory_order_relaxed);
}

}  // namespace sampan::opencl
