// Few rows of A: B is read once, in the order in which it lies, and A stays in cache.
//   B [n, k]   dot products of up to 4 rows of A with up to 4 rows of B at a time
//   B [k, n]   8 rows of B at a time are added to running sums of a block of columns
#include "backends/cpu/native/gemm_small.h"

#include "backends/cpu/native/epilogue.h"

namespace sampan::cpu::native::SAMPAN_ISA {
namespace {

constexpr int kChunkRows = 4;  // rows of A whose accumulators share registers
constexpr int kStepK = 8;      // rows of B [k, n] added in one pass over the sums

/// op(A) as f32 rows, k contiguous.
struct RowsOfA {
  const float* data;
  std::int64_t row_stride;
};

/// A in place where it already is that, else a copy in `scratch`.
RowsOfA take_a(const GemmDesc& desc, const GemmBuffers& buffers, std::int64_t batch,
               float* scratch) {
  const std::byte* base = byte_offset(buffers.a, desc.a.type, batch * desc.a.batch_stride);
  if (desc.a.type == ElementType::f32 && !desc.transpose_a) {
    return {reinterpret_cast<const float*>(base), desc.a.row_stride};
  }
  with_dense_source<Side::a>(
      desc, buffers.a, batch, [](ElementType type, auto&& call) { with_float_storage(type, call); },
      [&](const auto& source) {
        using Storage = typename std::remove_cvref_t<decltype(source)>::Storage;
        for (std::int64_t i = 0; i < desc.m; ++i) {
          float* row = scratch + i * desc.k;
          std::int64_t k = 0;
          if (source.k_contiguous) {
            for (; k + kLanes <= desc.k; k += kLanes) {
              store(row + k, load_f32<Storage>(source.at(i, k)));
            }
          }
          for (; k < desc.k; ++k) row[k] = load_scalar_f32<Storage>(source.at(i, k));
        }
      });
  return {scratch, desc.k};
}

// ---- B [n, k] -----------------------------------------------------------------------------------

/// One row of B, read along k. Segments are the spans that share a scale.
template <class Source>
struct RowOfB;

template <class Storage>
struct RowOfB<DenseSource<Storage>> {
  RowOfB(const DenseSource<Storage>& source, std::int64_t i) : data(source.at(i, 0)) {}
  SAMPAN_INLINE void begin_segment(std::int64_t) {}
  SAMPAN_INLINE VecF read(std::int64_t k) const { return load_f32<Storage>(data + k); }
  SAMPAN_INLINE VecF read_tail(std::int64_t k, int count) const {
    return load_f32_partial<Storage>(data + k, count);
  }
  const typename Storage::Element* data;
};

template <class Codes>
struct RowOfB<QuantSource<Codes>> {
  RowOfB(const QuantSource<Codes>& all, std::int64_t i)
      : source(all), index(i), codes(all.row(i)) {}
  SAMPAN_INLINE void begin_segment(std::int64_t segment) { scale = source.scale(index, segment); }
  SAMPAN_INLINE VecF read(std::int64_t k) const {
    return Codes::template widen<kLanes>(codes, k) * scale;
  }
  SAMPAN_INLINE VecF read_tail(std::int64_t, int) const { return VecF{}; }  // groups are whole
  const QuantSource<Codes>& source;
  std::int64_t index;
  const std::byte* codes;
  float scale = 0;
};

template <class Source>
std::int64_t segment_length(const Source& source, std::int64_t k) {
  if constexpr (Source::kQuantised) {
    return source.group_k;
  } else {
    return max_of<std::int64_t>(1, k);
  }
}

/// out[r * kLanes + c] = dot product of row r of A with row n + c of B.
template <int kRows, int kCols, class Source>
void dot_block(const RowsOfA& a, const Source& source, std::int64_t n, std::int64_t k, float* out) {
  using Row = RowOfB<Source>;
  VecF acc[kRows][kCols] = {};
  const auto step = [&](Row(&rows)[kCols], std::int64_t at, int count) SAMPAN_INLINE_LAMBDA {
    VecF b[kCols];
    unroll<kCols>([&](auto c) SAMPAN_INLINE_LAMBDA {
      b[c] = count == kLanes ? rows[c].read(at) : rows[c].read_tail(at, count);
    });
    unroll<kRows>([&](auto r) SAMPAN_INLINE_LAMBDA {
      const float* p = a.data + r * a.row_stride + at;
      const VecF x = count == kLanes ? load<VecF>(p) : load_partial<VecF>(p, count);
      unroll<kCols>([&](auto c) SAMPAN_INLINE_LAMBDA { acc[r][c] += x * b[c]; });
    });
  };
  [&]<int... kIndex>(std::integer_sequence<int, kIndex...>) SAMPAN_INLINE_LAMBDA {
    Row rows[kCols] = {Row(source, n + kIndex)...};
    const std::int64_t length = segment_length(source, k);
    for (std::int64_t begin = 0; begin < k; begin += length) {
      unroll<kCols>([&](auto c) SAMPAN_INLINE_LAMBDA { rows[c].begin_segment(begin / length); });
      std::int64_t at = begin;
      for (; at + kLanes <= begin + length; at += kLanes) step(rows, at, kLanes);
      if (at < begin + length) step(rows, at, static_cast<int>(begin + length - at));
    }
  }
  (std::make_integer_sequence<int, kCols>{});
  unroll<kRows>([&](auto r) SAMPAN_INLINE_LAMBDA {
    unroll<kCols>([&](auto c)
                      SAMPAN_INLINE_LAMBDA { out[r * kLanes + c] = reduce_add(acc[r][c]); });
  });
}

/// dot_block for 1 ... kChunkRows rows.
template <int kCols, class Source>
void dot_rows(int rows, const RowsOfA& a, const Source& source, std::int64_t n, std::int64_t k,
              float* out) {
  switch (rows) {
    case 1:
      return dot_block<1, kCols>(a, source, n, k, out);
    case 2:
      return dot_block<2, kCols>(a, source, n, k, out);
    case 3:
      return dot_block<3, kCols>(a, source, n, k, out);
    default:
      return dot_block<kChunkRows, kCols>(a, source, n, k, out);
  }
}

template <class Source>
void run_dots(const GemmDesc& desc, const RowsOfA& a, const Source& source, Range cols,
              const Epilogue& epilogue) {
  constexpr int kCols = kTileRows >= 8 ? 4 : 2;
  alignas(kVecBytes) float tile[kSmallRows * kLanes] = {};
  for (std::int64_t n = cols.begin; n < cols.end; n += kLanes) {
    const int count = static_cast<int>(min_of<std::int64_t>(kLanes, cols.end - n));
    for (int c = 0; c < count;) {
      const bool block = c + kCols <= count;
      for (std::int64_t r = 0; r < desc.m; r += kChunkRows) {
        const int rows = static_cast<int>(min_of<std::int64_t>(kChunkRows, desc.m - r));
        const RowsOfA chunk{a.data + r * a.row_stride, a.row_stride};
        float* out = tile + r * kLanes + c;
        if (block) {
          dot_rows<kCols>(rows, chunk, source, n + c, desc.k, out);
        } else {
          dot_rows<1>(rows, chunk, source, n + c, desc.k, out);
        }
      }
      c += block ? kCols : 1;
    }
    finish_tile(epilogue, tile, kLanes, 0, n, static_cast<int>(desc.m), count);
  }
}

// ---- B [k, n] -----------------------------------------------------------------------------------

/// sums[r][c] += sum over kSteps rows of B, from row k on, of A[r][k] * B[k][c].
template <int kRows, int kSteps, class Storage>
void add_rows(const RowsOfA& a, const DenseSource<Storage>& source, Range cols, std::int64_t k,
              float* sums, std::int64_t sums_stride) {
  const auto step = [&](std::int64_t n, int count) SAMPAN_INLINE_LAMBDA {
    float* to = sums + (n - cols.begin);
    VecF acc[kRows];
    unroll<kRows>([&](auto r) SAMPAN_INLINE_LAMBDA { acc[r] = load<VecF>(to + r * sums_stride); });
    unroll<kSteps>([&](auto s) SAMPAN_INLINE_LAMBDA {
      const auto* p = source.at(n, k + s);
      const VecF b = count == kLanes ? load_f32<Storage>(p) : load_f32_partial<Storage>(p, count);
      unroll<kRows>([&](auto r) SAMPAN_INLINE_LAMBDA {
        acc[r] += splat<VecF>(a.data[r * a.row_stride + k + s]) * b;
      });
    });
    unroll<kRows>([&](auto r) SAMPAN_INLINE_LAMBDA { store(to + r * sums_stride, acc[r]); });
  };
  std::int64_t n = cols.begin;
  for (; n + kLanes <= cols.end; n += kLanes) step(n, kLanes);
  if (n < cols.end) step(n, static_cast<int>(cols.end - n));
}

template <int kSteps, class Storage>
void add_rows_chunked(std::int64_t m, const RowsOfA& a, const DenseSource<Storage>& source,
                      Range cols, std::int64_t k, float* sums, std::int64_t sums_stride) {
  for (std::int64_t r = 0; r < m; r += kChunkRows) {
    const RowsOfA chunk{a.data + r * a.row_stride, a.row_stride};
    float* to = sums + r * sums_stride;
    switch (min_of<std::int64_t>(kChunkRows, m - r)) {
      case 1:
        add_rows<1, kSteps>(chunk, source, cols, k, to, sums_stride);
        break;
      case 2:
        add_rows<2, kSteps>(chunk, source, cols, k, to, sums_stride);
        break;
      case 3:
        add_rows<3, kSteps>(chunk, source, cols, k, to, sums_stride);
        break;
      default:
        add_rows<kChunkRows, kSteps>(chunk, source, cols, k, to, sums_stride);
        break;
    }
  }
}

template <class Storage>
void run_sums(const GemmPlan& plan, const GemmDesc& desc, const RowsOfA& a,
              const DenseSource<Storage>& source, Range all_cols, const Epilogue& epilogue,
              float* sums) {
  for (std::int64_t n = all_cols.begin; n < all_cols.end; n += plan.n_block) {
    const Range cols{n, min_of(all_cols.end, n + plan.n_block)};
    __builtin_memset(sums, 0, static_cast<std::size_t>(desc.m * plan.n_block) * sizeof(float));
    std::int64_t k = 0;
    for (; k + kStepK <= desc.k; k += kStepK) {
      add_rows_chunked<kStepK>(desc.m, a, source, cols, k, sums, plan.n_block);
    }
    for (; k < desc.k; ++k) add_rows_chunked<1>(desc.m, a, source, cols, k, sums, plan.n_block);
    finish_tile(epilogue, sums, plan.n_block, 0, n, static_cast<int>(desc.m),
                static_cast<int>(cols.size()));
  }
}

}  // namespace

void gemm_small_item(const GemmPlan& plan, const GemmDesc& desc, const GemmBuffers& buffers,
                     const GemmItem& item, std::byte* scratch) {
  const RowsOfA a = take_a(desc, buffers, item.batch, reinterpret_cast<float*>(scratch));
  auto* sums = reinterpret_cast<float*>(scratch + plan.a_bytes);
  const Epilogue epilogue = make_epilogue(desc, buffers, item.batch);
  if (desc.group_k > 0) {
    with_quant_source(desc, buffers,
                      [&](const auto& source) { run_dots(desc, a, source, item.cols, epilogue); });
    return;
  }
  with_dense_source<Side::b>(
      desc, buffers.b, item.batch,
      [](ElementType type, auto&& call) { with_float_storage(type, call); },
      [&](const auto& source) {
        if (plan.path == GemmPath::dots) {
          run_dots(desc, a, source, item.cols, epilogue);
        } else {
          run_sums(plan, desc, a, source, item.cols, epilogue, sums);
        }
      });
}

}  // namespace sampan::cpu::native::SAMPAN_ISA
