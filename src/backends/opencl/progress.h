#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "backends/opencl/error.h"
#include "backends/opencl/handle.h"

namespace sampan::opencl {

class Point;

/// How far a stream's owner has come: everything that was handed over when the mark was taken.
struct Mark {
  std::uint64_t submissions = 0;  ///< of any kind
  std::uint64_t launches = 0;
  std::uint64_t last_sequence = 0;           ///< of the latest launch
  const std::string* last_kernel = nullptr;  ///< its kernel; lives as long as the process
};

/// What is known about the work of one stream: what was handed over, what is complete, what it
/// waits for and its first failure. Shared by the stream and by the points on it, which may
/// outlive it.
///
/// Failures come from two sides. A driver reports the failure of a command through an event, and
/// launches have none: so it is found at the next marker, and blames the launches since the last
/// marker that was fine, one of them by name, several by their numbers. (With SAMPAN_VALIDATE=1
/// each launch has an event, and the launch that failed is named.) And whatever a stream waits for
/// may fail: that is found here, without the driver, since not all drivers live through it.
///
/// `note_*`, `check` and `refuse` belong to the stream's caller; the rest is free-threaded.
class Progress {
 public:
  Progress();

  [[nodiscard]] bool traces_launches() const { return traces_launches_; }

  void note_launch(std::uint64_t sequence, const std::string* kernel) noexcept {
    last_sequence_.store(sequence, std::memory_order_relaxed);
    last_kernel_.store(kernel, std::memory_order_relaxed);
    launches_.store(launches_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    note_work();
  }
  /// As above, where `traces_launches`.
  void note_traced_launch(std::uint64_t sequence, const std::string* kernel, OwnedEvent event);
  /// Anything that isn't a launch. After it was handed over, never before: a mark taken meanwhile
  /// by another thread must not cover it.
  void note_work() noexcept {
    submissions_.store(submissions_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  /// What comes next on the stream waits for `point`: the stream fails if that fails. Where the
  /// driver then never ends that work, `before` is the last point that it does reach (null: none).
  void note_dependency(std::shared_ptr<Point> point, std::shared_ptr<Point> before);

  [[nodiscard]] Mark mark() const noexcept;

  /// Throws the first failure, if there is one; cheap if not. Also looks whether the oldest point
  /// that the stream waits for has failed, as a stream that waits must not take more work.
  void check() {
    const bool failed = failed_.load(std::memory_order_acquire);
    const bool waits = dependencies_.load(std::memory_order_relaxed) != 0;
    if (failed || waits) [[unlikely]]
      observe(mark());
  }

  /// Throws if the work up to `mark` has failed, or something that it waits for. Never blocks.
  void observe(const Mark& mark);

  /// Returns when everything that the work up to `mark` waits for is complete. Throws if it fails.
  void wait_for_dependencies(const Mark& mark);

  /// All work up to `mark` has run.
  void complete(const Mark& mark);

  /// A marker at `mark` ended with the negative `status`. Throws the first failure.
  [[noreturn]] void fail(cl::Int status, const Mark& mark);

  /// Work behind `mark` that a thread of the backend's did has failed: all from there on fails.
  void note_failure(const Failure& failure, const Mark& mark);

  /// The stream should wait for something that has failed: all work from now on fails. Throws the
  /// first failure.
  [[noreturn]] void refuse(const Failure& failure);

  /// True if the stream waits for something that failed; then `before` of it.
  [[nodiscard]] bool stranded(std::shared_ptr<Point>* out_before) const;

  /// The stream is gone: forgets what it waited for.
  void end() noexcept;

 private:
  struct Dependency {
    std::shared_ptr<Point> point;
    std::shared_ptr<Point> before;
    std::uint64_t position;  // submissions before it
  };
  struct TracedLaunch {
    OwnedEvent event;
    std::uint64_t sequence;
    const std::string* kernel;
  };

  /// The oldest dependency of the work up to `mark`, if any.
  [[nodiscard]] std::optional<Dependency> oldest(const Mark& mark) const;
  void drop(const Dependency& oldest);
  void throw_if_failed(const Mark& mark) const;
  /// Marks of `from_submissions` and more have failed.
  void remember(const Failure& failure, std::uint64_t from_submissions);
  void strand(const Dependency& at, const Failure& cause);
  [[nodiscard]] Failure blame(cl::Int status, const Mark& mark);

  const bool traces_launches_;
  std::atomic<std::uint64_t> submissions_{0};
  std::atomic<std::uint64_t> launches_{0};
  std::atomic<std::uint64_t> last_sequence_{0};
  std::atomic<const std::string*> last_kernel_{nullptr};
  std::atomic<std::uint32_t> dependencies_{0};
  std::atomic<bool> failed_{false};

  mutable std::mutex mutex_;
  std::optional<Failure> first_;
  std::uint64_t failed_from_ = 0;  // submissions of the first mark that has failed, with `first_`
  Mark confirmed_;                 // the furthest mark known to be complete
  std::deque<Dependency> waits_;
  std::optional<Dependency> stranded_at_;
  std::deque<TracedLaunch> traced_;
};

}  // namespace sampan::opencl
