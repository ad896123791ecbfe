// Few rows of A times a B that is streamed once, in the order in which it lies:
//   B [n, k]   dot products of up to 4 rows of A with up to 4 rows of B at a time
//   B [k, n]   8 rows of B at a time are added to running sums
// Sources (source.h) say where the rows of B lie and which ones to prefetch: with a narrow type the
// loads in flight alone cover only half of the memory's latency (Zen 5, 2026-11-22).
#pragma once

#include "backends/cpu/native/source.h"

namespace sampan::cpu::native::SAMPAN_ISA {

inline constexpr int kChunkRows = 4;  // rows of A that share a pass

/// f32 rows with k contiguous.
struct RowsOfA {
  const float* data;
  std::int64_t row_stride;

  [[nodiscard]] RowsOfA from(std::int64_t row) const {
    return {data + row * row_stride, row_stride};
  }
};

/// One row of B [n, k], read along k in segments that share a scale.
template <class Source>
class RowOfB {
 public:
  using Element = typename Source::Storage::Element;
  static constexpr bool kPrefetches = sizeof(Element) < sizeof(float);
  /// Vectors between two prefetches: a cache line's.
  static constexpr int kVectorsPerLine = 64 / (kLanes * static_cast<int>(sizeof(Element)));

  RowOfB(const Source& source, std::int64_t i) : row_(source.at(i, 0)), ahead_(source.ahead_k(i)) {}

  static std::int64_t segment_length(const Source&, std::int64_t k) {
    return max_of<std::int64_t>(1, k);
  }
  SAMPAN_INLINE void begin_segment(std::int64_t) {}
  SAMPAN_INLINE void prefetch(std::int64_t k) const { __builtin_prefetch(ahead_ + k, 0, 2); }
  SAMPAN_INLINE VecF read(std::int64_t k) const {
    return load_f32<typename Source::Storage>(row_ + k);
  }
  SAMPAN_INLINE VecF read_tail(std::int64_t k, int count) const {
    return load_f32_partial<typename Source::Storage>(row_ + k, count);
  }

 private:
  const Element* row_;
  const Element* ahead_;
};

template <class Codes, class Scale>
class RowOfB<QuantSource<Codes, Scale>> {
 public:
  using Source = QuantSource<Codes, Scale>;
  static constexpr bool kPrefetches = true;
  static constexpr int kVectorsPerLine = 32 / kLanes;  // the shortest segment

  RowOfB(const Source& source, std::int64_t i)
      : codes_(source.row(i)),
        ahead_(source.row(i + kDotCols)),
        scales_(source.row_scales(i)),
        segments_(source.groups_per_row) {}

  static std::int64_t segment_length(const Source& source, std::int64_t) { return source.group_k; }
  /// Widens the scales of kLanes segments at a time.
  SAMPAN_INLINE void begin_segment(std::int64_t segment) {
    const std::int64_t lane = segment % kLanes;
    if (lane == 0) {
      const std::int64_t left = segments_ - segment;
      store(widened_, left >= kLanes
                          ? load_f32<Scale>(scales_ + segment)
                          : load_f32_partial<Scale>(scales_ + segment, static_cast<int>(left)));
    }
    scale_ = widened_[lane];
  }
  SAMPAN_INLINE void prefetch(std::int64_t k) const {
    __builtin_prefetch(ahead_ + storage_bytes(Codes::kType, k), 0, 2);
  }
  SAMPAN_INLINE VecF read(std::int64_t k) const {
    return Codes::template widen<kLanes>(codes_, k) * scale_;
  }
  SAMPAN_INLINE VecF read_tail(std::int64_t, int) const { return VecF{}; }  // groups are whole

 private:
  const std::byte* codes_;
  const std::byte* ahead_;
  const typename Scale::Element* scales_;
  std::int64_t segments_;
  float widened_[kLanes];
  float scale_ = 0;
};

/// out[r * out_stride + c] = dot product of row r of A with row n + c of B.
template <int kRows, int kCols, class Source>
void dot_block(const RowsOfA& a, const Source& source, std::int64_t n, std::int64_t k, float* out,
               std::int64_t out_stride) {
  using Row = RowOfB<Source>;
  constexpr int kStride = Row::kVectorsPerLine * kLanes;
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
    const std::int64_t length = Row::segment_length(source, k);
    for (std::int64_t begin = 0, segment = 0; begin < k; begin += length, ++segment) {
      unroll<kCols>([&](auto c) SAMPAN_INLINE_LAMBDA { rows[c].begin_segment(segment); });
      const std::int64_t end = begin + length;
      std::int64_t at = begin;
      for (; at + kStride <= end; at += kStride) {
        if constexpr (Row::kPrefetches) {
          unroll<kCols>([&](auto c) SAMPAN_INLINE_LAMBDA { rows[c].prefetch(at); });
        }
        unroll<Row::kVectorsPerLine>(
            [&](auto v) SAMPAN_INLINE_LAMBDA { step(rows, at + v * kLanes, kLanes); });
      }
      for (; at + kLanes <= end; at += kLanes) step(rows, at, kLanes);
      if (at < end) step(rows, at, static_cast<int>(end - at));
    }
  }
  (std::make_integer_sequence<int, kCols>{});
  unroll<kRows>([&](auto r) SAMPAN_INLINE_LAMBDA {
    unroll<kCols>([&](auto c)
                      SAMPAN_INLINE_LAMBDA { out[r * out_stride + c] = reduce_add(acc[r][c]); });
  });
}

/// Calls `body` with `rows` (1 ... kChunkRows) as an integral constant.
template <class Body>
SAMPAN_INLINE void with_chunk_rows(std::int64_t rows, Body&& body) {
  switch (rows) {
    case 1:
      return body(std::integral_constant<int, 1>{});
    case 2:
      return body(std::integral_constant<int, 2>{});
    case 3:
      return body(std::integral_constant<int, 3>{});
    default:
      return body(std::integral_constant<int, kChunkRows>{});
  }
}

/// out[r * out_stride + c] = dot product of row r of A (m rows) with row n + c of B, c < count.
template <class Source>
void dot_products(std::int64_t m, const RowsOfA& a, const Source& source, std::int64_t n,
                  std::int64_t count, std::int64_t k, float* out, std::int64_t out_stride) {
  for (std::int64_t c = 0; c < count;) {
    const bool block = c + kDotCols <= count;
    for (std::int64_t r = 0; r < m; r += kChunkRows) {
      with_chunk_rows(min_of<std::int64_t>(kChunkRows, m - r), [&](auto rows) {
        float* to = out + r * out_stride + c;
        if (block) {
          dot_block<rows, kDotCols>(a.from(r), source, n + c, k, to, out_stride);
        } else {
          dot_block<rows, 1>(a.from(r), source, n + c, k, to, out_stride);
        }
      });
    }
    c += block ? kDotCols : 1;
  }
}

/// sums[r * sums_stride + c] += sum over kSteps rows of B, from row k on, of A[r][k] * B[k][n + c].
/// Writes whole vectors.
template <int kRows, int kSteps, class Source>
void add_rows(const RowsOfA& a, const Source& source, Range cols, std::int64_t k, float* sums,
              std::int64_t sums_stride) {
  using Storage = typename Source::Storage;
  const typename Storage::Element* rows[kSteps];
  const typename Storage::Element* ahead[kSteps];
  unroll<kSteps>([&](auto s) SAMPAN_INLINE_LAMBDA {
    rows[s] = source.at(0, k + s);
    ahead[s] = source.ahead_i(k + s);
  });
  const auto step = [&](std::int64_t n, int count) SAMPAN_INLINE_LAMBDA {
    float* to = sums + (n - cols.begin);
    VecF acc[kRows];
    unroll<kRows>([&](auto r) SAMPAN_INLINE_LAMBDA { acc[r] = load<VecF>(to + r * sums_stride); });
    unroll<kSteps>([&](auto s) SAMPAN_INLINE_LAMBDA {
      __builtin_prefetch(ahead[s] + n, 0, 2);
      const VecF b = count == kLanes ? load_f32<Storage>(rows[s] + n)
                                     : load_f32_partial<Storage>(rows[s] + n, count);
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

/// sums[r * sums_stride + c] += A[r][0 ... k_count - 1] * B[0 ... k_count - 1][cols], m rows of A.
template <class Source>
void add_products(std::int64_t m, const RowsOfA& a, const Source& source, Range cols,
                  std::int64_t k_count, float* sums, std::int64_t sums_stride) {
  const auto pass = [&](auto steps, std::int64_t k) {
    for (std::int64_t r = 0; r < m; r += kChunkRows) {
      with_chunk_rows(min_of<std::int64_t>(kChunkRows, m - r), [&](auto rows) {
        add_rows<rows, steps>(a.from(r), source, cols, k, sums + r * sums_stride, sums_stride);
      });
    }
  };
  std::int64_t k = 0;
  for (; k + kStepK <= k_count; k += kStepK) pass(std::integral_constant<int, kStepK>{}, k);
  for (; k < k_count; ++k) pass(std::integral_constant<int, 1>{}, k);
}

}  // namespace sampan::cpu::native::SAMPAN_ISA
