// The instruction sets that the emulated hipRTC compiles for, by their numbers in ELF headers:
// EF_AMDGPU_MACH_* of https://llvm.org/docs/AMDGPUUsage.html#amdgpu-ef-amdgpu-mach-table
#pragma once

#include <string_view>

namespace sampan::emulator::hip {

constexpr unsigned kElfMachine = 224;
/// Of the emulated devices.
constexpr std::string_view kArchitecture = "gfx90a";

/// 0 for a name that isn't known; "gfx90a:xnack-" is gfx90a.
[[nodiscard]] constexpr unsigned architecture_number(std::string_view name) {
  struct Row {
    std::string_view name;
    unsigned number;
  };
  constexpr Row kRows[] = {{"gfx906", 0x2f}, {"gfx908", 0x30},  {"gfx90a", 0x3f},
                           {"gfx942", 0x4c}, {"gfx1030", 0x36}, {"gfx1100", 0x41}};
  name = name.substr(0, name.find(':'));
  for (const Row& row : kRows) {
    if (row.name == name) return row.number;
  }
  return 0;
}

}  // namespace sampan::emulator::hip
