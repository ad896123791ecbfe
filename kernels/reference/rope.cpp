#include "reference/rope.h"

#include <cmath>
#include <vector>

namespace sampan::reference {
namespace {

struct Rotation {
  Bounded cosine;
  Bounded sine;
};

std::vector<Rotation> rotations(const RopeSpec& spec, std::int64_t position, std::int64_t d) {
  std::vector<Rotation> all;
  for (std::int64_t i = 0; i < d / 2; ++i) {
    const Bounded angle = rope_angle(spec.arithmetic, position, i, d, spec.theta);
    all.push_back({cosine(spec.arithmetic, angle), sine(spec.arithmetic, angle)});
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

Bounded rope_angle(const Arithmetic& arithmetic, std::int64_t position, std::int64_t i,
                   std::int64_t d, double theta) {
  const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(d);
  const Bounded frequency = power(arithmetic, theta, exact(exponent));
  return multiply(arithmetic, exact(static_cast<double>(position)), frequency);
}

Result rope(const View<3>& x, std::span<const std::int32_t> positions, const RopeSpec& spec) {
  const Arithmetic& arithmetic = spec.arithmetic;
  const std::int64_t half = x.extent(2) / 2;
  Result result;
  for (std::int64_t token = 0; token < x.extent(0); ++token) {
    const std::vector<Rotation> turn = rotations(spec, positions[token], x.extent(2));
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
