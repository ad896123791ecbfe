#include "core/checked.h"

#include <gtest/gtest.h>

namespace sampan::core {
namespace {

constexpr std::uint64_t kMax = UINT64_MAX;
constexpr std::uint64_t kHalf = std::uint64_t{1} << 63;

TEST(Checked, MulGivesTheProductOrNothing) {
  EXPECT_EQ(checked_mul(0, kMax), 0u);
  EXPECT_EQ(checked_mul(kMax, 1), kMax);
  EXPECT_EQ(checked_mul(1ull << 32, (1ull << 32) - 1), kMax - (1ull << 32) + 1);
  EXPECT_EQ(checked_mul(1ull << 32, 1ull << 32), std::nullopt);
  EXPECT_EQ(checked_mul(kHalf, 2), std::nullopt);
  EXPECT_EQ(checked_mul(kMax, kMax), std::nullopt);
}

TEST(Checked, AddGivesTheSumOrNothing) {
  EXPECT_EQ(checked_add(kMax, 0), kMax);
  EXPECT_EQ(checked_add(kHalf, kHalf - 1), kMax);
  EXPECT_EQ(checked_add(kHalf, kHalf), std::nullopt);
  EXPECT_EQ(checked_add(kMax, 1), std::nullopt);
}

TEST(Checked, FitsNeverWraps) {
  EXPECT_TRUE(fits(0, 0, 0));
  EXPECT_TRUE(fits(8, 0, 8));
  EXPECT_TRUE(fits(3, 5, 8));
  EXPECT_FALSE(fits(3, 6, 8));
  EXPECT_FALSE(fits(9, 0, 8));
  EXPECT_FALSE(fits(1, kMax, 8)) << "the sum is 0 modulo 2^64";
  EXPECT_FALSE(fits(kMax, 1, 8));
  EXPECT_TRUE(fits(kMax, 0, kMax));
  EXPECT_TRUE(fits(0, kMax, kMax));
}

TEST(Checked, AlignRoundsUpOrGivesNothing) {
  EXPECT_EQ(checked_align(0, 256), 0u);
  EXPECT_EQ(checked_align(1, 256), 256u);
  EXPECT_EQ(checked_align(256, 256), 256u);
  EXPECT_EQ(checked_align(257, 256), 512u);
  EXPECT_EQ(checked_align(kMax, 1), kMax);
  EXPECT_EQ(checked_align(kMax - 255, 256), kMax - 255);
  EXPECT_EQ(checked_align(kMax - 254, 256), std::nullopt);
  EXPECT_EQ(checked_align(kMax, 2), std::nullopt);
}

}  // namespace
}  // namespace sampan::core
