/* What CUDA C++ and HIP C++ share. Included by cuda.h and hip.h, which add the conversions,
   shuffles and ids of their own. Self-contained: the run-time compilers ship no headers. */
#ifndef SAMPAN_CUDA_LIKE_H
#define SAMPAN_CUDA_LIKE_H

typedef signed char i8;
typedef unsigned char u8;
typedef short i16;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;
typedef float f32;
typedef u16 f16;
typedef u16 bf16;

#define FN static __device__ __forceinline__
#define GLOBAL
#define LOCAL
#define CONSTANT static __constant__ const
#define RESTRICT __restrict__

/* The host asks for sampan_group_<name>, as drivers tell only how many items a group may have. The
 * prefix of the entry point lets kernels be called sin or main. */
#define KERNEL(name, wx, wy, wz)                                    \
  extern "C" __constant__ u32 sampan_group_##name[3] = {wx, wy, wz}; \
  extern "C" __global__ void __launch_bounds__((wx) * (wy) * (wz), 1) sampan_kernel_##name
#define KERNEL_FLAT KERNEL
/* Static as far as the compiler lets it be; beyond, dynamic: the host passes count * sizeof(T) bytes
 * with the launch. */
template <u32 bytes, bool fits>
struct SampanPool {
  static __device__ __forceinline__ u8* at() {
    __shared__ __attribute__((aligned(16))) u8 sampan_static_pool[bytes];
    return sampan_static_pool;
  }
};
template <u32 bytes>
struct SampanPool<bytes, false> {
  static_assert(bytes <= SAMPAN_LOCAL_BYTES, "LOCAL_POOL is larger than the local memory of a group");
  static __device__ __forceinline__ u8* at() {
    extern __shared__ __attribute__((aligned(16))) u8 sampan_dynamic_pool[];
    return sampan_dynamic_pool;
  }
};
#define LOCAL_POOL(T, name, count) \
  T* const name = (T*)SampanPool<(count) * sizeof(T), (count) * sizeof(T) <= SAMPAN_STATIC_LOCAL_BYTES>::at()
#define SAMPAN_DIM(v, d) ((d) == 0 ? (v).x : (d) == 1 ? (v).y : (v).z)
#define LID(d) ((u32)SAMPAN_DIM(threadIdx, d))
#define GID(d) ((u32)SAMPAN_DIM(blockIdx, d))
#define LSIZE(d) ((u32)SAMPAN_DIM(blockDim, d))
#define NGROUPS(d) ((u32)SAMPAN_DIM(gridDim, d))
#define BARRIER() __syncthreads()
#define UNROLL _Pragma("unroll")
#define NOUNROLL _Pragma("unroll 1")

/* ---- scalars ---- */
#define AS_F32(u) __uint_as_float(u)
#define AS_U32(f) __float_as_uint(f)
#define FMA(a, b, c) fmaf(a, b, c)
#define MAXF(a, b) fmaxf(a, b)
#define MINF(a, b) fminf(a, b)
#define ABSF(a) fabsf(a)
#define EXP(x) expf(x)
#define EXP2(x) exp2f(x)
#define LOG(x) logf(x)
#define SQRT(x) sqrtf(x)
#define RSQRT(x) (1.0f / sqrtf(x))
#define RINT(x) rintf(x)
#define SIN(x) sinf(x)
#define COS(x) cosf(x)
#define SINCOS(x, s, c) sincosf(x, s, c)
#define ATOMIC_ADD_I32(p, v) atomicAdd(p, v)
#define ATOMIC_ADD_F32(p, v) atomicAdd(p, v)
#define HAS_SHUFFLE 1

/* ---- vectors: always four lanes ---- */
#undef VW
#define VW 4
typedef float4 vf;
typedef int4 vi;

#define SAMPAN_BINARY(name, op) \
  FN vf name(vf a, vf b) { return make_float4(a.x op b.x, a.y op b.y, a.z op b.z, a.w op b.w); }
SAMPAN_BINARY(VF_ADD, +)
SAMPAN_BINARY(VF_SUB, -)
SAMPAN_BINARY(VF_MUL, *)
SAMPAN_BINARY(VF_DIV, /)
FN vf VF_SET1(f32 x) { return make_float4(x, x, x, x); }
FN vf VF_FMA(vf a, vf b, vf c) {
  return make_float4(fmaf(a.x, b.x, c.x), fmaf(a.y, b.y, c.y), fmaf(a.z, b.z, c.z),
                     fmaf(a.w, b.w, c.w));
}
FN vf VF_MAX(vf a, vf b) {
  return make_float4(fmaxf(a.x, b.x), fmaxf(a.y, b.y), fmaxf(a.z, b.z), fmaxf(a.w, b.w));
}
FN vf VF_MIN(vf a, vf b) {
  return make_float4(fminf(a.x, b.x), fminf(a.y, b.y), fminf(a.z, b.z), fminf(a.w, b.w));
}
FN vf VF_ABS(vf a) { return make_float4(fabsf(a.x), fabsf(a.y), fabsf(a.z), fabsf(a.w)); }
FN vf VF_SELECT_GT(vf a, vf b, vf x, vf y) {
  return make_float4(a.x > b.x ? x.x : y.x, a.y > b.y ? x.y : y.y, a.z > b.z ? x.z : y.z,
                     a.w > b.w ? x.w : y.w);
}
FN vf VF_EXP2(vf a) { return make_float4(exp2f(a.x), exp2f(a.y), exp2f(a.z), exp2f(a.w)); }
FN vf VF_EXP(vf a) { return make_float4(expf(a.x), expf(a.y), expf(a.z), expf(a.w)); }
FN vi VI_FROM_VF(vf a) { return make_int4((i32)a.x, (i32)a.y, (i32)a.z, (i32)a.w); }
FN vf VF_FROM_VI(vi a) { return make_float4((f32)a.x, (f32)a.y, (f32)a.z, (f32)a.w); }
FN vf sampan_vf_zip_lo(vf a, vf b) { return make_float4(a.x, b.x, a.y, b.y); }
FN vf sampan_vf_zip_hi(vf a, vf b) { return make_float4(a.z, b.z, a.w, b.w); }

FN vf sampan_vf_load_F32(const f32* p) {
  return ((u64)p & 15) == 0 ? *(const float4*)p : make_float4(p[0], p[1], p[2], p[3]);
}
FN void sampan_vf_store_F32(f32* p, vf v) {
  if (((u64)p & 15) == 0) {
    *(float4*)p = v;
  } else {
    p[0] = v.x, p[1] = v.y, p[2] = v.z, p[3] = v.w;
  }
}
#define VF_LOADL(p) (*(const vf*)(p))
#define VF_STOREL(p, v) (*(vf*)(p) = (v))
FN vf VF_LOADP(const f32* a) { return make_float4(a[0], a[1], a[2], a[3]); }
FN void VF_STOREP(f32* a, vf v) { a[0] = v.x, a[1] = v.y, a[2] = v.z, a[3] = v.w; }

FN vi VI_SET1(i32 x) { return make_int4(x, x, x, x); }
#define SAMPAN_INT_BINARY(name, op) \
  FN vi name(vi a, vi b) { return make_int4(a.x op b.x, a.y op b.y, a.z op b.z, a.w op b.w); }
SAMPAN_INT_BINARY(VI_ADD, +)
SAMPAN_INT_BINARY(VI_SUB, -)
SAMPAN_INT_BINARY(VI_MUL, *)
SAMPAN_INT_BINARY(VI_AND, &)
FN vi VI_SHL(vi a, i32 bits) {
  return make_int4(a.x << bits, a.y << bits, a.z << bits, a.w << bits);
}
FN vi VI_SHR(vi a, i32 bits) {
  return make_int4(a.x >> bits, a.y >> bits, a.z >> bits, a.w >> bits);
}
FN vi VI_LOAD_I8(const i8* p) {
  if (((u64)p & 3) == 0) {
    const i32 w = *(const i32*)p;
    return make_int4((w << 24) >> 24, (w << 16) >> 24, (w << 8) >> 24, w >> 24);
  }
  return make_int4(p[0], p[1], p[2], p[3]);
}
/* Four codes of four bits, two to a byte, the even one in the low half; a code is its value plus 8.
 */
FN vi VI_LOAD_I4(const u8* p) {
  return make_int4((p[0] & 15) - 8, (p[0] >> 4) - 8, (p[1] & 15) - 8, (p[1] >> 4) - 8);
}
#define VI_LOADL(p) (*(const vi*)(p))
#define VI_STOREL(p, v) (*(vi*)(p) = (v))
FN vi VI_LOADP(const i32* a) { return make_int4(a[0], a[1], a[2], a[3]); }
FN void VI_STOREP(i32* a, vi v) { a[0] = v.x, a[1] = v.y, a[2] = v.z, a[3] = v.w; }

/* ---- f16 and bf16: four at a time as two words ---- */
FN u16 sampan_f32_to_f16(f32 v);
FN f32 sampan_f16_to_f32(u16 h);
FN u16 sampan_f32_to_bf16(f32 v);

FN uint2 sampan_load_4x16(const u16* p) {
  if (((u64)p & 7) == 0) return *(const uint2*)p;
  return make_uint2((u32)p[0] | (u32)p[1] << 16, (u32)p[2] | (u32)p[3] << 16);
}
FN void sampan_store_4x16(u16* p, u16 x, u16 y, u16 z, u16 w) {
  if (((u64)p & 7) == 0) {
    *(uint2*)p = make_uint2((u32)x | (u32)y << 16, (u32)z | (u32)w << 16);
  } else {
    p[0] = x, p[1] = y, p[2] = z, p[3] = w;
  }
}
FN vf sampan_vf_load_F16(const f16* p) {
  const uint2 w = sampan_load_4x16(p);
  return make_float4(sampan_f16_to_f32((u16)w.x), sampan_f16_to_f32((u16)(w.x >> 16)),
                     sampan_f16_to_f32((u16)w.y), sampan_f16_to_f32((u16)(w.y >> 16)));
}
FN void sampan_vf_store_F16(f16* p, vf v) {
  sampan_store_4x16(p, sampan_f32_to_f16(v.x), sampan_f32_to_f16(v.y), sampan_f32_to_f16(v.z),
                    sampan_f32_to_f16(v.w));
}
FN vf sampan_vf_load_BF16(const bf16* p) {
  const uint2 w = sampan_load_4x16(p);
  return make_float4(AS_F32(w.x << 16), AS_F32(w.x & 0xffff0000u), AS_F32(w.y << 16),
                     AS_F32(w.y & 0xffff0000u));
}
FN void sampan_vf_store_BF16(bf16* p, vf v) {
  sampan_store_4x16(p, sampan_f32_to_bf16(v.x), sampan_f32_to_bf16(v.y), sampan_f32_to_bf16(v.z),
                    sampan_f32_to_bf16(v.w));
}

#endif
