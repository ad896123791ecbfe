// The register tile: kRows x (kVecs * kLanes) accumulators over a run of k groups.
#pragma once

#include "backends/cpu/native/formats.h"

namespace sampan::cpu::native::SAMPAN_ISA {

/// Operands of one register tile. Strides count 32-bit groups.
///
///   A packed   group g of row r at a[g * kTileRows + r]
///   A direct   group g of row r at a[r * a_row_stride + g]      (the caller's own matrix)
///   B          groups g of all columns at b[g * b_row_stride], kVecs full vectors
///   init, out  row r at [r * row_stride], kVecs full vectors; a null init means zero. They may be
///              the same memory.
struct TileArgs {
  const std::uint32_t* a;
  std::int64_t a_row_stride;
  const std::uint32_t* b;
  std::int64_t b_row_stride;
  std::int64_t groups;
  const std::uint32_t* init;
  std::int64_t init_row_stride;
  std::uint32_t* out;
  std::int64_t out_row_stride;
};

template <class Format, int kRows, int kVecs, bool kDirectA>
void run_tile(const TileArgs& args) {
  using Acc = typename Format::Acc;
  const std::uint32_t* a = args.a;
  const std::uint32_t* b = args.b;
  for (int r = 0; r < kRows; ++r) __builtin_prefetch(args.out + r * args.out_row_stride, 1);

  Acc acc[kRows][kVecs];
  unroll<kVecs>([&](auto v) SAMPAN_INLINE_LAMBDA {
    Acc first{};
    if constexpr (Format::kHeaderRows > 0) first = Format::load_b(b + v * kLanes);
    unroll<kRows>([&](auto r) SAMPAN_INLINE_LAMBDA { acc[r][v] = first; });
  });
  b += Format::kHeaderRows * args.b_row_stride;

  for (std::int64_t g = 0; g < args.groups; ++g) {
    Acc columns[kVecs];
    unroll<kVecs>([&](auto v)
                      SAMPAN_INLINE_LAMBDA { columns[v] = Format::load_b(b + v * kLanes); });
    unroll<kRows>([&](auto r) SAMPAN_INLINE_LAMBDA {
      const Acc row = Format::broadcast_a(kDirectA ? a + r * args.a_row_stride : a + r);
      unroll<kVecs>([&](auto v)
                        SAMPAN_INLINE_LAMBDA { Format::multiply_add(acc[r][v], row, columns[v]); });
    });
    a += kDirectA ? 1 : kTileRows;
    b += args.b_row_stride;
  }

  unroll<kRows>([&](auto r) SAMPAN_INLINE_LAMBDA {
    unroll<kVecs>([&](auto v) SAMPAN_INLINE_LAMBDA {
      if (args.init != nullptr) {
        acc[r][v] =
            Format::add(load<Acc>(args.init + r * args.init_row_stride + v * kLanes), acc[r][v]);
      }
      store(args.out + r * args.out_row_stride + v * kLanes, acc[r][v]);
    });
  });
}

using TileFunction = void (*)(const TileArgs&);

/// run_tile for a tile of `rows` (1 ... kTileRows) by `vecs` (1 ... kTileVecs) vectors.
template <class Format, bool kDirectA>
TileFunction select_tile(int rows, int vecs) {
  static constexpr auto kTable = []<int... kIndex>(std::integer_sequence<int, kIndex...>) {
    struct Table {
      TileFunction entry[kTileRows * kTileVecs];
    };
    return Table{{&run_tile<Format, kIndex / kTileVecs + 1, kIndex % kTileVecs + 1, kDirectA>...}};
  }
  (std::make_integer_sequence<int, kTileRows * kTileVecs>{});
  return kTable.entry[(rows - 1) * kTileVecs + vecs - 1];
}

}  // namespace sampan::cpu::native::SAMPAN_ISA
