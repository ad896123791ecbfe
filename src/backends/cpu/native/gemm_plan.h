// How one product is cut up: decided from the description alone, before any kernel runs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/cpu/native/gemm.h"

namespace sampan::cpu::native {

/// What the register tile multiplies; see formats.h.
enum class ComputeFormat : std::uint8_t { f32, bf16, i8 };
inline constexpr int kComputeFormats = 3;

/// The algorithm: register tiles over packed blocks, or, for few rows, B streamed as it lies
/// ([n, k]: dot products; [k, n]: running sums).
enum class GemmPath : std::uint8_t { blocked, dots, sums };

/// Most rows of A that the streaming paths take.
inline constexpr std::int64_t kSmallRows = 16;

/// The shape of an instruction level's register tile in one compute format.
struct TileGeometry {
  int rows = 0;
  int cols = 0;
  int lanes = 0;        ///< 32-bit lanes of a vector
  int per_group = 0;    ///< k values in a 32-bit group
  int header_rows = 0;  ///< rows of a packed B panel that precede its groups
};

/// Half-open range.
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  [[nodiscard]] std::int64_t size() const { return end - begin; }
};

struct GemmPlan {
  GemmPath path = GemmPath::blocked;
  ComputeFormat format = ComputeFormat::f32;
  TileGeometry geometry;
  bool direct_a = false;          ///< the tile reads the caller's A
  bool direct_b = false;          ///< the tile reads the caller's B, but for a last partial vector
  bool accumulate_apart = false;  ///< partial sums live in the workspace, not in D

  std::int64_t k_block = 0;  ///< k values per block, a multiple of per_group
  std::int64_t k_blocks = 1;
  std::int64_t m_block = 0;  ///< rows of A packed at once
  std::int64_t n_block = 0;  ///< columns of B packed at once, a multiple of geometry.cols
  std::int64_t m_outer = 0;  ///< rows whose partial sums are kept at once

  std::int64_t row_unit = 1;  ///< items begin at multiples of these
  std::int64_t col_unit = 1;
  std::int64_t row_parts = 1;  ///< the grid of independent items
  std::int64_t col_parts = 1;
  std::int64_t items = 0;  ///< batch * row_parts * col_parts
  std::uint32_t tasks = 0;

  std::size_t a_bytes = 0;  ///< scratch of one task: packed A, then packed B, then partial sums
  std::size_t b_bytes = 0;
  std::size_t sums_bytes = 0;

  [[nodiscard]] std::size_t task_bytes() const { return a_bytes + b_bytes + sums_bytes; }

  /// Offset in 32-bit groups of the packed panel whose first column is `col`, in k block `block`.
  [[nodiscard]] std::int64_t packed_panel_offset(std::int64_t block, std::int64_t col,
                                                 std::int64_t n, std::int64_t k) const;
};

/// The rows and columns of item `item`, and its batch entry.
struct GemmItem {
  std::int64_t batch = 0;
  Range rows;
  Range cols;
};
[[nodiscard]] GemmItem gemm_item(const GemmPlan& plan, const GemmDesc& desc, std::int64_t item);

/// k values in block `block`.
[[nodiscard]] inline Range k_range(const GemmPlan& plan, std::int64_t k, std::int64_t block) {
  const std::int64_t begin = block * plan.k_block;
  return {begin, begin + plan.k_block < k ? begin + plan.k_block : k};
}

}  // namespace sampan::cpu::native
