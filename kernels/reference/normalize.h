// Normalisations along rows.
#pragma once

#include <optional>

#include "reference/bound.h"
#include "reference/view.h"

namespace sampan::reference {

struct NormSpec {
  /// Added to the mean square or the variance under the root; an f32 number.
  double epsilon = 1e-5;
  Dtype out = Dtype::kF32;
  Arithmetic arithmetic = kFloat32;
};

/// y[r, c] = x[r, c] / sqrt(mean_c(x^2) + epsilon) * weight[c] for x [rows, cols], weight [cols].
[[nodiscard]] Result rms_norm(const View<2>& x, const View<1>& weight, const NormSpec& spec);

/// y[r, c] = (x[r, c] - mean) / sqrt(variance + epsilon) * weight[c] + bias[c], the variance being
/// the mean of (x - mean)^2. The bound covers kernels that subtract the mean before they square
/// (two passes over the row); mean(x^2) - mean^2 cancels and is not covered.
[[nodiscard]] Result layer_norm(const View<2>& x, const View<1>& weight,
                                const std::optional<View<1>>& bias, const NormSpec& spec);

}  // namespace sampan::reference
