// Rotary position embedding.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reference/bound.h"
#include "reference/view.h"

namespace sampan::reference {

struct RopeSpec {
  Dtype out = Dtype::kF32;
  Arithmetic arithmetic = kFloat32;
};

/// Rotates x [tokens, heads, d], d even, by the half-split convention of Hugging Face's Llama: for
/// i < d / 2 and angle = positions[token] * frequencies[i],
///   y[i]         = x[i] cos(angle) - x[i + d / 2] sin(angle)
///   y[i + d / 2] = x[i + d / 2] cos(angle) + x[i] sin(angle).
/// `frequencies` has d / 2 elements: exact numbers where the kernel is given a table, else as
/// `rope_frequencies` bounds them. The bound grows with the position: an f32 angle of thousands of
/// radians has lost as many units in its last place.
[[nodiscard]] Result rope(const View<3>& x, std::span<const std::int32_t> positions,
                          std::span<const Bounded> frequencies, const RopeSpec& spec);

/// theta^(-2 i / d) for i < d / 2, computed in f64 and rounded to f32 once.
[[nodiscard]] std::vector<Bounded> rope_frequencies(const Arithmetic&, double theta,
                                                    std::int64_t d);

/// The numbers of a given table, without error.
[[nodiscard]] std::vector<Bounded> exact_frequencies(std::span<const double> table);

}  // namespace sampan::reference
