// Half-precision conversions, checked over every 16-bit pattern against an independent definition.
#include "reference/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "reference/dtype.h"

namespace sampan::reference {
namespace {

struct HalfFormat {
  const char* name;
  Dtype dtype;
  int fraction_bits;
  int bias;
  std::uint16_t infinity;
  float (*widen)(std::uint16_t);
  std::uint16_t (*narrow)(float);
};

constexpr HalfFormat kF16Format{"f16", Dtype::kF16, 10, 15, 0x7c00, f16_to_f32, f32_to_f16};
constexpr HalfFormat kBf16Format{"bf16", Dtype::kBf16, 7, 127, 0x7f80, bf16_to_f32, f32_to_bf16};

// The value of a finite pattern straight from the format's definition.
double defined_value(const HalfFormat& format, std::uint16_t bits) {
  const int fraction = bits & ((1 << format.fraction_bits) - 1);
  const int exponent = (bits & 0x7fff) >> format.fraction_bits;
  const double significand = (exponent == 0 ? 0 : 1 << format.fraction_bits) + fraction;
  const double magnitude =
      std::ldexp(significand, std::max(exponent, 1) - format.bias - format.fraction_bits);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

class Half : public testing::TestWithParam<HalfFormat> {};
INSTANTIATE_TEST_SUITE_P(Formats, Half, testing::Values(kF16Format, kBf16Format),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(Half, EveryFinitePatternHasItsDefinedValueAndComesBack) {
  const HalfFormat& format = GetParam();
  int finite = 0;
  for (std::uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
    const auto bits = static_cast<std::uint16_t>(pattern);
    if ((bits & 0x7fff) >= format.infinity) continue;
    const float value = format.widen(bits);
    ASSERT_EQ(value, defined_value(format, bits)) << pattern;
    ASSERT_EQ(std::signbit(value), (bits & 0x8000) != 0) << pattern;
    ASSERT_EQ(format.narrow(value), bits) << pattern;
    ++finite;
  }
  EXPECT_EQ(finite, 2 * format.infinity);
}

TEST_P(Half, InfinitiesAndEveryNanComeBack) {
  const HalfFormat& format = GetParam();
  const auto quiet = static_cast<std::uint16_t>(1u << (format.fraction_bits - 1));
  for (std::uint32_t pattern = format.infinity; pattern < 0x8000; ++pattern) {
    for (const std::uint32_t sign : {0x0000u, 0x8000u}) {
      const auto bits = static_cast<std::uint16_t>(pattern | sign);
      const float value = format.widen(bits);
      const bool infinite = pattern == format.infinity;
      ASSERT_EQ(std::isinf(value), infinite) << pattern;
      ASSERT_EQ(std::isnan(value), !infinite) << pattern;
      // A signalling NaN comes back quiet, its other bits unchanged.
      ASSERT_EQ(format.narrow(value), infinite ? bits : (bits | quiet)) << pattern;
    }
  }
}

// Between any two neighbours: the midpoint goes to the even one, all else to the nearer.
TEST_P(Half, RoundsToNearestTiesToEvenBetweenAllNeighbours) {
  const HalfFormat& format = GetParam();
  for (std::uint32_t pattern = 0; pattern + 1 < format.infinity; ++pattern) {
    const auto low = static_cast<std::uint16_t>(pattern);
    const auto high = static_cast<std::uint16_t>(pattern + 1);
    const auto middle =
        static_cast<float>((defined_value(format, low) + defined_value(format, high)) / 2);
    const std::uint16_t even = (low & 1u) == 0 ? low : high;
    const float below = std::nextafter(middle, 0.0f);
    const float above = std::nextafter(middle, std::numeric_limits<float>::infinity());
    ASSERT_EQ(format.narrow(middle), even) << pattern;
    ASSERT_EQ(format.narrow(below), low) << pattern;
    ASSERT_EQ(format.narrow(above), high) << pattern;
    ASSERT_EQ(format.narrow(-middle), even | 0x8000) << pattern;
    ASSERT_EQ(format.narrow(-below), low | 0x8000) << pattern;
    ASSERT_EQ(format.narrow(-above), high | 0x8000) << pattern;
  }
}

TEST_P(Half, OverflowsHalfAStepAboveTheLargest) {
  const HalfFormat& format = GetParam();
  const auto largest = static_cast<std::uint16_t>(format.infinity - 1);
  const double step = defined_value(format, largest) -
                      defined_value(format, static_cast<std::uint16_t>(largest - 1));
  const auto threshold = static_cast<float>(defined_value(format, largest) + step / 2);
  EXPECT_EQ(format.narrow(threshold), format.infinity);
  EXPECT_EQ(format.narrow(std::nextafter(threshold, 0.0f)), largest);
  EXPECT_EQ(format.narrow(-threshold), format.infinity | 0x8000);
  EXPECT_EQ(format.narrow(std::numeric_limits<float>::max()), format.infinity);
}

// round_to works on f64 by scaling, the conversions on bits: they must agree on f32 numbers of
// every exponent. The step is prime, so low bits of all kinds occur.
TEST_P(Half, AgreesWithRoundToOnEveryExponent) {
  const HalfFormat& format = GetParam();
  for (std::uint64_t pattern = 0; pattern < 0x1'0000'0000; pattern += 7919) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(pattern));
    if (std::isnan(value)) continue;
    const double expected = round_to(format.dtype, value);
    ASSERT_EQ(format.widen(format.narrow(value)), expected) << pattern;
  }
}

TEST(HalfConstexpr, ConvertsAtCompileTime) {
  static_assert(f32_to_f16(1.0f) == 0x3c00);
  static_assert(f32_to_f16(0x1p-24f) == 0x0001);
  static_assert(f16_to_f32(0x7bff) == 65504.0f);
  static_assert(f32_to_bf16(-2.0f) == 0xc000);
  static_assert(bf16_to_f32(0x3f80) == 1.0f);
}

}  // namespace
}  // namespace sampan::reference
