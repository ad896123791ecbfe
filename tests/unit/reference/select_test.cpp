#include "reference/select.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "support/random_data.h"

namespace sampan::reference {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct ArgmaxCase {
  const char* name;
  std::vector<double> row;
  std::int32_t expected;
};

TEST(Argmax, RanksNumbersNanAndTies) {
  const ArgmaxCase cases[] = {
      {"one", {-5}, 0},
      {"last", {1, 2, 3}, 2},
      {"lowest of a tie", {1, 7, 7, 7}, 1},
      {"zeros tie", {-0.0, 0.0}, 0},
      {"NaN beats infinity", {1, kInfinity, kNan, kInfinity}, 2},
      {"lowest NaN", {kNan, 9, kNan}, 0},
      {"minus infinities", {-kInfinity, -kInfinity}, 0},
      {"negative", {-3, -1, -2}, 1},
  };
  for (const ArgmaxCase& c : cases) {
    const View<2> view(c.row.data(), {1, static_cast<std::int64_t>(c.row.size())});
    EXPECT_EQ(argmax(view), std::vector<std::int32_t>{c.expected}) << c.name;
    EXPECT_EQ(top_k(view, 1).indices, std::vector<std::int32_t>{c.expected}) << c.name;
  }
}

TEST(TopK, OrdersWholeRows) {
  const std::vector<double> x{3, kNan, 3, -kInfinity, 5, 3, 1, 1, 1, 0, 2, 2};
  const TopK top = top_k(View<2>(x.data(), {2, 6}), 6);
  EXPECT_EQ(top.indices, (std::vector<std::int32_t>{1, 4, 0, 2, 5, 3, 4, 5, 0, 1, 2, 3}));
  EXPECT_TRUE(std::isnan(top.values[0]));
  EXPECT_EQ((std::vector<double>{top.values.begin() + 1, top.values.end()}),
            (std::vector<double>{5, 3, 3, 3, -kInfinity, 2, 2, 1, 1, 1, 0}));
}

TEST(TopK, IsAPrefixOfTheFullOrder) {
  const std::vector<double> x = test::random_integers(97, -10, 10, 91);  // many ties
  const View<2> view(x.data(), {1, 97});
  const TopK all = top_k(view, 97);
  for (std::size_t i = 1; i < 97; ++i) {
    const bool falls = all.values[i - 1] > all.values[i];
    const bool tie_in_order =
        all.values[i - 1] == all.values[i] && all.indices[i - 1] < all.indices[i];
    EXPECT_TRUE(falls || tie_in_order) << i;
  }
  const TopK some = top_k(view, 13);
  EXPECT_TRUE(std::equal(some.indices.begin(), some.indices.end(), all.indices.begin()));
  EXPECT_TRUE(top_k(view, 0).indices.empty());
}

TEST(Embedding, GathersRowsAndZeroesUnknownIds) {
  const std::vector<double> table{1, 2, 3, 4, 5.0009765625, 6};
  const std::vector<std::int32_t> ids{2, 0, -1, 3, 2};
  const Result rows = embedding(View<2>(table.data(), {3, 2}), ids, Dtype::kBf16);
  EXPECT_EQ(rows.value, (std::vector<double>{5, 6, 1, 2, 0, 0, 0, 0, 5, 6}));
  EXPECT_EQ(rows.bound, std::vector<double>(10, 0.0));
}

TEST(Transpose, ExchangesRowsAndColumns) {
  const std::vector<double> x{1, 2, 3, 99, 4, 5, 6, 99};
  EXPECT_EQ(transpose(View<2>(x.data(), {2, 3}, {4, 1})), (std::vector<double>{1, 4, 2, 5, 3, 6}));
  EXPECT_TRUE(transpose(View<2>(nullptr, {0, 3})).empty());
}

}  // namespace
}  // namespace sampan::reference
