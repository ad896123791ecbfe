#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sampan/buffer.h"
#include "sampan/event.h"
#include "sampan/module.h"
#include "sampan/stream.h"

namespace sampan {

namespace core {
class DeviceImpl;
}

enum class DeviceKind : std::uint32_t { cpu = 1, gpu = 2, accelerator = 3 };

/// Facts about a device, as its driver tells them.
struct DeviceInfo {
  std::string id;       ///< "opencl:0": what `device()` takes
  std::string backend;  ///< "opencl"
  std::string name;     ///< "NVIDIA H200"
  std::string vendor;
  std::string driver;  ///< "PoCL 3.1"
  std::string isa;     ///< "sm_90", "x86-64-v4"
  std::string
      identity;  ///< the physical device: "pci:0000:01:00.0", "uuid:…", "host-cpu", "opencl:0"
  std::string tile_class;  ///< row of the tile tables to start from
  DeviceKind kind = DeviceKind::cpu;
  bool emulated = false;     ///< a test driver; no hardware stands behind it
  bool host_access = false;  ///< the host reaches device memory directly
  std::uint64_t memory_bytes = 0, max_allocation_bytes = 0;
  std::uint64_t offset_alignment_bytes = 1;  ///< of views handed to kernels
  std::uint64_t local_memory_bytes = 0;
  std::uint32_t compute_units = 0, subgroup_size = 1, max_group_items = 0;
  std::array<std::uint32_t, 3> max_group{}, max_grid{};
  bool has_graphs = false;  ///< native ones; without it Sampan replays
  bool has_ops = false;     ///< the backend brings operations of its own
};

struct MemoryInfo {
  std::uint64_t free_bytes = 0, total_bytes = 0;  ///< as the driver counts now
};

/// The device's pool. All counts in bytes, for device memory and pinned host memory together.
struct PoolStats {
  std::uint64_t in_use_bytes = 0;    ///< held by buffers
  std::uint64_t reserved_bytes = 0;  ///< taken from the driver
  std::uint64_t peak_in_use_bytes = 0;
  std::uint64_t budget_bytes = 0;  ///< limit of reserved_bytes; 0 = none
  std::uint64_t allocations = 0, reuses = 0, driver_allocations = 0, cross_stream_waits = 0;
};

struct Telemetry {
  double power_w = 0, energy_j = 0, temperature_c = 0, utilisation = 0, clock_mhz = 0;
  bool has_power = false, has_energy = false, has_temperature = false, has_utilisation = false,
       has_clock = false;
  std::string source;
};

/// One device; shared, cheap to copy, comparable. The first call that needs it opens it. There is
/// no current device and no default stream. Free-threaded.
class Device {
 public:
  Device() noexcept = default;
  explicit Device(std::shared_ptr<core::DeviceImpl> impl) noexcept;

  [[nodiscard]] explicit operator bool() const noexcept { return impl_ != nullptr; }
  [[nodiscard]] const DeviceInfo& info() const;
  [[nodiscard]] const std::string& id() const { return info().id; }
  /// Ids by which other backends reach the same physical device. Loads every backend.
  [[nodiscard]] std::vector<std::string> also() const;
  [[nodiscard]] MemoryInfo memory_info() const;

  [[nodiscard]] Stream create_stream(const StreamOptions& options = {}) const;
  [[nodiscard]] Event create_event(const EventOptions& options = {}) const;
  /// Memory usable by any stream of the device from now on. Errors as `Stream::allocate`.
  [[nodiscard]] Buffer allocate(std::uint64_t size_bytes,
                                MemoryKind kind = MemoryKind::device) const;
  /// Makes host memory of the caller's known to the device, for asynchronous copies; it must
  /// outlive the buffer. unsupported.
  [[nodiscard]] Buffer register_host(void* pointer, std::uint64_t size_bytes) const;
  /// Wraps device memory that somebody else owns, by the driver's handle. unsupported.
  [[nodiscard]] Buffer wrap(void* native, std::uint64_t size_bytes) const;

  /// Loads code, compiling it if need be. compile_failed (the log is in `info().detail`),
  /// invalid_binary, unsupported (format, or no compiler on this machine), not_found (no such
  /// builtin).
  [[nodiscard]] Module load(const Code& code, const LoadOptions& options = {}) const;

  [[nodiscard]] PoolStats pool_stats() const;
  /// Limits what the pool may take from the driver; 0 = no limit.
  void set_memory_budget(std::uint64_t bytes) const;
  /// Gives unused memory back to the driver, waiting for work that still uses some; returns bytes
  /// freed.
  std::uint64_t trim_pool() const;

  /// Figures of the device's sensors. unsupported, with the reason.
  [[nodiscard]] Telemetry telemetry() const;

  /// After device_lost: closes and opens the device. Every older handle of it keeps failing with
  /// device_lost, and may be destroyed in any order; handles made from now on work.
  void reopen() const;

  /// The driver's own handle (cl_device_id …). unsupported where there is none.
  [[nodiscard]] void* native() const;
  [[nodiscard]] const std::shared_ptr<core::DeviceImpl>& impl() const noexcept { return impl_; }
  friend bool operator==(const Device& a, const Device& b) noexcept { return a.impl_ == b.impl_; }

 private:
  std::shared_ptr<core::DeviceImpl> impl_;
};

/// What became of one backend.
struct BackendInfo {
  enum class Status { loaded, absent, refused };
  std::string name;
  Status status = Status::absent;
  std::string reason;       ///< why absent or refused; empty if loaded
  std::string path;         ///< the plug-in's file
  std::string version;      ///< the plug-in's
  std::string driver_path;  ///< the driver library it opened; empty if none
};
[[nodiscard]] std::string_view to_string(BackendInfo::Status status) noexcept;

/// Every device that SAMPAN_DEVICES leaves, in a fixed order (the CPU first). A physical device
/// that two drivers reach appears once for each; `Device::also` names the others. Never fails
/// because of one backend: see `backends()`.
[[nodiscard]] std::vector<Device> devices();

/// Every backend found, not found or refused, with the reason.
[[nodiscard]] std::vector<BackendInfo> backends();

/// Picks one device: "auto" (the first GPU or accelerator that is not emulated, else the CPU),
/// "cpu" or "opencl" (the first of that backend), "opencl:1", "uuid=…", "pci=0000:01:00.0".
/// not_found, with the ids there are; invalid_argument for text that means nothing or fits several.
[[nodiscard]] Device device(std::string_view selector);

}  // namespace sampan
