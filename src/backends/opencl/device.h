#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

#include "backends/opencl/error.h"
#include "backends/opencl/handle.h"
#include "backends/opencl/traits.h"
#include "sampan/plugin/backend.h"

namespace sampan::opencl {

/// One opened device: a context of its own, so that its failure and its objects are no other
/// device's. Free-threaded.
class Device {
 public:
  /// Throws Failure: the driver refuses, or SAMPAN_OPENCL_MEMORY asks for what isn't there.
  explicit Device(Traits device_traits);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  [[nodiscard]] const Traits& traits() const { return traits_; }
  [[nodiscard]] cl::Device id() const { return traits_.entry.id; }
  [[nodiscard]] cl::Context context() const { return context_.get(); }

  /// A new in-order queue. `priority` as in sampan_stream_options_t.
  [[nodiscard]] OwnedQueue make_queue(bool profiled, std::int32_t priority) const;

  /// An in-order profiled queue for the backend's own short pieces of work. The caller holds
  /// `service_mutex` as long as it uses the queue.
  [[nodiscard]] cl::Queue service_queue();
  [[nodiscard]] std::mutex& service_mutex() { return service_mutex_; }

  /// Throws the loss once the device is lost; cheap until then.
  void check_alive() const {
    if (lost_.load(std::memory_order_acquire)) [[unlikely]] {
      throw_loss();
    }
  }
  /// Remembers the first loss.
  void mark_lost(const Failure& failure) noexcept;

  /// Bytes of device memory that were allocated and not yet released.
  std::atomic<std::uint64_t> allocated_bytes{0};

  /// Grows whenever a module is unloaded: streams then drop the kernels that they hold of it.
  std::atomic<std::uint64_t> unload_epoch{0};

 private:
  [[noreturn]] void throw_loss() const;

  const Traits traits_;
  OwnedContext context_;
  std::mutex service_mutex_;
  OwnedQueue service_queue_;
  std::atomic<bool> lost_{false};
  mutable std::mutex loss_mutex_;
  std::optional<Failure> loss_;
};

/// Runs `body` unless the device is lost, and remembers a loss that it reports.
template <typename Body>
[[nodiscard]] sampan_code_t guarded(Device& device, sampan_error_t* error, Body&& body) noexcept {
  return guarded(error, [&] {
    device.check_alive();
    try {
      return body();
    } catch (const Failure& failure) {
      if (failure.code == SAMPAN_DEVICE_LOST) device.mark_lost(failure);
      throw;
    }
  });
}

extern const sampan_device_table_t kDeviceTable;

}  // namespace sampan::opencl

/// What the ABI calls a device.
struct sampan_device final : sampan::opencl::Device {
  using Device::Device;
};
