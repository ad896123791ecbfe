// What the driver reads from SPIR-V itself.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace sampan::emulator::ze {

/// A kernel as its code declares it.
struct KernelSignature {
  /// One letter per argument: v by value, g global or constant memory, l local memory.
  std::string arguments;
  std::array<std::uint32_t, 3> group{};  ///< that it requires; 0 if none
};

/// The entry points of a module. Empty where it is no SPIR-V, or damaged.
[[nodiscard]] std::map<std::string, KernelSignature> read_signatures(
    std::span<const std::uint32_t> words);

}  // namespace sampan::emulator::ze
