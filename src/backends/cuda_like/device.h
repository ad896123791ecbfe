#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "backends/cuda_like/open_context.h"
#include "sampan/plugin/backend.h"

namespace sampan::cuda_like {

/// What the driver tells of a device without opening it.
struct Facts {
  Ordinal ordinal = 0;
  int capability_major = 0, capability_minor = 0;
  std::string isa;
  std::uint64_t memory_bytes = 0;
  std::uint64_t shared_bytes = 0;          ///< of a group, with dynamic memory that was asked for
  std::uint64_t shared_default_bytes = 0;  ///< without asking
  std::uint64_t max_pitch_bytes = 0;
  std::uint32_t multiprocessors = 0;
  bool cooperative = false;
  bool wait_value = false;
};

/// Throws Failure.
[[nodiscard]] Facts read_facts(int index);

/// See sampan_device_table_t::describe; without `size`. Throws Failure.
[[nodiscard]] sampan_device_info_t describe_device(const Facts& facts);

/// A moment of the device's clock. The driver gives differences of two events as f32 milliseconds,
/// so a base stays exact to some ns only for a while, and each event keeps the one it was recorded
/// after.
struct TimeBase {
  TimeBase(OwnedEvent at, std::shared_ptr<TimeBase> before)
      : event(std::move(at)), previous(std::move(before)) {}
  OwnedEvent event;
  std::shared_ptr<TimeBase> previous;  ///< until `ns` is known
  std::uint64_t host_ns = 0;           ///< when it was made
  std::optional<std::uint64_t> ns;
};

/// One opened device. Free-threaded.
class Device {
 public:
  /// Throws Failure.
  explicit Device(Facts facts);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device();

  [[nodiscard]] const Facts& facts() const { return facts_; }
  [[nodiscard]] const std::shared_ptr<OpenContext>& context() const { return context_; }

  /// A stream for the backend's own short pieces of work. The caller holds `service_mutex`.
  [[nodiscard]] DriverStream service_stream() const { return service_; }
  [[nodiscard]] std::mutex& service_mutex() { return mutex_; }

  // In all below the context is current. They throw Failure.

  /// Host and device clock at one moment.
  void read_clocks(std::uint64_t* out_host_ns, std::uint64_t* out_device_ns);
  /// A base for an event that is recorded now.
  [[nodiscard]] std::shared_ptr<TimeBase> time_base();
  /// When `event`, recorded after `base`, was reached; empty if it hasn't been.
  [[nodiscard]] std::optional<std::uint64_t> time_of(TimeBase& base, DriverEvent event);

  /// Lets this device reach the memory of `peer`.
  void enable_peer(const Device& peer);

 private:
  void start_clock();
  [[nodiscard]] std::shared_ptr<TimeBase> new_base();
  [[nodiscard]] std::optional<std::uint64_t> resolve(TimeBase& base);

  const Facts facts_;
  const std::shared_ptr<OpenContext> context_;
  std::mutex mutex_;
  DriverStream service_ = nullptr;
  std::mutex clock_mutex_;
  std::shared_ptr<TimeBase> base_;
  std::set<Context> peers_;
};

extern const sampan_device_table_t kDeviceTable;

/// CLOCK_MONOTONIC.
[[nodiscard]] std::uint64_t host_clock_ns() noexcept;

}  // namespace sampan::cuda_like

/// What the ABI calls a device.
struct sampan_device final : sampan::cuda_like::Device {
  using Device::Device;
};
