#include <cmath>
#include <ctime>
#include <limits>

#include "backends/cuda_like/device.h"

namespace sampan::cuda_like {
namespace {

constexpr int kTries = 5;
// A difference below half a second is exact to 31 ns in f32 milliseconds.
constexpr std::uint64_t kBaseLifeNs = 500'000'000;

constexpr const char* kDoing = "Reading the device's clock";

std::optional<std::int64_t> between(DriverEvent begin, DriverEvent end) {
  float ms = 0;
  const Result code = api().event_elapsed_ms(&ms, begin, end);
  if (code == kErrorNotReady) return std::nullopt;
  if (code != kSuccess) {
    throw failure_of(code, api().event_elapsed_ms.symbol, During::kQuery, kDoing);
  }
  return std::llround(static_cast<double>(ms) * 1e6);
}

}  // namespace

std::uint64_t host_clock_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::shared_ptr<TimeBase> Device::new_base() {
  auto base = std::make_shared<TimeBase>(OwnedEvent(context_, true), base_);
  const std::lock_guard lock(mutex_);
  base->host_ns = host_clock_ns();
  check(api().event_record, During::kSubmission, kDoing, base->event.get(), service_);
  return base;
}

// The device's clock starts with the host's, so that the two differ little.
void Device::start_clock() {
  base_ = new_base();
  const DriverEvent event = base_->event.get();
  check(api().event_synchronize, During::kExecution, kDoing, event);
  base_->ns = base_->host_ns;
}

std::shared_ptr<TimeBase> Device::time_base() {
  const std::lock_guard lock(clock_mutex_);
  if (host_clock_ns() - base_->host_ns > kBaseLifeNs) {
    auto next = new_base();
    (void)resolve(*base_);  // keeps the chain of bases short
    base_ = std::move(next);
  }
  return base_;
}

// With clock_mutex_ held.
std::optional<std::uint64_t> Device::resolve(TimeBase& base) {
  if (base.ns) return base.ns;
  const auto before = resolve(*base.previous);
  if (!before) return std::nullopt;
  const auto elapsed_ns = between(base.previous->event.get(), base.event.get());
  if (!elapsed_ns) return std::nullopt;
  base.ns = *before + static_cast<std::uint64_t>(*elapsed_ns);
  base.previous = nullptr;
  return base.ns;
}

std::optional<std::uint64_t> Device::time_of(TimeBase& base, DriverEvent event) {
  const std::lock_guard lock(clock_mutex_);
  TimeBase* from = &base;
  while (!resolve(*from)) from = from->previous.get();  // the first of all is known
  const auto elapsed_ns = between(from->event.get(), event);
  if (!elapsed_ns) return std::nullopt;
  return *from->ns + static_cast<std::uint64_t>(*elapsed_ns);
}

void Device::read_clocks(std::uint64_t* out_host_ns, std::uint64_t* out_device_ns) {
  const std::shared_ptr<TimeBase> base = time_base();
  const OwnedEvent event(context_, true);
  std::uint64_t best_ns = std::numeric_limits<std::uint64_t>::max();
  for (int i = 0; i < kTries; ++i) {
    std::uint64_t before_ns = 0, after_ns = 0;
    {
      const std::lock_guard lock(mutex_);
      before_ns = host_clock_ns();
      check(api().event_record, During::kSubmission, kDoing, event.get(), service_);
      after_ns = host_clock_ns();
    }
    check(api().event_synchronize, During::kExecution, kDoing, event.get());
    const auto device_ns = time_of(*base, event.get());
    if (!device_ns || after_ns - before_ns >= best_ns) continue;
    best_ns = after_ns - before_ns;
    *out_host_ns = before_ns + best_ns / 2;
    *out_device_ns = *device_ns;
  }
}

}  // namespace sampan::cuda_like
