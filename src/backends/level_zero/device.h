#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "backends/level_zero/clock.h"
#include "backends/level_zero/driver.h"
#include "backends/level_zero/error.h"
#include "backends/level_zero/open_context.h"
#include "sampan/plugin/backend.h"

namespace sampan::level_zero {

/// What an opened device shares with the points of its streams, which may outlive it: its context
/// and whether it is lost. Free-threaded.
class Health {
 public:
  explicit Health(std::shared_ptr<OpenContext> context) : context_(std::move(context)) {}

  [[nodiscard]] const std::shared_ptr<OpenContext>& context() const { return context_; }

  /// Throws the loss once the device is lost; cheap until then.
  void check_alive() const {
    if (lost()) [[unlikely]]
      throw_loss();
  }
  [[nodiscard]] bool lost() const { return lost_.load(std::memory_order_acquire); }
  /// If `failure` is the loss of the device: remembers the first.
  void note(const Failure& failure) noexcept;

 private:
  [[noreturn]] void throw_loss() const;

  const std::shared_ptr<OpenContext> context_;
  std::atomic<bool> lost_{false};
  mutable std::mutex mutex_;
  std::optional<Failure> loss_;
};

/// One opened device. Free-threaded.
class Device {
 public:
  /// Throws Failure.
  explicit Device(const Facts& facts);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  [[nodiscard]] const Facts& facts() const { return facts_; }
  [[nodiscard]] ze::Device id() const { return facts_.device; }
  [[nodiscard]] ze::Context context() const { return health_->context()->handle(); }
  [[nodiscard]] const std::shared_ptr<Health>& health() const { return health_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }

  /// Bytes of device memory that were allocated and not yet released.
  std::atomic<std::uint64_t> allocated_bytes{0};
  /// Grows whenever a module is unloaded: streams then drop the kernels that they hold of it.
  std::atomic<std::uint64_t> unload_epoch{0};

 private:
  const Facts facts_;
  const std::shared_ptr<Health> health_;
  const Clock clock_;
};

/// Runs `body` unless the device is lost, and remembers a loss that it meets.
template <typename Body>
[[nodiscard]] sampan_code_t guarded(Device& device, sampan_error_t* error, Body&& body) noexcept {
  return common::guarded(error, [&] {
    Health& health = *device.health();
    health.check_alive();
    try {
      return body();
    } catch (const Failure& failure) {
      health.note(failure);
      throw;
    }
  });
}

extern const sampan_device_table_t kDeviceTable;

}  // namespace sampan::level_zero

/// What the ABI calls a device.
struct sampan_device final : sampan::level_zero::Device {
  using Device::Device;
};
