// Softmax along rows, and the weights it shares with attention.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reference/bound.h"
#include "reference/view.h"

namespace sampan::reference {

/// How often a kernel may rescale one row's partial results because its running maximum grew: once
/// per block of columns after the first, and once per merge of partial rows.
/// `kAnyRescales` covers every blocking, at the price of a bound that grows with the row.
inline constexpr std::int64_t kAnyRescales = -1;

/// e^(score - largest score) for each score of one row, as far as a device can know it up to a
/// factor common to the row, which cancels in softmax. Each weight's bound covers the two-pass
/// formula and online ones with at most `max_rescales` rescalings, whose shift never decreases.
/// A score of -infinity has weight 0 exactly. All weights are 0 if all scores are -infinity.
[[nodiscard]] std::vector<Bounded> softmax_weights(const Arithmetic&,
                                                   std::span<const Bounded> scores,
                                                   std::int64_t max_rescales);

struct SoftmaxSpec {
  /// Multiplies x first; an f32 number.
  double scale = 1;
  /// 0 suits kernels that find the row's maximum before any exponential.
  std::int64_t max_rescales = kAnyRescales;
  Dtype out = Dtype::kF32;
  Arithmetic arithmetic = kFloat32;
};

/// softmax(scale * x) along the columns of x [rows, cols]; either extent may be 0.
/// A row of -infinities, like a fully masked row of attention, gives zeros. A NaN or +infinity
/// anywhere in a row makes the row's finite entries NaN or unspecified: pass none.
[[nodiscard]] Result softmax(const View<2>& x, const SoftmaxSpec& spec);

}  // namespace sampan::reference
