#include "support/random_data.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace sampan::test {
namespace {

using reference::Dtype;

TEST(Random, IsTheSameEverywhere) {
  // std::mt19937_64's ten-thousandth output is fixed by the standard ([rand.predef]); these first
  // values pin what is made of it.
  EXPECT_EQ(random_integers(6, -9, 9, 1), random_integers(6, -9, 9, 1));
  EXPECT_NE(random_integers(6, -9, 9, 1), random_integers(6, -9, 9, 2));
  std::mt19937_64 engine(5489u);
  engine.discard(9999);
  EXPECT_EQ(engine(), 9981545732273789042u);
}

TEST(Random, IntegersReachBothEndsAndNothingElse) {
  const std::vector<double> values = random_integers(1000, -3, 2, 7);
  EXPECT_EQ(std::set<double>(values.begin(), values.end()),
            (std::set<double>{-3, -2, -1, 0, 1, 2}));
  EXPECT_EQ(random_integers(3, 5, 5, 1), std::vector<double>(3, 5.0));
}

TEST(Random, NormalHasItsMomentsAndItsType) {
  const std::vector<double> values = random_normal(100000, 2, Dtype::kBf16, 8);
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    ASSERT_EQ(value, reference::round_to(Dtype::kBf16, value));
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / 1e5, 0, 0.04);      // six deviations of the mean
  EXPECT_NEAR(squares / 1e5, 4, 0.12);  // likewise of the mean square
  EXPECT_GT(*std::max_element(values.begin(), values.end()), 7);
}

TEST(ExactIntegerRange, KeepsEverySumWithin24Bits) {
  for (const std::int64_t terms : {1, 7, 64, 1000, 4097, 1 << 20, 1 << 24}) {
    const std::int64_t range = exact_integer_range(terms, 4096);
    EXPECT_LE(terms * range * range, 1 << 24) << terms;
    EXPECT_GT(terms * (range + 1) * (range + 1), 1 << 24) << terms;
  }
  EXPECT_EQ(exact_integer_range(1, 8), 8);
  EXPECT_EQ(exact_integer_range((1 << 24) + 1), 0);
}

TEST(SpecialValues, AreOfTheirTypeAndOfEveryKind) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBf16}) {
    const reference::FloatFormat& format = reference::float_format(dtype);
    int nans = 0, infinities = 0, subnormals = 0, negative_zeros = 0;
    for (const double value : special_values(dtype)) {
      nans += std::isnan(value);
      infinities += std::isinf(value);
      negative_zeros += value == 0 && std::signbit(value);
      subnormals += value != 0 && std::fabs(value) < format.min_normal;
      EXPECT_TRUE(std::isnan(value) || reference::round_to(dtype, value) == value) << value;
    }
    EXPECT_EQ(nans, 1);
    EXPECT_EQ(infinities, 2);
    EXPECT_EQ(negative_zeros, 1);
    EXPECT_EQ(subnormals, 6);
    for (const double value : finite_special_values(dtype)) EXPECT_TRUE(std::isfinite(value));
  }
}

}  // namespace
}  // namespace sampan::test
