// The lemmas: every f32 evaluation of an operation on perturbed inputs lies within its bound, and a
// slightly wrong one doesn't.
#include "reference/bound.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "f32_evaluation.h"
#include "support/random_data.h"

namespace sampan::reference {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool within(double device, Bounded expected) {
  return std::fabs(device - expected.value) <= expected.error;
}

struct UnaryCase {
  const char* name;
  Bounded (*lemma)(const Arithmetic&, Bounded);
  float (*device)(float);
  double low, high;
  // Largest error, in relative terms, that the bound may grant at an exact input of |x| <= 4: a
  // looser lemma would hide mistakes.
  double sharpness;
};

Bounded logistic_lemma(const Arithmetic& a, Bounded x) { return logistic(a, x); }

const UnaryCase kUnary[] = {
    {"exp", exponential, [](float x) { return std::exp(x); }, -80, 80, 3e-6},
    {"exp_by_exp2", exponential,
     [](float x) { return std::exp2(x * static_cast<float>(std::log2(std::exp(1.0)))); }, -80, 80,
     3e-6},
    {"rsqrt", reciprocal_sqrt, [](float x) { return 1 / std::sqrt(x); }, 0x1p-20, 1e6, 1e-6},
    {"tanh", hyperbolic_tangent, [](float x) { return std::tanh(x); }, -10, 10, 1e-6},
    {"erf", error_function, [](float x) { return std::erf(x); }, -5, 5, 3e-6},
    {"erfc", complementary_error_function, [](float x) { return std::erfc(x); }, -5, 5, 3e-6},
    {"sin", sine, [](float x) { return std::sin(x); }, -100, 100, 1e-6},
    {"cos", cosine, [](float x) { return std::cos(x); }, -100, 100, 1e-6},
    {"logistic", logistic_lemma, [](float x) { return 1 / (1 + std::exp(-x)); }, -80, 80, 3e-6},
};

class Unary : public testing::TestWithParam<UnaryCase> {};
INSTANTIATE_TEST_SUITE_P(Functions, Unary, testing::ValuesIn(kUnary),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(Unary, CoversF32AtExactAndAtPerturbedInputs) {
  const UnaryCase& c = GetParam();
  test::Random random(1);
  for (int i = 0; i < 20000; ++i) {
    const auto x = static_cast<float>(c.low + (c.high - c.low) * random.unit());
    EXPECT_TRUE(within(c.device(x), c.lemma(kFloat32, exact(x)))) << x;
    // The input's own error: the oracle sees x, the device something up to `error` away.
    const double error = std::fabs(x) * 0x1p-18;
    const auto moved = static_cast<float>(x + error * (2 * random.unit() - 1) * 0.9);
    EXPECT_TRUE(within(c.device(moved), c.lemma(kFloat32, {x, error}))) << x << ' ' << moved;
  }
}

TEST_P(Unary, IsSharpEnoughToSeeAWrongDigit) {
  const UnaryCase& c = GetParam();
  for (double x = std::max(c.low, -4.0); x <= std::min(c.high, 4.0); x += 0.37) {
    const Bounded result = c.lemma(kFloat32, exact(x));
    EXPECT_LE(result.error, c.sharpness * std::fabs(result.value) + 1e-37) << x;
    EXPECT_GT(result.error, 0) << x;
  }
}

TEST(Bound, BasicOperationsCoverF32AndPerturbedInputs) {
  test::Random random(2);
  for (int i = 0; i < 20000; ++i) {
    const auto x = static_cast<float>(random.normal());
    const auto y = static_cast<float>(random.normal());
    const double dx = std::fabs(x) * 0x1p-20;
    const double dy = std::fabs(y) * 0x1p-20;
    const auto moved_x = static_cast<float>(x + 0.9 * dx);
    const auto moved_y = static_cast<float>(y - 0.9 * dy);
    EXPECT_TRUE(within(x + y, add(kFloat32, exact(x), exact(y))));
    EXPECT_TRUE(within(x - y, subtract(kFloat32, exact(x), exact(y))));
    EXPECT_TRUE(within(x * y, multiply(kFloat32, exact(x), exact(y))));
    EXPECT_TRUE(within(x * (1 / y), divide(kFloat32, exact(x), exact(y))));
    EXPECT_TRUE(within(moved_x + moved_y, add(kFloat32, {x, dx}, {y, dy})));
    EXPECT_TRUE(within(moved_x * moved_y, multiply(kFloat32, {x, dx}, {y, dy})));
    EXPECT_TRUE(within(moved_x / moved_y, divide(kFloat32, {x, dx}, {y, dy})));
    // Nothing looser than the two inputs' errors and three ulp.
    EXPECT_LE(add(kFloat32, {x, dx}, {y, dy}).error,
              dx + dy + 0x1.1p-24 * (std::fabs(x) + std::fabs(y)));
    EXPECT_LE(divide(kFloat32, {x, dx}, {y, dy}).error,
              std::fabs(x / y) * (2.1 * 0x1p-20 + 7 * 0x1p-24));
  }
}

TEST(Bound, PerturbedInputsBeyondTheirErrorAreCaught) {
  EXPECT_FALSE(within(1.5f * 2.01f, multiply(kFloat32, exact(1.5), {2, 0.005})));
  EXPECT_FALSE(within(3.0f / 2.01f, divide(kFloat32, exact(3), {2, 0.005})));
  EXPECT_FALSE(within(std::exp(1.01f), exponential(kFloat32, {1, 0.005})));
}

TEST(Bound, FlushedSubnormalsAreAllowed) {
  const float tiny = 0x1p-130f;
  EXPECT_TRUE(within(0, multiply(kFloat32, exact(tiny), exact(1000))));
  EXPECT_TRUE(within(0, add(kFloat32, exact(tiny), exact(tiny))));
  EXPECT_FALSE(within(0, multiply(kFloat32, exact(0x1p-120), exact(1))));
}

TEST(Bound, QuotientByAnIntervalAroundZeroHasNone) {
  EXPECT_EQ(divide(kFloat32, exact(1), {0.5, 0.5}).error, kInfinity);
  EXPECT_EQ(reciprocal_sqrt(kFloat32, {1, 1}).error, kInfinity);
}

TEST(Bound, NonFiniteValuesHaveNoError) {
  EXPECT_EQ(add(kFloat32, exact(kInfinity), exact(1)).error, 0);
  EXPECT_EQ(divide(kFloat32, exact(1), exact(0)).error, 0);
  EXPECT_EQ(exponential(kFloat32, exact(-kInfinity)).value, 0);
  EXPECT_EQ(multiply(kFloat32, exact(kInfinity), exact(0)).error, 0);
}

TEST(Bound, GammaIsHighams) {
  const Arithmetic quarter{.roundoff = 0.25,
                           .flush = 0,
                           .quotient_ulps = 0,
                           .rsqrt_ulps = 0,
                           .exp2_ulps = 0,
                           .tanh_ulps = 0,
                           .erf_ulps = 0,
                           .sincos_ulps = 0};
  EXPECT_EQ(gamma(0, quarter), 0);
  EXPECT_DOUBLE_EQ(gamma(2, quarter), 1);
  EXPECT_EQ(gamma(4, quarter), kInfinity);
}

TEST(Bound, SumsCoverEveryOrder) {
  for (const std::size_t count : {0, 1, 2, 7, 64, 1000}) {
    const Floats x = to_floats(test::random_normal(count, 1, Dtype::kF32, count));
    Sum sum(kFloat32);
    for (const float term : x) sum.add(exact(term));
    for (const Summation& order : kSummations) {
      EXPECT_TRUE(within(order.sum(x), sum.total())) << order.name << ' ' << count;
    }
    double magnitude = 0;
    for (const float term : x) magnitude += std::fabs(term);
    EXPECT_LE(sum.total().error, 1.01 * static_cast<double>(count) * 0x1p-24 * magnitude + 1e-30);
  }
}

TEST(Bound, SumsThatCancelAreBoundedByTheirTermsNotTheirValue) {
  const Floats x{1, 0x1p-25f, -1};
  Sum sum(kFloat32);
  for (const float term : x) sum.add(exact(term));
  EXPECT_EQ(sum.total().value, 0x1p-25);
  EXPECT_EQ(sum_forward(x), 0);
  EXPECT_TRUE(within(0, sum.total()));
  EXPECT_FALSE(within(0x1p-20, sum.total()));
}

TEST(Bound, StoredCoversRoundingToEachTypeAndNoMore) {
  test::Random random(3);
  for (const Dtype out : {Dtype::kF32, Dtype::kF16, Dtype::kBf16}) {
    for (int i = 0; i < 5000; ++i) {
      const auto x = static_cast<float>(random.normal() * std::exp(6 * random.normal()));
      const Bounded kept = stored(kFloat32, out, exact(x));
      const double device = round_to(out, x);
      if (std::isinf(device)) continue;
      EXPECT_TRUE(within(device, kept)) << dtype_name(out) << ' ' << x;
      const double beyond = device + std::copysign(2 * ulp(out, device), device - x);
      EXPECT_FALSE(within(beyond, kept)) << dtype_name(out) << ' ' << x;
    }
  }
}

}  // namespace
}  // namespace sampan::reference
