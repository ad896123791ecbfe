#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "backends/level_zero/open_context.h"
#include "backends/level_zero/progress.h"

namespace sampan::level_zero {

/// A place on a stream, or what a signalled event completes: something to wait for. Streams that
/// wait for it keep it until they have passed. Free-threaded.
class Point {
 public:
  /// `event` is signalled when the work of `progress` up to `mark` has run.
  Point(OwnedEvent event, std::shared_ptr<Progress> progress, const Mark& mark);
  /// Completed by `signal`.
  explicit Point(OwnedEvent event);
  Point(const Point&) = delete;
  Point& operator=(const Point&) = delete;

  [[nodiscard]] ze::Event event() const { return event_.get(); }
  /// Whose streams can wait for the event itself.
  [[nodiscard]] const OpenContext* context() const { return event_.context(); }
  [[nodiscard]] std::uint64_t submissions() const { return mark_.submissions; }

  /// True if it is complete, false if not yet. Throws the cause where it failed.
  [[nodiscard]] bool poll();
  /// As above, but looks only at this point, not at what its stream waits for.
  [[nodiscard]] bool poll_alone();

  /// True when complete; false after `timeout_ns` (SAMPAN_WAIT_FOREVER: never). Throws the cause
  /// where it failed.
  [[nodiscard]] bool wait(std::uint64_t timeout_ns);

  /// Waits until the device has passed it, failed or not, or is lost.
  void drain() noexcept;

  /// Completes a signalled one; a failure becomes the cause for those who wait. False if it was
  /// signalled before. Throws Failure.
  bool signal(const Failure* failure);

  /// When the device reached it, as the driver counts. It is complete. Throws Failure.
  [[nodiscard]] std::uint64_t stamp() const;

 private:
  enum class State : int { kPending, kComplete, kFailed };

  [[nodiscard]] bool outcome() const;
  [[nodiscard]] bool settle();
  [[noreturn]] void fail(ze::Result code, const char* call);
  void remember(const Failure& cause);

  OwnedEvent event_;
  const std::shared_ptr<Progress> progress_;  // null: signalled by the host
  const Mark mark_;
  std::atomic<State> state_{State::kPending};
  mutable std::mutex mutex_;
  std::optional<Failure> cause_;
};

}  // namespace sampan::level_zero
