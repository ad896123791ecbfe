#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "backends/cuda_like/open_context.h"

namespace sampan::cuda_like {

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
/// Failures come from two sides. A kernel that fails breaks the context, and any call on any stream
/// may be the first to tell: so what is blamed is the launches since the last point that is known
/// to be complete, one of them by name, several by their numbers. With SAMPAN_VALIDATE=1 the device
/// writes down how many launches are complete, and the launch that failed is named. And events that
/// the host signals may fail, which the driver doesn't know: the stream goes on, and what waited
/// counts as failed once it has run.
///
/// `note_*` and `check` belong to the stream's caller; the rest is free-threaded.
class Progress {
 public:
  explicit Progress(std::shared_ptr<OpenContext> context);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  /// Where the device counts complete launches; null host: it doesn't.
  [[nodiscard]] const Word& completed_word() const { return completed_; }

  void note_launch(std::uint64_t sequence, const std::string* kernel);
  /// Anything that isn't a launch, after it was handed over.
  void note_work() noexcept {
    submissions_.store(submissions_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  /// What comes next on the stream waits for `point`: the stream fails if that fails.
  void note_dependency(std::shared_ptr<Point> point);

  [[nodiscard]] Mark mark() const noexcept;

  /// Throws the first failure, if there is one; cheap if not.
  void check() {
    const bool failed = failed_.load(std::memory_order_acquire);
    const bool waits = dependencies_.load(std::memory_order_relaxed) != 0;
    if (failed || waits) [[unlikely]]
      look();
  }

  /// True if the work up to `mark` is known to have failed. Takes no lock.
  [[nodiscard]] bool known_failed(const Mark& mark) const noexcept {
    return failed_.load(std::memory_order_acquire) &&
           mark.submissions >= failed_from_.load(std::memory_order_relaxed);
  }
  /// Then why.
  [[nodiscard]] Failure first() const;

  /// All work up to `mark` has run. Throws where it counts as failed. Asks no driver.
  void settle(const Mark& mark);

  /// The driver returned a code that breaks the context while work up to `mark` was on its way.
  /// Remembers the first cause of this stream and throws it: the loss of the device, if none of its
  /// own work can be to blame.
  [[noreturn]] void blame(const Failure& found, const Mark& mark);

  /// The stream should wait for something that has failed: all work from now on fails. Throws the
  /// first failure.
  [[noreturn]] void refuse(const Failure& cause);

  /// Forgets what it waited for.
  void end() noexcept;

 private:
  struct Dependency {
    std::shared_ptr<Point> point;
    std::uint64_t position;  // submissions before it
  };
  struct TracedLaunch {
    std::uint64_t number;
    std::uint64_t sequence;
    const std::string* kernel;
  };

  void look();
  [[nodiscard]] std::optional<Dependency> oldest(std::uint64_t submissions) const;
  void drop(const Dependency& oldest);
  void remember(const Failure& failure, std::uint64_t from_submissions);
  [[nodiscard]] Failure named(const Failure& found, const Mark& mark) const;
  void trace(std::uint64_t sequence, const std::string* kernel);

  const std::shared_ptr<OpenContext> context_;
  Word completed_;
  std::atomic<std::uint64_t> submissions_{0};
  std::atomic<std::uint64_t> launches_{0};
  std::atomic<std::uint64_t> last_sequence_{0};
  std::atomic<const std::string*> last_kernel_{nullptr};
  std::atomic<std::uint32_t> dependencies_{0};
  std::atomic<bool> failed_{false};
  std::atomic<std::uint64_t> failed_from_{0};  // submissions of the first mark that has failed

  mutable std::mutex mutex_;
  std::optional<Failure> first_;
  Mark confirmed_;  // the furthest mark known to be complete
  std::deque<Dependency> waits_;
  std::deque<TracedLaunch> traced_;
};

}  // namespace sampan::cuda_like
