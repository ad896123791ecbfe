// Stand-ins for devices: the same formulas evaluated in f32, in the orders that kernels use.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace sampan::reference {

using Floats = std::vector<float>;

[[nodiscard]] inline Floats to_floats(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

[[nodiscard]] inline std::vector<double> to_doubles(const Floats& values) {
  return {values.begin(), values.end()};
}

/// An order in which a device may add up terms.
struct Summation {
  const char* name;
  float (*sum)(std::span<const float>);
};

inline float sum_forward(std::span<const float> terms) {
  float sum = 0;
  for (const float term : terms) sum += term;
  return sum;
}

inline float sum_backward(std::span<const float> terms) {
  float sum = 0;
  for (std::size_t i = terms.size(); i-- > 0;) sum += terms[i];
  return sum;
}

inline float sum_pairwise(std::span<const float> terms) {
  if (terms.size() <= 1) return terms.empty() ? 0.0f : terms[0];
  const std::size_t half = terms.size() / 2;
  return sum_pairwise(terms.first(half)) + sum_pairwise(terms.subspan(half));
}

/// Eight running sums, as vector code keeps them.
inline float sum_lanes(std::span<const float> terms) {
  float lanes[8] = {};
  for (std::size_t i = 0; i < terms.size(); ++i) lanes[i % 8] += terms[i];
  return sum_pairwise(lanes);
}

/// The order that loses most digits among these: largest magnitudes first.
inline float sum_falling(std::span<const float> terms) {
  Floats sorted(terms.begin(), terms.end());
  std::sort(sorted.begin(), sorted.end(),
            [](float a, float b) { return std::fabs(a) > std::fabs(b); });
  return sum_forward(sorted);
}

inline constexpr Summation kSummations[] = {{"forward", sum_forward},
                                            {"backward", sum_backward},
                                            {"pairwise", sum_pairwise},
                                            {"lanes", sum_lanes},
                                            {"falling", sum_falling}};

}  // namespace sampan::reference
