/* The dialect in OpenCL C 1.2, also compiled to SPIR-V. Vectors are OpenCL's own.
   The host defines SAMPAN_SUBGROUPS_KHR (cl_khr_subgroup_shuffle) or SAMPAN_SUBGROUPS_INTEL
   (cl_intel_subgroups) where the device has them: extension macros cannot be trusted, clang's
   spir64 target defines them all. */
#ifndef SAMPAN_OPENCL_H
#define SAMPAN_OPENCL_H

typedef char i8;
typedef uchar u8;
typedef short i16;
typedef ushort u16;
typedef int i32;
typedef uint u32;
typedef long i64;
typedef ulong u64;
typedef float f32;
typedef u16 f16;
typedef u16 bf16;

#define FN static inline
#define GLOBAL __global
#define LOCAL __local
#define CONSTANT __constant
#define RESTRICT restrict

/* OpenCL C has functions called step, dot, max ...: the prefix lets kernels have such names. */
#define KERNEL(name, wx, wy, wz) \
  __kernel __attribute__((reqd_work_group_size(wx, wy, wz))) void sampan_kernel_##name
#define KERNEL_FLAT KERNEL
#define LOCAL_POOL(T, name, count) __local T name[count] __attribute__((aligned(64)))
#define LID(d) ((u32)get_local_id(d))
#define GID(d) ((u32)get_group_id(d))
#define LSIZE(d) ((u32)get_local_size(d))
#define NGROUPS(d) ((u32)get_num_groups(d))
#define BARRIER() barrier(CLK_LOCAL_MEM_FENCE)
#define UNROLL _Pragma("unroll")
#define NOUNROLL _Pragma("unroll 1")

/* ---- scalars ---- */
#define AS_F32(u) as_float(u)
#define AS_U32(f) as_uint(f)
#define FMA(a, b, c) fma(a, b, c)
#define MAXF(a, b) fmax(a, b)
#define MINF(a, b) fmin(a, b)
#define ABSF(a) fabs(a)
#define EXP(x) exp(x)
#define EXP2(x) exp2(x)
#define LOG(x) log(x)
#define SQRT(x) sqrt(x)
#define RSQRT(x) (1.0f / sqrt(x))
#define RINT(x) rint(x)
#define SIN(x) sin(x)
#define COS(x) cos(x)
#define SINCOS(x, s, c) (*(s) = sin(x), *(c) = cos(x)) /* Oclgrind cannot follow sincos */

#define ATOMIC_ADD_I32(p, v) atomic_add(p, v)
FN void ATOMIC_ADD_F32(volatile __global f32* p,
                       f32 v) { /* OpenCL C 1.2 has no atomic add of floats */
  u32 old = as_uint(*p), expected;
  do {
    expected = old;
    old = atomic_cmpxchg((volatile __global u32*)p, expected, as_uint(as_float(expected) + v));
  } while (old != expected);
}

#if defined(SAMPAN_SUBGROUPS_KHR)
#define HAS_SHUFFLE 1
#define SHFL_XOR(v, mask) sub_group_shuffle_xor(v, (uint)(mask))
#define SG_SIZE ((u32)get_max_sub_group_size())
#elif defined(SAMPAN_SUBGROUPS_INTEL)
#define HAS_SHUFFLE 1
#define SHFL_XOR(v, mask) intel_sub_group_shuffle_xor(v, (uint)(mask))
#define SG_SIZE ((u32)get_max_sub_group_size())
#endif

/* ---- vectors ---- */
#ifndef VW
#define VW 4
#endif
typedef SAMPAN_CAT(float, VW) vf;
typedef SAMPAN_CAT(int, VW) vi;
typedef SAMPAN_CAT(uint, VW) sampan_vu;
#define SAMPAN_VLOAD SAMPAN_CAT(vload, VW)
#define SAMPAN_VSTORE SAMPAN_CAT(vstore, VW)
#define SAMPAN_AS_VF SAMPAN_CAT(as_float, VW)
#define SAMPAN_AS_VI SAMPAN_CAT(as_int, VW)
#define SAMPAN_AS_VU SAMPAN_CAT(as_uint, VW)

/* A GPU turns vload4 into four loads, as its pointer is known to be aligned to one element only:
 * ask. */
#if VW == 4
FN vf sampan_vf_load_F32(const __global f32* p) {
  return ((size_t)p & 15) == 0 ? *(const __global float4*)p : vload4(0, p);
}
FN void sampan_vf_store_F32(__global f32* p, vf v) {
  if (((size_t)p & 15) == 0) {
    *(__global float4*)p = v;
  } else {
    vstore4(v, 0, p);
  }
}
#define VF_LOADL(p) (*(const __local vf*)(p))
#define VF_STOREL(p, v) (*(__local vf*)(p) = (v))
#define VI_LOADL(p) (*(const __local vi*)(p))
#define VI_STOREL(p, v) (*(__local vi*)(p) = (v))
#else
FN vf sampan_vf_load_F32(const __global f32* p) { return SAMPAN_VLOAD(0, p); }
FN void sampan_vf_store_F32(__global f32* p, vf v) { SAMPAN_VSTORE(v, 0, p); }
#define VF_LOADL(p) SAMPAN_VLOAD(0, p)
#define VF_STOREL(p, v) SAMPAN_VSTORE(v, 0, p)
#define VI_LOADL(p) SAMPAN_VLOAD(0, p)
#define VI_STOREL(p, v) SAMPAN_VSTORE(v, 0, p)
#endif
#define VF_LOADP(a) SAMPAN_VLOAD(0, a)
#define VF_STOREP(a, v) SAMPAN_VSTORE(v, 0, a)
#define VF_SET1(x) ((vf)(x))
#define VF_ADD(a, b) ((a) + (b))
#define VF_SUB(a, b) ((a) - (b))
#define VF_MUL(a, b) ((a) * (b))
#define VF_DIV(a, b) ((a) / (b))
#define VF_FMA(a, b, c) fma(a, b, c)
#define VF_MAX(a, b) fmax(a, b)
#define VF_MIN(a, b) fmin(a, b)
#define VF_ABS(a) fabs(a)
#define VF_SELECT_GT(a, b, x, y) select(y, x, (vi)((a) > (b)))
#define VI_FROM_VF(a) SAMPAN_CAT(convert_int, VW)(a)
#define VF_FROM_VI(a) SAMPAN_CAT(convert_float, VW)(a)

#define VI_SET1(x) ((vi)(x))
#define VI_ADD(a, b) ((a) + (b))
#define VI_SUB(a, b) ((a) - (b))
#define VI_MUL(a, b) ((a) * (b))
#define VI_AND(a, b) ((a) & (b))
#define VI_SHL(a, bits) ((a) << (bits))
#define VI_SHR(a, bits) ((a) >> (bits))
FN vi VI_LOAD_I8(const __global i8* p) { return SAMPAN_CAT(convert_int, VW)(SAMPAN_VLOAD(0, p)); }
/* VW codes of four bits, two to a byte, the even one in the low half; a code is its value plus 8.
 */
FN vi VI_LOAD_I4(const __global u8* p) {
#if VW == 4
  const uchar2 bytes = vload2(0, p);
  const uchar4 two_of_each = bytes.xxyy;
  const int4 shift = (int4)(0, 4, 0, 4);
#elif VW == 8
  const uchar4 bytes = vload4(0, p);
  const uchar8 two_of_each = bytes.xxyyzzww;
  const int8 shift = (int8)(0, 4, 0, 4, 0, 4, 0, 4);
#else
  const uchar8 bytes = vload8(0, p);
  const uchar16 two_of_each = bytes.s0011223344556677;
  const int16 shift = (int16)(0, 4, 0, 4, 0, 4, 0, 4, 0, 4, 0, 4, 0, 4, 0, 4);
#endif
  return ((SAMPAN_CAT(convert_int, VW)(two_of_each) >> shift) & 15) - 8;
}
#define VI_LOADP(a) SAMPAN_VLOAD(0, a)
#define VI_STOREP(a, v) SAMPAN_VSTORE(v, 0, a)

/* Even and odd results of the perfect shuffle of two vectors: a0 b0 a1 b1 ... */
#if VW == 4
#define sampan_vf_zip_lo(a, b) shuffle2(a, b, (uint4)(0, 4, 1, 5))
#define sampan_vf_zip_hi(a, b) shuffle2(a, b, (uint4)(2, 6, 3, 7))
#elif VW == 8
#define sampan_vf_zip_lo(a, b) shuffle2(a, b, (uint8)(0, 8, 1, 9, 2, 10, 3, 11))
#define sampan_vf_zip_hi(a, b) shuffle2(a, b, (uint8)(4, 12, 5, 13, 6, 14, 7, 15))
#else
#define sampan_vf_zip_lo(a, b) \
  shuffle2(a, b, (uint16)(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23))
#define sampan_vf_zip_hi(a, b) \
  shuffle2(a, b, (uint16)(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31))
#endif

#if VW == 4
#define VF_EXP2(x) exp2(x)
#define VF_EXP(x) exp(x)
#else
/* A CPU behind OpenCL: the polynomials of cpu.h (same bounds), as the library's exp may call out
 * per lane. */
FN vf VF_EXP2(vf x) {
  const vf c = fmin(fmax(x, (vf)(-126.0f)), (vf)(128.0f));
  const vf n = rint(c);
  const vf r = c - n;
  vf p = fma((vf)(1.534581723e-4f), r, (vf)(1.339993116e-3f));
  p = fma(p, r, (vf)(9.618488938e-3f));
  p = fma(p, r, (vf)(5.550328777e-2f));
  p = fma(p, r, (vf)(2.402264689e-1f));
  p = fma(p, r, (vf)(6.931472057e-1f));
  p = fma(p, r, (vf)(1.0f));
  const vf y = SAMPAN_AS_VF(SAMPAN_AS_VI(p) + (SAMPAN_CAT(convert_int, VW)(n) << 23));
  return select(select(x, y, x == x), (vf)(0.0f), x < -126.0f);
}
FN vf VF_EXP(vf x) {
  const vf c = fmin(fmax(x, (vf)(-87.33655f)), (vf)(88.72284f));
  const vf n = rint(c * 1.44269504f);
  const vf r = fma(n, (vf)(-1.42860682031e-6f), fma(n, (vf)(-0.693145751953125f), c));
  vf p = fma((vf)(1.383580544e-3f), r, (vf)(8.375645007e-3f));
  p = fma(p, r, (vf)(4.166828866e-2f));
  p = fma(p, r, (vf)(1.666641024e-1f));
  p = fma(p, r, (vf)(4.999999159e-1f));
  p = fma(p, r, (vf)(1.0f));
  p = fma(p, r, (vf)(1.0f));
  const vf y = SAMPAN_AS_VF(SAMPAN_AS_VI(p) + (SAMPAN_CAT(convert_int, VW)(n) << 23));
  const vf high = select(y, (vf)(INFINITY), x > 88.72283f);
  return select(select(x, high, x == x), (vf)(0.0f), x < -87.33655f);
}
#endif

/* ---- f16 and bf16 ---- */
FN f32 sampan_f16_to_f32(f16 h) { return vload_half(0, (const half*)&h); }
FN f16 sampan_f32_to_f16(f32 v) {
  f16 h;
  vstore_half_rte(v, 0, (half*)&h);
  return h;
}
FN vf sampan_vf_load_F16(const __global f16* p) {
  return SAMPAN_CAT(vload_half, VW)(0, (const __global half*)p);
}
FN void sampan_vf_store_F16(__global f16* p, vf v) {
  SAMPAN_CAT3(vstore_half, VW, _rte)(v, 0, (__global half*)p);
}
FN vf sampan_vf_load_BF16(const __global bf16* p) {
  return SAMPAN_AS_VF(SAMPAN_CAT(convert_uint, VW)(SAMPAN_VLOAD(0, p)) << 16);
}
FN void sampan_vf_store_BF16(__global bf16* p, vf v) {
  const sampan_vu u = SAMPAN_AS_VU(v);
  const sampan_vu rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  const sampan_vu bits = select(rounded, (u >> 16) | 0x40u, (u & 0x7fffffffu) > 0x7f800000u);
  SAMPAN_VSTORE(SAMPAN_CAT(convert_ushort, VW)(bits), 0, p);
}

#endif
