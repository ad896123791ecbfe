// Seeded test data, equal on every platform and standard library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "reference/dtype.h"

namespace sampan::test {

/// Source of numbers. Only the engine is the standard library's, whose output the standard fixes;
/// its distributions differ between libraries.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  /// Uniform in [low, high], both included.
  [[nodiscard]] std::int64_t integer(std::int64_t low, std::int64_t high);
  /// Uniform in [0, 1).
  [[nodiscard]] double unit();
  /// Normal with mean 0 and deviation 1 (Box and Muller 1958).
  [[nodiscard]] double normal();

 private:
  std::mt19937_64 engine_;
};

/// `count` integers in [low, high].
[[nodiscard]] std::vector<double> random_integers(std::size_t count, std::int64_t low,
                                                  std::int64_t high, std::uint64_t seed);

/// Largest r for which every sum of `terms` products of two integers in [-r, r], and every partial
/// sum in whatever order, is exact in f32; at most `limit`. 0 if not even r = 1 is.
[[nodiscard]] std::int64_t exact_integer_range(std::int64_t terms, std::int64_t limit = 8);

/// `count` normal numbers times `deviation`, rounded to `dtype`.
[[nodiscard]] std::vector<double> random_normal(std::size_t count, double deviation,
                                                reference::Dtype dtype, std::uint64_t seed);

/// Every kind of number that `dtype`, a floating-point type, has: both zeros, subnormals, limits of
/// the normal range, one, infinities and NaN; negatives too.
[[nodiscard]] std::vector<double> special_values(reference::Dtype dtype);

/// The finite ones of them.
[[nodiscard]] std::vector<double> finite_special_values(reference::Dtype dtype);

}  // namespace sampan::test
