#include "backends/cuda_like/progress.h"

#include <algorithm>

#include "backends/common/environment.h"
#include "backends/cuda_like/point.h"

namespace sampan::cuda_like {
namespace {

constexpr std::size_t kManyDependencies = 64;

bool validation_wanted() {
  const std::string value = common::Environment::of_process().value("SAMPAN_VALIDATE");
  return !value.empty() && value != "0";
}

std::string launch_text(std::uint64_t sequence, const std::string& kernel) {
  return "Launch " + std::to_string(sequence) + " of kernel '" + kernel + "'";
}

}  // namespace

Progress::Progress(std::shared_ptr<OpenContext> context) : context_(std::move(context)) {
  if (api().stream_write_value && validation_wanted()) completed_ = context_->take_word();
}

Progress::~Progress() {
  if (completed_.host != nullptr) context_->give_word(completed_);
}

void Progress::note_launch(std::uint64_t sequence, const std::string* kernel) {
  last_sequence_.store(sequence, std::memory_order_relaxed);
  last_kernel_.store(kernel, std::memory_order_relaxed);
  launches_.store(launches_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  note_work();
  if (completed_.host != nullptr) [[unlikely]]
    trace(sequence, kernel);
}

void Progress::trace(std::uint64_t sequence, const std::string* kernel) {
  const std::uint32_t done = std::atomic_ref(*completed_.host).load(std::memory_order_acquire);
  const std::lock_guard lock(mutex_);
  traced_.push_back({launches_.load(std::memory_order_relaxed), sequence, kernel});
  while (!traced_.empty() && traced_.front().number <= done) traced_.pop_front();
}

void Progress::note_dependency(std::shared_ptr<Point> point) {
  std::size_t waiting = 0;
  {
    const std::lock_guard lock(mutex_);
    waits_.push_back({std::move(point), submissions_.load(std::memory_order_relaxed)});
    waiting = waits_.size();
    dependencies_.fetch_add(1, std::memory_order_relaxed);
  }
  note_work();
  // A stream that never waits for the host would otherwise keep all points it ever waited for.
  if (waiting % kManyDependencies != 0) return;
  while (const auto next = oldest(submissions_.load(std::memory_order_relaxed))) {
    if (!next->point->known_complete()) return;
    drop(*next);
  }
}

Mark Progress::mark() const noexcept {
  Mark mark;
  mark.submissions = submissions_.load(std::memory_order_acquire);
  mark.launches = launches_.load(std::memory_order_relaxed);
  mark.last_sequence = last_sequence_.load(std::memory_order_relaxed);
  mark.last_kernel = last_kernel_.load(std::memory_order_relaxed);
  return mark;
}

Failure Progress::first() const {
  const std::lock_guard lock(mutex_);
  return *first_;
}

void Progress::look() {
  if (known_failed(mark())) throw first();
  std::shared_ptr<Point> failed;
  {
    const std::lock_guard lock(mutex_);
    for (const Dependency& wait : waits_) {
      if (failed == nullptr && wait.point->known_failed()) failed = wait.point;
    }
  }
  if (failed != nullptr) refuse(failed->cause());
}

std::optional<Progress::Dependency> Progress::oldest(std::uint64_t submissions) const {
  if (dependencies_.load(std::memory_order_relaxed) == 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (waits_.empty() || waits_.front().position >= submissions) return std::nullopt;
  return waits_.front();
}

void Progress::drop(const Dependency& oldest) {
  const std::lock_guard lock(mutex_);
  if (waits_.empty() || waits_.front().point != oldest.point) return;
  waits_.pop_front();
  dependencies_.fetch_sub(1, std::memory_order_relaxed);
}

// Oldest first keeps the recursion flat when two streams wait for each other many times.
void Progress::settle(const Mark& mark) {
  while (const auto next = oldest(mark.submissions)) {
    try {
      next->point->passed();
    } catch (const Failure& cause) {
      remember(cause, next->position + 1);
    }
    drop(*next);
  }
  if (known_failed(mark)) throw first();
  const std::lock_guard lock(mutex_);
  if (mark.submissions > confirmed_.submissions) confirmed_ = mark;
}

void Progress::blame(const Failure& found, const Mark& mark) {
  bool innocent = false;
  {
    const std::lock_guard lock(mutex_);
    if (first_) throw Failure(*first_);
    innocent = mark.submissions <= confirmed_.submissions;
  }
  context_->note(found);
  if (innocent) context_->check_alive();
  const Failure failure = named(found, mark);
  remember(failure, 0);
  throw first();
}

Failure Progress::named(const Failure& found, const Mark& mark) const {
  const std::lock_guard lock(mutex_);
  Failure failure = found;
  failure.flags = SAMPAN_ERROR_STICKY | SAMPAN_ERROR_DEVICE_LOST;
  const auto name = [&](std::uint64_t sequence, const std::string& kernel, const char* more) {
    failure.sequence = sequence;
    failure.kernel = kernel;
    failure.message = launch_text(sequence, kernel) + more + ": " + found.message;
  };
  if (completed_.host != nullptr) {
    const std::uint32_t done = std::atomic_ref(*completed_.host).load(std::memory_order_acquire);
    const auto next = std::ranges::find_if(
        traced_, [&](const TracedLaunch& launch) { return launch.number > done; });
    if (next != traced_.end()) {
      name(next->sequence, *next->kernel, "");
      return failure;
    }
  }
  const std::uint64_t suspects = mark.launches - std::min(mark.launches, confirmed_.launches);
  if (suspects == 1) {
    name(mark.last_sequence, *mark.last_kernel, ", or work beside it on this device");
  } else if (suspects > 1) {
    failure.message =
        "One of the " + std::to_string(suspects) + " launches after number " +
        std::to_string(confirmed_.last_sequence) + " up to number " +
        std::to_string(mark.last_sequence) +
        ", or work beside them on this device (SAMPAN_VALIDATE=1 tells which): " + found.message;
  }
  return failure;
}

void Progress::refuse(const Failure& cause) {
  remember(cause, submissions_.load(std::memory_order_relaxed) + 1);
  note_work();
  throw first();
}

void Progress::remember(const Failure& failure, std::uint64_t from_submissions) {
  const std::lock_guard lock(mutex_);
  if (first_) {
    failed_from_.store(std::min(failed_from_.load(), from_submissions));
    return;
  }
  first_ = failure;
  first_->flags = (first_->flags | SAMPAN_ERROR_STICKY) & ~std::uint32_t{SAMPAN_ERROR_RETRYABLE};
  failed_from_.store(from_submissions);
  failed_.store(true, std::memory_order_release);
}

void Progress::end() noexcept {
  const std::lock_guard lock(mutex_);
  waits_.clear();
  dependencies_.store(0, std::memory_order_relaxed);
}

}  // namespace sampan::cuda_like
