// Instruction levels that the native kernels are compiled for, and which one this CPU can run.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sampan::cpu::native {

/// Each level includes the ones before it. Off x86-64 only `generic` exists: the compiler's own
/// baseline (NEON on aarch64). The x86-64 levels are those of the System V psABI.
enum class IsaLevel : std::uint8_t {
  generic,
  x86_64_v2,       ///< SSE4.2
  x86_64_v3,       ///< AVX2, FMA, F16C
  x86_64_v4,       ///< AVX-512 F, BW, CD, DQ, VL
  x86_64_v4_bf16,  ///< v4 with AVX-512 BF16 and VNNI
};

inline constexpr IsaLevel kIsaLevels[] = {IsaLevel::generic, IsaLevel::x86_64_v2,
                                          IsaLevel::x86_64_v3, IsaLevel::x86_64_v4,
                                          IsaLevel::x86_64_v4_bf16};

/// The highest level that this CPU and its operating system (saved register state) support.
/// Asked of the CPU once; later calls cost a load. Any thread.
[[nodiscard]] IsaLevel detect_isa() noexcept;

/// The level's name as users write it: "generic", "x86-64-v3", "x86-64-v4-bf16".
[[nodiscard]] std::string_view isa_name(IsaLevel level) noexcept;

/// The level of that name, or nothing.
[[nodiscard]] std::optional<IsaLevel> parse_isa(std::string_view name) noexcept;

}  // namespace sampan::cpu::native
