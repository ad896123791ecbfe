#include "core/memory/pool.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sampan::core {
namespace {

// Free pieces larger than the best fit that are looked at for one that needs no wait.
constexpr int kCandidates = 16;

// Keeps the latest point of each stream.
void merge(std::vector<StreamPoint>& into, const std::vector<StreamPoint>& from) {
  for (const StreamPoint& point : from) {
    const auto known = std::find_if(into.begin(), into.end(), [&](const StreamPoint& other) {
      return other.stream == point.stream;
    });
    if (known == into.end()) {
      into.push_back(point);
    } else {
      known->position = std::max(known->position, point.position);
    }
  }
}

}  // namespace

std::vector<StreamPoint> Pool::pending(const Piece& piece, StreamKey stream) const {
  std::vector<StreamPoint> result;
  for (const StreamPoint& point : piece.points) {
    if (point.stream != stream && !completed_(point)) result.push_back(point);
  }
  return result;
}

std::optional<PoolGrant> Pool::take(std::uint64_t size_bytes, StreamKey stream, bool may_wait) {
  if (size_bytes > UINT64_MAX - kAlignmentBytes) return std::nullopt;
  const std::uint64_t size = (size_bytes + kAlignmentBytes - 1) & ~(kAlignmentBytes - 1);

  auto best = free_.end();
  std::vector<StreamPoint> best_waits;
  int looked_at = 0;
  for (auto it = free_.lower_bound({size, 0, 0}); it != free_.end(); ++it) {
    const auto& [piece_size, id, offset] = *it;
    auto waits = pending(blocks_.at(id).pieces.at(offset), stream);
    const bool better = waits.empty() || (may_wait && best == free_.end());
    if (better) {
      best = it;
      best_waits = std::move(waits);
      if (best_waits.empty()) break;
    }
    if (may_wait && ++looked_at == kCandidates) break;
  }
  if (best == free_.end()) return std::nullopt;

  const auto [piece_size, id, offset] = *best;
  free_.erase(best);
  Block& block = blocks_.at(id);
  Piece& piece = block.pieces.at(offset);
  if (piece_size > size) {
    block.pieces.emplace(offset + size, Piece{piece_size - size, true, piece.points});
    free_.insert({piece_size - size, id, offset + size});
  }
  piece = Piece{size, false, {}};
  in_use_bytes_ += size;
  return PoolGrant{id, offset, size, std::move(best_waits)};
}

void Pool::join_with_next(BlockId id, Block& block, Pieces::iterator piece) {
  const auto next = std::next(piece);
  if (next == block.pieces.end() || !next->second.is_free) return;
  free_.erase({next->second.size_bytes, id, next->first});
  free_.erase({piece->second.size_bytes, id, piece->first});
  piece->second.size_bytes += next->second.size_bytes;
  merge(piece->second.points, next->second.points);
  block.pieces.erase(next);
  free_.insert({piece->second.size_bytes, id, piece->first});
}

void Pool::give_back(BlockId id, std::uint64_t offset_bytes, std::vector<StreamPoint> points) {
  Block& block = blocks_.at(id);
  const auto piece = block.pieces.find(offset_bytes);
  in_use_bytes_ -= piece->second.size_bytes;
  piece->second.is_free = true;
  piece->second.points = std::move(points);
  free_.insert({piece->second.size_bytes, id, offset_bytes});
  join_with_next(id, block, piece);
  if (piece != block.pieces.begin() && std::prev(piece)->second.is_free) {
    join_with_next(id, block, std::prev(piece));
  }
}

BlockId Pool::add_block(std::uint64_t size_bytes) {
  const BlockId id = next_block_++;
  Block& block = blocks_[id];
  block.size_bytes = size_bytes;
  block.pieces.emplace(0, Piece{size_bytes, true, {}});
  free_.insert({size_bytes, id, 0});
  reserved_bytes_ += size_bytes;
  return id;
}

std::vector<Pool::IdleBlock> Pool::idle_blocks() const {
  std::vector<IdleBlock> result;
  for (const auto& [id, block] : blocks_) {
    const Piece& first = block.pieces.begin()->second;
    if (block.pieces.size() == 1 && first.is_free) {
      result.push_back({id, block.size_bytes, first.points});
    }
  }
  return result;
}

void Pool::remove_block(BlockId id) {
  const Block& block = blocks_.at(id);
  free_.erase({block.size_bytes, id, 0});
  reserved_bytes_ -= block.size_bytes;
  blocks_.erase(id);
}

}  // namespace sampan::core
