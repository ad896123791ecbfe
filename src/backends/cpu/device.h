// An opened CPU device.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "backends/cpu/error.h"
#include "backends/common/fork.h"
#include "backends/cpu/native/isa.h"
#include "backends/cpu/parking.h"
#include "backends/cpu/retired.h"
#include "backends/cpu/thread_pool.h"
#include "backends/cpu/topology.h"
#include "sampan/plugin/backend.h"

namespace sampan::cpu {

/// What the user asked of every CPU device, read once per process.
struct Settings {
  Machine machine;
  native::IsaLevel isa = native::IsaLevel::generic;
  std::uint64_t memory_limit_bytes = kNever;  ///< of each device
  std::string error;  ///< one sentence about the first setting that makes no sense
};

/// The settings of this process:
///   SAMPAN_CPU_DEVICES    see look_at_machine
///   SAMPAN_CPU_ISA        the highest instruction level to use: generic, v2, v3, v4, v4_bf16
///   SAMPAN_CPU_MEMORY_MB  the memory that a device pretends to have, in MiB
/// Throws std::bad_alloc.
[[nodiscard]] const Settings& settings();

/// Bytes handed out, and how many may be.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  /// Takes `bytes` off the budget if that many are left.
  [[nodiscard]] bool take(std::uint64_t bytes) noexcept;
  void give_back(std::uint64_t bytes) noexcept {
    used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t limit_bytes() const noexcept { return limit_bytes_; }
  [[nodiscard]] std::uint64_t left_bytes() const noexcept;

 private:
  const std::uint64_t limit_bytes_;
  std::atomic<std::uint64_t> used_bytes_{0};
};

/// Threads, memory and instruction level of one device. Free-threaded.
class Device {
 public:
  Device(const Settings& settings, const DevicePlace& place);

  [[nodiscard]] const DevicePlace& place() const noexcept { return place_; }
  [[nodiscard]] native::IsaLevel isa() const noexcept { return isa_; }
  [[nodiscard]] ThreadPool& pool() noexcept { return pool_; }
  [[nodiscard]] MemoryBudget& budget() noexcept { return budget_; }
  [[nodiscard]] Retired& retired() noexcept { return retired_; }

  /// Frees what the host has destroyed when no work uses it any more. In a forked child it is never
  /// freed: a thread that is not there may hold the lock.
  void retire(std::unique_ptr<Retirable> remains) noexcept;

  /// How long to spin for another thread: 0 where the process has one core.
  [[nodiscard]] std::uint64_t spin_ns() const noexcept { return spin_ns_; }

  /// True in a process that was forked after the device was opened: its threads are not there.
  [[nodiscard]] bool lost() const noexcept { return common::fork_count() != forks_at_open_; }

  /// SAMPAN_OK, or DEVICE_LOST with the reason.
  [[nodiscard]] sampan_code_t check(sampan_error_t* error) const noexcept;

 private:
  const DevicePlace& place_;
  const native::IsaLevel isa_;
  const std::uint64_t spin_ns_;
  const std::uint32_t forks_at_open_;
  ThreadPool pool_;
  MemoryBudget budget_;
  Retired retired_;
};

extern const sampan_device_table_t kDeviceTable;

}  // namespace sampan::cpu

struct sampan_device final : sampan::cpu::Device {
  using Device::Device;
};
