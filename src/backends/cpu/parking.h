// Waiting for another thread: a short spin, then sleep in the kernel.
#pragma once

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <limits>

namespace sampan::cpu {

/// CLOCK_MONOTONIC in nanoseconds: also the clock of event timestamps.
inline std::uint64_t now_ns() noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

/// Tells the core that the thread spins.
inline void pause_core() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

/// A moment that never comes.
inline constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

/// `now + timeout`, or kNever when that is beyond the clock.
inline std::uint64_t deadline_after(std::uint64_t timeout_ns) noexcept {
  const std::uint64_t now = now_ns();
  return timeout_ns > kNever - now ? kNever : now + timeout_ns;
}

// How long a thread spins before it sleeps. A sleeping thread takes 45-55 us to come back on an
// otherwise quiet virtual machine (EPYC Zen 5, 2026-11-22), so spinning as long as that costs at
// most twice the best choice.
inline constexpr std::uint64_t kSpinNs = 50'000;
// After this part of the spin, other runnable threads get the core in between.
inline constexpr std::uint64_t kSpinAloneNs = 4'000;

/// Spins until `done()` or until `limit_ns` have passed; returns done(). With one core to run on
/// there is nobody to wait for by spinning: pass limit 0.
template <typename Done>
bool spin_until(Done done, std::uint64_t limit_ns) noexcept {
  constexpr int kPausesPerLook = 16;
  if (done()) return true;
  if (limit_ns == 0) return false;
  const std::uint64_t start = now_ns();
  for (;;) {
    for (int i = 0; i < kPausesPerLook; ++i) {
      pause_core();
      if (done()) return true;
    }
    const std::uint64_t spun_ns = now_ns() - start;
    if (spun_ns >= limit_ns) return false;
    if (spun_ns >= kSpinAloneNs) sched_yield();
  }
}

/// Where threads sleep until a condition made of sequentially consistent atomics holds.
///
/// The notifier makes the condition true by seq_cst stores, then calls notify(): that costs a load
/// unless somebody went to sleep since the last notify. No wake-up is lost: a sleeper reads the
/// ticket, announces itself, then tests the condition; a notifier that takes the announcement
/// changes the ticket after that.
class ParkingSpot {
 public:
  /// Wakes everybody who sleeps here.
  void notify() noexcept {
    if (!announced_.load(std::memory_order_seq_cst)) return;
    announced_.store(false, std::memory_order_seq_cst);
    ticket_.fetch_add(1, std::memory_order_seq_cst);
    syscall(SYS_futex, address(), FUTEX_WAKE_PRIVATE, std::numeric_limits<int>::max(), nullptr,
            nullptr, 0);
  }

  /// Sleeps until `done()`; false if the deadline (on now_ns's clock) came first. `done` runs on
  /// the calling thread, possibly many times.
  template <typename Done>
  bool park_until(Done done, std::uint64_t deadline_ns) noexcept {
    for (;;) {
      const std::uint32_t ticket = ticket_.load(std::memory_order_seq_cst);
      announced_.store(true, std::memory_order_seq_cst);
      if (done()) return true;
      if (!sleep(ticket, deadline_ns)) return done();
    }
  }

 private:
  [[nodiscard]] std::uint32_t* address() noexcept {
    static_assert(sizeof(ticket_) == sizeof(std::uint32_t));
    return reinterpret_cast<std::uint32_t*>(&ticket_);
  }

  // False when the deadline has passed.
  bool sleep(std::uint32_t ticket, std::uint64_t deadline_ns) noexcept {
    if (deadline_ns == kNever) {
      syscall(SYS_futex, address(), FUTEX_WAIT_PRIVATE, ticket, nullptr, nullptr, 0);
      return true;
    }
    // FUTEX_WAIT_BITSET takes an absolute time of CLOCK_MONOTONIC.
    timespec until{};
    until.tv_sec = static_cast<time_t>(deadline_ns / 1'000'000'000u);
    until.tv_nsec = static_cast<long>(deadline_ns % 1'000'000'000u);
    const long result = syscall(SYS_futex, address(), FUTEX_WAIT_BITSET_PRIVATE, ticket, &until,
                                nullptr, FUTEX_BITSET_MATCH_ANY);
    return result == 0 || errno != ETIMEDOUT;
  }

  std::atomic<std::uint32_t> ticket_{0};
  std::atomic<bool> announced_{false};
};

}  // namespace sampan::cpu
