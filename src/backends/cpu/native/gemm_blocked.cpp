// The blocked product of one item: columns, then k, then rows are cut into blocks; a block of B and
// a block of A are packed (or read in place), and register tiles run over them with B's panel in L1
// and A's block in L2. (Goto and van de Geijn, "Anatomy of High-Performance Matrix
// Multiplication", ACM TOMS 34(3), 2008.)
#include "backends/cpu/native/gemm_blocked.h"

#include "backends/cpu/native/epilogue.h"
#include "backends/cpu/native/microkernel.h"
#include "backends/cpu/native/pack.h"

namespace sampan::cpu::native::SAMPAN_ISA {
namespace {

/// Calls `body` with the source from which one operand is packed.
template <class Format, Side kSide, class Body>
void with_source(const GemmDesc& desc, const GemmBuffers& buffers, std::int64_t batch,
                 Body&& body) {
  if constexpr (kSide == Side::b && std::is_same_v<Format, ComputeF32>) {
    if (desc.group_k > 0) {
      with_quant_source(desc, buffers, body);
      return;
    }
  }
  with_dense_source<kSide>(
      desc, kSide == Side::a ? buffers.a : buffers.b, batch,
      [](ElementType type, auto&& call) { Format::with_storage(type, call); }, body);
}

/// One k block of one column block, as the tiles see it.
struct BlockView {
  const std::uint32_t* a;  ///< packed A block, or the caller's A at the block's first row and group
  std::int64_t a_row_stride;
  std::int64_t groups;
  bool first;
  bool last;
};

template <class Format>
class BlockedItem {
 public:
  BlockedItem(const GemmPlan& plan, const GemmDesc& desc, const GemmBuffers& buffers,
              const GemmItem& item, std::byte* scratch)
      : plan_(plan),
        desc_(desc),
        buffers_(buffers),
        item_(item),
        a_panels_(reinterpret_cast<std::uint32_t*>(scratch)),
        b_panels_(reinterpret_cast<std::uint32_t*>(scratch + plan.a_bytes)),
        sums_(reinterpret_cast<std::uint32_t*>(scratch + plan.a_bytes + plan.b_bytes)),
        epilogue_(make_epilogue(desc, buffers, item.batch)),
        plain_(epilogue_.is_plain()) {}

  void run() {
    for (std::int64_t m = item_.rows.begin; m < item_.rows.end; m += plan_.m_outer) {
      const Range rows{m, min_of(item_.rows.end, m + plan_.m_outer)};
      for (std::int64_t n = item_.cols.begin; n < item_.cols.end; n += plan_.n_block) {
        const Range cols{n, min_of(item_.cols.end, n + plan_.n_block)};
        for (std::int64_t block = 0; block < plan_.k_blocks; ++block) {
          run_k_block(rows, cols, block);
        }
      }
    }
  }

 private:
  void run_k_block(Range rows, Range cols, std::int64_t block) {
    const Range k = k_range(plan_, desc_.k, block);
    if (!desc_.packed_b && !plan_.direct_b) pack_b_block(cols, k);
    BlockView view{};
    view.groups = (k.size() + Format::kPerGroup - 1) / Format::kPerGroup;
    view.first = block == 0;
    view.last = block == plan_.k_blocks - 1;
    for (std::int64_t m = rows.begin; m < rows.end; m += plan_.m_block) {
      const Range block_rows{m, min_of(rows.end, m + plan_.m_block)};
      take_a_block(block_rows, k, view);
      for (std::int64_t n = cols.begin; n < cols.end; n += kTileCols) {
        const int count = static_cast<int>(min_of<std::int64_t>(kTileCols, cols.end - n));
        run_panel(block_rows, rows.begin, cols.begin, n, count, k, block, view);
      }
    }
  }

  /// Points `view` at the rows of A, packed first unless the tiles read them in place.
  void take_a_block(Range rows, Range k, BlockView& view) {
    if (plan_.direct_a) {
      view.a = reinterpret_cast<const std::uint32_t*>(byte_offset(
          buffers_.a, desc_.a.type,
          item_.batch * desc_.a.batch_stride + rows.begin * desc_.a.row_stride + k.begin));
      view.a_row_stride = desc_.a.row_stride;
      return;
    }
    with_source<Format, Side::a>(desc_, buffers_, item_.batch, [&](const auto& source) {
      std::uint32_t* panel = a_panels_;
      for (std::int64_t m = rows.begin; m < rows.end; m += kTileRows) {
        const int count = static_cast<int>(min_of<std::int64_t>(kTileRows, rows.end - m));
        pack_panel<Format, Side::a, kTileRows>(source, {m, count, k.begin, k.size()}, kTileRows,
                                               panel);
        panel += view.groups * kTileRows;
      }
    });
    view.a = a_panels_;
    view.a_row_stride = view.groups;
  }

  void pack_b_block(Range cols, Range k) {
    with_source<Format, Side::b>(desc_, buffers_, item_.batch, [&](const auto& source) {
      std::uint32_t* panel = b_panels_;
      const std::int64_t groups = (k.size() + Format::kPerGroup - 1) / Format::kPerGroup;
      for (std::int64_t n = cols.begin; n < cols.end; n += kTileCols) {
        const int count = static_cast<int>(min_of<std::int64_t>(kTileCols, cols.end - n));
        const int width = static_cast<int>(round_up(count, kLanes));
        pack_panel<Format, Side::b, kLanes>(source, {n, count, k.begin, k.size()}, width, panel);
        panel += (groups + Format::kHeaderRows) * width;
      }
    });
  }

  /// The panel of B at column n and the stride between its rows.
  const std::uint32_t* take_b_panel(std::int64_t first_col, std::int64_t n, int count, Range k,
                                    std::int64_t block, std::int64_t groups,
                                    std::int64_t& row_stride) {
    const int width = static_cast<int>(round_up(count, kLanes));
    row_stride = width;
    if (desc_.packed_b) {
      return static_cast<const std::uint32_t*>(buffers_.b) +
             plan_.packed_panel_offset(block, n, desc_.n, desc_.k);
    }
    if (!plan_.direct_b) {
      return b_panels_ + (n - first_col) * (groups + Format::kHeaderRows);
    }
    if (width == count) {
      row_stride = desc_.b.row_stride;
      return reinterpret_cast<const std::uint32_t*>(
          byte_offset(buffers_.b, desc_.b.type,
                      item_.batch * desc_.b.batch_stride + k.begin * desc_.b.row_stride + n));
    }
    with_source<Format, Side::b>(desc_, buffers_, item_.batch, [&](const auto& source) {
      pack_panel<Format, Side::b, kLanes>(source, {n, count, k.begin, k.size()}, width, b_panels_);
    });
    return b_panels_;
  }

  void run_panel(Range rows, std::int64_t sums_row, std::int64_t sums_col, std::int64_t n,
                 int count, Range k, std::int64_t block, const BlockView& view) {
    TileArgs args{};
    args.groups = view.groups;
    args.b = take_b_panel(sums_col, n, count, k, block, view.groups, args.b_row_stride);
    const int vecs = (count + kLanes - 1) / kLanes;
    for (std::int64_t m = rows.begin; m < rows.end; m += kTileRows) {
      const int tile_rows = static_cast<int>(min_of<std::int64_t>(kTileRows, rows.end - m));
      args.a = view.a + (m - rows.begin) * view.a_row_stride;
      args.a_row_stride = view.a_row_stride;
      const TileFunction tile = plan_.direct_a ? select_tile<Format, true>(tile_rows, vecs)
                                               : select_tile<Format, false>(tile_rows, vecs);
      if (plan_.accumulate_apart) {
        run_tile_apart(tile, args, m, n, m - sums_row, n - sums_col, tile_rows, count, view);
      } else {
        run_tile_in_place(tile, args, m, n, tile_rows, count, view);
      }
    }
  }

  /// Partial sums live in the workspace; the last k block turns them into D.
  void run_tile_apart(TileFunction tile, TileArgs& args, std::int64_t m, std::int64_t n,
                      std::int64_t sums_row, std::int64_t sums_col, int rows, int cols,
                      const BlockView& view) {
    std::uint32_t* sums = sums_ + sums_row * plan_.n_block + sums_col;
    args.init = view.first ? nullptr : sums;
    args.init_row_stride = plan_.n_block;
    args.out = sums;
    args.out_row_stride = plan_.n_block;
    tile(args);
    if (!view.last) return;
    finish_tile(epilogue_, reinterpret_cast<const float*>(sums), plan_.n_block, m, n, rows, cols);
  }

  /// Partial sums live in D itself, which then holds 32-bit elements.
  void run_tile_in_place(TileFunction tile, TileArgs& args, std::int64_t m, std::int64_t n,
                         int rows, int cols, const BlockView& view) {
    alignas(kVecBytes) std::uint32_t local[kTileRows * kTileCols];
    const bool whole = cols % kLanes == 0;
    const bool raw = plain_ || !view.last;
    std::uint32_t* d = static_cast<std::uint32_t*>(epilogue_.d) + m * desc_.d.row_stride + n;
    if (!view.first && !whole) {
      for (int r = 0; r < rows; ++r)
        copy_words(local + r * kTileCols, d + r * desc_.d.row_stride, cols);
    }
    args.init = view.first ? nullptr : whole ? d : local;
    args.init_row_stride = whole ? desc_.d.row_stride : kTileCols;
    args.out = raw && whole ? d : local;
    args.out_row_stride = raw && whole ? desc_.d.row_stride : kTileCols;
    tile(args);
    if (raw && whole) return;
    if (!raw) {
      finish_tile(epilogue_, reinterpret_cast<const float*>(local), kTileCols, m, n, rows, cols);
      return;
    }
    for (int r = 0; r < rows; ++r)
      copy_words(d + r * desc_.d.row_stride, local + r * kTileCols, cols);
  }

  static void copy_words(std::uint32_t* to, const std::uint32_t* from, int count) {
    __builtin_memcpy(to, from, static_cast<unsigned>(count) * sizeof(std::uint32_t));
  }

  const GemmPlan& plan_;
  const GemmDesc& desc_;
  const GemmBuffers& buffers_;
  const GemmItem& item_;
  std::uint32_t* a_panels_;
  std::uint32_t* b_panels_;
  std::uint32_t* sums_;
  const Epilogue epilogue_;
  const bool plain_;
};

/// Calls `body` with the compute format's trait.
template <class Body>
void with_format(ComputeFormat format, Body&& body) {
  switch (format) {
#if defined(__AVX512BF16__)
    case ComputeFormat::bf16:
      body(ComputeBf16{});
      return;
#endif
    case ComputeFormat::i8:
      body(ComputeI8{});
      return;
    default:
      body(ComputeF32{});
      return;
  }
}

template <class Format>
constexpr TileGeometry geometry_of() {
  return {kTileRows, kTileCols, kLanes, Format::kPerGroup, Format::kHeaderRows};
}

}  // namespace

TileGeometry tile_geometry(ComputeFormat format) {
  switch (format) {
    case ComputeFormat::f32:
      return geometry_of<ComputeF32>();
#if defined(__AVX512BF16__)
    case ComputeFormat::bf16:
      return geometry_of<ComputeBf16>();
#endif
    case ComputeFormat::i8:
      return geometry_of<ComputeI8>();
    default:
      return {};
  }
}

void gemm_blocked_item(const GemmPlan& plan, const GemmDesc& desc, const GemmBuffers& buffers,
                       const GemmItem& item, std::byte* scratch) {
  with_format(plan.format, [&](auto format) {
    BlockedItem<decltype(format)>(plan, desc, buffers, item, scratch).run();
  });
}

void gemm_pack_panel(const GemmPlan& plan, const GemmDesc& desc, const GemmBuffers& buffers,
                     std::int64_t block, std::int64_t col, std::uint32_t* panel) {
  with_format(plan.format, [&](auto format) {
    using Format = decltype(format);
    const Range k = k_range(plan, desc.k, block);
    const int count = static_cast<int>(min_of<std::int64_t>(kTileCols, desc.n - col));
    with_source<Format, Side::b>(desc, buffers, 0, [&](const auto& source) {
      pack_panel<Format, Side::b, kLanes>(source, {col, count, k.begin, k.size()},
                                          static_cast<int>(round_up(count, kLanes)), panel);
    });
  });
}

}  // namespace sampan::cpu::native::SAMPAN_ISA
