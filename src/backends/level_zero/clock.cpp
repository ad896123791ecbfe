#include "backends/level_zero/clock.h"

#include <algorithm>
#include <ctime>

#include "backends/level_zero/error.h"

namespace sampan::level_zero {
namespace {

constexpr int kTries = 5;
constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

std::uint64_t mask_of(std::uint32_t bits) {
  return bits == 0 || bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
}

// value * to / from without overflow.
std::uint64_t scaled(std::uint64_t value, std::uint64_t to, std::uint64_t from) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(Wide{value} * to / from);
}

// The value closest above `from` whose bits under `mask` are those of `low`.
std::uint64_t next_with_bits(std::uint64_t low, std::uint64_t from, std::uint64_t mask) {
  return from + ((low - from) & mask);
}

}  // namespace

std::uint64_t host_clock_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kNsPerSecond +
         static_cast<std::uint64_t>(now.tv_nsec);
}

Clock::Clock(const Facts& facts)
    : device_(facts.device),
      ticks_per_second_(std::max<std::uint64_t>(1, facts.properties.ticks_per_second)),
      mask_(mask_of(facts.properties.timestamp_bits)),
      kernel_mask_(mask_of(facts.properties.kernel_timestamp_bits)) {
  base_ = best_sample();
}

Clock::Reading Clock::sample() const {
  std::uint64_t drivers_host_ns = 0;  // of a clock that the driver chooses
  Reading reading{};
  const std::uint64_t before_ns = host_clock_ns();
  check(api().device_get_global_timestamps(device_, &drivers_host_ns, &reading.ticks),
        "zeDeviceGetGlobalTimestamps", During::kQuery, "Reading the device's clock");
  reading.spread_ns = host_clock_ns() - before_ns;
  reading.host_ns = before_ns + reading.spread_ns / 2;
  reading.ticks &= mask_;
  return reading;
}

Clock::Reading Clock::best_sample() const {
  Reading best = sample();
  for (int i = 1; i < kTries; ++i) {
    const Reading next = sample();
    if (next.spread_ns < best.spread_ns) best = next;
  }
  return best;
}

// What the full count should be: exact but for the drift of two quartz clocks.
std::uint64_t Clock::ticks_at(std::uint64_t host_ns) const {
  return base_.ticks + scaled(host_ns - base_.host_ns, ticks_per_second_, kNsPerSecond);
}

std::uint64_t Clock::ns_of(std::uint64_t ticks) const {
  return base_.host_ns + scaled(ticks - base_.ticks, kNsPerSecond, ticks_per_second_);
}

ClockPair Clock::read() const {
  const Reading now = best_sample();
  const std::uint64_t about = ticks_at(now.host_ns);
  const std::uint64_t half = mask_ / 2;
  const std::uint64_t earliest = about > base_.ticks + half ? about - half : base_.ticks;
  return {now.host_ns, ns_of(next_with_bits(now.ticks, earliest, mask_))};
}

std::uint64_t Clock::kernel_ns(std::uint64_t stamp, std::uint64_t host_ns) const {
  const std::uint64_t about = ticks_at(host_ns);
  const std::uint64_t quarter = kernel_mask_ / 4;
  const std::uint64_t earliest = about > base_.ticks + quarter ? about - quarter : base_.ticks;
  return ns_of(next_with_bits(stamp & kernel_mask_, earliest, kernel_mask_));
}

}  // namespace sampan::level_zero
