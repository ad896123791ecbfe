#include "support/random_data.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace sampan::test {

using reference::Dtype;

std::int64_t Random::integer(std::int64_t low, std::int64_t high) {
  const auto choices = static_cast<std::uint64_t>(high - low) + 1;
  // The modulo's bias is below choices / 2^64.
  return low + static_cast<std::int64_t>(engine_() % choices);
}

double Random::unit() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

double Random::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - unit()));
  return radius * std::cos(2 * std::numbers::pi * unit());
}

std::vector<double> random_integers(std::size_t count, std::int64_t low, std::int64_t high,
                                    std::uint64_t seed) {
  Random random(seed);
  std::vector<double> values(count);
  for (double& value : values) value = static_cast<double>(random.integer(low, high));
  return values;
}

std::int64_t exact_integer_range(std::int64_t terms, std::int64_t limit) {
  constexpr std::int64_t kExactInF32 = std::int64_t{1} << 24;
  std::int64_t range = 0;
  while (range < limit && terms * (range + 1) * (range + 1) <= kExactInF32) ++range;
  return range;
}

std::vector<double> random_normal(std::size_t count, double deviation, Dtype dtype,
                                  std::uint64_t seed) {
  Random random(seed);
  std::vector<double> values(count);
  for (double& value : values) value = reference::round_to(dtype, deviation * random.normal());
  return values;
}

std::vector<double> finite_special_values(Dtype dtype) {
  const reference::FloatFormat& format = reference::float_format(dtype);
  const double largest_subnormal = format.min_normal - format.min_subnormal;
  std::vector<double> values;
  for (const double magnitude :
       {0.0, format.min_subnormal, 3 * format.min_subnormal, largest_subnormal, format.min_normal,
        1.0, 1 + 2 * reference::unit_roundoff(dtype), format.max_finite}) {
    values.push_back(magnitude);
    values.push_back(-magnitude);
  }
  return values;
}

std::vector<double> special_values(Dtype dtype) {
  std::vector<double> values = finite_special_values(dtype);
  const double infinity = std::numeric_limits<double>::infinity();
  values.insert(values.end(), {infinity, -infinity, std::numeric_limits<double>::quiet_NaN()});
  return values;
}

}  // namespace sampan::test
