// Attention of some query rows over some keys. Per block of keys: keys and values are packed once,
// whatever their type and wherever their rows lie; then, for 64 rows at a time, register tiles
// compute the scores, a row pass turns them into weights and rescales the running sums, and
// register tiles add weights times values.
#include "backends/cpu/native/attention_item.h"

#include "backends/cpu/native/microkernel.h"
#include "backends/cpu/native/pack.h"
#include "backends/cpu/native/stream_kernels.h"
#include "backends/cpu/native/vec_math.h"

namespace sampan::cpu::native::SAMPAN_ISA {
namespace {

constexpr float kMinusInfinity = -__builtin_inff();

const std::byte* token_row(const AttentionDesc& desc, const void* base, const TokenStrides& strides,
                           std::int64_t batch, std::int64_t token, std::int64_t head) {
  return static_cast<const std::byte*>(base) +
         storage_bytes(desc.type,
                       batch * strides.batch + token * strides.token + head * strides.head);
}

/// The row of key `key`, through the block table if there is one.
const std::byte* key_row(const AttentionDesc& desc, const void* base, const TokenStrides& strides,
                         const std::int32_t* block_table, const AttentionItem& item,
                         std::int64_t key) {
  if (desc.page_size == 0) return token_row(desc, base, strides, item.batch, key, item.kv_head);
  const std::int64_t page = block_table[item.batch * desc.max_pages + key / desc.page_size];
  return token_row(desc, base, strides, page, key % desc.page_size, item.kv_head);
}

/// The row of query row `row` of the item's key head.
template <class Byte>
Byte* query_row(const AttentionDesc& desc, Byte* base, const TokenStrides& strides,
                const AttentionItem& item, std::int64_t row) {
  const std::int64_t sharing = desc.heads / desc.kv_heads;
  const std::int64_t elems = item.batch * strides.batch + row / sharing * strides.token +
                             (item.kv_head * sharing + row % sharing) * strides.head;
  return base + storage_bytes(desc.type, elems);
}

template <class Storage, class ScoreFormat>
class Item {
 public:
  Item(const AttentionPlan& plan, const AttentionDesc& desc, const AttentionBuffers& buffers,
       std::int64_t kv_len, const AttentionItem& item, std::byte* scratch,
       const AttentionState& state)
      : plan_(plan), desc_(desc), buffers_(buffers), kv_len_(kv_len), item_(item), state_(state) {
    q_panels_ = reinterpret_cast<std::uint32_t*>(scratch);
    k_panels_ = reinterpret_cast<std::uint32_t*>(scratch + plan.q_bytes);
    v_panels_ = reinterpret_cast<std::uint32_t*>(scratch + plan.q_bytes + plan.k_bytes);
    scores_ = reinterpret_cast<float*>(scratch + plan.q_bytes + plan.k_bytes + plan.v_bytes);
  }

  void run() {
    for (std::int64_t r = 0; r < item_.rows.size(); ++r) {
      state_.maximum[r] = kMinusInfinity;
      state_.weight_sum[r] = 0.0f;
    }
    __builtin_memset(
        state_.sums, 0,
        static_cast<std::size_t>(item_.rows.size() * plan_.dim_padded) * sizeof(float));
    // Rows see more keys the later they are.
    const std::int64_t end =
        min_of(item_.keys.end, visible_keys(desc_, kv_len_, item_.rows.end - 1));
    if (item_.keys.begin >= end) return;
    // By the description, not the item's rows, which depend on the number of threads. Packing pays
    // from the second chunk of rows on (bf16: at 8 rows by 1.2, Zen 5, 2026-11-23).
    const bool few = plan_.rows <= kChunkRows;
    few ? widen_queries() : pack_queries();
    for (std::int64_t key = item_.keys.begin; key < end; key += kKeyBlock) {
      const Range keys{key, min_of(end, key + kKeyBlock)};
      find_rows(keys, end);
      if (few) {
        stream_rows(keys);
        continue;
      }
      pack_keys_and_values(keys.size());
      for (std::int64_t row = 0; row < item_.rows.size(); row += kScoreRows) {
        run_rows({row, min_of(item_.rows.size(), row + kScoreRows)}, keys);
      }
    }
  }

 private:
  static std::int64_t groups_of(std::int64_t dim) {
    return (dim + ScoreFormat::kPerGroup - 1) / ScoreFormat::kPerGroup;
  }

  void pack_queries() {
    const auto* base = static_cast<const std::byte*>(buffers_.q);
    const std::int64_t groups = groups_of(desc_.head_dim);
    for (std::int64_t row = 0; row < item_.rows.size(); row += kTileRows) {
      const int count = static_cast<int>(min_of<std::int64_t>(kTileRows, item_.rows.size() - row));
      const void* rows[kTileRows] = {};
      for (int r = 0; r < count; ++r) {
        rows[r] = query_row(desc_, base, desc_.q, item_, item_.rows.begin + row + r);
      }
      pack_panel<ScoreFormat, Side::a, kTileRows>(RowTableSource<Storage, true>{rows},
                                                  {0, count, 0, desc_.head_dim}, kTileRows,
                                                  q_panels_ + row * groups);
    }
  }

  /// The rows of queries as f32, for the streaming kernels.
  void widen_queries() {
    const auto* base = static_cast<const std::byte*>(buffers_.q);
    auto* to = reinterpret_cast<float*>(q_panels_);
    for (std::int64_t r = 0; r < item_.rows.size(); ++r, to += plan_.dim_padded) {
      const auto* from = reinterpret_cast<const typename Storage::Element*>(
          query_row(desc_, base, desc_.q, item_, item_.rows.begin + r));
      std::int64_t d = 0;
      for (; d + kLanes <= desc_.head_dim; d += kLanes) store(to + d, load_f32<Storage>(from + d));
      for (; d < desc_.head_dim; ++d) to[d] = load_scalar_f32<Storage>(from + d);
    }
  }

  /// Fills the row tables for `keys`, and beyond them with what to prefetch.
  void find_rows(Range keys, std::int64_t end) {
    const std::int64_t count = min_of(end - keys.begin, kKeyBlock + kAhead);
    for (std::int64_t j = 0; j < kKeyBlock + kAhead; ++j) {
      const std::int64_t key = keys.begin + min_of(j, count - 1);
      k_rows_[j] = key_row(desc_, buffers_.k, desc_.k, buffers_.block_table, item_, key);
      v_rows_[j] = key_row(desc_, buffers_.v, desc_.v, buffers_.block_table, item_, key);
    }
  }

  /// All of the item's rows, without packing.
  void stream_rows(Range keys) {
    const auto q = reinterpret_cast<const float*>(q_panels_);
    const std::int64_t rows = item_.rows.size();
    dot_products(rows, {q, plan_.dim_padded}, RowTableSource<Storage, true>{k_rows_}, 0,
                 keys.size(), desc_.head_dim, scores_, kKeyBlock);
    weigh_rows({0, rows}, keys.begin, keys.size());
    add_products(rows, {scores_, kKeyBlock}, RowTableSource<Storage, false>{v_rows_},
                 {0, desc_.head_dim}, keys.size(), state_.sums, plan_.dim_padded);
  }

  void pack_keys_and_values(std::int64_t keys) {
    packed_keys_ = keys;
    const std::int64_t groups = groups_of(desc_.head_dim);
    for_each_panel(keys, [&](std::int64_t first, int count, int width) {
      pack_panel<ScoreFormat, Side::b, kLanes>(RowTableSource<Storage, true>{k_rows_},
                                               {first, count, 0, desc_.head_dim}, width,
                                               k_panels_ + first * groups);
    });
    for_each_panel(desc_.head_dim, [&](std::int64_t first, int count, int width) {
      pack_panel<ComputeF32, Side::b, kLanes>(RowTableSource<Storage, false>{v_rows_},
                                              {first, count, 0, keys}, width,
                                              v_panels_ + first * kKeyBlock);
    });
  }

  /// Calls `body(first column, columns, columns rounded up to vectors)` for each panel.
  template <class Body>
  static void for_each_panel(std::int64_t cols, Body&& body) {
    for (std::int64_t first = 0; first < cols; first += kTileCols) {
      const int count = static_cast<int>(min_of<std::int64_t>(kTileCols, cols - first));
      body(first, count, static_cast<int>(round_up(count, kLanes)));
    }
  }

  /// Calls `body(tile's first row, its rows)` for each register tile of `rows`.
  template <class Body>
  static void for_each_tile(Range rows, Body&& body) {
    for (std::int64_t row = rows.begin; row < rows.end; row += kTileRows) {
      body(row, static_cast<int>(min_of<std::int64_t>(kTileRows, rows.end - row)));
    }
  }

  void run_rows(Range rows, Range keys) {
    const std::int64_t seen =
        visible_keys(desc_, kv_len_, item_.rows.begin + rows.end - 1) - keys.begin;
    const std::int64_t count = min_of(keys.size(), seen);
    if (count <= 0) return;
    compute_scores(rows, count);
    weigh_rows(rows, keys.begin, count);
    add_values(rows, count);
  }

  void compute_scores(Range rows, std::int64_t count) {
    const std::int64_t groups = groups_of(desc_.head_dim);
    for_each_panel(count, [&](std::int64_t first, int, int width) {
      TileArgs args{};
      args.b = k_panels_ + first * groups;
      // A panel that the rows see only in part still has its full width.
      args.b_row_stride = panel_width(first);
      args.groups = groups;
      args.out_row_stride = kKeyBlock;
      for_each_tile(rows, [&](std::int64_t row, int tile_rows) {
        args.a = q_panels_ + row * groups;
        args.out =
            reinterpret_cast<std::uint32_t*>(scores_ + (row - rows.begin) * kKeyBlock + first);
        select_tile<ScoreFormat, false>(tile_rows, width / kLanes)(args);
      });
    });
  }

  /// weigh_row for `rows`, whose scores are of `count` keys from `first_key` on.
  void weigh_rows(Range rows, std::int64_t first_key, std::int64_t count) {
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      const std::int64_t visible = visible_keys(desc_, kv_len_, item_.rows.begin + row) - first_key;
      weigh_row(scores_ + (row - rows.begin) * kKeyBlock, row,
                static_cast<int>(max_of<std::int64_t>(0, min_of(count, visible))),
                static_cast<int>(round_up(count, kLanes)));
    }
  }

  /// Turns the scores of one row into weights: the first `visible` become e^(scale * score -
  /// maximum), the others up to `width` zero; the row's running sums follow its new maximum.
  void weigh_row(float* scores, std::int64_t row, int visible, int width) {
    VecF largest = splat<VecF>(kMinusInfinity);
    for (int j = 0; j < width; j += kLanes) {
      VecF s = load<VecF>(scores + j) * desc_.scale;
      if (j + kLanes > visible) s = mask_from(s, visible - j);
      store(scores + j, s);
      largest = vec_max(largest, s);
    }
    const float before = state_.maximum[row];
    const float maximum = max_of(before, reduce_max(largest));
    if (maximum == kMinusInfinity) {
      __builtin_memset(scores, 0, static_cast<std::size_t>(width) * sizeof(float));
      return;
    }
    VecF sum{};
    for (int j = 0; j < width; j += kLanes) {
      const VecF weight = vec_exp<VecF>(load<VecF>(scores + j) - maximum);
      store(scores + j, weight);
      sum += weight;
    }
    const float factor = before == maximum ? 1.0f : vec_exp(splat<VecF>(before - maximum))[0];
    state_.maximum[row] = maximum;
    state_.weight_sum[row] = state_.weight_sum[row] * factor + reduce_add(sum);
    if (factor == 1.0f) return;
    float* sums = state_.sums + row * plan_.dim_padded;
    for (std::int64_t d = 0; d < plan_.dim_padded; d += kLanes) {
      store(sums + d, load<VecF>(sums + d) * factor);
    }
  }

  /// -infinity in all lanes but the first `count`.
  static VecF mask_from(VecF v, int count) {
    return lane_numbers<VecI>() < count ? v : splat<VecF>(kMinusInfinity);
  }

  void add_values(Range rows, std::int64_t count) {
    for_each_panel(desc_.head_dim, [&](std::int64_t first, int, int width) {
      TileArgs args{};
      args.a_row_stride = kKeyBlock;
      args.b = v_panels_ + first * kKeyBlock;
      args.b_row_stride = width;
      args.groups = count;
      args.init_row_stride = plan_.dim_padded;
      args.out_row_stride = plan_.dim_padded;
      for_each_tile(rows, [&](std::int64_t row, int tile_rows) {
        args.a = reinterpret_cast<const std::uint32_t*>(scores_ + (row - rows.begin) * kKeyBlock);
        args.out = reinterpret_cast<std::uint32_t*>(state_.sums + row * plan_.dim_padded + first);
        args.init = args.out;
        select_tile<ComputeF32, true>(tile_rows, width / kLanes)(args);
      });
    });
  }

  /// Columns, rounded up to vectors, of the packed key panel that starts at `first`.
  [[nodiscard]] std::int64_t panel_width(std::int64_t first) const {
    return min_of<std::int64_t>(kTileCols, round_up(packed_keys_, kLanes) - first);
  }

  const AttentionPlan& plan_;
  const AttentionDesc& desc_;
  const AttentionBuffers& buffers_;
  const std::int64_t kv_len_;
  const AttentionItem& item_;
  const AttentionState& state_;
  std::uint32_t* q_panels_;
  std::uint32_t* k_panels_;
  std::uint32_t* v_panels_;
  float* scores_;
  std::int64_t packed_keys_ = 0;
  static constexpr std::int64_t kAhead = RowTableSource<Storage, true>::kAhead;
  const void* k_rows_[kKeyBlock + kAhead];
  const void* v_rows_[kKeyBlock + kAhead];
};

}  // namespace

void attention_item(const AttentionPlan& plan, const AttentionDesc& desc,
                    const AttentionBuffers& buffers, std::int64_t kv_len, const AttentionItem& item,
                    std::byte* scratch, const AttentionState& state) {
  with_float_storage(desc.type, [&](auto storage) {
    using Storage = decltype(storage);
#if defined(__AVX512BF16__)
    if constexpr (Storage::kType == ElementType::bf16) {
      Item<Storage, ComputeBf16>(plan, desc, buffers, kv_len, item, scratch, state).run();
      return;
    }
#endif
    Item<Storage, ComputeF32>(plan, desc, buffers, kv_len, item, scratch, state).run();
  });
}

void attention_merge(const AttentionPlan& plan, const AttentionState& into,
                     const AttentionState& from, std::int64_t rows) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const float maximum = max_of(into.maximum[r], from.maximum[r]);
    if (maximum == kMinusInfinity) continue;
    const float scale_into = vec_exp(splat<VecF>(into.maximum[r] - maximum))[0];
    const float scale_from = vec_exp(splat<VecF>(from.maximum[r] - maximum))[0];
    into.maximum[r] = maximum;
    into.weight_sum[r] = into.weight_sum[r] * scale_into + from.weight_sum[r] * scale_from;
    float* sums = into.sums + r * plan.dim_padded;
    const float* more = from.sums + r * plan.dim_padded;
    for (std::int64_t d = 0; d < plan.dim_padded; d += kLanes) {
      store(sums + d, load<VecF>(sums + d) * scale_into + load<VecF>(more + d) * scale_from);
    }
  }
}

void attention_store(const AttentionPlan& plan, const AttentionDesc& desc,
                     const AttentionBuffers& buffers, const AttentionItem& item,
                     const AttentionState& state) {
  with_float_storage(desc.type, [&](auto storage) {
    using Storage = decltype(storage);
    for (std::int64_t r = 0; r < item.rows.size(); ++r) {
      const float weight_sum = state.weight_sum[r];
      auto* to = reinterpret_cast<typename Storage::Element*>(
          query_row(desc, static_cast<std::byte*>(buffers.o), desc.o, item, item.rows.begin + r));
      for (std::int64_t d = 0; d < desc.head_dim; d += kLanes) {
        VecF v = load<VecF>(state.sums + r * plan.dim_padded + d);
        v = weight_sum == 0.0f ? VecF{} : v / weight_sum;
        const int count = static_cast<int>(min_of<std::int64_t>(kLanes, desc.head_dim - d));
        if (count == kLanes) {
          store_f32<Storage>(to + d, v);
        } else {
          store_f32_partial<Storage>(to + d, v, count);
        }
      }
    }
  });
}

}  // namespace sampan::cpu::native::SAMPAN_ISA
