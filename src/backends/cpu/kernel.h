// A kernel as launches see it.
#pragma once

#include <atomic>
#include <cstdint>

#include "dialect/cpu_abi.h"

namespace sampan::cpu {

/// One entry point of a loaded module; lives as long as the module.
struct Kernel {
  explicit Kernel(const sampan_cpu_kernel& compiled) : code(&compiled) {}

  const sampan_cpu_kernel* code;
  /// What a group of the last launch took, in picoseconds; 0 before the first. Decides whether a
  /// launch is worth sharing among threads.
  std::atomic<std::uint64_t> group_cost_ps{0};
};

}  // namespace sampan::cpu

struct sampan_kernel final : sampan::cpu::Kernel {
  using Kernel::Kernel;
};
