// Compute formats of the register tile. Every format works in 32-bit groups along k: one f32, two
// bf16 or several small integers, so that one tile kernel, one packing routine and one blocking
// serve them all. A format says how the tile multiplies (load_b, broadcast_a, multiply_add, add)
// and how packing forms groups of a source (see pack.h): kCount groups of one row or column along
// k, one group each of kCount neighbouring rows or columns, or a single group, of which only the
// first `k_left` values exist.
#pragma once

#include "backends/cpu/native/source.h"

namespace sampan::cpu::native::SAMPAN_ISA {

/// f32 products and sums; the storage types are widened while packing.
struct ComputeF32 {
  using Acc = VecF;
  static constexpr int kPerGroup = 1;    // k values in a 32-bit group
  static constexpr int kHeaderRows = 0;  // rows of a packed B panel that precede its groups

  template <class Body>
  static SAMPAN_INLINE void with_storage(ElementType type, Body&& body) {
    with_float_storage(type, body);
  }

  static SAMPAN_INLINE Acc load_b(const std::uint32_t* from) { return load<VecF>(from); }
  static SAMPAN_INLINE Acc broadcast_a(const std::uint32_t* from) {
    return splat<VecF>(load<float>(from));
  }
  static SAMPAN_INLINE void multiply_add(Acc& acc, Acc a, Acc b) { acc += a * b; }
  static SAMPAN_INLINE Acc add(Acc x, Acc y) { return x + y; }

  template <Side kSide, int kCount, class Source>
  static SAMPAN_INLINE Vec<float, kCount> groups_along_k(const Source& source, std::int64_t i,
                                                         std::int64_t k) {
    if constexpr (Source::kQuantised) {
      return source.template f32_along_k<kCount>(i, k);
    } else {
      return load_f32<typename Source::Storage, kCount>(source.at(i, k));
    }
  }
  template <Side kSide, int kCount, class Source>
  static SAMPAN_INLINE Vec<float, kCount> groups_along_i(const Source& source, std::int64_t i,
                                                         std::int64_t k) {
    return load_f32<typename Source::Storage, kCount>(source.at(i, k));
  }
  template <Side kSide, class Source>
  static SAMPAN_INLINE std::uint32_t group(const Source& source, std::int64_t i, std::int64_t k,
                                           std::int64_t) {
    if constexpr (Source::kQuantised) {
      return bit_cast<std::uint32_t>(source.f32(i, k));
    } else {
      return bit_cast<std::uint32_t>(load_scalar_f32<typename Source::Storage>(source.at(i, k)));
    }
  }
};

#if defined(__AVX512BF16__)
/// Pairs of bf16 through the dot-product instruction, which accumulates in f32.
struct ComputeBf16 {
  using Acc = VecF;
  static constexpr int kPerGroup = 2;
  static constexpr int kHeaderRows = 0;

  template <class Body>
  static SAMPAN_INLINE void with_storage(ElementType, Body&& body) {
    body(BFloat16{});
  }

  static SAMPAN_INLINE Acc load_b(const std::uint32_t* from) { return load<VecF>(from); }
  static SAMPAN_INLINE Acc broadcast_a(const std::uint32_t* from) {
    return splat<VecF>(load<float>(from));
  }
  static SAMPAN_INLINE void multiply_add(Acc& acc, Acc a, Acc b) {
    acc = (VecF)_mm512_dpbf16_ps((__m512)acc, bit_cast<__m512bh>(a), bit_cast<__m512bh>(b));
  }
  static SAMPAN_INLINE Acc add(Acc x, Acc y) { return x + y; }

  template <Side kSide, int kCount, class Source>
  static SAMPAN_INLINE Vec<float, kCount> groups_along_k(const Source& source, std::int64_t i,
                                                         std::int64_t k) {
    return load<Vec<float, kCount>>(source.at(i, k));
  }
  template <Side kSide, int kCount, class Source>
  static SAMPAN_INLINE Vec<float, kCount> groups_along_i(const Source& source, std::int64_t i,
                                                         std::int64_t k) {
    using Half = Vec<std::uint16_t, kCount>;
    const auto low = widen_to_32(load<Half>(source.at(i, k)));
    const auto high = widen_to_32(load<Half>(source.at(i, k + 1)));
    return bit_cast<Vec<float, kCount>>(low | high << 16);
  }
  template <Side kSide, class Source>
  static SAMPAN_INLINE std::uint32_t group(const Source& source, std::int64_t i, std::int64_t k,
                                           std::int64_t k_left) {
    const std::uint32_t low = *source.at(i, k);
    const std::uint32_t high = k_left > 1 ? *source.at(i, k + 1) : 0u;
    return low | high << 16;
  }
};
#endif

#if defined(__AVX512VNNI__)
/// Quads of 8-bit integers. The instruction multiplies unsigned by signed, so A is stored plus 128,
/// and the tile starts from -128 times the column sums of B, which packing puts before each panel.
struct ComputeI8 {
  using Acc = VecI;
  static constexpr int kPerGroup = 4;
  static constexpr int kHeaderRows = 1;

  template <class Body>
  static SAMPAN_INLINE void with_storage(ElementType, Body&& body) {
    body(Int8{});
  }

  static SAMPAN_INLINE Acc load_b(const std::uint32_t* from) { return load<VecI>(from); }
  static SAMPAN_INLINE Acc broadcast_a(const std::uint32_t* from) {
    return splat<VecI>(load<std::int32_t>(from));
  }
  static SAMPAN_INLINE void multiply_add(Acc& acc, Acc a, Acc b) {
    acc = (VecI)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)a, (__m512i)b);
  }
  static SAMPAN_INLINE Acc add(Acc x, Acc y) {
    return bit_cast<Acc>(bit_cast<VecU>(x) + bit_cast<VecU>(y));
  }

  /// -128 times the sums of the `count` groups of each of kLanes columns.
  static SAMPAN_INLINE Acc header(const std::uint32_t* groups, std::int64_t count, int width) {
    VecI sums{};
    for (std::int64_t g = 0; g < count; ++g) {
      multiply_add(sums, splat<VecI>(0x01010101), load_b(groups + g * width));
    }
    return bit_cast<Acc>(bit_cast<VecU>(sums) * -128u);
  }

  template <Side kSide, int kCount, class Source>
  static SAMPAN_INLINE Vec<float, kCount> groups_along_k(const Source& source, std::int64_t i,
                                                         std::int64_t k) {
    return offset<kSide, kCount>(load<Vec<std::uint32_t, kCount>>(source.at(i, k)));
  }
  template <Side kSide, int kCount, class Source>
  static SAMPAN_INLINE Vec<float, kCount> groups_along_i(const Source& source, std::int64_t i,
                                                         std::int64_t k) {
    using Bytes = Vec<std::uint8_t, kCount>;
    using U = Vec<std::uint32_t, kCount>;
    U groups{};
    unroll<4>([&](auto t) SAMPAN_INLINE_LAMBDA {
      groups |= widen_to_32(load<Bytes>(source.at(i, k + t))) << (8 * t);
    });
    return offset<kSide, kCount>(groups);
  }
  template <Side kSide, class Source>
  static SAMPAN_INLINE std::uint32_t group(const Source& source, std::int64_t i, std::int64_t k,
                                           std::int64_t k_left) {
    std::uint32_t bytes = 0;
    for (int t = 0; t < min_of<std::int64_t>(4, k_left); ++t) {
      bytes |= static_cast<std::uint32_t>(static_cast<std::uint8_t>(*source.at(i, k + t)))
               << (8 * t);
    }
    return kSide == Side::a ? bytes ^ 0x80808080u : bytes;
  }

 private:
  template <Side kSide, int kCount>
  static SAMPAN_INLINE Vec<float, kCount> offset(Vec<std::uint32_t, kCount> groups) {
    return bit_cast<Vec<float, kCount>>(kSide == Side::a ? groups ^ 0x80808080u : groups);
  }
};
#else
/// Pairs of 8-bit integers, widened to 16 bits.
struct ComputeI8 {
  using Acc = VecI;
  static constexpr int kPerGroup = 2;
  static constexpr int kHeaderRows = 0;

  template <class Body>
  static SAMPAN_INLINE void with_storage(ElementType, Body&& body) {
    body(Int8{});
  }

  static SAMPAN_INLINE Acc load_b(const std::uint32_t* from) { return load<VecI>(from); }
  static SAMPAN_INLINE Acc broadcast_a(const std::uint32_t* from) {
    return splat<VecI>(load<std::int32_t>(from));
  }
  static SAMPAN_INLINE void multiply_add(Acc& acc, Acc a, Acc b) {
    acc = add(acc, pair_products(a, b));
  }
  static SAMPAN_INLINE Acc add(Acc x, Acc y) {
    return bit_cast<Acc>(bit_cast<VecU>(x) + bit_cast<VecU>(y));
  }

  template <Side kSide, int kCount, class Source>
  static SAMPAN_INLINE Vec<float, kCount> groups_along_k(const Source& source, std::int64_t i,
                                                         std::int64_t k) {
    const auto bytes = load<Vec<std::int8_t, 2 * kCount>>(source.at(i, k));
    return bit_cast<Vec<float, kCount>>(
        __builtin_convertvector(bytes, Vec<std::int16_t, 2 * kCount>));
  }
  template <Side kSide, int kCount, class Source>
  static SAMPAN_INLINE Vec<float, kCount> groups_along_i(const Source& source, std::int64_t i,
                                                         std::int64_t k) {
    using Bytes = Vec<std::int8_t, kCount>;
    const auto low = widen_to_32(load<Bytes>(source.at(i, k)));
    const auto high = widen_to_32(load<Bytes>(source.at(i, k + 1)));
    return bit_cast<Vec<float, kCount>>((low & 0xffff) | high << 16);
  }
  template <Side kSide, class Source>
  static SAMPAN_INLINE std::uint32_t group(const Source& source, std::int64_t i, std::int64_t k,
                                           std::int64_t k_left) {
    const auto low = static_cast<std::uint16_t>(*source.at(i, k));
    const auto high = k_left > 1 ? static_cast<std::uint16_t>(*source.at(i, k + 1)) : 0u;
    return low | static_cast<std::uint32_t>(high) << 16;
  }

 private:
  /// The sum of the two products of 16-bit integers in each lane.
  static SAMPAN_INLINE VecI pair_products(VecI a, VecI b) {
#if defined(__AVX512BW__)
    return (VecI)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (VecI)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return (VecI)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
    return ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
#endif
  }
};
#endif

}  // namespace sampan::cpu::native::SAMPAN_ISA
