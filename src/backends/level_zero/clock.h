#pragma once

#include <cstdint>

#include "backends/level_zero/driver.h"

namespace sampan::level_zero {

/// CLOCK_MONOTONIC.
[[nodiscard]] std::uint64_t host_clock_ns() noexcept;

struct ClockPair {
  std::uint64_t host_ns = 0;
  std::uint64_t device_ns = 0;
};

/// The device's clock in ns. The device counts ticks, of which timestamps keep so few bits that
/// they wrap every few minutes: what is cut off is filled in from the host's clock, to which the
/// first reading ties it. Free-threaded.
class Clock {
 public:
  /// Reads the clock. Throws Failure.
  explicit Clock(const Facts& facts);

  /// Both clocks at one moment. Throws Failure.
  [[nodiscard]] ClockPair read() const;

  /// A kernel's timestamp in ns. It was taken at `host_ns` or later, by less than three quarters of
  /// the time in which such stamps wrap.
  [[nodiscard]] std::uint64_t kernel_ns(std::uint64_t stamp, std::uint64_t host_ns) const;

 private:
  struct Reading {
    std::uint64_t host_ns, ticks, spread_ns;
  };
  [[nodiscard]] Reading sample() const;
  [[nodiscard]] Reading best_sample() const;
  [[nodiscard]] std::uint64_t ticks_at(std::uint64_t host_ns) const;
  [[nodiscard]] std::uint64_t ns_of(std::uint64_t ticks) const;

  const ze::Device device_;
  const std::uint64_t ticks_per_second_;
  const std::uint64_t mask_, kernel_mask_;
  Reading base_{};
};

}  // namespace sampan::level_zero
