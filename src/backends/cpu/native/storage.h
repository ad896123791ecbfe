// Storage types of the kernels: how each is read into, and written from, f32 vectors.
#pragma once

#include "backends/cpu/native/types.h"
#include "backends/cpu/native/vec.h"

namespace sampan::cpu::native::SAMPAN_ISA {

// ---- f16 <-> f32 ------------------------------------------------------------------------------

/// Widens f16 bits held in the low half of each 32-bit lane, by integer arithmetic: normal numbers
/// by moving the exponent's bias, subnormals by a float subtraction, infinities and NaN by a second
/// move of the bias.
template <int kCount>
SAMPAN_INLINE Vec<float, kCount> f16_bits_to_f32(Vec<std::uint32_t, kCount> h) {
  using F = Vec<float, kCount>;
  using U = Vec<std::uint32_t, kCount>;
  const U sign = (h & 0x8000u) << 16;
  const U magnitude = (h & 0x7fffu) << 13;
  const U exponent = magnitude & (0x7c00u << 13);
  const U normal = magnitude + ((127u - 15u) << 23);
  const U special = normal + ((128u - 16u) << 23);
  const U subnormal =
      bit_cast<U>(bit_cast<F>(magnitude + (113u << 23)) - bit_cast<F>(splat<U>(113u << 23)));
  U bits = exponent == (0x7c00u << 13) ? special : normal;
  bits = exponent == 0u ? subnormal : bits;
  return bit_cast<F>(bits | sign);
}

/// Rounds f32 to f16 bits (nearest, ties to even; overflow to infinity; NaN stays NaN).
template <int kCount>
SAMPAN_INLINE Vec<std::uint32_t, kCount> f32_to_f16_bits(Vec<float, kCount> value) {
  using F = Vec<float, kCount>;
  using U = Vec<std::uint32_t, kCount>;
  const U bits = bit_cast<U>(value);
  const U sign = (bits >> 16) & 0x8000u;
  const U magnitude = bits & 0x7fffffffu;
  // Adding 0.5 shifts the subnormal's bits to the bottom of the mantissa, rounding on the way.
  const F half = splat<F>(0.5f);
  const U subnormal = bit_cast<U>(bit_cast<F>(magnitude) + half) - bit_cast<U>(half);
  const U odd = (magnitude >> 13) & 1u;
  const U normal = (magnitude - ((127u - 15u) << 23) + 0xfffu + odd) >> 13;
  U result = magnitude < (113u << 23) ? subnormal : normal;
  result = magnitude >= ((127u + 16u) << 23) ? splat<U>(0x7c00u) : result;
  result = magnitude > 0x7f800000u ? splat<U>(0x7e00u) : result;
  return result | sign;
}

/// Rounds f32 to bf16 bits (nearest, ties to even; NaN stays a quiet NaN).
template <int kCount>
SAMPAN_INLINE Vec<std::uint32_t, kCount> f32_to_bf16_bits(Vec<float, kCount> value) {
  using U = Vec<std::uint32_t, kCount>;
  const U bits = bit_cast<U>(value);
  const U rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const U quiet = (bits >> 16) | 0x40u;
  return (bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded;
}

// ---- storage traits: Element, widen<N>(vector load), narrow<N>(vector store), scalar forms
// -------

struct Float32 {
  using Element = float;
  static constexpr ElementType kType = ElementType::f32;

  template <int kCount>
  static SAMPAN_INLINE Vec<float, kCount> widen(Vec<float, kCount> v) {
    return v;
  }
  template <int kCount>
  static SAMPAN_INLINE Vec<float, kCount> narrow(Vec<float, kCount> v) {
    return v;
  }
};

#if defined(__AVX512F__)
// The unmasked intrinsics warn about an uninitialised operand with gcc 12 (its bug 105593).
inline constexpr __mmask16 kAllLanes = 0xffff;
#endif

struct Float16 {
  using Element = std::uint16_t;
  static constexpr ElementType kType = ElementType::f16;

  template <int kCount>
  static SAMPAN_INLINE Vec<float, kCount> widen(Vec<std::uint16_t, kCount> v) {
#if defined(__AVX512F__)
    if constexpr (kCount == 16)
      return (Vec<float, 16>)_mm512_maskz_cvtph_ps(kAllLanes, bit_cast<__m256i>(v));
#endif
#if defined(__F16C__)
    if constexpr (kCount == 8) return (Vec<float, 8>)_mm256_cvtph_ps(bit_cast<__m128i>(v));
    if constexpr (kCount == 4) {
      return (Vec<float, 4>)_mm_cvtph_ps(_mm_cvtsi64_si128(bit_cast<std::int64_t>(v)));
    }
#endif
    return f16_bits_to_f32<kCount>(widen_to_32(v));
  }

  template <int kCount>
  static SAMPAN_INLINE Vec<std::uint16_t, kCount> narrow(Vec<float, kCount> v) {
#if defined(__AVX512F__)
    if constexpr (kCount == 16) {
      return bit_cast<Vec<std::uint16_t, 16>>(
          _mm512_maskz_cvtps_ph(kAllLanes, (__m512)v, _MM_FROUND_TO_NEAREST_INT));
    }
#endif
#if defined(__F16C__)
    if constexpr (kCount == 8) {
      return bit_cast<Vec<std::uint16_t, 8>>(_mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT));
    }
#endif
    return __builtin_convertvector(f32_to_f16_bits<kCount>(v), Vec<std::uint16_t, kCount>);
  }
};

struct BFloat16 {
  using Element = std::uint16_t;
  static constexpr ElementType kType = ElementType::bf16;

  template <int kCount>
  static SAMPAN_INLINE Vec<float, kCount> widen(Vec<std::uint16_t, kCount> v) {
    return bit_cast<Vec<float, kCount>>(widen_to_32(v) << 16);
  }

  template <int kCount>
  static SAMPAN_INLINE Vec<std::uint16_t, kCount> narrow(Vec<float, kCount> v) {
    return __builtin_convertvector(f32_to_bf16_bits<kCount>(v), Vec<std::uint16_t, kCount>);
  }
};

struct Int8 {
  using Element = std::int8_t;
  static constexpr ElementType kType = ElementType::i8;
};

/// kCount elements at `from`, as f32.
template <class Storage, int kCount = kLanes>
SAMPAN_INLINE Vec<float, kCount> load_f32(const typename Storage::Element* from) {
  return Storage::template widen<kCount>(load<Vec<typename Storage::Element, kCount>>(from));
}

/// `count` < kCount elements at `from`, as f32; the other lanes are zero.
template <class Storage, int kCount = kLanes>
SAMPAN_INLINE Vec<float, kCount> load_f32_partial(const typename Storage::Element* from,
                                                  int count) {
  return Storage::template widen<kCount>(
      load_partial<Vec<typename Storage::Element, kCount>>(from, count));
}

/// One element, as f32.
template <class Storage>
SAMPAN_INLINE float load_scalar_f32(const typename Storage::Element* from) {
  return Storage::template widen<4>(splat<Vec<typename Storage::Element, 4>>(*from))[0];
}

/// Rounds `v` to the storage type and writes it.
template <class Storage, int kCount = kLanes>
SAMPAN_INLINE void store_f32(typename Storage::Element* to, Vec<float, kCount> v) {
  store(to, Storage::template narrow<kCount>(v));
}

/// Rounds `v` to the storage type and writes its first `count` elements.
template <class Storage, int kCount = kLanes>
SAMPAN_INLINE void store_f32_partial(typename Storage::Element* to, Vec<float, kCount> v,
                                     int count) {
  store_partial(to, Storage::template narrow<kCount>(v), count);
}

/// Calls `body` with the storage trait of a floating `type`.
template <class Body>
SAMPAN_INLINE void with_float_storage(ElementType type, Body&& body) {
  switch (type) {
    case ElementType::f16:
      body(Float16{});
      return;
    case ElementType::bf16:
      body(BFloat16{});
      return;
    default:
      body(Float32{});
      return;
  }
}

}  // namespace sampan::cpu::native::SAMPAN_ISA
