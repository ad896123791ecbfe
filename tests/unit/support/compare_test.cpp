#include "support/compare.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace sampan::test {
namespace {

using reference::Dtype;
using reference::Result;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct ElementCase {
  const char* name;
  double actual, expected, bound;
  Dtype out;
  bool passes;
};

const ElementCase kElements[] = {
    {"equal", 1, 1, 0, Dtype::kF32, true},
    {"at the bound", 1.5, 1, 0.5, Dtype::kF32, true},
    {"beyond the bound", 1.5000001, 1, 0.5, Dtype::kF32, false},
    {"below by more", 0.4, 1, 0.5, Dtype::kF32, false},
    {"bound zero", 1.0000001, 1, 0, Dtype::kF32, false},
    {"NaN for NaN", kNan, kNan, 0, Dtype::kF32, true},
    {"NaN for a number", kNan, 1, 10, Dtype::kF32, false},
    {"number for NaN", 1, kNan, 0, Dtype::kF32, false},
    {"infinity for NaN", kInfinity, kNan, 0, Dtype::kF32, false},
    {"same infinity", -kInfinity, -kInfinity, 0, Dtype::kF32, true},
    {"other infinity", -kInfinity, kInfinity, 0, Dtype::kF32, false},
    {"number for infinity", 1e38, kInfinity, 0, Dtype::kF32, false},
    {"infinity out of reach", kInfinity, 65000, 10, Dtype::kF16, false},
    {"infinity within the bound", kInfinity, 65500, 30, Dtype::kF16, true},
    {"minus infinity within the bound", -kInfinity, -65500, 30, Dtype::kF16, true},
    {"wrong infinity within the bound", -kInfinity, 65500, 30, Dtype::kF16, false},
    {"infinity where f32 has room", kInfinity, 65500, 30, Dtype::kF32, false},
    {"infinite bound proves nothing", 1, 1, kInfinity, Dtype::kF32, false},
    {"NaN bound proves nothing", 1, 1, kNan, Dtype::kF32, false},
    {"zeros of either sign", -0.0, 0.0, 0, Dtype::kF32, true},
};

TEST(CompareWithin, JudgesEachKindOfElement) {
  for (const ElementCase& c : kElements) {
    const std::vector<double> actual{c.actual};
    const Result expected{{c.expected}, {c.bound}};
    EXPECT_EQ(compare_within(actual, expected, c.out).passed(), c.passes) << c.name;
  }
}

TEST(CompareWithin, ReportsFirstAndWorstFailure) {
  const std::vector<double> actual{1, 2.2, 3, 9};
  const Result expected{{1, 2, 3, 4}, {1, 0.1, 1, 1}};
  const Comparison comparison = compare_within(actual, expected, Dtype::kF32);
  EXPECT_FALSE(comparison.passed());
  EXPECT_EQ(comparison.count(), 4u);
  EXPECT_EQ(comparison.failures(), 2u);
  EXPECT_EQ(comparison.first_failure().index, 1u);
  EXPECT_EQ(comparison.worst().index, 3u);
  EXPECT_DOUBLE_EQ(comparison.worst().ratio, 5);
  EXPECT_DOUBLE_EQ(comparison.nmse(), (0.2 * 0.2 + 25) / 30);
  EXPECT_NE(comparison.message().find("2 of 4"), std::string::npos) << comparison.message();
  EXPECT_NE(comparison.message().find("[1] is 2.2"), std::string::npos) << comparison.message();
}

TEST(CompareWithin, MeasuresUlpOfTheOutputType) {
  const std::vector<double> actual{1 + 0x1p-7};
  const Result expected{{1}, {1}};
  EXPECT_EQ(compare_within(actual, expected, Dtype::kBf16).max_ulp(), 1);
  EXPECT_EQ(compare_within(actual, expected, Dtype::kF16).max_ulp(), 8);
}

TEST(CompareWithin, DifferentCountsFail) {
  const std::vector<double> actual{1};
  EXPECT_FALSE(compare_within(actual, {{1, 1}, {0, 0}}, Dtype::kF32).passed());
  EXPECT_FALSE(compare_within({}, {{1}, {0}}, Dtype::kF32).passed());
  const Comparison mismatch = compare_within(actual, {}, Dtype::kF32);
  EXPECT_FALSE(mismatch.passed());
  EXPECT_EQ(mismatch.message(), "got 1 elements instead of 0");
  EXPECT_TRUE(compare_within({}, {}, Dtype::kF32).passed());
}

TEST(CompareExact, RoundsTheExpectationToTheOutputType) {
  const std::vector<double> exact{1.0 / 3, 2049};
  EXPECT_TRUE(compare_exact(std::vector<double>{0x1.554p-2, 2048}, exact, Dtype::kF16).passed());
  EXPECT_FALSE(compare_exact(std::vector<double>{0x1.558p-2, 2048}, exact, Dtype::kF16).passed());
  EXPECT_FALSE(compare_exact(exact, exact, Dtype::kF16).passed());
}

TEST(FirstDifference, FindsTheFirstByteOrTheShorterEnd) {
  const std::vector<std::byte> a{std::byte{1}, std::byte{2}, std::byte{3}};
  std::vector<std::byte> b = a;
  EXPECT_EQ(first_difference(a, b), -1);
  b[1] = std::byte{9};
  EXPECT_EQ(first_difference(a, b), 1);
  EXPECT_EQ(first_difference(a, std::span(a).first(2)), 2);
  EXPECT_EQ(first_difference({}, {}), -1);
}

}  // namespace
}  // namespace sampan::test
