#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "backends/level_zero/device.h"

namespace sampan::level_zero {

class Point;

/// How far a stream has come: everything that was handed over when the mark was taken.
struct Mark {
  std::uint64_t submissions = 0;             ///< of any kind
  std::uint64_t last_sequence = 0;           ///< of the latest launch
  const std::string* last_kernel = nullptr;  ///< its kernel; lives as long as the process
};

/// What is known about a stream's work: what is complete, what it waits for, its first failure.
/// Shared by the stream and the points on it, which may outlive it. Free-threaded.
///
/// Level Zero reports one asynchronous failure, the loss of the device, which names no launch. The
/// other failures come from outside: something that the stream waits for may fail, which the driver
/// doesn't know. The device then goes on, and what waited counts as failed.
class Progress {
 public:
  explicit Progress(std::shared_ptr<Health> health) : health_(std::move(health)) {}

  [[nodiscard]] Health& health() const { return *health_; }

  /// Work beyond `mark` waits for `point`: it fails if that does.
  void add_dependency(std::shared_ptr<Point> point, const Mark& mark);
  [[nodiscard]] std::size_t dependencies() const {
    return dependency_count_.load(std::memory_order_relaxed);
  }

  /// Throws the first failure, if there is one, and looks whether what the stream waits for has
  /// failed; cheap if it waits for nothing. Never blocks.
  void check(const Mark& now);
  /// The same for work up to `mark`.
  void observe(const Mark& mark);

  /// All work up to `mark` has run. Throws where it counts as failed.
  void settle(const Mark& mark);
  [[nodiscard]] std::uint64_t settled() const { return settled_.load(std::memory_order_acquire); }

  /// All work behind `mark` fails. Throws the first failure.
  [[noreturn]] void refuse(const Failure& cause, const Mark& mark);

  /// Work behind `mark` fails, as a thread of the backend's couldn't do its part of it.
  void note_failure(const Failure& cause, const Mark& mark) {
    remember(cause, mark.submissions + 1);
  }

  /// The device was lost while work up to `mark` was on its way: remembers it, names the launch
  /// that came last and throws.
  [[noreturn]] void lose(Failure failure, const Mark& mark);

  /// Forgets what it waited for.
  void end() noexcept;

 private:
  struct Dependency {
    std::shared_ptr<Point> point;
    std::uint64_t position;  // submissions before it
  };

  void remember(const Failure& failure, std::uint64_t from_submissions);
  void throw_if_failed(std::uint64_t submissions) const;

  const std::shared_ptr<Health> health_;
  std::atomic<bool> failed_{false};
  std::atomic<std::size_t> dependency_count_{0};
  std::atomic<std::uint64_t> settled_{0};
  mutable std::mutex mutex_;
  std::deque<Dependency> dependencies_;
  std::optional<Failure> first_;
  std::uint64_t failed_from_ = 0;  // submissions of the first mark that has failed, with `first_`
};

}  // namespace sampan::level_zero
