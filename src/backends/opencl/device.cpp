#include "backends/opencl/device.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "backends/opencl/clock.h"
#include "backends/opencl/host.h"
#include "backends/opencl/info.h"
#include "backends/opencl/meminfo.h"
#include "backends/opencl/platform.h"

namespace sampan::opencl {
namespace {

// Drivers call this from any thread, also in the middle of a call of ours.
void log_notice(const char* text, const void*, std::size_t, void*) {
  log(SAMPAN_LOG_WARNING, std::string("The driver reports: ") + (text != nullptr ? text : ""));
}

OwnedContext make_context(const DeviceEntry& entry) {
  const cl::Property properties[] = {cl::kContextPlatform,
                                     reinterpret_cast<cl::Property>(entry.platform), 0};
  cl::Int code = cl::kSuccess;
  OwnedContext context(api().create_context(properties, 1, &entry.id, log_notice, nullptr, &code));
  check(code, "clCreateContext", During::kAllocation, "Opening the device");
  return context;
}

const DeviceEntry& entry_of(std::uint32_t ordinal) {
  const auto& devices = enumeration().devices;
  if (ordinal >= devices.size()) {
    throw Failure(SAMPAN_NOT_FOUND, "There is no OpenCL device " + std::to_string(ordinal) +
                                        "; this machine has " + std::to_string(devices.size()));
  }
  return devices[ordinal];
}

sampan_code_t count(std::uint32_t* out_count, sampan_error_t* error) {
  return guarded(error, [&] {
    const Enumeration& found = enumeration();
    if (found.devices.empty()) throw Failure(SAMPAN_NOT_FOUND, found.reason);
    *out_count = static_cast<std::uint32_t>(found.devices.size());
  });
}

sampan_code_t describe(std::uint32_t ordinal, sampan_device_info_t* out, sampan_error_t* error) {
  return guarded(error, [&] {
    sampan_device_info_t info = describe_device(read_traits(entry_of(ordinal)));
    info.size = std::min<std::uint32_t>(out->size, sizeof info);
    std::memcpy(out, &info, info.size);
  });
}

sampan_code_t open(std::uint32_t ordinal, sampan_device_t** out, sampan_error_t* error) {
  return guarded(error, [&] {
    Traits traits = read_traits(entry_of(ordinal));
    if (!traits.native_graphs) {
      log(SAMPAN_LOG_INFO, "No native graphs: " + traits.why_no_graphs);
    }
    *out = std::make_unique<sampan_device>(std::move(traits)).release();
  });
}

void close(sampan_device_t* device) { dispose(device); }

sampan_code_t memory_info(sampan_device_t* device, std::uint64_t* out_free_bytes,
                          std::uint64_t* out_total_bytes, sampan_error_t* error) {
  return guarded(*device, error, [&] {
    *out_free_bytes = free_memory_bytes(*device);
    *out_total_bytes = device->traits().memory_bytes;
  });
}

sampan_code_t status(sampan_device_t* device, sampan_error_t* error) {
  return guarded(*device, error, [&] {
    if (device_fact<cl::Bool>(device->id(), cl::kDeviceAvailable, cl::kTrue) == cl::kFalse) {
      throw failure_of(cl::kDeviceNotAvailable, "clGetDeviceInfo", During::kQuery,
                       "Asking for the state of the device");
    }
  });
}

sampan_code_t native(sampan_device_t* device, void** out, sampan_error_t* error) {
  return guarded(error, [&] { *out = device->id(); });
}

sampan_code_t clock(sampan_device_t* device, std::uint64_t* out_host_ns,
                    std::uint64_t* out_device_ns, sampan_error_t* error) {
  return guarded(*device, error, [&] {
    const ClockPair now = read_clocks(*device);
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

Device::Device(Traits device_traits) : traits_(std::move(device_traits)) {
  if (!traits_.path_error.empty()) throw Failure(SAMPAN_UNSUPPORTED, traits_.path_error);
  context_ = make_context(traits_.entry);
  watch_exit(After::start);
}

OwnedQueue Device::make_queue(bool profiled, std::int32_t priority) const {
  const cl::Bitfield flags = profiled ? cl::kQueueProfilingEnable : 0;
  cl::Int code = cl::kSuccess;
  if (traits_.priorities && priority != 0) {
    const cl::Property level = priority < 0 ? cl::kQueuePriorityHighKhr : cl::kQueuePriorityLowKhr;
    const cl::Property properties[] = {cl::kQueueProperties, flags, cl::kQueuePriorityKhr, level,
                                       0};
    OwnedQueue queue(
        api().create_command_queue_with_properties(context(), id(), properties, &code));
    check(code, "clCreateCommandQueueWithProperties", During::kAllocation, "Creating a queue");
    return queue;
  }
  OwnedQueue queue(api().create_command_queue(context(), id(), flags, &code));
  check(code, "clCreateCommandQueue", During::kAllocation, "Creating a queue");
  return queue;
}

cl::Queue Device::service_queue() {
  if (!service_queue_) service_queue_ = make_queue(true, 0);
  return service_queue_.get();
}

void Device::mark_lost(const Failure& failure) noexcept {
  const std::lock_guard lock(loss_mutex_);
  if (loss_) return;
  loss_ = failure;
  lost_.store(true, std::memory_order_release);
}

void Device::throw_loss() const {
  const std::lock_guard lock(loss_mutex_);
  throw *loss_;
}

}  // namespace sampan::opencl
