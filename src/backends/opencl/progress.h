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
/// A driver reports the failure of a command through an event, and launches have none. So a
/// failure is found at the next marker, and blames the launches since the last marker that was
/// fine: one of them by name, several by their numbers. With SAMPAN_VALIDATE=1 each launch has an
/// event, and the launch that failed is named.
///
/// `note_*` belong to the stream's caller; everything else is free-threaded.
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
  /// What comes next on the stream waits for `point`: the stream fails if that fails.
  void note_dependency(std::shared_ptr<Point> point);

  [[nodiscard]] Mark mark() const noexcept;

  /// Throws the first failure, if there is one; cheap if not. Also looks whether the oldest point
  /// that the stream waits for has failed, as a stream that waits must not take more work.
  void check() {
    if (failed_.load(std::memory_order_acquire)) [[unlikely]] {
      throw_failure();
    }
    if (dependencies_.load(std::memory_order_relaxed) != 0) [[unlikely]] {
      check_oldest();
    }
  }

  /// All work up to `mark` has run, says the driver. Throws if some of it has failed: drivers may
  /// run what waits for a failed event, and may forget a failure after its marker.
  void complete(const Mark& mark);

  /// A marker at `mark` ended with the negative `status`. Throws the first failure.
  [[noreturn]] void fail(cl::Int status, const Mark& mark);

  /// Something that all work from now on depends on has failed. Throws the first failure.
  [[noreturn]] void fail(const Failure& failure);

  /// The stream's work has ended: forgets what it waited for, having looked how that ended.
  void end() noexcept;

 private:
  struct Dependency {
    std::shared_ptr<Point> point;
    std::uint64_t position;  // submissions before it
  };
  struct TracedLaunch {
    OwnedEvent event;
    std::uint64_t sequence;
    const std::string* kernel;
  };

  [[noreturn]] void throw_failure() const;
  void check_oldest();
  /// Marks of `from_submissions` and more have failed.
  void remember(const Failure& failure, std::uint64_t from_submissions);
  void check_dependencies(std::uint64_t before_position);
  void drop_oldest(const Point* expected);
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
  std::deque<TracedLaunch> traced_;
};

/// A place on a stream, or what a signalled event completes: something to wait for. Free-threaded.
class Point {
 public:
  /// `marker` completes when the work of `progress` up to `mark` has.
  Point(OwnedEvent marker, std::shared_ptr<Progress> progress, const Mark& mark);
  /// Completed by `signal`. `event` is a user event.
  explicit Point(OwnedEvent event);

  [[nodiscard]] cl::Event event() const { return event_.get(); }
  [[nodiscard]] std::uint64_t submissions() const { return mark_.submissions; }

  /// True if it is complete, false if not yet. Throws the cause where it failed.
  [[nodiscard]] bool poll();

  /// Returns when complete; false after `timeout_ns` (SAMPAN_WAIT_FOREVER: never). Throws the
  /// cause where it failed. OpenCL has no wait with a limit: then this looks again and again, at
  /// first at once, later every half millisecond.
  [[nodiscard]] bool wait(std::uint64_t timeout_ns);

  /// Completes a user event; a failure becomes the cause for those who wait. False if it was
  /// signalled before.
  bool signal(const Failure* failure);

  /// END of the marker on the device's clock, ns. The point is complete and was profiled.
  [[nodiscard]] std::uint64_t end_ns() const;

 private:
  enum class State : int { kPending, kComplete, kFailed };

  [[nodiscard]] bool settle(cl::Int status);
  [[noreturn]] void throw_cause();

  const OwnedEvent event_;
  const std::shared_ptr<Progress> progress_;  // null for a user event
  const Mark mark_;
  std::atomic<State> state_{State::kPending};
  std::mutex mutex_;
  bool signalled_ = false;
  std::optional<Failure> cause_;
};

}  // namespace sampan::opencl
