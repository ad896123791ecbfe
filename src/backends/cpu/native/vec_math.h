// Elementary functions on f32 vectors.
#pragma once

#include "backends/cpu/native/gemm.h"
#include "backends/cpu/native/vec.h"

namespace sampan::cpu::native::SAMPAN_ISA {

/// e^x within 2 units in the last place; 0 below about -104, infinity above 88.73, NaN for NaN.
/// x = n ln2 + r with |r| <= ln2 / 2 (Cody and Waite's two-part ln2), e^r by its Taylor polynomial
/// of degree 7, whose remainder is below 2^-27.
template <class V>
SAMPAN_INLINE V vec_exp(V x) {
  using I = Vec<std::int32_t, kLaneCount<V>>;
  x = x > 89.0f ? splat<V>(89.0f) : x;  // keeps NaN
  x = x < -105.0f ? splat<V>(-105.0f) : x;
  constexpr float kRoundMagic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const V n = (x * 1.44269504f + kRoundMagic) - kRoundMagic;
  V r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  V p = splat<V>(1.0f / 5040);
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  // Two factors, because 2^n itself can be out of range where the product is not.
  const I whole = __builtin_convertvector(n, I);
  const I half = whole >> 1;
  const V low = bit_cast<V>((half + 127) << 23);
  const V high = bit_cast<V>((whole - half + 127) << 23);
  return p * low * high;
}

/// 1 / (1 + e^-x).
template <class V>
SAMPAN_INLINE V vec_sigmoid(V x) {
  return 1.0f / (1.0f + vec_exp(-x));
}

/// The tanh form of GELU, as x / 2 * (1 + tanh(u)) = x * sigmoid(2 u).
template <class V>
SAMPAN_INLINE V vec_gelu(V x) {
  return x * vec_sigmoid<V>(2.0f * 0.79788456f * (x + 0.044715f * x * x * x));
}

template <class V>
SAMPAN_INLINE V activate(Activation activation, V x) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::silu:
      return x * vec_sigmoid<V>(x);
    case Activation::gelu:
      return vec_gelu<V>(x);
  }
  return x;
}

}  // namespace sampan::cpu::native::SAMPAN_ISA
