#include "backends/cpu/native/gemm_plan.h"

#include <algorithm>

#include "backends/cpu/native/gemm_internal.h"

namespace sampan::cpu::native {
namespace {

// Block sizes, found on Zen 5 (48 KiB L1d, 1 MiB L2 a core, 2026-11-22); within 2 % of the best
// over a factor of two either way. A packed A block takes half of L2, a B panel most of L1.
constexpr std::int64_t kKGroupsPerBlock = 256;
constexpr std::int64_t kRowsPerBlock = 480;
constexpr std::int64_t kColsPerBlock = 2016;
// Where partial sums are kept apart, a block of them must stay within reach of L3.
constexpr std::int64_t kRowsOfSums = 960;
constexpr std::int64_t kColsOfSums = 1008;

// Streaming [k, n]: 8 rows of this many columns stay in L2 while every row of A uses them.
constexpr std::int64_t kColsOfStream = 2048;
// Where an item of a streaming product may begin: a multiple of every vector, and of a cache line.
constexpr std::int64_t kStreamUnit = 16;

// A task must be worth its hand-over, about half a microsecond.
constexpr double kMultiplyAddsPerTask = 131072;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
std::int64_t round_up(std::int64_t a, std::int64_t b) { return ceil_div(a, b) * b; }

std::size_t aligned_bytes(std::int64_t words) {
  return static_cast<std::size_t>(
      round_up(words * 4, static_cast<std::int64_t>(kWorkspaceAlignmentBytes)));
}

Range part(std::int64_t extent, std::int64_t unit, std::int64_t parts, std::int64_t index) {
  const std::int64_t units = ceil_div(extent, unit);
  return {std::min(extent, units * index / parts * unit),
          std::min(extent, units * (index + 1) / parts * unit)};
}

/// Cuts [m, n] into at least `wanted` items. The cost of a cut is the work of its largest item plus
/// the packing that each item repeats, which costs about 24 multiply-adds an element.
void choose_grid(GemmPlan& plan, const GemmDesc& desc, std::int64_t wanted) {
  const std::int64_t row_units = std::max<std::int64_t>(1, ceil_div(desc.m, plan.row_unit));
  const std::int64_t col_units = std::max<std::int64_t>(1, ceil_div(desc.n, plan.col_unit));
  double best = 0;
  for (std::int64_t rows = 1; rows <= std::min(wanted, row_units); ++rows) {
    const std::int64_t cols = std::min(ceil_div(wanted, rows), col_units);
    const auto item_rows = static_cast<double>(ceil_div(row_units, rows) * plan.row_unit);
    const auto item_cols = static_cast<double>(ceil_div(col_units, cols) * plan.col_unit);
    const double cost = item_rows * item_cols + 24 * (item_rows + item_cols);
    if (rows == 1 || cost < best) {
      best = cost;
      plan.row_parts = rows;
      plan.col_parts = cols;
    }
  }
}

void choose_blocks(GemmPlan& plan, const GemmDesc& desc) {
  const TileGeometry& tile = plan.geometry;
  const std::int64_t groups = ceil_div(desc.k, tile.per_group);
  plan.k_blocks = std::max<std::int64_t>(1, ceil_div(groups, kKGroupsPerBlock));
  plan.k_block = round_up(ceil_div(groups, plan.k_blocks), tile.lanes) * tile.per_group;

  plan.accumulate_apart =
      plan.k_blocks > 1 && plan.format != ComputeFormat::i8 &&
      (desc.d.type != ElementType::f32 || desc.beta != 0.0f || desc.has_residual);
  const std::int64_t item_rows = ceil_div(ceil_div(desc.m, tile.rows), plan.row_parts) * tile.rows;
  const std::int64_t item_cols = ceil_div(ceil_div(desc.n, tile.cols), plan.col_parts) * tile.cols;
  const std::int64_t max_cols = plan.accumulate_apart ? kColsOfSums : kColsPerBlock;
  plan.m_block = std::min(item_rows, kRowsPerBlock / tile.rows * tile.rows);
  plan.n_block = std::min(item_cols, max_cols / tile.cols * tile.cols);
  plan.m_outer = plan.accumulate_apart ? std::min(item_rows, kRowsOfSums / tile.rows * tile.rows)
                                       : std::max<std::int64_t>(1, item_rows);
}

void choose_operands(GemmPlan& plan, const GemmDesc& desc) {
  const bool f32 = plan.format == ComputeFormat::f32;
  const std::int64_t b_elems = desc.k * desc.n;
  plan.direct_a = f32 && desc.a.type == ElementType::f32 && !desc.transpose_a &&
                  desc.n <= 4 * plan.geometry.cols;
  plan.direct_b = f32 && desc.b.type == ElementType::f32 && !desc.transpose_b && !desc.packed_b &&
                  b_elems <= 65536;
}

void choose_scratch(GemmPlan& plan, const GemmDesc& desc) {
  const TileGeometry& tile = plan.geometry;
  const std::int64_t k_groups = plan.k_block / tile.per_group;
  const std::int64_t panel_rows = k_groups + tile.header_rows;
  if (!plan.direct_a) plan.a_bytes = aligned_bytes(plan.m_block * k_groups);
  if (!desc.packed_b) {
    plan.b_bytes = aligned_bytes((plan.direct_b ? tile.cols : plan.n_block) * panel_rows);
  }
  if (plan.accumulate_apart) plan.sums_bytes = aligned_bytes(plan.m_outer * plan.n_block);
}

GemmPath choose_path(const GemmDesc& desc) {
  if (desc.m > kSmallRows || desc.packed_b || desc.a.type == ElementType::i8) {
    return GemmPath::blocked;
  }
  return desc.transpose_b ? GemmPath::dots : GemmPath::sums;
}

/// Scratch of a streaming product: A as f32 rows unless it already is that, then running sums.
void choose_stream(GemmPlan& plan, const GemmDesc& desc) {
  if (desc.a.type != ElementType::f32 || desc.transpose_a) {
    plan.a_bytes = aligned_bytes(desc.m * desc.k);
  }
  if (plan.path == GemmPath::sums) {
    plan.n_block = std::min(round_up(desc.n, kStreamUnit), kColsOfStream);
    plan.sums_bytes = aligned_bytes(desc.m * plan.n_block);
  }
}

}  // namespace

std::int64_t GemmPlan::packed_panel_offset(std::int64_t block, std::int64_t col, std::int64_t n,
                                           std::int64_t k) const {
  const std::int64_t n_padded = round_up(n, geometry.lanes);
  const std::int64_t block_rows = k_block / geometry.per_group + geometry.header_rows;
  const std::int64_t panel_rows =
      ceil_div(k_range(*this, k, block).size(), geometry.per_group) + geometry.header_rows;
  return block * block_rows * n_padded + col * panel_rows;
}

GemmItem gemm_item(const GemmPlan& plan, const GemmDesc& desc, std::int64_t item) {
  const std::int64_t row = item / plan.col_parts % plan.row_parts;
  const std::int64_t col = item % plan.col_parts;
  return {item / (plan.row_parts * plan.col_parts),
          part(desc.m, plan.row_unit, plan.row_parts, row),
          part(desc.n, plan.col_unit, plan.col_parts, col)};
}

ComputeFormat compute_format(const GemmDesc& desc, const KernelTable& table) {
  if (desc.a.type == ElementType::i8) return ComputeFormat::i8;
  const bool pairs = desc.a.type == ElementType::bf16 && desc.b.type == ElementType::bf16;
  const bool has_pairs = table.tiles[static_cast<int>(ComputeFormat::bf16)].rows > 0;
  return pairs && has_pairs ? ComputeFormat::bf16 : ComputeFormat::f32;
}

GemmPlan make_plan(const GemmDesc& desc, const KernelTable& table, std::uint32_t threads) {
  GemmPlan plan;
  plan.path = choose_path(desc);
  plan.format = compute_format(desc, table);
  plan.geometry = table.tiles[static_cast<int>(plan.format)];
  const bool blocked = plan.path == GemmPath::blocked;
  plan.row_unit = blocked ? plan.geometry.rows : kSmallRows;
  plan.col_unit = blocked ? plan.geometry.cols : kStreamUnit;
  const double work = static_cast<double>(desc.m) * static_cast<double>(desc.n) *
                      static_cast<double>(desc.k) * static_cast<double>(desc.batch);
  const double worthwhile = std::max(1.0, work / kMultiplyAddsPerTask);
  const auto wanted_tasks =
      static_cast<std::int64_t>(std::min(static_cast<double>(std::max(1u, threads)), worthwhile));
  choose_grid(plan, desc, ceil_div(wanted_tasks, std::max<std::int64_t>(1, desc.batch)));
  plan.items = desc.batch * plan.row_parts * plan.col_parts;
  plan.tasks = static_cast<std::uint32_t>(std::min(wanted_tasks, plan.items));
  if (blocked) {
    choose_blocks(plan, desc);
    choose_operands(plan, desc);
    choose_scratch(plan, desc);
  } else {
    choose_stream(plan, desc);
  }
  return plan;
}

}  // namespace sampan::cpu::native
