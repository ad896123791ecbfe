#include "backends/opencl/clock.h"

#include <ctime>
#include <limits>
#include <mutex>
#include <optional>

namespace sampan::opencl {
namespace {

constexpr int kTries = 5;

struct Sample {
  ClockPair clocks;
  std::uint64_t spread_ns;
};

Sample between(std::uint64_t before_ns, std::uint64_t after_ns, std::uint64_t device_ns) {
  const std::uint64_t spread_ns = after_ns - before_ns;
  return {{before_ns + spread_ns / 2, device_ns}, spread_ns};
}

// Empty where the driver has no timer: OpenCL 3.0 makes it optional.
std::optional<Sample> sample_timer(const Device& device) {
  cl::Ulong device_ns = 0;
  cl::Ulong drivers_host_ns = 0;  // of a clock that the driver chooses
  const std::uint64_t before_ns = host_clock_ns();
  if (api().get_device_and_host_timer(device.id(), &device_ns, &drivers_host_ns) != cl::kSuccess) {
    return std::nullopt;
  }
  return between(before_ns, host_clock_ns(), device_ns);
}

Sample sample_marker(Device& device) {
  const std::lock_guard lock(device.service_mutex());
  const cl::Queue queue = device.service_queue();
  constexpr const char* kDoing = "Reading the device's clock";
  cl::Event marker = nullptr;
  const std::uint64_t before_ns = host_clock_ns();
  check(api().enqueue_marker_with_wait_list(queue, 0, nullptr, &marker),
        "clEnqueueMarkerWithWaitList", During::kSubmission, kDoing);
  const std::uint64_t after_ns = host_clock_ns();
  const OwnedEvent owned(marker);
  check(api().wait_for_events(1, &marker), "clWaitForEvents", During::kExecution, kDoing);
  cl::Ulong device_ns = 0;
  check(api().get_event_profiling_info(marker, cl::kProfilingCommandQueued, sizeof device_ns,
                                       &device_ns, nullptr),
        "clGetEventProfilingInfo", During::kQuery, kDoing);
  return between(before_ns, after_ns, device_ns);
}

}  // namespace

std::uint64_t host_clock_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

ClockPair read_clocks(Device& device) {
  bool timer = device.traits().version >= 210 && api().get_device_and_host_timer != nullptr;
  Sample best{{}, std::numeric_limits<std::uint64_t>::max()};
  for (int i = 0; i < kTries; ++i) {
    std::optional<Sample> sample;
    if (timer) sample = sample_timer(device);
    timer = timer && sample.has_value();
    if (!sample) sample = sample_marker(device);
    if (sample->spread_ns < best.spread_ns) best = *sample;
  }
  return best.clocks;
}

}  // namespace sampan::opencl
