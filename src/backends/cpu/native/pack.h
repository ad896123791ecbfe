// Packing: copies a block of an operand into panels of 32-bit groups, in the order in which the
// register tile reads them. Group g of row (A) or column (B) i of a panel lies at
// panel[(header + g) * width + i]; absent rows, columns and k values are zero.
#pragma once

#include "backends/cpu/native/formats.h"

namespace sampan::cpu::native::SAMPAN_ISA {

/// A block of one operand: elements (i0 ... i0 + i_count - 1, k0 ... k0 + k_count - 1).
struct PackBlock {
  std::int64_t i0;
  int i_count;
  std::int64_t k0;
  std::int64_t k_count;
};

/// Packs kStrip columns of a panel from a source whose k runs are contiguous, by square transposes.
template <class Format, Side kSide, int kStrip, class Source>
void pack_strip_along_k(const Source& source, const PackBlock& block, int width,
                        std::uint32_t* out) {
  const std::int64_t whole_groups = block.k_count / Format::kPerGroup;
  const std::int64_t groups = (block.k_count + Format::kPerGroup - 1) / Format::kPerGroup;
  std::int64_t g = 0;
  for (; g + kStrip <= whole_groups; g += kStrip) {
    const std::int64_t k = block.k0 + g * Format::kPerGroup;
    Vec<float, kStrip> rows[kStrip];
    unroll<kStrip>([&](auto r) SAMPAN_INLINE_LAMBDA {
      rows[r] = Vec<float, kStrip>{};
      if (r < block.i_count) {
        rows[r] = Format::template groups_along_k<kSide, kStrip>(source, block.i0 + r, k);
      }
    });
    transpose<kStrip>(rows);
    unroll<kStrip>([&](auto r) SAMPAN_INLINE_LAMBDA { store(out + (g + r) * width, rows[r]); });
  }
  for (; g < groups; ++g) {
    for (int r = 0; r < kStrip; ++r) {
      const std::int64_t k = g * Format::kPerGroup;
      out[g * width + r] =
          r < block.i_count
              ? Format::template group<kSide>(source, block.i0 + r, block.k0 + k, block.k_count - k)
              : 0u;
    }
  }
}

/// The same from a source whose rows (A) or columns (B) are contiguous: straight copies.
template <class Format, Side kSide, int kStrip, class Source>
void pack_strip_along_i(const Source& source, const PackBlock& block, int width,
                        std::uint32_t* out) {
  const std::int64_t groups = (block.k_count + Format::kPerGroup - 1) / Format::kPerGroup;
  for (std::int64_t g = 0; g < groups; ++g) {
    const std::int64_t k = g * Format::kPerGroup;
    std::uint32_t* to = out + g * width;
    if (block.i_count >= kStrip && k + Format::kPerGroup <= block.k_count) {
      store(to, Format::template groups_along_i<kSide, kStrip>(source, block.i0, block.k0 + k));
      continue;
    }
    for (int r = 0; r < kStrip; ++r) {
      to[r] = r < block.i_count ? Format::template group<kSide>(source, block.i0 + r, block.k0 + k,
                                                                block.k_count - k)
                                : 0u;
    }
  }
}

/// Packs one panel of `width` columns, a multiple of kStrip, header included.
template <class Format, Side kSide, int kStrip, class Source>
void pack_panel(const Source& source, const PackBlock& block, int width, std::uint32_t* panel) {
  constexpr int kHeader = kSide == Side::b ? Format::kHeaderRows : 0;
  std::uint32_t* groups = panel + kHeader * width;
  for (int first = 0; first < width; first += kStrip) {
    PackBlock strip = block;
    strip.i0 += first;
    strip.i_count = max_of(0, min_of(kStrip, block.i_count - first));
    if constexpr (!Source::kQuantised) {
      if (!source.k_contiguous) {
        pack_strip_along_i<Format, kSide, kStrip>(source, strip, width, groups + first);
        continue;
      }
    }
    pack_strip_along_k<Format, kSide, kStrip>(source, strip, width, groups + first);
  }
  if constexpr (kHeader > 0) {
    const std::int64_t count = (block.k_count + Format::kPerGroup - 1) / Format::kPerGroup;
    for (int first = 0; first < width; first += kLanes) {
      store(panel + first, Format::header(groups + first, count, width));
    }
  }
}

}  // namespace sampan::cpu::native::SAMPAN_ISA
