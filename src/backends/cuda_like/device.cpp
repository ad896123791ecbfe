#include "backends/cuda_like/device.h"

#include <algorithm>
#include <cstring>

#include "backends/cuda_like/vendor.h"

namespace sampan::cuda_like {
namespace {

int device_count() {
  if (!driver().error.empty()) throw Failure(SAMPAN_NOT_FOUND, driver().error);
  int count = 0;
  check(api().device_count, During::kQuery, "Counting devices", &count);
  return count;
}

Facts facts_of(std::uint32_t ordinal) {
  const int count = device_count();
  if (ordinal >= static_cast<std::uint32_t>(std::max(count, 0))) {
    throw Failure(SAMPAN_NOT_FOUND, std::string("There is no ") + vendor().title + " device " +
                                        std::to_string(ordinal) + "; this machine has " +
                                        std::to_string(count));
  }
  return read_facts(static_cast<int>(ordinal));
}

sampan_code_t count(std::uint32_t* out_count, sampan_error_t* error) {
  return guarded(error, [&] {
    const int count = device_count();
    if (count <= 0) {
      throw Failure(SAMPAN_NOT_FOUND,
                    std::string("the ") + vendor().title + " driver finds no device");
    }
    *out_count = static_cast<std::uint32_t>(count);
  });
}

sampan_code_t describe(std::uint32_t ordinal, sampan_device_info_t* out, sampan_error_t* error) {
  return guarded(error, [&] {
    sampan_device_info_t info = describe_device(facts_of(ordinal));
    info.size = std::min<std::uint32_t>(out->size, sizeof info);
    std::memcpy(out, &info, info.size);
  });
}

sampan_code_t open(std::uint32_t ordinal, sampan_device_t** out, sampan_error_t* error) {
  return guarded(error,
                 [&] { *out = std::make_unique<sampan_device>(facts_of(ordinal)).release(); });
}

void close(sampan_device_t* device) { dispose(device); }

sampan_code_t memory_info(sampan_device_t* device, std::uint64_t* out_free_bytes,
                          std::uint64_t* out_total_bytes, sampan_error_t* error) {
  return guarded(*device->context(), error, [&] {
    std::size_t free_bytes = 0, total_bytes = 0;
    check(api().memory_info, During::kQuery, "Asking for free memory", &free_bytes, &total_bytes);
    *out_free_bytes = free_bytes;
    *out_total_bytes = total_bytes;
  });
}

// A stream without work tells of the context's state at once.
sampan_code_t status(sampan_device_t* device, sampan_error_t* error) {
  return guarded(*device->context(), error, [&] {
    const Result code = api().stream_query(device->service_stream());
    if (code == kSuccess || code == kErrorNotReady) return;
    Failure failure = failure_of(code, api().stream_query.symbol, During::kQuery,
                                 "Asking for the state of the device");
    if (breaks_context(code)) {
      device->context()->note(failure);
      device->context()->check_alive();
    }
    throw failure;
  });
}

sampan_code_t native(sampan_device_t* device, void** out, sampan_error_t* error) {
  return guarded(error, [&] {
    *out = reinterpret_cast<void*>(static_cast<std::intptr_t>(device->facts().ordinal));
  });
}

sampan_code_t clock(sampan_device_t* device, std::uint64_t* out_host_ns,
                    std::uint64_t* out_device_ns, sampan_error_t* error) {
  return guarded(*device->context(), error,
                 [&] { device->read_clocks(out_host_ns, out_device_ns); });
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

Device::Device(Facts facts)
    : facts_(std::move(facts)), context_(std::make_shared<OpenContext>(facts_.ordinal)) {
  const Current current(context_->handle());
  check(api().stream_create, During::kAllocation, "Opening the device", &service_,
        kStreamNonBlocking, 0);
  try {
    start_clock();
  } catch (...) {
    (void)api().stream_destroy(service_);
    throw;
  }
}

Device::~Device() {
  base_ = nullptr;
  quietly(*context_, [this] { (void)api().stream_destroy(service_); });
}

void Device::enable_peer(const Device& peer) {
  const Context theirs = peer.context()->handle();
  const std::lock_guard lock(mutex_);
  if (!shape().enable_peer || peers_.contains(theirs)) return;
  check(shape().enable_peer, During::kAllocation, "Reaching another device's memory",
        context_->handle(), theirs);
  peers_.insert(theirs);
}

}  // namespace sampan::cuda_like
