// Which cores and how much memory the CPU devices of this process have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backends/common/environment.h"

namespace sampan::cpu {

/// The part of the machine that one CPU device is.
struct DevicePlace {
  /// Logical processors (the operating system's numbers) that its threads may run on; empty: all
  /// that the process may use.
  std::vector<unsigned> cores;
  /// Threads that compute at once: one per physical core, or one per processor where the user
  /// listed them, and no more than the CPU quota of the control group.
  unsigned threads = 1;
  /// The NUMA node (the operating system's number) that its memory comes from; -1 for any.
  int numa_node = -1;
  /// Bytes of main memory behind it, before limits.
  std::uint64_t memory_bytes = 0;
};

/// The devices of this process.
struct Machine {
  std::vector<DevicePlace> devices;  ///< never empty unless `error` is set
  std::string cpu_name;              ///< "AMD EPYC"
  std::string cpu_vendor;            ///< "AuthenticAMD"
  unsigned usable_cores = 1;         ///< logical processors that the process may use
  std::string error;                 ///< one sentence about a setting that makes no sense
};

/// Looks at the machine as the environment asks:
///   SAMPAN_CPU_DEVICES  "all": one device of every core that the process may use (the default);
///                       "numa": one device for each NUMA node; or core lists: "0-1;2-3,6" makes
///                       cpu:0 of the cores 0 and 1, cpu:1 of 2, 3 and 6
/// Throws std::bad_alloc.
[[nodiscard]] Machine look_at_machine(const common::Environment& environment);

/// The numbers in a list like "0-3,8"; empty if it isn't one.
[[nodiscard]] std::vector<unsigned> parse_core_list(std::string_view list);

/// Threads that a control group's "cpu.max" (version 2: "max 100000", "150000 100000") allows,
/// rounded up; 0 for no limit.
[[nodiscard]] unsigned parse_cpu_quota(std::string_view cpu_max);

}  // namespace sampan::cpu
