#include "reference/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sampan::reference {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Product with log2(e) (constant and product) and the subtraction of the shift.
constexpr double kShiftedArgumentRoundings = 3;

struct RowMaximum {
  double value = -kInfinity;
  double largest_error = 0;  // of any score that is not -infinity
};

RowMaximum row_maximum(std::span<const Bounded> scores) {
  RowMaximum maximum;
  for (const Bounded& score : scores) {
    if (score.value == -kInfinity) continue;
    maximum.value = std::max(maximum.value, score.value);
    maximum.largest_error = std::max(maximum.largest_error, score.error);
  }
  return maximum;
}

}  // namespace

std::vector<Bounded> softmax_weights(const Arithmetic& arithmetic, std::span<const Bounded> scores,
                                     std::int64_t max_rescales) {
  const RowMaximum maximum = row_maximum(scores);
  const auto rescales = static_cast<double>(
      max_rescales == kAnyRescales ? static_cast<std::int64_t>(scores.size()) : max_rescales);
  const double exp2_error = 2 * arithmetic.exp2_ulps * arithmetic.roundoff;
  // Logarithm of the largest relative error that does not depend on the score.
  const double common =
      (rescales + 1) * exp2_error / (1 - exp2_error) + gamma(rescales, arithmetic);
  std::vector<Bounded> weights;
  weights.reserve(scores.size());
  for (const Bounded& score : scores) {
    if (score.value == -kInfinity) {
      weights.push_back(exact(0));
      continue;
    }
    // The shifts climb to the device's own maximum, so the arguments' magnitudes telescope.
    const double distance = (maximum.value - score.value) + score.error + maximum.largest_error;
    const double argument = kShiftedArgumentRoundings * arithmetic.roundoff * distance;
    const double weight = std::exp(score.value - maximum.value);
    const double relative = std::expm1(score.error + argument + common);
    weights.push_back({weight, weight * relative + (rescales + 2) * arithmetic.flush});
  }
  return weights;
}

Result softmax(const View<2>& x, const SoftmaxSpec& spec) {
  const Arithmetic& arithmetic = spec.arithmetic;
  Result result;
  result.reserve(x.extent(0) * x.extent(1));
  std::vector<Bounded> scores(x.extent(1));
  for (std::int64_t row = 0; row < x.extent(0); ++row) {
    for (std::int64_t col = 0; col < x.extent(1); ++col) {
      const Bounded element = exact(x(row, col));
      scores[col] = spec.scale == 1 ? element : multiply(arithmetic, element, exact(spec.scale));
    }
    const std::vector<Bounded> weights = softmax_weights(arithmetic, scores, spec.max_rescales);
    Sum total(arithmetic);
    for (const Bounded& weight : weights) total.add(weight);
    const Bounded denominator = total.total();
    for (const Bounded& weight : weights) {
      const Bounded share =
          denominator.value == 0 ? exact(0) : divide(arithmetic, weight, denominator);
      result.append(stored(arithmetic, spec.out, share));
    }
  }
  return result;
}

}  // namespace sampan::reference
