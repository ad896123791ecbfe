#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "backends/cuda_like/open_context.h"
#include "backends/cuda_like/progress.h"

namespace sampan::cuda_like {

/// A place on a stream, or what a signalled event completes: something to wait for. Free-threaded.
class Point {
 public:
  /// `event` completes when the work of `progress` up to `mark` has run.
  Point(OwnedEvent event, std::shared_ptr<Progress> progress, const Mark& mark);
  /// Completed by `signal`. `context` gives the word that streams wait for.
  explicit Point(std::shared_ptr<OpenContext> context);
  Point(const Point&) = delete;
  Point& operator=(const Point&) = delete;
  ~Point();

  /// Of a place on a stream.
  [[nodiscard]] DriverEvent event() const { return event_.get(); }
  [[nodiscard]] bool by_signal() const { return progress_ == nullptr; }
  /// Of a signalled one: becomes 1.
  [[nodiscard]] Address word() const { return word_.address; }

  /// True if it is complete, false if not yet. Throws the cause where it failed.
  [[nodiscard]] bool poll();

  /// True when complete; false after `timeout_ns` (SAMPAN_WAIT_FOREVER: never). Throws the cause
  /// where it failed. The driver has no wait with a limit: then this looks again and again, first
  /// after 10 microseconds, later every half millisecond.
  [[nodiscard]] bool wait(std::uint64_t timeout_ns);

  /// A stream has come by, so it is complete. Throws the cause where it failed.
  void passed();

  /// Whether it is known to have failed, or to be complete; asks no driver.
  [[nodiscard]] bool known_failed() const;
  [[nodiscard]] bool known_complete() const;
  /// Where it is known to have failed: why.
  [[nodiscard]] Failure cause() const;

  /// Completes a signalled one; a failure becomes the cause for those who wait. False if it was
  /// signalled before.
  bool signal(const Failure* failure);

  /// Returns when it was signalled, also by a failure.
  void block() noexcept;

 private:
  enum class State : int { kPending, kComplete, kFailed };

  [[nodiscard]] bool outcome() const;
  void settle();
  [[nodiscard]] bool wait_for_signal(std::uint64_t timeout_ns);
  void wait_for_driver();

  const std::shared_ptr<OpenContext> context_;  // of a signalled one
  Word word_;
  OwnedEvent event_;
  const std::shared_ptr<Progress> progress_;  // null: signalled
  const Mark mark_;
  std::atomic<State> state_{State::kPending};
  mutable std::mutex mutex_;
  std::condition_variable signalled_;
  std::optional<Failure> cause_;
};

}  // namespace sampan::cuda_like
