#include "reference/normalize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "f32_evaluation.h"
#include "support/gtest_compare.h"
#include "support/random_data.h"

namespace sampan::reference {
namespace {

View<1> vector_view(const std::vector<double>& v) {
  return {v.data(), {static_cast<std::int64_t>(v.size())}};
}

View<2> row_view(const std::vector<double>& v) {
  return {v.data(), {1, static_cast<std::int64_t>(v.size())}};
}

TEST(RmsNorm, ClosedForm) {
  const std::vector<double> x{3, -4, 0, 0};
  const std::vector<double> weight{1, 2, 3, 4};
  const Result result = rms_norm(row_view(x), vector_view(weight), {.epsilon = 0});
  EXPECT_DOUBLE_EQ(result.value[0], 3 / 2.5);
  EXPECT_DOUBLE_EQ(result.value[1], -4 / 2.5 * 2);
  EXPECT_EQ(result.value[2], 0);
}

TEST(RmsNorm, EpsilonStandsUnderTheRootBesideTheMean) {
  const std::vector<double> x{0.001, 0.001};
  const std::vector<double> weight{1, 1};
  const Result result = rms_norm(row_view(x), vector_view(weight), {.epsilon = 3e-6});
  EXPECT_DOUBLE_EQ(result.value[0], 0.001 / std::sqrt(1e-6 + 3e-6));
}

TEST(LayerNorm, ClosedForm) {
  const std::vector<double> x{1, 3};
  const std::vector<double> weight{2, 5}, bias{10, 20};
  const Result result =
      layer_norm(row_view(x), vector_view(weight), vector_view(bias), {.epsilon = 0});
  EXPECT_EQ(result.value, (std::vector<double>{-2 + 10, 5 + 20}));
  const Result unbiased =
      layer_norm(row_view(x), vector_view(weight), std::nullopt, {.epsilon = 3});
  EXPECT_EQ(unbiased.value, (std::vector<double>{-1, 2.5}));
}

TEST(LayerNorm, IgnoresAShiftAndNormalises) {
  const std::vector<double> x = test::random_normal(257, 2, Dtype::kF32, 51);
  std::vector<double> shifted = x;
  for (double& value : shifted) value += 1000;
  const std::vector<double> ones(257, 1.0);
  const NormSpec spec{.epsilon = 0};
  const Result base = layer_norm(row_view(x), vector_view(ones), std::nullopt, spec);
  const Result moved = layer_norm(row_view(shifted), vector_view(ones), std::nullopt, spec);
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(moved.value[i], base.value[i], 1e-10);
    EXPECT_GT(moved.bound[i], base.bound[i]);  // the mean of large numbers rounds more
    sum += base.value[i];
    squares += base.value[i] * base.value[i];
  }
  EXPECT_NEAR(sum, 0, 1e-10);
  EXPECT_NEAR(squares / 257, 1, 1e-12);
}

TEST(Norms, TreatRowsAloneAndReadStrides) {
  const std::vector<double> x{1, 2, 99, 5, -3, 99};
  const std::vector<double> weight{1, 1};
  const View<2> strided(x.data(), {2, 2}, {3, 1});
  const std::vector<double> second{5, -3};
  for (const bool rms : {true, false}) {
    const auto norm = [&](const View<2>& view) {
      return rms ? rms_norm(view, vector_view(weight), {})
                 : layer_norm(view, vector_view(weight), std::nullopt, {});
    };
    const Result both = norm(strided);
    const Result alone = norm(row_view(second));
    EXPECT_EQ((std::vector<double>{both.value[2], both.value[3]}), alone.value);
  }
}

// --- the bounds against f32 evaluations ----------------------------------------------------------

struct NormInput {
  std::vector<double> x, weight, bias;
};

NormInput make_input(std::size_t cols, double mean) {
  NormInput input{test::random_normal(cols, 2, Dtype::kF32, 52),
                  test::random_normal(cols, 1, Dtype::kF32, 53),
                  test::random_normal(cols, 1, Dtype::kF32, 54)};
  for (double& value : input.x) value = round_to(Dtype::kF32, value + mean);
  return input;
}

constexpr float kEpsilon = 1e-5f;

std::vector<double> device_rms(const NormInput& in, const Summation& order, std::size_t dropped) {
  Floats squares = to_floats(in.x);
  for (float& value : squares) value *= value;
  if (dropped < squares.size()) squares[dropped] = 0;
  const auto cols = static_cast<float>(squares.size());
  const float inverse = 1 / std::sqrt(order.sum(squares) / cols + kEpsilon);
  std::vector<double> y;
  for (std::size_t i = 0; i < in.x.size(); ++i) {
    y.push_back(static_cast<float>(in.x[i]) * inverse * static_cast<float>(in.weight[i]));
  }
  return y;
}

std::vector<double> device_layer(const NormInput& in, const Summation& order, std::size_t dropped) {
  const Floats x = to_floats(in.x);
  const auto cols = static_cast<float>(x.size());
  const float mean = order.sum(x) / cols;
  Floats squares;
  for (const float value : x) squares.push_back((value - mean) * (value - mean));
  if (dropped < squares.size()) squares[dropped] = 0;
  const float inverse = 1 / std::sqrt(order.sum(squares) / cols + kEpsilon);
  std::vector<double> y;
  for (std::size_t i = 0; i < x.size(); ++i) {
    y.push_back((x[i] - mean) * inverse * static_cast<float>(in.weight[i]) +
                static_cast<float>(in.bias[i]));
  }
  return y;
}

constexpr std::size_t kNone = ~std::size_t{0};

class NormBound : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Columns, NormBound, testing::Values(1, 2, 7, 64, 1000, 4099));

TEST_P(NormBound, HoldsInEveryOrder) {
  for (const double mean : {0.0, 5.0, 300.0}) {
    const NormInput in = make_input(GetParam(), mean);
    const NormSpec spec{.epsilon = kEpsilon};
    const Result rms = rms_norm(row_view(in.x), vector_view(in.weight), spec);
    const Result layer =
        layer_norm(row_view(in.x), vector_view(in.weight), vector_view(in.bias), spec);
    for (const Summation& order : kSummations) {
      EXPECT_TRUE(
          test::agrees(test::compare_within(device_rms(in, order, kNone), rms, Dtype::kF32)))
          << order.name << ' ' << mean;
      EXPECT_TRUE(
          test::agrees(test::compare_within(device_layer(in, order, kNone), layer, Dtype::kF32)))
          << order.name << ' ' << mean;
    }
  }
}

// Equal squares make equal rounding errors, which add up instead of cancelling: close to the worst
// case of a long sum. Beside a sum of 2^13 to 2^14, f32 steps by 2^-10, and each square lies 0.45
// steps above a multiple. The two outliers come first, lift the sum there, and show the variance's
// error most.
TEST(NormBoundExtremes, HoldsWhereEveryAdditionRoundsTheSameWay) {
  NormInput in = make_input(4098, 0);
  const double typical = std::sqrt(1239.45 / 1024);
  for (std::size_t i = 0; i < in.x.size(); ++i) {
    const double magnitude = i < 2 ? 70 : typical;
    in.x[i] = round_to(Dtype::kF32, i % 2 == 0 ? magnitude : -magnitude);
  }
  const NormSpec spec{.epsilon = kEpsilon};
  const Result rms = rms_norm(row_view(in.x), vector_view(in.weight), spec);
  const Result layer =
      layer_norm(row_view(in.x), vector_view(in.weight), vector_view(in.bias), spec);
  const Summation& forward = kSummations[0];
  EXPECT_TRUE(test::agrees(test::compare_within(device_rms(in, forward, kNone), rms, Dtype::kF32)));
  EXPECT_TRUE(
      test::agrees(test::compare_within(device_layer(in, forward, kNone), layer, Dtype::kF32)));
}

// Position of the element of median magnitude.
std::size_t typical_element(const std::vector<double>& x) {
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2);
  std::nth_element(order.begin(), middle, order.end(),
                   [&](std::size_t a, std::size_t b) { return std::fabs(x[a]) < std::fabs(x[b]); });
  return *middle;
}

// Beyond some 2000 columns one typical square is smaller than what rounding may do to the sum.
class NormBoundIsSharp : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Columns, NormBoundIsSharp, testing::Values(1, 2, 7, 64, 257, 1000));

TEST_P(NormBoundIsSharp, WhenOneTypicalElementIsDropped) {
  const NormInput in = make_input(GetParam(), 0);
  const std::size_t dropped = typical_element(in.x);
  const NormSpec spec{.epsilon = kEpsilon};
  const Result rms = rms_norm(row_view(in.x), vector_view(in.weight), spec);
  EXPECT_FALSE(
      test::compare_within(device_rms(in, kSummations[0], dropped), rms, Dtype::kF32).passed());
  if (GetParam() == 1) return;  // the deviation of a single element is 0 anyhow
  const Result layer =
      layer_norm(row_view(in.x), vector_view(in.weight), vector_view(in.bias), spec);
  EXPECT_FALSE(
      test::compare_within(device_layer(in, kSummations[0], dropped), layer, Dtype::kF32).passed());
}

TEST(NormBoundMistakes, AreSeen) {
  NormInput in = make_input(100, 0);
  const Result rms = rms_norm(row_view(in.x), vector_view(in.weight), {.epsilon = 1e-2});
  EXPECT_FALSE(
      test::compare_within(device_rms(in, kSummations[0], kNone), rms, Dtype::kF32).passed());
}

TEST(NormBoundExtremes, RejectsTheOnePassVariance) {
  // mean(x^2) - mean^2 loses every digit of a variance of 4 beside a squared mean of 10^8.
  const NormInput in = make_input(64, 10000);
  const Result expected = layer_norm(row_view(in.x), vector_view(in.weight), vector_view(in.bias),
                                     {.epsilon = kEpsilon});
  const Floats x = to_floats(in.x);
  Floats squares = x;
  for (float& value : squares) value *= value;
  const float mean = sum_forward(x) / 64;
  const float variance = sum_forward(squares) / 64 - mean * mean;
  std::vector<double> device;
  for (std::size_t i = 0; i < 64; ++i) {
    device.push_back((x[i] - mean) / std::sqrt(std::max(variance, 0.0f) + kEpsilon) *
                         static_cast<float>(in.weight[i]) +
                     static_cast<float>(in.bias[i]));
  }
  EXPECT_FALSE(test::compare_within(device, expected, Dtype::kF32).passed());
}

}  // namespace
}  // namespace sampan::reference
