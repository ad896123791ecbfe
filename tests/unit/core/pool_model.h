// A plain model of core's Pool: what the same calls must give, found by looking at everything.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "core/memory/pool.h"

namespace sampan::core {

/// Latest position of each stream.
using Points = std::map<StreamKey, std::uint64_t>;

class PoolModel {
 public:
  struct Piece {
    BlockId block = 0;
    std::uint64_t offset = 0, size = 0;
    bool is_free = true;
    Points points;  // of a free piece
  };

  void add_block(BlockId block, std::uint64_t size) {
    pieces_.push_back({block, 0, size, true, {}});
    reserved_ += size;
  }

  /// Takes [offset, offset + size) out of the free piece that starts there.
  void take(std::size_t index, std::uint64_t size) {
    Piece rest = pieces_[index];
    pieces_[index].size = size;
    pieces_[index].is_free = false;
    pieces_[index].points.clear();
    rest.offset += size;
    rest.size -= size;
    if (rest.size > 0) pieces_.push_back(rest);
    in_use_ += size;
  }

  /// Frees a piece and joins it with its free neighbours: they carry the points of all.
  void give_back(std::size_t index, const Points& points) {
    Piece freed = pieces_[index];
    in_use_ -= freed.size;
    freed.is_free = true;
    freed.points = points;
    pieces_.erase(pieces_.begin() + static_cast<std::ptrdiff_t>(index));
    for (std::size_t i = 0; i < pieces_.size();) {
      const Piece& other = pieces_[i];
      const bool adjoins =
          other.is_free && other.block == freed.block &&
          (other.offset + other.size == freed.offset || freed.offset + freed.size == other.offset);
      if (!adjoins) {
        ++i;
        continue;
      }
      freed.offset = std::min(freed.offset, other.offset);
      freed.size += other.size;
      for (const auto& [stream, position] : other.points) {
        freed.points[stream] = std::max(freed.points[stream], position);
      }
      pieces_.erase(pieces_.begin() + static_cast<std::ptrdiff_t>(i));
      i = 0;
    }
    pieces_.push_back(freed);
  }

  void remove_block(BlockId block) {
    for (const Piece& piece : pieces_) {
      if (piece.block == block) reserved_ -= piece.size;
    }
    std::erase_if(pieces_, [&](const Piece& piece) { return piece.block == block; });
  }

  [[nodiscard]] std::size_t index_of(BlockId block, std::uint64_t offset) const {
    const auto it = std::find_if(pieces_.begin(), pieces_.end(), [&](const Piece& piece) {
      return piece.block == block && piece.offset == offset;
    });
    return static_cast<std::size_t>(it - pieces_.begin());
  }

  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }
  [[nodiscard]] std::uint64_t in_use() const { return in_use_; }
  [[nodiscard]] std::uint64_t reserved() const { return reserved_; }

 private:
  std::vector<Piece> pieces_;
  std::uint64_t in_use_ = 0, reserved_ = 0;
};

}  // namespace sampan::core
