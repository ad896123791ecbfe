#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace sampan::core {

/// Names a stream for the life of the process; 0 is no stream.
using StreamKey = std::uint64_t;

/// "Everything that stream had been given up to `position`".
struct StreamPoint {
  StreamKey stream = 0;
  std::uint64_t position = 0;
};

using BlockId = std::uint32_t;

/// A piece of a block, handed out by Pool::take.
struct PoolGrant {
  BlockId block = 0;
  std::uint64_t offset_bytes = 0;
  std::uint64_t size_bytes = 0;  ///< as rounded
  /// Work that must come before the first use: that of other streams which used the piece before.
  std::vector<StreamPoint> waits;
};

/// Which freed memory may be handed to whom: the bookkeeping of a stream-ordered pool. It touches
/// no memory and calls no driver. Blocks are what the driver gave; pieces are cut from them, best
/// fit, and neighbours are joined again when both are free.
///
/// Freed memory carries the points of the streams that may still use it. A taker of the same stream
/// needs no wait; for another stream the points that are not complete come back as `waits`. Pieces
/// that need no wait are preferred.
///
/// Not thread-safe: the owner locks.
class Pool {
 public:
  static constexpr std::uint64_t kAlignmentBytes = 256;

  /// Tells whether work up to a point has completed; may answer false though it has.
  using Completed = std::function<bool(const StreamPoint&)>;

  explicit Pool(Completed completed) : completed_(std::move(completed)) {}

  /// A piece of at least `size_bytes` (over 0) for work of `stream`. `may_wait` false: only pieces
  /// that need no wait. nullopt: nothing fits.
  [[nodiscard]] std::optional<PoolGrant> take(std::uint64_t size_bytes, StreamKey stream,
                                              bool may_wait);

  /// Returns a piece that take() gave, with the points of the streams that used it.
  void give_back(BlockId block, std::uint64_t offset_bytes, std::vector<StreamPoint> points);

  /// Adds a block that the driver gave; its size is a multiple of kAlignmentBytes.
  BlockId add_block(std::uint64_t size_bytes);

  /// Blocks that hold no piece, with the points that must be complete before the driver may have
  /// them back.
  struct IdleBlock {
    BlockId block = 0;
    std::uint64_t size_bytes = 0;
    std::vector<StreamPoint> points;
  };
  [[nodiscard]] std::vector<IdleBlock> idle_blocks() const;
  void remove_block(BlockId block);

  [[nodiscard]] std::uint64_t in_use_bytes() const noexcept { return in_use_bytes_; }
  [[nodiscard]] std::uint64_t reserved_bytes() const noexcept { return reserved_bytes_; }

 private:
  struct Piece {
    std::uint64_t size_bytes = 0;
    bool is_free = true;
    std::vector<StreamPoint> points;  // of a free piece
  };
  struct Block {
    std::uint64_t size_bytes = 0;
    std::map<std::uint64_t, Piece> pieces;  // by offset; they cover the block
  };
  using FreeKey = std::tuple<std::uint64_t, BlockId, std::uint64_t>;  // size, block, offset
  using Pieces = std::map<std::uint64_t, Piece>;

  std::vector<StreamPoint> pending(const Piece& piece, StreamKey stream) const;
  void join_with_next(BlockId id, Block& block, Pieces::iterator piece);

  Completed completed_;
  std::unordered_map<BlockId, Block> blocks_;
  std::set<FreeKey> free_;
  BlockId next_block_ = 1;
  std::uint64_t in_use_bytes_ = 0;
  std::uint64_t reserved_bytes_ = 0;
};

}  // namespace sampan::core
