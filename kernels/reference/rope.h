// Rotary position embedding.
#pragma once

#include <cstdint>
#include <span>

#include "reference/bound.h"
#include "reference/view.h"

namespace sampan::reference {

struct RopeSpec {
  double theta = 10000;
  Dtype out = Dtype::kF32;
  Arithmetic arithmetic = kFloat32;
};

/// Rotates x [tokens, heads, d], d even, by the half-split convention of Hugging Face's Llama: for
/// i < d / 2 and angle = positions[token] * theta^(-2 i / d),
///   y[i]         = x[i] cos(angle) - x[i + d / 2] sin(angle)
///   y[i + d / 2] = x[i + d / 2] cos(angle) + x[i] sin(angle).
/// The bound grows with the position: an f32 angle of thousands of radians has lost as many units
/// in its last place.
[[nodiscard]] Result rope(const View<3>& x, std::span<const std::int32_t> positions,
                          const RopeSpec& spec);

/// The angle above, with the bound of its f32 evaluation as position * exp2(-2 i / d *
/// log2(theta)).
[[nodiscard]] Bounded rope_angle(const Arithmetic&, std::int64_t position, std::int64_t i,
                                 std::int64_t d, double theta);

}  // namespace sampan::reference
