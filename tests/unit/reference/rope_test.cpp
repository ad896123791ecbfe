#include "reference/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "f32_evaluation.h"
#include "support/gtest_compare.h"
#include "support/random_data.h"

namespace sampan::reference {
namespace {

Result rope_with_theta(const View<3>& x, std::int32_t position, double theta,
                       Dtype out = Dtype::kF32) {
  const std::vector<std::int32_t> positions(static_cast<std::size_t>(x.extent(0)), position);
  return rope(x, positions, rope_frequencies(kFloat32, theta, x.extent(2)), {.out = out});
}

TEST(Rope, PositionZeroChangesNothing) {
  const std::vector<double> x = test::random_normal(2 * 8, 1, Dtype::kF32, 71);
  EXPECT_EQ(rope_with_theta(View<3>(x.data(), {1, 2, 8}), 0, 10000).value, x);
}

TEST(Rope, PairsElementsHalfAHeadApart) {
  const std::vector<double> x{1, 0, 0, 0, 0, 10, 0, 0};  // two heads of 4
  const Result result = rope_with_theta(View<3>(x.data(), {1, 2, 4}), 3, 100);
  const double slow = 3 / std::sqrt(100.0);  // i = 1: theta^(-2/4)
  const std::vector<double> expected{std::cos(3),         0, std::sin(3),        0, 0,
                                     10 * std::cos(slow), 0, 10 * std::sin(slow)};
  for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(result.value[i], expected[i], 1e-14) << i;
}

TEST(Rope, TurnsTheSecondHalfTheOtherWay) {
  const std::vector<double> x{0, 1};
  const Result result = rope_with_theta(View<3>(x.data(), {1, 1, 2}), 1, 10000);
  EXPECT_NEAR(result.value[0], -std::sin(1), 1e-15);
  EXPECT_NEAR(result.value[1], std::cos(1), 1e-15);
}

TEST(Rope, KeepsLengthsAndRelativeAngles) {
  // The property that attention relies on: q.k depends on the difference of positions only.
  const std::vector<double> q = test::random_normal(16, 1, Dtype::kF32, 72);
  const std::vector<double> k = test::random_normal(16, 1, Dtype::kF32, 73);
  const auto dot_at = [&](std::int32_t q_position, std::int32_t k_position) {
    const Result turned_q = rope_with_theta(View<3>(q.data(), {1, 1, 16}), q_position, 10000);
    const Result turned_k = rope_with_theta(View<3>(k.data(), {1, 1, 16}), k_position, 10000);
    double dot = 0;
    for (std::size_t i = 0; i < 16; ++i) dot += turned_q.value[i] * turned_k.value[i];
    return dot;
  };
  EXPECT_NEAR(dot_at(7, 4), dot_at(1007, 1004), 1e-10);
  EXPECT_GT(std::fabs(dot_at(7, 4) - dot_at(7, 5)), 1e-3);
}

TEST(Rope, TakesEachTokensPositionAndAnyTable) {
  const std::vector<double> x{1, 0, 1, 0};
  const std::vector<std::int32_t> positions{2, -5};
  const std::vector<double> table{0.25};
  const Result result = rope(View<3>(x.data(), {2, 1, 2}), positions, exact_frequencies(table), {});
  EXPECT_NEAR(result.value[0], std::cos(0.5), 1e-15);
  EXPECT_NEAR(result.value[1], std::sin(0.5), 1e-15);
  EXPECT_NEAR(result.value[2], std::cos(1.25), 1e-15);
  EXPECT_NEAR(result.value[3], -std::sin(1.25), 1e-15);
}

std::vector<double> device_rope(const std::vector<double>& x, std::int32_t position, std::size_t d,
                                Dtype out) {
  std::vector<double> y(d);
  for (std::size_t i = 0; i < d / 2; ++i) {
    const auto frequency = static_cast<float>(
        std::pow(10000.0, -2.0 * static_cast<double>(i) / static_cast<double>(d)));
    const float angle = static_cast<float>(position) * frequency;
    const auto low = static_cast<float>(x[i]);
    const auto high = static_cast<float>(x[i + d / 2]);
    y[i] = round_to(out, low * std::cos(angle) - high * std::sin(angle));
    y[i + d / 2] = round_to(out, std::fma(high, std::cos(angle), low * std::sin(angle)));
  }
  return y;
}

TEST(RopeBound, HoldsForF32KernelsAndSeesTheNextPosition) {
  for (const Dtype out : {Dtype::kF32, Dtype::kF16, Dtype::kBf16}) {
    for (const std::int32_t position : {0, 1, 17, 500, 4095, 100000}) {
      const std::vector<double> x = test::random_normal(80, 1, out, 74);
      const Result expected = rope_with_theta(View<3>(x.data(), {1, 1, 80}), position, 10000, out);
      EXPECT_TRUE(
          test::agrees(test::compare_within(device_rope(x, position, 80, out), expected, out)))
          << position;
      EXPECT_FALSE(
          test::compare_within(device_rope(x, position + 1, 80, out), expected, out).passed())
          << position;
    }
  }
}

TEST(RopeBound, GrowsWithTheAngleAndShrinksWithAnExactTable) {
  const std::vector<double> x{1, 1};
  const View<3> view(x.data(), {1, 1, 2});
  const Result near = rope_with_theta(view, 10, 10000);
  const Result far = rope_with_theta(view, 4000, 10000);
  const std::vector<std::int32_t> positions{4000};
  const std::vector<double> table{1};
  const Result exact_table = rope(view, positions, exact_frequencies(table), {});
  EXPECT_GT(far.bound[0], 50 * near.bound[0]);
  EXPECT_LT(far.bound[0], 0.002);
  EXPECT_LT(exact_table.bound[0], 0.6 * far.bound[0]);
}

}  // namespace
}  // namespace sampan::reference
