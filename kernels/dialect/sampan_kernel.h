/* The kernel dialect: a C99 subset plus words for kernels, memory, ids, barriers and vectors,
   compiled as CUDA C++, HIP C++, OpenCL C, SPIR-V, and C++ on the CPU. Kernels include this header
   alone. It picks the target's header and defines what is the same on every target.
   kernels/README.md lists the words. Names that begin with sampan_ or SAMPAN_ are the dialect's
   own. */
#ifndef SAMPAN_KERNEL_H
#define SAMPAN_KERNEL_H

#define SAMPAN_CAT_(a, b) a##b
#define SAMPAN_CAT(a, b) SAMPAN_CAT_(a, b)
#define SAMPAN_CAT3_(a, b, c) a##b##c
#define SAMPAN_CAT3(a, b, c) SAMPAN_CAT3_(a, b, c)

/* The host may name the target (-DSAMPAN_TARGET_...); else the compiler's own macros tell. */
#if defined(SAMPAN_TARGET_OPENCL) || defined(SAMPAN_TARGET_CUDA) || defined(SAMPAN_TARGET_HIP) || \
    defined(SAMPAN_TARGET_CPU)
#elif defined(__OPENCL_VERSION__) || defined(__OPENCL_C_VERSION__)
#define SAMPAN_TARGET_OPENCL 1
#elif defined(__HIP__) || defined(__HIPCC_RTC__) || defined(__HIP_PLATFORM_AMD__)
#define SAMPAN_TARGET_HIP 1
#elif defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define SAMPAN_TARGET_CUDA 1
#else
#define SAMPAN_TARGET_CPU 1
#endif

#if defined(SAMPAN_TARGET_OPENCL)
#include "opencl.h"
#elif defined(SAMPAN_TARGET_CUDA)
#include "cuda.h"
#elif defined(SAMPAN_TARGET_HIP)
#include "hip.h"
#else
#include "cpu.h"
#endif

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define CEIL_DIV(a, b) (((a) + (b)-1) / (b))
#define ROUND_UP(a, b) (CEIL_DIV(a, b) * (b))

#define BARRIER_N(items) \
  do {                   \
    if ((items) > 1) {   \
      BARRIER();         \
    }                    \
  } while (0)

/* ---- storage types ---- */

#define SAMPAN_ELEM_F32 f32
#define SAMPAN_ELEM_F16 f16
#define SAMPAN_ELEM_BF16 bf16
#define SAMPAN_ELEM_I32 i32
#define SAMPAN_ELEM_I8 i8
#define SAMPAN_ELEM_U8 u8
#define ELEM(DT) SAMPAN_CAT(SAMPAN_ELEM_, DT)
#define LOAD(DT, p) SAMPAN_CAT(sampan_load_, DT)(p)
#define STORE(DT, p, v) SAMPAN_CAT(sampan_store_, DT)(p, v)
#define VF_LOAD(DT, p) SAMPAN_CAT(sampan_vf_load_, DT)(p)
#define VF_STORE(DT, p, v) SAMPAN_CAT(sampan_vf_store_, DT)(p, v)
#define VF_LOAD_PART(DT, p, n) SAMPAN_CAT(sampan_vf_load_part_, DT)(p, n)
#define VF_STORE_PART(DT, p, v, n) SAMPAN_CAT(sampan_vf_store_part_, DT)(p, v, n)

FN f32 sampan_load_F32(const GLOBAL f32* p) { return *p; }
FN void sampan_store_F32(GLOBAL f32* p, f32 v) { *p = v; }
FN f32 sampan_load_F16(const GLOBAL f16* p) { return sampan_f16_to_f32(*p); }
FN void sampan_store_F16(GLOBAL f16* p, f32 v) { *p = sampan_f32_to_f16(v); }
FN f32 sampan_load_BF16(const GLOBAL bf16* p) { return AS_F32((u32)*p << 16); }

/* Rounds to nearest even; a NaN stays one. */
FN u16 sampan_f32_to_bf16(f32 v) {
  const u32 u = AS_U32(v);
  const u32 nan = (u & 0x7fffffffu) > 0x7f800000u;
  return (u16)(nan ? (u >> 16) | 0x40u : (u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}
FN void sampan_store_BF16(GLOBAL bf16* p, f32 v) { *p = sampan_f32_to_bf16(v); }

/* Integers: toward zero, saturated at lo and hi, NaN to 0. `below` is the least f32 above hi. */
#define SAMPAN_DEFINE_INTEGER(DT, lo, hi, below)                                                \
  FN f32 sampan_load_##DT(const GLOBAL ELEM(DT) * p) { return (f32)*p; }                        \
  FN void sampan_store_##DT(GLOBAL ELEM(DT) * p, f32 v) {                                       \
    *p = v >= (below) ? (ELEM(DT))(hi) : v <= (lo) ? (ELEM(DT))(lo) : v == v ? (ELEM(DT))v : 0; \
  }                                                                                             \
  FN vf sampan_vf_load_##DT(const GLOBAL ELEM(DT) * p) {                                        \
    i32 lane[VW];                                                                               \
    UNROLL for (u32 e = 0; e < VW; ++e) lane[e] = p[e];                                         \
    return VF_FROM_VI(VI_LOADP(lane));                                                          \
  }                                                                                             \
  FN void sampan_vf_store_##DT(GLOBAL ELEM(DT) * p, vf v) {                                     \
    f32 lane[VW];                                                                               \
    VF_STOREP(lane, v);                                                                         \
    UNROLL for (u32 e = 0; e < VW; ++e) sampan_store_##DT(p + e, lane[e]);                      \
  }
SAMPAN_DEFINE_INTEGER(I32, -2147483648.0f, 2147483647, 2147483648.0f)
SAMPAN_DEFINE_INTEGER(I8, -128.0f, 127, 128.0f)
SAMPAN_DEFINE_INTEGER(U8, 0.0f, 255, 256.0f)

/* Part of a vector; a target that can do better brings its own. */
#ifndef SAMPAN_HAS_PARTS
#define SAMPAN_DEFINE_PART(DT)                                                        \
  FN vf sampan_vf_load_part_##DT(const GLOBAL ELEM(DT) * p, u32 count) {              \
    if (count >= VW) return VF_LOAD(DT, p);                                           \
    f32 lane[VW];                                                                     \
    UNROLL for (u32 e = 0; e < VW; ++e) lane[e] = e < count ? LOAD(DT, p + e) : 0.0f; \
    return VF_LOADP(lane);                                                            \
  }                                                                                   \
  FN void sampan_vf_store_part_##DT(GLOBAL ELEM(DT) * p, vf v, u32 count) {           \
    if (count >= VW) {                                                                \
      VF_STORE(DT, p, v);                                                             \
      return;                                                                         \
    }                                                                                 \
    f32 lane[VW];                                                                     \
    VF_STOREP(lane, v);                                                               \
    UNROLL for (u32 e = 0; e < VW; ++e) {                                             \
      if (e < count) STORE(DT, p + e, lane[e]);                                       \
    }                                                                                 \
  }
SAMPAN_DEFINE_PART(F32)
SAMPAN_DEFINE_PART(F16)
SAMPAN_DEFINE_PART(BF16)
SAMPAN_DEFINE_PART(I32)
SAMPAN_DEFINE_PART(I8)
SAMPAN_DEFINE_PART(U8)
#endif

/* ---- vectors ---- */

/* VF_TRANSPOSE(rows): rows is vf[VW]; element (i, j) becomes (j, i). log2(VW) rounds of the perfect
 * shuffle. */
FN void VF_TRANSPOSE(vf* rows) {
  UNROLL for (u32 round = 1; round < VW; round *= 2) {
    vf next[VW];
    UNROLL for (u32 i = 0; i < VW / 2; ++i) {
      next[2 * i] = sampan_vf_zip_lo(rows[i], rows[i + VW / 2]);
      next[2 * i + 1] = sampan_vf_zip_hi(rows[i], rows[i + VW / 2]);
    }
    UNROLL for (u32 i = 0; i < VW; ++i) rows[i] = next[i];
  }
}

#define VF_RCP(a) VF_DIV(VF_SET1(1.0f), a)

/* 1 / (1 + e^-v): relative error below 4 ulp where the result is a normal number, 0 below. */
FN vf VF_SIGMOID(vf v) { return VF_RCP(VF_ADD(VF_SET1(1.0f), VF_EXP(VF_SUB(VF_SET1(0.0f), v)))); }
FN vf VF_SILU(vf v) { return VF_MUL(v, VF_SIGMOID(v)); }

/* v * Phi(v) with the normal distribution Phi. erfc(a) = 2^-P(a), P a minimax polynomial on [0, 5]
   weighted for the absolute error of erfc (1.3e-10) that grows faster than the true exponent
   beyond; absolute error of the result below 4e-7 * |v|. Never subtracts two close numbers, so
   small and negative arguments keep their relative precision. */
FN vf VF_GELU(vf v) {
  const vf a = VF_MIN(VF_MUL(VF_ABS(v), VF_SET1(0.70710678118f)), VF_SET1(9.0f));
  vf p = VF_SET1(1.909294161e-6f);
  p = VF_FMA(p, a, VF_SET1(-3.273894846e-5f));
  p = VF_FMA(p, a, VF_SET1(2.497485843e-4f));
  p = VF_FMA(p, a, VF_SET1(-1.086697334e-3f));
  p = VF_FMA(p, a, VF_SET1(2.619066308e-3f));
  p = VF_FMA(p, a, VF_SET1(-3.822048268e-4f));
  p = VF_FMA(p, a, VF_SET1(-2.75739939e-2f));
  p = VF_FMA(p, a, VF_SET1(1.482662012e-1f));
  p = VF_FMA(p, a, VF_SET1(9.184483786e-1f));
  p = VF_FMA(p, a, VF_SET1(1.627907028f));
  const vf half_erfc = VF_MUL(VF_SET1(0.5f), VF_EXP2(VF_SUB(VF_SET1(0.0f), VF_MUL(p, a))));
  return VF_MUL(v, VF_SELECT_GT(v, VF_SET1(0.0f), VF_SUB(VF_SET1(1.0f), half_erfc), half_erfc));
}

/* 0.5 v (1 + tanh(sqrt(2/pi) (v + 0.044715 v^3))), the approximation many models are trained with.
 */
FN vf VF_GELU_TANH(vf v) {
  const vf cube = VF_MUL(VF_MUL(v, v), v);
  return VF_MUL(v, VF_SIGMOID(VF_MUL(VF_SET1(1.5957691216f), VF_FMA(VF_SET1(0.044715f), cube, v))));
}

FN f32 VF_HSUM(vf v) {
  f32 lane[VW];
  VF_STOREP(lane, v);
  UNROLL for (u32 step = VW / 2; step > 0; step /= 2) {
    UNROLL for (u32 e = 0; e < step; ++e) lane[e] += lane[e + step];
  }
  return lane[0];
}
FN f32 VF_HMAX(vf v) {
  f32 lane[VW];
  VF_STOREP(lane, v);
  UNROLL for (u32 step = VW / 2; step > 0; step /= 2) {
    UNROLL for (u32 e = 0; e < step; ++e) lane[e] = MAXF(lane[e], lane[e + step]);
  }
  return lane[0];
}

/* ---- reductions over a group ----
   GROUP_SUM(value, scratch, items, item): every item gives its f32 variable `value` and gets the
   sum over the group in it, the same bits in every item. `items` (a constant power of two) is the
   size of the group, `item` its own index, `scratch` LOCAL f32[items]. A barrier ends it, so
   scratch may be reused at once. */
#define SAMPAN_GROUP_REDUCE(value, scratch, items, item, OP)                      \
  do {                                                                            \
    if ((items) > 1) {                                                            \
      (scratch)[item] = (value);                                                  \
      BARRIER();                                                                  \
      for (u32 sampan_step = (items) / 2; sampan_step > 0; sampan_step /= 2) {    \
        if ((item) < sampan_step) {                                               \
          (scratch)[item] = OP((scratch)[item], (scratch)[(item) + sampan_step]); \
        }                                                                         \
        BARRIER();                                                                \
      }                                                                           \
      (value) = (scratch)[0];                                                     \
      BARRIER();                                                                  \
    }                                                                             \
  } while (0)
#define SAMPAN_ADDF(a, b) ((a) + (b))
#define GROUP_SUM(value, scratch, items, item) \
  SAMPAN_GROUP_REDUCE(value, scratch, items, item, SAMPAN_ADDF)
#define GROUP_MAX(value, scratch, items, item) \
  SAMPAN_GROUP_REDUCE(value, scratch, items, item, MAXF)

#endif
