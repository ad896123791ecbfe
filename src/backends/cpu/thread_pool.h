// The threads of a device that share a launch's groups.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "backends/cpu/parking.h"
#include "backends/cpu/thread.h"
#include "backends/cpu/worker.h"

namespace sampan::cpu {

/// Helpers for whoever leads a stream: one thread less than the device has, started at first use.
/// One leader at a time gets them; others run alone meanwhile.
class ThreadPool {
 public:
  /// `cores` as for Thread::start. Throws std::bad_alloc.
  ThreadPool(unsigned threads, const std::vector<unsigned>& cores, std::uint64_t spin_ns);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Calls `share(context, worker)` on the calling thread with `self`, and at the same time on
  /// those helpers that have time, each with its own worker; returns when all these calls have
  /// returned. `share` divides the work itself, by an atomic counter in `context`.
  void run(void (*share)(void* context, Worker& worker), void* context, Worker& self) noexcept;

  /// Threads that can run at once, the caller included.
  [[nodiscard]] unsigned threads() const noexcept { return helper_count_ + 1; }

  /// In a forked child, where the helpers are gone: the destructor then waits for nobody.
  void abandon() noexcept;

 private:
  struct Helper {
    ThreadPool* pool = nullptr;
    Thread thread;
    Worker worker;
  };

  void start_helpers();
  void help(Worker& worker) noexcept;
  bool join_job() noexcept;
  void leave_job() noexcept;

  // Of state_: the job takes helpers; below it, how many are in.
  static constexpr std::uint32_t kOpen = 1u << 31;

  const unsigned helper_count_;
  const std::vector<unsigned>& cores_;
  const std::uint64_t spin_ns_;
  std::unique_ptr<Helper[]> helpers_;
  bool started_ = false;  // touched by the holder of busy_

  // The job, readable for those who are in.
  void (*share_)(void* context, Worker& worker) = nullptr;
  void* context_ = nullptr;

  alignas(64) std::atomic<bool> busy_{false};
  alignas(64) std::atomic<std::uint32_t> state_{0};
  alignas(64) std::atomic<std::uint64_t> jobs_{0};
  std::atomic<bool> stop_{false};
  ParkingSpot idle_;
  ParkingSpot left_;
};

}  // namespace sampan::cpu
