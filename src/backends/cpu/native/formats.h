// Compute formats of the register tile. Every format works in 32-bit groups along k: one f32, two
// bf16 or several small integers, so that one tile kernel, one packing routine and one blocking
// serve them all. A format says how the tile multiplies (load_b, broadcast_a, multiply_add, add)
// and how packing forms groups of a source (see pack.h): kCount groups of one row or column along
// k, one group each of kCount neighbouring rows or columns, or a single group, of which only the
// first `k_left` values exist.
#pragma once

#include "backends/cpu/native/storage.h"

namespace sampan::cpu::native::SAMPAN_ISA {

enum class Side { a, b };

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
    return source.template f32_along_k<kCount>(i, k);
  }
  template <Side kSide, int kCount, class Source>
  static SAMPAN_INLINE Vec<float, kCount> groups_along_i(const Source& source, std::int64_t i,
                                                         std::int64_t k) {
    return source.template f32_along_i<kCount>(i, k);
  }
  template <Side kSide, class Source>
  static SAMPAN_INLINE std::uint32_t group(const Source& source, std::int64_t i, std::int64_t k,
                                           std::int64_t) {
    return bit_cast<std::uint32_t>(source.f32(i, k));
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
    using U = Vec<std::uint32_t, kCount>;
    const U low = __builtin_convertvector(load<Half>(source.at(i, k)), U);
    const U high = __builtin_convertvector(load<Half>(source.at(i, k + 1)), U);
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

}  // namespace sampan::cpu::native::SAMPAN_ISA
