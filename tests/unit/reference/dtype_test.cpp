#include "reference/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace sampan::reference {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

constexpr Dtype kAll[] = {Dtype::kF32, Dtype::kF16, Dtype::kBf16,
                          Dtype::kI8,  Dtype::kU8,  Dtype::kI32};

TEST(Dtype, RoundToF32IsTheCompilersConversion) {
  for (const double value : {0.1, -1.0 / 3, 1e-40, 1e-45, 4e-46, 3.5e38, -1e300, 16777217.0}) {
    EXPECT_EQ(round_to(Dtype::kF32, value), static_cast<double>(static_cast<float>(value)));
  }
}

TEST(Dtype, RoundsOnceNotTwice) {
  // Just above a tie of f16 by less than f32 can hold: rounding through f32 would fall to even.
  const double value = 1 + 0x1p-11 + 0x1p-30;
  EXPECT_EQ(round_to(Dtype::kF16, value), 1 + 0x1p-10);
  EXPECT_EQ(round_to(Dtype::kF16, 1 + 0x1p-11), 1.0);
}

struct IntegerCase {
  Dtype dtype;
  double value;
  double expected;
};

TEST(Dtype, IntegersTruncateSaturateAndTakeNanAsZero) {
  const IntegerCase cases[] = {
      {Dtype::kI8, 1.9, 1},
      {Dtype::kI8, -1.9, -1},
      {Dtype::kI8, 127.9, 127},
      {Dtype::kI8, 128, 127},
      {Dtype::kI8, -128.9, -128},
      {Dtype::kI8, -kInfinity, -128},
      {Dtype::kI8, kNan, 0},
      {Dtype::kU8, -0.9, 0},
      {Dtype::kU8, -5, 0},
      {Dtype::kU8, 255.5, 255},
      {Dtype::kU8, kInfinity, 255},
      {Dtype::kI32, 2147483648.0, 2147483647.0},
      {Dtype::kI32, -3e9, -2147483648.0},
      {Dtype::kI32, kNan, 0},
  };
  for (const IntegerCase& c : cases) {
    EXPECT_EQ(round_to(c.dtype, c.value), c.expected) << dtype_name(c.dtype) << ' ' << c.value;
  }
}

TEST(Dtype, EncodeThenDecodeRounds) {
  const std::vector<double> values{0, 1, -1, 2.5, 100, 1.0 / 3, -77.7};
  for (const Dtype dtype : kAll) {
    const std::vector<std::byte> bytes = encode(dtype, values);
    ASSERT_EQ(bytes.size(), values.size() * size_bytes(dtype));
    const std::vector<double> back = decode(dtype, bytes.data(), values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(back[i], round_to(dtype, values[i])) << dtype_name(dtype) << ' ' << values[i];
    }
  }
}

TEST(Dtype, EncodesKnownBytes) {
  const auto bytes_of = [](Dtype dtype, double value) {
    std::vector<int> bytes;
    for (const std::byte byte : encode(dtype, std::vector<double>{value})) {
      bytes.push_back(std::to_integer<int>(byte));
    }
    return bytes;
  };
  EXPECT_EQ(bytes_of(Dtype::kF32, -2), (std::vector<int>{0, 0, 0, 0xc0}));
  EXPECT_EQ(bytes_of(Dtype::kF16, 1.5), (std::vector<int>{0x00, 0x3e}));
  EXPECT_EQ(bytes_of(Dtype::kBf16, 1.5), (std::vector<int>{0xc0, 0x3f}));
  EXPECT_EQ(bytes_of(Dtype::kI8, -2), (std::vector<int>{0xfe}));
  EXPECT_EQ(bytes_of(Dtype::kU8, 200), (std::vector<int>{200}));
  EXPECT_EQ(bytes_of(Dtype::kI32, -2), (std::vector<int>{0xfe, 0xff, 0xff, 0xff}));
}

TEST(Dtype, UlpIsTheSpacingOfNeighbours) {
  EXPECT_EQ(ulp(Dtype::kF32, 1.0), 0x1p-23);
  EXPECT_EQ(ulp(Dtype::kF32, -1.999), 0x1p-23);
  EXPECT_EQ(ulp(Dtype::kF32, 2.0), 0x1p-22);
  EXPECT_EQ(ulp(Dtype::kF32, 0.0), 0x1p-149);
  EXPECT_EQ(ulp(Dtype::kF16, 65504.0), 32.0);
  EXPECT_EQ(ulp(Dtype::kBf16, 1.0), 0x1p-7);
  EXPECT_EQ(ulp(Dtype::kI32, 12.0), 1.0);
}

TEST(Dtype, FormatConstantsAreConsistent) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBf16}) {
    const FloatFormat& format = float_format(dtype);
    EXPECT_EQ(format.min_subnormal, std::ldexp(format.min_normal, 1 - format.precision_bits));
    EXPECT_EQ(round_to(dtype, format.max_finite), format.max_finite);
    EXPECT_EQ(round_to(dtype, format.min_subnormal), format.min_subnormal);
    EXPECT_EQ(round_to(dtype, format.min_subnormal / 2), 0);
    EXPECT_EQ(round_to(dtype, format.max_finite + ulp(dtype, format.max_finite) / 2), kInfinity);
    EXPECT_EQ(unit_roundoff(dtype), ulp(dtype, 1) / 2);
  }
}

}  // namespace
}  // namespace sampan::reference
