// Short vectors on the compilers' vector extension: types, loads and stores, unrolling, transposes.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "backends/cpu/native/isa_target.h"

#define SAMPAN_INLINE inline __attribute__((always_inline))
#define SAMPAN_INLINE_LAMBDA __attribute__((always_inline))

namespace sampan::cpu::native::SAMPAN_ISA {

template <class T, int kCount>
struct VecOf {
  typedef T type __attribute__((vector_size(kCount * sizeof(T))));
};

/// A vector of kCount elements, usable with + - * / & | ^ ~ << >> and comparisons.
template <class T, int kCount>
using Vec = typename VecOf<T, kCount>::type;

using VecF = Vec<float, kLanes>;
using VecI = Vec<std::int32_t, kLanes>;
using VecU = Vec<std::uint32_t, kLanes>;

/// Number of elements of a vector type.
template <class V>
inline constexpr int kLaneCount = static_cast<int>(sizeof(V) / sizeof(std::declval<V>()[0]));

/// Calls `body` with integral constants 0 ... kCount - 1. Unrolled by construction: register tiles
/// indexed by these constants never reach memory, with any compiler.
template <int kCount, class Body>
SAMPAN_INLINE void unroll(Body&& body) {
  [&]<int... kIndex>(std::integer_sequence<int, kIndex...>) SAMPAN_INLINE_LAMBDA {
    (body(std::integral_constant<int, kIndex>{}), ...);
  }
  (std::make_integer_sequence<int, kCount>{});
}

/// Reads a vector from memory of any alignment and any type of the same width.
template <class V>
SAMPAN_INLINE V load(const void* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof(V));
  return v;
}

template <class V>
SAMPAN_INLINE void store(void* to, V v) {
  __builtin_memcpy(to, &v, sizeof(V));
}

template <class To, class From>
SAMPAN_INLINE To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  __builtin_memcpy(&to, &from, sizeof(To));
  return to;
}

/// A vector whose elements all equal `value`.
template <class V, class T>
SAMPAN_INLINE V splat(T value) {
  return [&]<int... kIndex>(std::integer_sequence<int, kIndex...>) SAMPAN_INLINE_LAMBDA {
    return V{((void)kIndex, value)...};
  }
  (std::make_integer_sequence<int, kLaneCount<V>>{});
}

/// 0, 1, 2, ...
template <class V>
SAMPAN_INLINE V lane_numbers() {
  return []<int... kIndex>(std::integer_sequence<int, kIndex...>) SAMPAN_INLINE_LAMBDA {
    return V{kIndex...};
  }
  (std::make_integer_sequence<int, kLaneCount<V>>{});
}

template <class V>
SAMPAN_INLINE V vec_min(V a, V b) {
  return a < b ? a : b;
}
template <class V>
SAMPAN_INLINE V vec_max(V a, V b) {
  return a > b ? a : b;
}

/// 8- or 16-bit integers as 32-bit ones, sign- or zero-extended by their own signedness. gcc 12
/// takes the vector extension's conversion apart into elements or halves, hence the instructions by
/// name.
template <class V>
SAMPAN_INLINE auto widen_to_32(V v) {
  using Narrow = std::remove_cvref_t<decltype(v[0])>;
  constexpr int kCount = kLaneCount<V>;
  constexpr bool kSigned = std::is_signed_v<Narrow>;
  using Wide = Vec<std::conditional_t<kSigned, std::int32_t, std::uint32_t>, kCount>;
#if defined(__AVX512F__)
  constexpr __mmask16 kAll = 0xffff;  // unmasked, gcc 12 warns of an uninitialised operand
  if constexpr (kCount == 16 && sizeof(Narrow) == 2) {
    const auto bits = bit_cast<__m256i>(v);
    return bit_cast<Wide>(kSigned ? _mm512_maskz_cvtepi16_epi32(kAll, bits)
                                  : _mm512_maskz_cvtepu16_epi32(kAll, bits));
  } else if constexpr (kCount == 16) {
    const auto bits = bit_cast<__m128i>(v);
    return bit_cast<Wide>(kSigned ? _mm512_maskz_cvtepi8_epi32(kAll, bits)
                                  : _mm512_maskz_cvtepu8_epi32(kAll, bits));
  } else
#endif
#if defined(__AVX2__)
      if constexpr (kCount == 8 && sizeof(Narrow) == 2) {
    const auto bits = bit_cast<__m128i>(v);
    return bit_cast<Wide>(kSigned ? _mm256_cvtepi16_epi32(bits) : _mm256_cvtepu16_epi32(bits));
  } else if constexpr (kCount == 8) {
    const __m128i bits = _mm_cvtsi64_si128(bit_cast<std::int64_t>(v));
    return bit_cast<Wide>(kSigned ? _mm256_cvtepi8_epi32(bits) : _mm256_cvtepu8_epi32(bits));
  } else
#endif
      if constexpr (sizeof(Narrow) == 1) {
    using Middle = Vec<std::conditional_t<kSigned, std::int16_t, std::uint16_t>, kCount>;
    return __builtin_convertvector(__builtin_convertvector(v, Middle), Wide);
  } else {
    return __builtin_convertvector(v, Wide);
  }
}

template <class T>
SAMPAN_INLINE constexpr T min_of(T a, T b) {
  return b < a ? b : a;
}
template <class T>
SAMPAN_INLINE constexpr T max_of(T a, T b) {
  return a < b ? b : a;
}

/// `value` rounded up to a multiple of `step`.
SAMPAN_INLINE constexpr std::int64_t round_up(std::int64_t value, std::int64_t step) {
  return (value + step - 1) / step * step;
}

/// Reads `count` < lanes elements; the others are zero. Never touches memory past them.
template <class V>
SAMPAN_INLINE V load_partial(const void* from, int count) {
  constexpr int kElemBytes = sizeof(V) / kLaneCount<V>;
  V v{};
  __builtin_memcpy(&v, from, static_cast<unsigned>(count) * kElemBytes);
  return v;
}

/// Writes the first `count` elements only.
template <class V>
SAMPAN_INLINE void store_partial(void* to, V v, int count) {
  constexpr int kElemBytes = sizeof(V) / kLaneCount<V>;
  __builtin_memcpy(to, &v, static_cast<unsigned>(count) * kElemBytes);
}

/// Transposes a square of kCount vectors of kCount 32-bit elements in place: log2(kCount) rounds
/// that each exchange the off-diagonal blocks of half the previous size.
template <int kCount>
SAMPAN_INLINE void transpose(Vec<float, kCount> (&rows)[kCount]) {
  const auto round = [&]<int kHalf>(std::integral_constant<int, kHalf>) SAMPAN_INLINE_LAMBDA {
    unroll<kCount / 2>([&](auto pair) SAMPAN_INLINE_LAMBDA {
      constexpr int kUpper = (pair / kHalf) * 2 * kHalf + pair % kHalf;
      const auto a = rows[kUpper];
      const auto b = rows[kUpper + kHalf];
      [&]<int... kLane>(std::integer_sequence<int, kLane...>) SAMPAN_INLINE_LAMBDA {
        rows[kUpper] = __builtin_shufflevector(
            a, b, ((kLane & kHalf) == 0 ? kLane : kCount + kLane - kHalf)...);
        rows[kUpper + kHalf] = __builtin_shufflevector(
            a, b, ((kLane & kHalf) == 0 ? kLane + kHalf : kCount + kLane)...);
      }
      (std::make_integer_sequence<int, kCount>{});
    });
  };
  if constexpr (kCount >= 16) round(std::integral_constant<int, 8>{});
  if constexpr (kCount >= 8) round(std::integral_constant<int, 4>{});
  round(std::integral_constant<int, 2>{});
  round(std::integral_constant<int, 1>{});
}

/// Sum of all elements, by halves: ((x0 + x8) + ...) in a fixed order.
template <class V>
SAMPAN_INLINE auto reduce_add(V v) {
  constexpr int kCount = kLaneCount<V>;
  if constexpr (kCount == 1) {
    return v[0];
  } else {
    using Half = Vec<std::remove_cvref_t<decltype(v[0])>, kCount / 2>;
    Half halves[2];
    __builtin_memcpy(&halves, &v, sizeof(V));
    return reduce_add<Half>(halves[0] + halves[1]);
  }
}

/// Largest element; NaN-free input.
template <class V>
SAMPAN_INLINE auto reduce_max(V v) {
  constexpr int kCount = kLaneCount<V>;
  if constexpr (kCount == 1) {
    return v[0];
  } else {
    using Half = Vec<std::remove_cvref_t<decltype(v[0])>, kCount / 2>;
    Half halves[2];
    __builtin_memcpy(&halves, &v, sizeof(V));
    return reduce_max<Half>(vec_max(halves[0], halves[1]));
  }
}

}  // namespace sampan::cpu::native::SAMPAN_ISA
