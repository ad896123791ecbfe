#include "backends/level_zero/progress.h"

#include <algorithm>
#include <vector>

#include "backends/level_zero/point.h"

namespace sampan::level_zero {

void Progress::add_dependency(std::shared_ptr<Point> point, const Mark& mark) {
  const std::lock_guard lock(mutex_);
  dependencies_.push_back({std::move(point), mark.submissions});
  dependency_count_.store(dependencies_.size(), std::memory_order_relaxed);
}

void Progress::check(const Mark& now) {
  const bool waits = dependency_count_.load(std::memory_order_relaxed) != 0;
  if (failed_.load(std::memory_order_acquire) || waits) [[unlikely]] {
    observe(now);
  }
}

// Points are asked without the lock: they may belong to streams that wait for this one.
void Progress::observe(const Mark& mark) {
  std::vector<Dependency> waits;
  {
    const std::lock_guard lock(mutex_);
    for (const Dependency& each : dependencies_) {
      if (each.position < mark.submissions) waits.push_back(each);
    }
  }
  for (const Dependency& each : waits) {
    try {
      if (!each.point->poll_alone()) break;
    } catch (const Failure& cause) {
      remember(cause, each.position + 1);
      break;
    }
  }
  throw_if_failed(mark.submissions);
}

void Progress::settle(const Mark& mark) {
  std::vector<Dependency> passed;
  {
    const std::lock_guard lock(mutex_);
    while (!dependencies_.empty() && dependencies_.front().position < mark.submissions) {
      passed.push_back(std::move(dependencies_.front()));
      dependencies_.pop_front();
    }
    dependency_count_.store(dependencies_.size(), std::memory_order_relaxed);
    if (mark.submissions > settled_.load(std::memory_order_relaxed)) {
      settled_.store(mark.submissions, std::memory_order_release);
    }
  }
  for (const Dependency& each : passed) {
    try {
      (void)each.point->poll();
    } catch (const Failure& cause) {
      remember(cause, each.position + 1);
    }
  }
  throw_if_failed(mark.submissions);
}

void Progress::refuse(const Failure& cause, const Mark& mark) {
  remember(cause, mark.submissions + 1);
  const std::lock_guard lock(mutex_);
  throw Failure(*first_);
}

void Progress::lose(Failure failure, const Mark& mark) {
  health_->note(failure);
  if (mark.last_kernel != nullptr) {
    failure.sequence = mark.last_sequence;
    failure.kernel = *mark.last_kernel;
    failure.message += " (the last launch was number " + std::to_string(mark.last_sequence) +
                       ", of kernel '" + *mark.last_kernel + "')";
  }
  remember(failure, 0);
  const std::lock_guard lock(mutex_);
  throw Failure(*first_);
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

void Progress::throw_if_failed(std::uint64_t submissions) const {
  if (!failed_.load(std::memory_order_acquire)) return;
  const std::lock_guard lock(mutex_);
  if (submissions >= failed_from_) throw Failure(*first_);
}

void Progress::end() noexcept {
  std::deque<Dependency> dropped;
  const std::lock_guard lock(mutex_);
  dropped.swap(dependencies_);
  dependency_count_.store(0, std::memory_order_relaxed);
}

}  // namespace sampan::level_zero
