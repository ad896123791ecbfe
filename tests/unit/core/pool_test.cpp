#include "core/memory/pool.h"

#include <gtest/gtest.h>

#include <random>

#include "pool_model.h"

namespace sampan::core {
namespace {

constexpr std::uint64_t kUnit = Pool::kAlignmentBytes;

// Random programs against the model. Streams get work, complete it, allocate, and free.
class PoolProgram {
 public:
  explicit PoolProgram(unsigned seed) : random_(seed) {}

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) step();
    while (!live_.empty() && !testing::Test::HasFailure()) give_back();
    check_idle();
  }

 private:
  static constexpr StreamKey kStreams = 4;

  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  void step() {
    switch (below(8)) {
      case 0:
        return add_block();
      case 1:
        ++position_[1 + below(kStreams)];
        return;
      case 2:
        return complete();
      case 3:
      case 4:
        return give_back();
      case 5:
        if (below(8) == 0) remove_idle();
        return;
      default:
        return take();
    }
  }

  void complete() {
    const StreamKey stream = 1 + below(kStreams);
    completed_[stream] += below(position_[stream] - completed_[stream] + 1);
  }

  bool is_complete(StreamKey stream, std::uint64_t position) {
    return completed_[stream] >= position;
  }

  // What a taker on `stream` has to wait for.
  Points pending(const PoolModel::Piece& piece, StreamKey stream) {
    Points waits;
    for (const auto& [other, position] : piece.points) {
      if (other != stream && !is_complete(other, position)) waits[other] = position;
    }
    return waits;
  }

  void add_block() {
    if (model_.reserved() > 4000 * kUnit) return;
    const std::uint64_t size = (1 + below(200)) * kUnit;
    model_.add_block(pool_.add_block(size), size);
  }

  void take() {
    const std::uint64_t size = 1 + below(40 * kUnit);
    const std::uint64_t rounded = (size + kUnit - 1) / kUnit * kUnit;
    const StreamKey stream = below(kStreams + 1);  // 0: none
    const bool may_wait = stream != 0 && below(2) == 0;
    std::size_t fitting = 0, ready = 0;
    std::uint64_t smallest_ready = UINT64_MAX;
    for (const auto& piece : model_.pieces()) {
      if (!piece.is_free || piece.size < rounded) continue;
      ++fitting;
      if (!pending(piece, stream).empty()) continue;
      ++ready;
      smallest_ready = std::min(smallest_ready, piece.size);
    }
    const auto grant = pool_.take(size, stream, may_wait);
    ASSERT_EQ(grant.has_value(), (may_wait ? fitting : ready) > 0);
    if (!grant) return;
    ASSERT_EQ(grant->size_bytes, rounded);
    const std::size_t index = model_.index_of(grant->block, grant->offset_bytes);
    ASSERT_LT(index, model_.pieces().size()) << "no piece starts there";
    const PoolModel::Piece piece = model_.pieces()[index];
    ASSERT_TRUE(piece.is_free) << "the piece is in use";
    ASSERT_GE(piece.size, rounded);
    Points waits;
    for (const StreamPoint& point : grant->waits) {
      ASSERT_TRUE(waits.emplace(point.stream, point.position).second) << "named twice";
    }
    ASSERT_EQ(waits, pending(piece, stream));
    if (!may_wait) {
      ASSERT_EQ(piece.size, smallest_ready) << "not the best fit";
    } else if (fitting <= 16) {
      ASSERT_EQ(waits.empty(), ready > 0) << "few pieces: all are looked at before anybody waits";
    }
    model_.take(index, rounded);
    live_.push_back(*grant);
    check_sums();
  }

  void give_back() {
    if (live_.empty()) return;
    const std::size_t i = below(live_.size());
    Points points;
    for (StreamKey stream = 1; stream <= kStreams; ++stream) {
      if (below(2) == 0) points[stream] = position_[stream];
    }
    std::vector<StreamPoint> list;
    for (const auto& [stream, position] : points) list.push_back({stream, position});
    pool_.give_back(live_[i].block, live_[i].offset_bytes, list);
    model_.give_back(model_.index_of(live_[i].block, live_[i].offset_bytes), points);
    live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(i));
    check_sums();
  }

  void check_sums() {
    ASSERT_EQ(pool_.in_use_bytes(), model_.in_use());
    ASSERT_EQ(pool_.reserved_bytes(), model_.reserved());
  }

  // Idle blocks are those of one free piece in the model, with the same points.
  void check_idle() {
    std::map<BlockId, Points> expected;
    std::map<BlockId, int> pieces;
    for (const auto& piece : model_.pieces()) ++pieces[piece.block];
    for (const auto& piece : model_.pieces()) {
      if (piece.is_free && pieces[piece.block] == 1) expected[piece.block] = piece.points;
    }
    std::map<BlockId, Points> actual;
    for (const Pool::IdleBlock& block : pool_.idle_blocks()) {
      for (const StreamPoint& point : block.points) {
        actual[block.block][point.stream] = point.position;
      }
      actual[block.block];
    }
    ASSERT_EQ(actual, expected);
  }

  void remove_idle() {
    check_idle();
    for (const Pool::IdleBlock& block : pool_.idle_blocks()) {
      if (below(2) == 0) continue;
      pool_.remove_block(block.block);
      model_.remove_block(block.block);
    }
    check_sums();
  }

  std::mt19937 random_;
  Points position_, completed_;
  Pool pool_{
      [this](const StreamPoint& point) { return is_complete(point.stream, point.position); }};
  PoolModel model_;
  std::vector<PoolGrant> live_;
};

TEST(Pool, RandomProgramsMatchTheModel) {
  for (unsigned seed = 0; seed < 300 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    PoolProgram(seed).run(400);
  }
}

Pool never_complete() {
  return Pool([](const StreamPoint&) { return false; });
}

TEST(Pool, EmptyPoolGivesNothing) {
  Pool pool = never_complete();
  EXPECT_FALSE(pool.take(1, 1, true));
  EXPECT_TRUE(pool.idle_blocks().empty());
  EXPECT_EQ(pool.reserved_bytes(), 0u);
}

TEST(Pool, SizesNearTheEndOfTheRangeFitNothing) {
  Pool pool = never_complete();
  pool.add_block(4 * kUnit);
  for (const std::uint64_t size : {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - kUnit + 1,
                                   UINT64_MAX - kUnit, std::uint64_t{4 * kUnit + 1}}) {
    EXPECT_FALSE(pool.take(size, 1, true)) << size;
  }
  EXPECT_EQ(pool.in_use_bytes(), 0u);
  EXPECT_TRUE(pool.take(4 * kUnit, 1, true));
}

TEST(Pool, SizesAreRoundedUp) {
  for (const auto& [asked, given] : std::map<std::uint64_t, std::uint64_t>{
           {1, kUnit}, {kUnit - 1, kUnit}, {kUnit, kUnit}, {kUnit + 1, 2 * kUnit}}) {
    Pool pool = never_complete();
    pool.add_block(8 * kUnit);
    const auto grant = pool.take(asked, 1, true);
    ASSERT_TRUE(grant);
    EXPECT_EQ(grant->size_bytes, given);
    EXPECT_EQ(pool.in_use_bytes(), given);
  }
}

TEST(Pool, SameStreamNeverWaits) {
  Pool pool = never_complete();
  const BlockId block = pool.add_block(kUnit);
  ASSERT_TRUE(pool.take(kUnit, 7, true));
  pool.give_back(block, 0, {{7, 1}});
  const auto grant = pool.take(kUnit, 7, false);
  ASSERT_TRUE(grant);
  EXPECT_TRUE(grant->waits.empty());
}

TEST(Pool, AnotherStreamWaitsUntilTheWorkIsComplete) {
  std::uint64_t completed = 0;
  Pool pool([&](const StreamPoint& point) { return point.position <= completed; });
  const BlockId block = pool.add_block(kUnit);
  ASSERT_TRUE(pool.take(kUnit, 7, true));
  pool.give_back(block, 0, {{7, 5}});
  EXPECT_FALSE(pool.take(kUnit, 8, false));
  const auto waiting = pool.take(kUnit, 8, true);
  ASSERT_TRUE(waiting);
  ASSERT_EQ(waiting->waits.size(), 1u);
  EXPECT_EQ(waiting->waits[0].stream, 7u);
  EXPECT_EQ(waiting->waits[0].position, 5u);
  pool.give_back(block, 0, {{7, 5}});
  completed = 5;
  const auto ready = pool.take(kUnit, 8, false);
  ASSERT_TRUE(ready);
  EXPECT_TRUE(ready->waits.empty());
}

// Nobody's memory (stream 0) may be used at once by anybody: it is given only when all is complete.
TEST(Pool, MemoryForNoStreamIsComplete) {
  Pool pool = never_complete();
  const BlockId block = pool.add_block(kUnit);
  ASSERT_TRUE(pool.take(kUnit, 7, true));
  pool.give_back(block, 0, {{7, 1}});
  EXPECT_FALSE(pool.take(kUnit, 0, false));
}

TEST(Pool, NeighboursJoinInAnyOrder) {
  for (const std::vector<int>& order : std::vector<std::vector<int>>{
           {0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}) {
    Pool pool = never_complete();
    const BlockId block = pool.add_block(3 * kUnit);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(pool.take(kUnit, 1, true));
    EXPECT_TRUE(pool.idle_blocks().empty());
    for (const int i : order) {
      pool.give_back(block, static_cast<std::uint64_t>(i) * kUnit,
                     {{static_cast<StreamKey>(i + 2), 1}});
    }
    ASSERT_EQ(pool.idle_blocks().size(), 1u);
    EXPECT_EQ(pool.idle_blocks()[0].points.size(), 3u) << "the points of all three";
    const auto whole = pool.take(3 * kUnit, 1, true);
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->waits.size(), 3u);
  }
}

}  // namespace
}  // namespace sampan::core
