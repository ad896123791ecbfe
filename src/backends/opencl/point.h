#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "backends/opencl/error.h"
#include "backends/opencl/handle.h"
#include "backends/opencl/progress.h"
#include "sampan/plugin/backend.h"

namespace sampan::opencl {

/// Where an event's command stands: CL_COMPLETE, above while pending, negative where it failed.
/// Throws Failure.
[[nodiscard]] cl::Int status_of(cl::Event event);

/// A place on a stream, or what a signalled event completes: something to wait for. Free-threaded.
class Point {
 public:
  /// `marker` completes when the work of `progress` up to `mark` has.
  Point(OwnedEvent marker, std::shared_ptr<Progress> progress, const Mark& mark);
  /// Completed by `signal`. `event` is a user event; the driver hears of a failure only if it
  /// `takes_failures`, else what waits for the event stays where it is.
  Point(OwnedEvent event, bool takes_failures);
  Point(const Point&) = delete;
  Point& operator=(const Point&) = delete;
  ~Point();

  [[nodiscard]] cl::Event event() const { return event_.get(); }
  /// As above, to put commands behind it.
  [[nodiscard]] cl::Event event_to_wait_for() {
    waited_for_.store(true, std::memory_order_relaxed);
    return event_.get();
  }
  [[nodiscard]] std::uint64_t submissions() const { return mark_.submissions; }

  /// True if it is complete, false if not yet. Throws the cause where it failed.
  [[nodiscard]] bool poll();

  /// True when complete; false after `timeout_ns` (SAMPAN_WAIT_FOREVER: never). Throws the cause
  /// where it failed. OpenCL has no wait with a limit: then this looks again and again, first
  /// after 10 microseconds, later every half millisecond.
  [[nodiscard]] bool wait(std::uint64_t timeout_ns);

  /// Completes a user event; a failure becomes the cause for those who wait. False if it was
  /// signalled before.
  bool signal(const Failure* failure);

  /// END of the marker on the device's clock, ns. The point is complete and was profiled.
  [[nodiscard]] std::uint64_t end_ns() const;

 private:
  enum class State : int { kPending, kComplete, kFailed };

  [[nodiscard]] bool settle(cl::Int status);
  [[nodiscard]] bool wait_for_signal(std::uint64_t timeout_ns);
  void wait_for_driver();
  [[nodiscard]] bool outcome();

  OwnedEvent event_;
  const std::shared_ptr<Progress> progress_;  // null for a user event
  const Mark mark_;
  const bool takes_failures_ = true;
  std::atomic<bool> waited_for_{false};
  std::atomic<State> state_{State::kPending};
  std::mutex mutex_;
  std::condition_variable signalled_;
  std::optional<Failure> cause_;
};

}  // namespace sampan::opencl
