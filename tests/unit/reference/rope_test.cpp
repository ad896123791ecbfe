#include "reference/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "f32_evaluation.h"
#include "support/gtest_compare.h"
#include "support/random_data.h"

namespace sampan::reference {
namespace {

TEST(Rope, PositionZeroChangesNothing) {
  const std::vector<double> x = test::random_normal(2 * 8, 1, Dtype::kF32, 71);
  const std::vector<std::int32_t> positions{0};
  EXPECT_EQ(rope(View<3>(x.data(), {1, 2, 8}), positions, {}).value, x);
}

TEST(Rope, PairsElementsHalfAHeadApart) {
  const std::vector<double> x{1, 0, 0, 0, 0, 10, 0, 0};  // two heads of 4
  const std::vector<std::int32_t> positions{3};
  const Result result = rope(View<3>(x.data(), {1, 2, 4}), positions, {.theta = 100});
  const double slow = 3 / std::sqrt(100.0);  // i = 1: theta^(-2/4)
  const std::vector<double> expected{std::cos(3),         0, std::sin(3),        0, 0,
                                     10 * std::cos(slow), 0, 10 * std::sin(slow)};
  for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(result.value[i], expected[i], 1e-14) << i;
}

TEST(Rope, TurnsTheSecondHalfTheOtherWay) {
  const std::vector<double> x{0, 1};
  const std::vector<std::int32_t> positions{1};
  const Result result = rope(View<3>(x.data(), {1, 1, 2}), positions, {});
  EXPECT_NEAR(result.value[0], -std::sin(1), 1e-15);
  EXPECT_NEAR(result.value[1], std::cos(1), 1e-15);
}

TEST(Rope, KeepsLengthsAndRelativeAngles) {
  // The property that attention relies on: q.k depends on the difference of positions only.
  const std::vector<double> q = test::random_normal(16, 1, Dtype::kF32, 72);
  const std::vector<double> k = test::random_normal(16, 1, Dtype::kF32, 73);
  const auto dot_at = [&](std::int32_t q_position, std::int32_t k_position) {
    const std::vector<std::int32_t> at_q{q_position}, at_k{k_position};
    const Result turned_q = rope(View<3>(q.data(), {1, 1, 16}), at_q, {});
    const Result turned_k = rope(View<3>(k.data(), {1, 1, 16}), at_k, {});
    double dot = 0;
    for (std::size_t i = 0; i < 16; ++i) dot += turned_q.value[i] * turned_k.value[i];
    return dot;
  };
  EXPECT_NEAR(dot_at(7, 4), dot_at(1007, 1004), 1e-10);
  EXPECT_GT(std::fabs(dot_at(7, 4) - dot_at(7, 5)), 1e-3);
}

std::vector<double> device_rope(const std::vector<double>& x, std::int32_t position, std::size_t d,
                                Dtype out) {
  const auto log2_theta = static_cast<float>(std::log2(10000.0));
  std::vector<double> y(d);
  for (std::size_t i = 0; i < d / 2; ++i) {
    const float exponent = static_cast<float>(2 * i) * (1 / static_cast<float>(d));
    const float angle = static_cast<float>(position) * std::exp2(-exponent * log2_theta);
    const auto low = static_cast<float>(x[i]);
    const auto high = static_cast<float>(x[i + d / 2]);
    y[i] = round_to(out, low * std::cos(angle) - high * std::sin(angle));
    y[i + d / 2] = round_to(out, std::fma(high, std::cos(angle), low * std::sin(angle)));
  }
  return y;
}

TEST(RopeBound, HoldsForF32KernelsAndSeesTheNextPosition) {
  for (const Dtype out : {Dtype::kF32, Dtype::kF16, Dtype::kBf16}) {
    for (const std::int32_t position : {0, 1, 17, 500, 4095}) {
      const std::vector<double> x = test::random_normal(80, 1, out, 74);
      const std::vector<std::int32_t> positions{position};
      const Result expected =
          rope(View<3>(x.data(), {1, 1, 80}), positions, {.theta = 10000, .out = out});
      EXPECT_TRUE(
          test::agrees(test::compare_within(device_rope(x, position, 80, out), expected, out)))
          << position;
      EXPECT_FALSE(
          test::compare_within(device_rope(x, position + 1, 80, out), expected, out).passed())
          << position;
    }
  }
}

TEST(RopeBound, GrowsWithTheAngle) {
  const Bounded near = rope_angle(kFloat32, 10, 0, 64, 10000);
  const Bounded far = rope_angle(kFloat32, 4000, 0, 64, 10000);
  EXPECT_DOUBLE_EQ(near.value, 10);
  EXPECT_NEAR(far.error / near.error, 400, 1e-6);
  EXPECT_LT(far.error, 0.002);
}

}  // namespace
}  // namespace sampan::reference
