/* The dialect on the CPU: C++17 with GNU vector extensions (g++ 12, clang 14 or newer).
   Needs -ffp-contract=fast (FMA), and wants -O3 -fno-math-errno -fno-trapping-math. */
#ifndef SAMPAN_CPU_H
#define SAMPAN_CPU_H

#include <stddef.h>
#include <stdint.h>

#include "cpu_abi.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors as parameters: every function here is inlined \
                                          */
#endif

typedef int8_t i8;
typedef uint8_t u8;
typedef int16_t i16;
typedef uint16_t u16;
typedef int32_t i32;
typedef uint32_t u32;
typedef int64_t i64;
typedef uint64_t u64;
typedef float f32;
typedef u16 f16;
typedef u16 bf16;

#define FN static inline __attribute__((always_inline))
#define GLOBAL
#define LOCAL
#define CONSTANT static const
#define RESTRICT __restrict__

/* ---- kernels ----
   KERNEL(name, ...) is followed by the parameter list in parentheses; the trailing
   SAMPAN_CPU_PARAMS takes it and puts the hidden item in front. */
#define KERNEL(name, wx, wy, wz) SAMPAN_CPU_KERNEL(name, wx, wy, wz, 0)
#define KERNEL_FLAT(name, wx, wy, wz) SAMPAN_CPU_KERNEL(name, wx, wy, wz, 1)
#define SAMPAN_CPU_KERNEL(name, wx, wy, wz, is_flat)    \
  struct sampan_traits_##name {                         \
    static constexpr u32 group[3] = {(wx), (wy), (wz)}; \
    static constexpr u32 flat = (is_flat);              \
  };                                                    \
  FN void sampan_body_##name SAMPAN_CPU_PARAMS
#define SAMPAN_CPU_PARAMS(...) ([[maybe_unused]] sampan_cpu_item * sampan_item_, __VA_ARGS__)

#define LOCAL_POOL(T, name, count)                                                       \
  static_assert(sizeof(T) * (count) <= SAMPAN_CPU_LOCAL_BYTES, "too much local memory"); \
  T* const name = static_cast<T*>(                                                       \
      __builtin_assume_aligned(sampan_item_->local_memory, SAMPAN_CPU_LOCAL_ALIGN))
#define LID(d) (sampan_item_->local_id[d])
#define GID(d) (sampan_item_->group_id[d])
#define LSIZE(d) (sampan_item_->group_size[d])
#define NGROUPS(d) (sampan_item_->group_count[d])
#define BARRIER() (sampan_item_->barrier(sampan_item_))

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#define NOUNROLL _Pragma("nounroll")
#else
#define UNROLL _Pragma("GCC unroll 64")
#define NOUNROLL _Pragma("GCC unroll 1")
#endif

/* ---- entry points ---- */
/* The barrier of a group of one item. */
FN void sampan_cpu_alone(sampan_cpu_item*) {}

/* Template parameters, too, have names of the dialect's own: -DN=64 must not reach them. */
template <class sampan_T>
struct sampan_cpu_arg {
  static constexpr u32 bytes = sizeof(sampan_T);
};
template <class sampan_T>
struct sampan_cpu_arg<sampan_T*> {
  static constexpr u32 bytes = 0;
};

template <class sampan_T>
FN sampan_T sampan_cpu_value(const void* p) {
  sampan_T value;
  __builtin_memcpy(&value, p, sizeof value);
  return value;
}

template <size_t... sampan_I>
struct sampan_cpu_indices {};
template <size_t sampan_N, size_t... sampan_I>
struct sampan_cpu_count : sampan_cpu_count<sampan_N - 1, sampan_N - 1, sampan_I...> {};
template <size_t... sampan_I>
struct sampan_cpu_count<0, sampan_I...> {
  typedef sampan_cpu_indices<sampan_I...> type;
};

template <class sampan_Traits, auto sampan_Body, class sampan_Signature = decltype(sampan_Body)>
struct sampan_cpu_entry;
template <class sampan_Traits, auto sampan_Body, class... sampan_A>
struct sampan_cpu_entry<sampan_Traits, sampan_Body, void (*)(sampan_cpu_item*, sampan_A...)> {
  static constexpr u32 arg_count = sizeof...(sampan_A);
  static constexpr u32 arg_bytes[sizeof...(sampan_A)] = {sampan_cpu_arg<sampan_A>::bytes...};
  static constexpr u32 items =
      sampan_Traits::group[0] * sampan_Traits::group[1] * sampan_Traits::group[2];
  static constexpr bool loops = sampan_Traits::flat || items == 1;

  template <size_t... sampan_I>
  FN void call_item(sampan_cpu_item* item, const void* const* args,
                    sampan_cpu_indices<sampan_I...>) {
    sampan_Body(item, sampan_cpu_value<sampan_A>(args[sampan_I])...);
  }
  static void run_item(sampan_cpu_item* item, const void* const* args) {
    call_item(item, args, typename sampan_cpu_count<sizeof...(sampan_A)>::type());
  }

  /* Takes the arguments by value: read once, not per item. */
  FN void loop(const u32* group_count, u64 first, u64 end, void* local_memory, sampan_A... values) {
    sampan_cpu_item item = {};
    item.local_memory = local_memory;
    if constexpr (items == 1) item.barrier = &sampan_cpu_alone;
    for (u32 d = 0; d < 3; ++d) {
      item.group_count[d] = group_count[d];
      item.group_size[d] = sampan_Traits::group[d];
    }
    item.group_id[0] = (u32)(first % group_count[0]);
    item.group_id[1] = (u32)(first / group_count[0] % group_count[1]);
    item.group_id[2] = (u32)(first / group_count[0] / group_count[1]);
    for (u64 g = first; g < end; ++g) {
      for (u32 i = 0; i < items; ++i) {
        item.local_id[0] = i % sampan_Traits::group[0];
        item.local_id[1] = i / sampan_Traits::group[0] % sampan_Traits::group[1];
        item.local_id[2] = i / sampan_Traits::group[0] / sampan_Traits::group[1];
        sampan_Body(&item, values...);
      }
      if (++item.group_id[0] == group_count[0]) {
        item.group_id[0] = 0;
        if (++item.group_id[1] == group_count[1]) {
          item.group_id[1] = 0;
          ++item.group_id[2];
        }
      }
    }
  }
  template <size_t... sampan_I>
  FN void call_loop(const u32* group_count, u64 first, u64 end, void* local_memory,
                    const void* const* args, sampan_cpu_indices<sampan_I...>) {
    loop(group_count, first, end, local_memory, sampan_cpu_value<sampan_A>(args[sampan_I])...);
  }
  static void run_groups(const u32 group_count[3], u64 first, u64 end, void* local_memory,
                         const void* const* args) {
    call_loop(group_count, first, end, local_memory, args,
              typename sampan_cpu_count<sizeof...(sampan_A)>::type());
  }

  static constexpr sampan_cpu_run_item_fn item_entry() {
    if constexpr (loops)
      return nullptr;
    else
      return &run_item;
  }
  static constexpr sampan_cpu_run_groups_fn groups_entry() {
    if constexpr (loops)
      return &run_groups;
    else
      return nullptr;
  }
};

/* One line per kernel, after its definition; the host appends it. */
#if defined(SAMPAN_CPU_VARIANT)
#define SAMPAN_CPU_SYMBOL(name) SAMPAN_CAT(sampan_kernel_##name##__, SAMPAN_CPU_VARIANT)
#else
#define SAMPAN_CPU_SYMBOL(name) sampan_kernel_##name
#endif
#define SAMPAN_CPU_EXPORT(name)                                                  \
  extern "C" __attribute__((visibility("default")))                              \
  const struct sampan_cpu_kernel SAMPAN_CPU_SYMBOL(name);                        \
  const struct sampan_cpu_kernel SAMPAN_CPU_SYMBOL(name) = {                     \
      SAMPAN_CPU_ABI,                                                            \
      sizeof(struct sampan_cpu_kernel),                                          \
      #name,                                                                     \
      {sampan_traits_##name::group[0], sampan_traits_##name::group[1],           \
       sampan_traits_##name::group[2]},                                          \
      sampan_traits_##name::flat,                                                \
      SAMPAN_CPU_LOCAL_BYTES,                                                    \
      sampan_cpu_entry<sampan_traits_##name, &sampan_body_##name>::arg_count,    \
      sampan_cpu_entry<sampan_traits_##name, &sampan_body_##name>::arg_bytes,    \
      sampan_cpu_entry<sampan_traits_##name, &sampan_body_##name>::item_entry(), \
      sampan_cpu_entry<sampan_traits_##name, &sampan_body_##name>::groups_entry()};

/* ---- scalars ---- */
FN f32 AS_F32(u32 u) {
  f32 f;
  __builtin_memcpy(&f, &u, 4);
  return f;
}
FN u32 AS_U32(f32 f) {
  u32 u;
  __builtin_memcpy(&u, &f, 4);
  return u;
}
#define FMA(a, b, c) \
  ((a) * (b) + (c)) /* one instruction where the machine has it: -ffp-contract=fast */
#define MAXF(a, b) __builtin_fmaxf(a, b)
#define MINF(a, b) __builtin_fminf(a, b)
#define ABSF(a) __builtin_fabsf(a)
#define EXP(x) __builtin_expf(x)
#define EXP2(x) __builtin_exp2f(x)
#define LOG(x) __builtin_logf(x)
#define SQRT(x) __builtin_sqrtf(x)
#define RSQRT(x) (1.0f / __builtin_sqrtf(x))
#define RINT(x) __builtin_rintf(x)
#define SIN(x) __builtin_sinf(x)
#define COS(x) __builtin_cosf(x)
FN void SINCOS(f32 x, f32* s, f32* c) {
  *s = __builtin_sinf(x);
  *c = __builtin_cosf(x);
}

#define ATOMIC_ADD_I32(p, v) __atomic_fetch_add(p, v, __ATOMIC_RELAXED)
FN void ATOMIC_ADD_F32(f32* p, f32 v) {
  u32* bits = reinterpret_cast<u32*>(p);
  u32 old = __atomic_load_n(bits, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(bits, &old, AS_U32(AS_F32(old) + v), true, __ATOMIC_RELAXED,
                                      __ATOMIC_RELAXED)) {
  }
}

/* ---- vectors ---- */
#ifndef VW
#if defined(__AVX512F__)
#define VW 16
#elif defined(__AVX__)
#define VW 8
#else
#define VW 4
#endif
#endif
typedef f32 vf __attribute__((vector_size(VW * 4)));
typedef i32 vi __attribute__((vector_size(VW * 4)));
typedef u32 sampan_vu __attribute__((vector_size(VW * 4)));
typedef u16 sampan_vh __attribute__((vector_size(VW * 2)));
typedef i8 sampan_vb __attribute__((vector_size(VW)));
typedef i16 sampan_vs __attribute__((vector_size(VW * 2)));

FN vf sampan_vf_load_F32(const f32* p) {
  vf v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
FN void sampan_vf_store_F32(f32* p, vf v) { __builtin_memcpy(p, &v, sizeof v); }
#define VF_LOADL(p) sampan_vf_load_F32(p)
#define VF_STOREL(p, v) sampan_vf_store_F32(p, v)
#define VF_LOADP(a) sampan_vf_load_F32(a)
#define VF_STOREP(a, v) sampan_vf_store_F32(a, v)
FN vf VF_SET1(f32 x) { return x - (vf){}; }
#define VF_ADD(a, b) ((a) + (b))
#define VF_SUB(a, b) ((a) - (b))
#define VF_MUL(a, b) ((a) * (b))
#define VF_DIV(a, b) ((a) / (b))
#define VF_FMA(a, b, c) ((a) * (b) + (c))
FN vf VF_MAX(vf a, vf b) { return a > b ? a : b; }
FN vf VF_MIN(vf a, vf b) { return a < b ? a : b; }
FN vf VF_ABS(vf a) { return (vf)((vi)a & 0x7fffffff); }
FN vf VF_SELECT_GT(vf a, vf b, vf x, vf y) { return a > b ? x : y; }
#define VF_FROM_VI(a) __builtin_convertvector(a, vf)
#define VI_FROM_VF(a) __builtin_convertvector(a, vi)

FN vi VI_SET1(i32 x) { return x - (vi){}; }
#define VI_ADD(a, b) ((a) + (b))
#define VI_SUB(a, b) ((a) - (b))
#define VI_MUL(a, b) ((a) * (b))
#define VI_AND(a, b) ((a) & (b))
#define VI_SHL(a, bits) ((a) << (bits))
#define VI_SHR(a, bits) ((a) >> (bits))
/* Integers to lanes of 32 bits. g++ 12 knows steps of doubling only, and halves of AVX-512
   registers, so that instruction is written out. */
FN vi sampan_widen_i8(sampan_vb b) {
#if VW == 16 && defined(__AVX512F__)
  vi v;
  __asm__("vpmovsxbd %1, %0" : "=v"(v) : "vm"(b));
  return v;
#else
  return __builtin_convertvector(__builtin_convertvector(b, sampan_vs), vi);
#endif
}
FN sampan_vu sampan_widen_u16(sampan_vh h) {
#if VW == 16 && defined(__AVX512F__)
  sampan_vu v;
  __asm__("vpmovzxwd %1, %0" : "=v"(v) : "vm"(h));
  return v;
#else
  return __builtin_convertvector(h, sampan_vu);
#endif
}
FN vi VI_LOAD_I8(const i8* p) {
  sampan_vb b;
  __builtin_memcpy(&b, p, sizeof b);
  return sampan_widen_i8(b);
}
/* VW codes of four bits, two to a byte, the even one in the low half; each its value plus 8. */
FN vi VI_LOAD_I4(const u8* p) {
  typedef u8 pairs __attribute__((vector_size(VW / 2)));
  pairs b;
  __builtin_memcpy(&b, p, sizeof b);
#if VW == 4
  const auto twice = __builtin_shufflevector(b, b, 0, 0, 1, 1);
  const vi shift = {0, 4, 0, 4};
#elif VW == 8
  const auto twice = __builtin_shufflevector(b, b, 0, 0, 1, 1, 2, 2, 3, 3);
  const vi shift = {0, 4, 0, 4, 0, 4, 0, 4};
#else
  const auto twice = __builtin_shufflevector(b, b, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  const vi shift = {0, 4, 0, 4, 0, 4, 0, 4, 0, 4, 0, 4, 0, 4, 0, 4};
#endif
  return ((sampan_widen_i8((sampan_vb)twice) >> shift) & 15) - 8;
}
FN vi VI_LOADL(const i32* p) {
  vi v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
FN void VI_STOREL(i32* p, vi v) { __builtin_memcpy(p, &v, sizeof v); }
#define VI_LOADP(a) VI_LOADL(a)
#define VI_STOREP(a, v) VI_STOREL(a, v)

/* Even and odd results of the perfect shuffle of two vectors: a0 b0 a1 b1 ... */
#if VW == 4
FN vf sampan_vf_zip_lo(vf a, vf b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }
FN vf sampan_vf_zip_hi(vf a, vf b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
#elif VW == 8
FN vf sampan_vf_zip_lo(vf a, vf b) {
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
FN vf sampan_vf_zip_hi(vf a, vf b) {
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
#else
FN vf sampan_vf_zip_lo(vf a, vf b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
FN vf sampan_vf_zip_hi(vf a, vf b) {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                                 31);
}
#endif

/* 2^x from its polynomial p(x - n), |x - n| <= 1/2, of relative error 2e-9: below 1.5 ulp in [-126,
   128), 0 below, infinity from 128. exp2_of(p, n) puts the exponent in place. */
FN vf sampan_vf_scale(vf p, vi n) { return (vf)((vi)p + (n << 23)); }
FN vf sampan_vf_round(vf x, vi* n) { /* nearest integer of |x| < 2^22 */
  const vf shifted = x + 12582912.0f;
  *n = (vi)shifted - 0x4B400000;
  return shifted - 12582912.0f;
}
FN vf VF_EXP2(vf x) {
  const vf c = VF_MIN(VF_MAX(x, VF_SET1(-126.0f)), VF_SET1(128.0f));
  vi n;
  const vf r = c - sampan_vf_round(c, &n);
  vf p = r * 1.534581723e-4f + 1.339993116e-3f;
  p = p * r + 9.618488938e-3f;
  p = p * r + 5.550328777e-2f;
  p = p * r + 2.402264689e-1f;
  p = p * r + 6.931472057e-1f;
  p = p * r + 1.0f;
  const vf y = sampan_vf_scale(p, n);
  return x < -126.0f ? (vf){} : (x == x ? y : x);
}
/* e^x: below 2 ulp in [-87.3, 88.7], 0 below, infinity above. ln 2 in two parts keeps x - n ln 2
 * exact. */
FN vf VF_EXP(vf x) {
  const vf c = VF_MIN(VF_MAX(x, VF_SET1(-87.33655f)), VF_SET1(88.72284f));
  vi n;
  const vf k = sampan_vf_round(c * 1.44269504f, &n);
  const vf r = (c - k * 0.693145751953125f) - k * 1.42860682031e-6f;
  vf p = r * 1.383580544e-3f + 8.375645007e-3f;
  p = p * r + 4.166828866e-2f;
  p = p * r + 1.666641024e-1f;
  p = p * r + 4.999999159e-1f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const vf y = sampan_vf_scale(p, n);
  const vf high = x > 88.72283f ? VF_SET1(__builtin_inff()) : y;
  return x < -87.33655f ? (vf){} : (x == x ? high : x);
}

/* ---- f16 and bf16 ----
   The conversions by bits serve scalars and vectors; sampan_F is f32 or vf, sampan_U the unsigned
   integers of that shape. */
template <class sampan_F, class sampan_U>
FN sampan_F sampan_f16_bits_to_f32(sampan_U half) {
  const sampan_U magnitude = (half & 0x7fffu) << 13;
  sampan_F scaled;
  __builtin_memcpy(&scaled, &magnitude, sizeof scaled);
  scaled = scaled *
           0x1p112f; /* from the exponent bias of f16 to that of f32; subnormals become normal */
  sampan_U bits;
  __builtin_memcpy(&bits, &scaled, sizeof bits);
  bits = (magnitude >= 0x0f800000u ? magnitude | 0x7f800000u : bits) | ((half & 0x8000u) << 16);
  sampan_F value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}
/* Rounds to nearest even; too large becomes infinity, NaN stays NaN. */
template <class sampan_F, class sampan_U>
FN sampan_U sampan_f32_to_f16_bits(sampan_F value) {
  sampan_U bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  const sampan_U magnitude = bits & 0x7fffffffu;
  sampan_F absolute;
  __builtin_memcpy(&absolute, &magnitude, sizeof absolute);
  absolute = absolute + 0.5f; /* the adder rounds a subnormal result to the last bit of an f16 */
  sampan_U tiny;
  __builtin_memcpy(&tiny, &absolute, sizeof tiny);
  tiny = tiny - 0x3f000000u;
  const sampan_U normal = (magnitude + 0xc8000fffu + ((magnitude >> 13) & 1u)) >> 13;
  const sampan_U infinite = magnitude - magnitude + 0x7c00u;
  const sampan_U nan = infinite + 0x200u;
  sampan_U half = magnitude < 0x38800000u ? tiny : normal;
  half = magnitude >= 0x47800000u ? infinite : half;
  half = magnitude > 0x7f800000u ? nan : half;
  return half | ((bits >> 16) & 0x8000u);
}

/* F16C converts in one instruction; g++ 12 would convert lane by lane, so the instruction is
 * written out. */
#if defined(__F16C__) && (VW < 16 || defined(__AVX512F__))
typedef u16 sampan_vh_register __attribute__((vector_size(VW == 4 ? 16 : VW * 2)));
FN vf sampan_vf_from_f16(sampan_vh h) {
  sampan_vh_register source = {};
  __builtin_memcpy(&source, &h, sizeof h);
  vf v;
  __asm__("vcvtph2ps %1, %0" : "=v"(v) : "v"(source));
  return v;
}
FN sampan_vh sampan_vf_to_f16(vf v) { /* immediate 0: round to nearest even, whatever the mode */
  sampan_vh_register result;
  __asm__("vcvtps2ph $0, %1, %0" : "=v"(result) : "v"(v));
  sampan_vh h;
  __builtin_memcpy(&h, &result, sizeof h);
  return h;
}
FN f32 sampan_f16_to_f32(f16 h) {
  typedef u16 halves __attribute__((vector_size(16)));
  typedef f32 floats __attribute__((vector_size(16)));
  const halves source = {h};
  floats v;
  __asm__("vcvtph2ps %1, %0" : "=x"(v) : "x"(source));
  return v[0];
}
#else
FN vf sampan_vf_from_f16(sampan_vh h) {
  return sampan_f16_bits_to_f32<vf, sampan_vu>(sampan_widen_u16(h));
}
FN sampan_vh sampan_vf_to_f16(vf v) {
  return __builtin_convertvector(sampan_f32_to_f16_bits<vf, sampan_vu>(v), sampan_vh);
}
FN f32 sampan_f16_to_f32(f16 h) { return sampan_f16_bits_to_f32<f32, u32>(h); }
#endif
FN f16 sampan_f32_to_f16(f32 v) { return (f16)sampan_f32_to_f16_bits<f32, u32>(v); }

FN vf sampan_vf_load_F16(const f16* p) {
  sampan_vh h;
  __builtin_memcpy(&h, p, sizeof h);
  return sampan_vf_from_f16(h);
}
FN void sampan_vf_store_F16(f16* p, vf v) {
  const sampan_vh h = sampan_vf_to_f16(v);
  __builtin_memcpy(p, &h, sizeof h);
}
FN vf sampan_vf_load_BF16(const bf16* p) {
  sampan_vh h;
  __builtin_memcpy(&h, p, sizeof h);
  return (vf)(sampan_widen_u16(h) << 16);
}
FN void sampan_vf_store_BF16(bf16* p, vf v) {
  const sampan_vu u = (sampan_vu)v;
  const sampan_vu rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  const sampan_vu nan = (u >> 16) | 0x40u;
  const sampan_vu bits = (u & 0x7fffffffu) > 0x7f800000u ? nan : rounded;
  const sampan_vh h = __builtin_convertvector(bits, sampan_vh);
  __builtin_memcpy(p, &h, sizeof h);
}

/* ---- parts of vectors: the raw elements are copied, then converted as a whole ---- */
#define SAMPAN_HAS_PARTS 1
#define SAMPAN_DEFINE_PART(DT, T)                            \
  FN vf sampan_vf_load_part_##DT(const T* p, u32 count) {    \
    if (count >= VW) return sampan_vf_load_##DT(p);          \
    T lane[VW] = {};                                         \
    __builtin_memcpy(lane, p, count * sizeof(T));            \
    return sampan_vf_load_##DT(lane);                        \
  }                                                          \
  FN void sampan_vf_store_part_##DT(T* p, vf v, u32 count) { \
    if (count >= VW) {                                       \
      sampan_vf_store_##DT(p, v);                            \
    } else {                                                 \
      T lane[VW];                                            \
      sampan_vf_store_##DT(lane, v);                         \
      __builtin_memcpy(p, lane, count * sizeof(T));          \
    }                                                        \
  }
SAMPAN_DEFINE_PART(F32, f32)
SAMPAN_DEFINE_PART(F16, f16)
SAMPAN_DEFINE_PART(BF16, bf16)
FN vf sampan_vf_load_I32(const i32* p);
FN vf sampan_vf_load_I8(const i8* p);
FN vf sampan_vf_load_U8(const u8* p);
FN void sampan_vf_store_I32(i32* p, vf v);
FN void sampan_vf_store_I8(i8* p, vf v);
FN void sampan_vf_store_U8(u8* p, vf v);
SAMPAN_DEFINE_PART(I32, i32)
SAMPAN_DEFINE_PART(I8, i8)
SAMPAN_DEFINE_PART(U8, u8)

#endif
