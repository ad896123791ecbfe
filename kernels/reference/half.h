// Bit-exact conversions between f32 and the two 16-bit floating-point formats.
#pragma once

#include <bit>
#include <cstdint>

namespace sampan::reference {

/// Value of IEEE 754 binary16 `bits`. Exact for every input; a NaN keeps its sign and payload.
[[nodiscard]] constexpr float f16_to_f32(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fu;
  const std::uint32_t fraction = bits & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (fraction << 13));
  if (exponent != 0)
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
  // Subnormal or zero: fraction * 2^-24, exact in f32.
  const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
}

/// Nearest binary16 of `value`, ties to even; subnormals are kept; magnitudes of 65520 and more
/// become infinity; a NaN becomes a quiet NaN with the same sign and upper payload bits.
[[nodiscard]] constexpr std::uint16_t f32_to_f16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return static_cast<std::uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
  }
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u;  // 65520 = 65504 + half a step
  if (magnitude < 0x38800000u) {
    // Below 2^-14: count steps of 2^-24. Adding 2^-1 makes f32's own last place equal to that step,
    // so the addition does the rounding.
    const float sum = std::bit_cast<float>(magnitude) + 0.5f;
    const std::uint32_t steps = std::bit_cast<std::uint32_t>(sum) - 0x3f000000u;
    return static_cast<std::uint16_t>(sign | steps);
  }
  const std::uint32_t odd = (magnitude >> 13) & 1u;
  const std::uint32_t rounded = magnitude + 0xfffu + odd - (112u << 23);
  return static_cast<std::uint16_t>(sign | (rounded >> 13));
}

/// Value of bfloat16 `bits`: the upper half of an f32. Exact for every input.
[[nodiscard]] constexpr float bf16_to_f32(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// Nearest bfloat16 of `value`, ties to even; subnormals are kept; magnitudes of 2^128 - 2^119 and
/// more become infinity; a NaN becomes a quiet NaN with the same sign and upper payload bits.
[[nodiscard]] constexpr std::uint16_t f32_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  const std::uint32_t odd = (bits >> 16) & 1u;
  return static_cast<std::uint16_t>((bits + 0x7fffu + odd) >> 16);
}

}  // namespace sampan::reference
