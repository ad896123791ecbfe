#include "reference/rope.h"

#include <cmath>
#include <vector>

namespace sampan::reference {
namespace {

struct Rotation {
  Bounded cosine;
  Bounded sine;
};

std::vector<Rotation> rotations(const Arithmetic& arithmetic, std::int32_t position,
                                std::span<const Bounded> frequencies) {
  std::vector<Rotation> all;
  for (const Bounded& frequency : frequencies) {
    const Bounded angle = multiply(arithmetic, exact(position), frequency);
    all.push_back({cosine(arithmetic, angle), sine(arithmetic, angle)});
  }
  return all;
}

// a * b + c * d, in either order and with or without fused multiply-add.
Bounded two_products(const Arithmetic& arithmetic, Bounded a, Bounded b, Bounded c, Bounded d) {
  Sum sum(arithmetic);
  sum.add_product(a, b);
  sum.add_product(c, d);
  return sum.total();
}

}  // namespace

std::vector<Bounded> rope_frequencies(const Arithmetic& arithmetic, double theta, std::int64_t d) {
  std::vector<Bounded> frequencies;
  for (std::int64_t i = 0; i < d / 2; ++i) {
    const double value = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(d));
    frequencies.push_back({value, arithmetic.roundoff * value});
  }
  return frequencies;
}

std::vector<Bounded> exact_frequencies(std::span<const double> table) {
  std::vector<Bounded> frequencies;
  for (const double value : table) frequencies.push_back(exact(value));
  return frequencies;
}

Result rope(const View<3>& x, std::span<const std::int32_t> positions,
            std::span<const Bounded> frequencies, const RopeSpec& spec) {
  const Arithmetic& arithmetic = spec.arithmetic;
  const std::int64_t half = x.extent(2) / 2;
  Result result;
  for (std::int64_t token = 0; token < x.extent(0); ++token) {
    const std::vector<Rotation> turn = rotations(arithmetic, positions[token], frequencies);
    for (std::int64_t head = 0; head < x.extent(1); ++head) {
      for (std::int64_t i = 0; i < half; ++i) {
        const Bounded minus_high = exact(-x(token, head, i + half));
        result.append(stored(arithmetic, spec.out,
                             two_products(arithmetic, exact(x(token, head, i)), turn[i].cosine,
                                          minus_high, turn[i].sine)));
      }
      for (std::int64_t i = 0; i < half; ++i) {
        const Bounded high = exact(x(token, head, i + half));
        result.append(stored(arithmetic, spec.out,
                             two_products(arithmetic, high, turn[i].cosine,
                                          exact(x(token, head, i)), turn[i].sine)));
      }
    }
  }
  return result;
}

}  // namespace sampan::reference
