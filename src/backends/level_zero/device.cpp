#include "backends/level_zero/device.h"

#include <algorithm>
#include <cstring>

namespace sampan::level_zero {
namespace {

const Facts& facts_of(std::uint32_t ordinal) {
  const auto& devices = enumeration().devices;
  if (ordinal >= devices.size()) {
    throw Failure(SAMPAN_NOT_FOUND, "There is no Level Zero device " + std::to_string(ordinal) +
                                        "; this machine has " + std::to_string(devices.size()));
  }
  return devices[ordinal];
}

sampan_code_t count(std::uint32_t* out_count, sampan_error_t* error) {
  return common::guarded(error, [&] {
    const Enumeration& found = enumeration();
    if (found.devices.empty()) throw Failure(SAMPAN_NOT_FOUND, found.reason);
    *out_count = static_cast<std::uint32_t>(found.devices.size());
  });
}

sampan_code_t describe(std::uint32_t ordinal, sampan_device_info_t* out, sampan_error_t* error) {
  return common::guarded(error, [&] {
    sampan_device_info_t info = describe_device(facts_of(ordinal));
    info.size = std::min<std::uint32_t>(out->size, sizeof info);
    std::memcpy(out, &info, info.size);
  });
}

sampan_code_t open(std::uint32_t ordinal, sampan_device_t** out, sampan_error_t* error) {
  return common::guarded(
      error, [&] { *out = std::make_unique<sampan_device>(facts_of(ordinal)).release(); });
}

void close(sampan_device_t* device) { delete device; }

// The core API doesn't tell what other processes use.
sampan_code_t memory_info(sampan_device_t* device, std::uint64_t* out_free_bytes,
                          std::uint64_t* out_total_bytes, sampan_error_t* error) {
  return guarded(*device, error, [&] {
    const std::uint64_t total = device->facts().memory_bytes;
    *out_free_bytes = total - std::min(total, device->allocated_bytes.load());
    *out_total_bytes = total;
  });
}

sampan_code_t status(sampan_device_t* device, sampan_error_t* error) {
  return guarded(*device, error, [&] {
    check(api().device_get_status(device->id()), "zeDeviceGetStatus", During::kQuery,
          "Asking for the state of the device");
  });
}

sampan_code_t native(sampan_device_t* device, void** out, sampan_error_t* error) {
  return common::guarded(error, [&] { *out = device->id(); });
}

sampan_code_t clock(sampan_device_t* device, std::uint64_t* out_host_ns,
                    std::uint64_t* out_device_ns, sampan_error_t* error) {
  return guarded(*device, error, [&] {
    const ClockPair now = device->clock().read();
    *out_host_ns = now.host_ns;
    *out_device_ns = now.device_ns;
  });
}

}  // namespace

const sampan_device_table_t kDeviceTable = {
    .size = sizeof(sampan_device_table_t),
    .reserved = 0,
    .count = count,
    .describe = describe,
    .open = open,
    .close = close,
    .memory_info = memory_info,
    .status = status,
    .native = native,
    .clock = clock,
};

void Health::note(const Failure& failure) noexcept {
  if (failure.code != SAMPAN_DEVICE_LOST) return;
  const std::lock_guard lock(mutex_);
  if (loss_) return;
  loss_ = failure;
  context_->retire();
  lost_.store(true, std::memory_order_release);
}

void Health::throw_loss() const {
  const std::lock_guard lock(mutex_);
  throw Failure(*loss_);
}

Device::Device(const Facts& facts)
    : facts_(facts),
      health_(std::make_shared<Health>(OpenContext::of(facts.driver))),
      clock_(facts) {}

}  // namespace sampan::level_zero
