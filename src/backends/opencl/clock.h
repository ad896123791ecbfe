#pragma once

#include <cstdint>

#include "backends/opencl/device.h"

namespace sampan::opencl {

/// CLOCK_MONOTONIC and the clock of profiling timestamps at one instant.
struct ClockPair {
  std::uint64_t host_ns;
  std::uint64_t device_ns;
};

/// Reads both. Where the driver has no device timer, a marker is enqueued on a queue of the
/// backend's own and waited for; its QUEUED timestamp lies between two readings of the host's
/// clock. The best of a few tries counts. Throws Failure.
[[nodiscard]] ClockPair read_clocks(Device& device);

/// CLOCK_MONOTONIC.
[[nodiscard]] std::uint64_t host_clock_ns();

}  // namespace sampan::opencl
