#include "reference/softmax.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "f32_evaluation.h"
#include "support/gtest_compare.h"
#include "support/random_data.h"
#include "support/sizes.h"

namespace sampan::reference {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Result softmax_row(const std::vector<double>& x, const SoftmaxSpec& spec = {}) {
  return softmax(View<2>(x.data(), {1, static_cast<std::int64_t>(x.size())}), spec);
}

TEST(Softmax, RowsSumToOne) {
  for (const std::int64_t cols : test::kLengths) {
    const std::vector<double> x = test::random_normal(3 * cols, 3, Dtype::kF32, 41);
    const Result result = softmax(View<2>(x.data(), {3, cols}), {});
    ASSERT_EQ(result.value.size(), 3 * cols);
    for (std::int64_t row = 0; row < 3 && cols > 0; ++row) {
      const double* begin = result.value.data() + row * cols;
      EXPECT_NEAR(std::accumulate(begin, begin + cols, 0.0), 1, 1e-12);
    }
  }
}

TEST(Softmax, ClosedForms) {
  EXPECT_EQ(softmax_row({5}).value, std::vector<double>{1});
  EXPECT_EQ(softmax_row({2, 2, 2, 2}).value, std::vector<double>(4, 0.25));
  const Result logs = softmax_row({std::log(1.0), std::log(2.0), std::log(5.0)});
  EXPECT_NEAR(logs.value[0], 1.0 / 8, 1e-15);
  EXPECT_NEAR(logs.value[1], 2.0 / 8, 1e-15);
  EXPECT_NEAR(logs.value[2], 5.0 / 8, 1e-15);
}

TEST(Softmax, ScaleMultipliesTheInput) {
  EXPECT_EQ(softmax_row({1, 2, 4}, {.scale = 0.5}).value, softmax_row({0.5, 1, 2}).value);
}

TEST(Softmax, SurvivesLargeInputs) {
  EXPECT_EQ(softmax_row({1e30, 1e30}).value, std::vector<double>(2, 0.5));
  EXPECT_EQ(softmax_row({-1e30, 0}).value, (std::vector<double>{0, 1}));
}

TEST(Softmax, MinusInfinityHasNoWeight) {
  const Result masked = softmax_row({-kInfinity, 0, -kInfinity, 0});
  EXPECT_EQ(masked.value, (std::vector<double>{0, 0.5, 0, 0.5}));
  const Result all = softmax_row({-kInfinity, -kInfinity});
  EXPECT_EQ(all.value, (std::vector<double>{0, 0}));
  EXPECT_EQ(all.bound, (std::vector<double>{0, 0}));
}

TEST(Softmax, ReadsStridedRows) {
  const std::vector<double> x{1, 9, 2, 9, 3, 9, 4, 9};
  const Result strided = softmax(View<2>(x.data(), {2, 2}, {4, 2}), {});
  const Result compact = softmax(View<2>(std::vector<double>{1, 2, 3, 4}.data(), {2, 2}), {});
  EXPECT_EQ(strided.value, compact.value);
}

std::vector<double> two_pass(const std::vector<double>& x, float scale, const Summation& order,
                             Dtype out) {
  Floats weights = to_floats(x);
  for (float& w : weights) w *= scale;
  const float maximum = *std::max_element(weights.begin(), weights.end());
  for (float& w : weights) w = std::exp(w - maximum);
  const float sum = order.sum(weights);
  std::vector<double> shares;
  for (const float w : weights) shares.push_back(round_to(out, w * (1 / sum)));
  return shares;
}

// Running maximum and sum, then a second pass for the shares (Milakov and Gimelshein 2018).
std::vector<double> online(const std::vector<double>& x, float scale, Dtype out) {
  float maximum = -std::numeric_limits<float>::infinity();
  float sum = 0;
  for (const double value : x) {
    const float next = std::max(maximum, static_cast<float>(value) * scale);
    sum = sum * std::exp(maximum - next) + std::exp(static_cast<float>(value) * scale - next);
    maximum = next;
  }
  std::vector<double> shares;
  for (const double value : x) {
    shares.push_back(round_to(out, std::exp(static_cast<float>(value) * scale - maximum) / sum));
  }
  return shares;
}

TEST(SoftmaxBound, HoldsForTwoPassAndOnlineKernels) {
  for (const std::size_t cols : {1, 2, 7, 64, 1000}) {
    for (const Dtype out : {Dtype::kF32, Dtype::kF16, Dtype::kBf16}) {
      for (const double deviation : {0.1, 3.0, 30.0}) {
        const std::vector<double> x = test::random_normal(cols, deviation, out, 42);
        SoftmaxSpec spec{.scale = 0.7f, .max_rescales = 0, .out = out};
        const Result strict = softmax_row(x, spec);
        for (const Summation& order : kSummations) {
          EXPECT_TRUE(
              test::agrees(test::compare_within(two_pass(x, 0.7f, order, out), strict, out)))
              << order.name << ' ' << cols << ' ' << dtype_name(out);
        }
        spec.max_rescales = kAnyRescales;
        EXPECT_TRUE(
            test::agrees(test::compare_within(online(x, 0.7f, out), softmax_row(x, spec), out)))
            << cols << ' ' << dtype_name(out);
      }
    }
  }
}

TEST(SoftmaxWeights, CoverScoresThatAreOffByTheirError) {
  const std::vector<double> scores{0.5, -1, 2, 1.5};
  constexpr double kError = 0.01;
  std::vector<Bounded> bounded;
  for (const double score : scores) bounded.push_back({score, kError});
  const std::vector<Bounded> weights = softmax_weights(kFloat32, bounded, 0);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const double moved = std::exp(scores[i] + 0.99 * kError - 2);
    EXPECT_LE(std::fabs(moved - weights[i].value), weights[i].error);
    const double too_far = std::exp(scores[i] + 1.02 * kError - 2);
    EXPECT_GT(std::fabs(too_far - weights[i].value), weights[i].error);
  }
}

TEST(SoftmaxWeights, BoundFollowsItsDerivation) {
  // r + 1 exponentials of 3 ulp and r products.
  const std::vector<Bounded> one{exact(0)};
  for (const std::int64_t r : {0, 1, 1000}) {
    const double expected = static_cast<double>(6 * (r + 1) + r);
    const double error = softmax_weights(kFloat32, one, r).front().error;
    EXPECT_NEAR(error * 0x1p24, expected, 0.001 * expected) << r;
  }
}

TEST(SoftmaxBound, HoldsWhereEveryAdditionRoundsTheSameWay) {
  const std::vector<double> x(4099, 0.25);
  const std::vector<double> device = two_pass(x, 1, kSummations[0], Dtype::kF32);
  const Result expected = softmax_row(x, {.max_rescales = 0});
  EXPECT_TRUE(test::agrees(test::compare_within(device, expected, Dtype::kF32)));
}

TEST(SoftmaxBound, IsViolatedByMistakes) {
  const std::vector<double> x = test::random_normal(1000, 1, Dtype::kF32, 43);
  const Result expected = softmax_row(x);
  const auto passes = [&](const std::vector<double>& device) {
    return test::compare_within(device, expected, Dtype::kF32).passed();
  };
  std::vector<double> device = two_pass(x, 1, kSummations[0], Dtype::kF32);
  ASSERT_TRUE(passes(device));
  // One term of typical size missing in the sum.
  for (double& share : device) share /= 1 - 1.0 / 1000;
  EXPECT_FALSE(passes(device));
  EXPECT_FALSE(passes(two_pass(x, 1.01f, kSummations[0], Dtype::kF32)));
}

TEST(SoftmaxBound, GrowsOnlyWithTheRescalesThatAreAllowed) {
  const std::vector<double> x = test::random_normal(1000, 1, Dtype::kF32, 44);
  const Result none = softmax_row(x, {.max_rescales = 0});
  const Result few = softmax_row(x, {.max_rescales = 10});
  const Result any = softmax_row(x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_LT(none.bound[i], few.bound[i]);
    EXPECT_LT(few.bound[i], any.bound[i]);
    EXPECT_LT(none.bound[i], 0.0002 * none.value[i]);  // gamma_1000 is 6e-5, taken twice
  }
}

}  // namespace
}  // namespace sampan::reference
