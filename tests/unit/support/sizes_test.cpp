#include "support/sizes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace sampan::test {
namespace {

TEST(SizesAround, HoldsBothSidesOfTheTileAPrimeAndTheTrivialSizes) {
  EXPECT_EQ(sizes_around(64), (std::vector<std::int64_t>{0, 1, 61, 63, 64, 65, 97, 128, 129}));
  EXPECT_EQ(sizes_around(1), (std::vector<std::int64_t>{0, 1, 2, 3}));
}

TEST(GemmShapes, MeetEveryPairOfSizes) {
  const std::vector<GemmShape> shapes = gemm_shapes(64, 8, 1);
  std::set<std::pair<std::int64_t, std::int64_t>> mn, mk, nk;
  for (const GemmShape& shape : shapes) {
    mn.emplace(shape.m, shape.n);
    mk.emplace(shape.m, shape.k);
    nk.emplace(shape.n, shape.k);
  }
  const std::size_t m = sizes_around(64).size();
  const std::size_t n = sizes_around(8).size();
  const std::size_t k = sizes_around(1).size();
  EXPECT_EQ(mn.size(), m * n);
  EXPECT_EQ(mk.size(), m * k);
  EXPECT_EQ(nk.size(), n * k);
  EXPECT_LT(shapes.size(), 100u);
}

TEST(AttentionShapes, CoverDecodePrefillMaskedRowsAndEmptyInputs) {
  const std::vector<AttentionShape> shapes = attention_shapes(16, 32, 64);
  const auto any = [&](auto predicate) {
    return std::any_of(shapes.begin(), shapes.end(), predicate);
  };
  EXPECT_TRUE(any([](const auto& s) { return s.causal && s.queries > s.keys && s.keys > 0; }));
  EXPECT_TRUE(any([](const auto& s) { return s.queries == 1 && s.keys > 32; }));
  EXPECT_TRUE(any([](const auto& s) { return s.queries > 16 && s.keys > 64 && s.causal; }));
  EXPECT_TRUE(any([](const auto& s) { return s.heads > s.kv_heads; }));
  EXPECT_TRUE(any([](const auto& s) { return s.keys == 0; }));
  EXPECT_TRUE(any([](const auto& s) { return s.queries == 0; }));
  EXPECT_TRUE(any([](const auto& s) { return s.batch == 0; }));
  for (const AttentionShape& shape : shapes) EXPECT_EQ(shape.heads % shape.kv_heads, 0);
}

}  // namespace
}  // namespace sampan::test
