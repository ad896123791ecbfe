// What CUDA C++ and HIP C++ have built in, for kernels that the host's compiler compiles. Part of
// each kernel's text, after kernel_abi.h and without any system header: run-time compilers have
// none. SAMPAN_EMULATOR_GLOBAL, _SHARED and _BOUNDS are left for rewrite.cpp.
#pragma once

#define __device__
#define __host__
#define __constant__ __attribute__((visibility("default")))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __restrict__ __restrict
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __global__ SAMPAN_EMULATOR_GLOBAL
#define __shared__ SAMPAN_EMULATOR_SHARED
#define __launch_bounds__(...) SAMPAN_EMULATOR_BOUNDS(__VA_ARGS__)
#define threadIdx (sampan_emulator::this_thread().index)
#define blockIdx (sampan_emulator::this_thread().block)
#define blockDim (sampan_emulator::this_thread().block_size)
#define gridDim (sampan_emulator::this_thread().grid_size)
#define warpSize (static_cast<int>(sampan_emulator::this_thread().warp_size))

using size_t = sampan_emulator::Size;

// ---- vectors ----

#define SAMPAN_EMULATOR_VECTORS(name, type)                                          \
  struct alignas(2 * sizeof(type)) name##2 {                                         \
    type x, y;                                                                       \
  };                                                                                 \
  struct name##3 {                                                                   \
    type x, y, z;                                                                    \
  };                                                                                 \
  struct alignas(4 * sizeof(type)) name##4 {                                         \
    type x, y, z, w;                                                                 \
  };                                                                                 \
  static inline name##2 make_##name##2(type x, type y) { return {x, y}; }            \
  static inline name##3 make_##name##3(type x, type y, type z) { return {x, y, z}; } \
  static inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }
SAMPAN_EMULATOR_VECTORS(char, signed char)
SAMPAN_EMULATOR_VECTORS(uchar, unsigned char)
SAMPAN_EMULATOR_VECTORS(short, short)
SAMPAN_EMULATOR_VECTORS(ushort, unsigned short)
SAMPAN_EMULATOR_VECTORS(int, int)
SAMPAN_EMULATOR_VECTORS(uint, unsigned)
SAMPAN_EMULATOR_VECTORS(float, float)

// ---- mathematics: the host's ----

extern "C" {
float fmaf(float, float, float) noexcept;
float fmaxf(float, float) noexcept;
float fminf(float, float) noexcept;
float fabsf(float) noexcept;
float expf(float) noexcept;
float exp2f(float) noexcept;
float logf(float) noexcept;
float log2f(float) noexcept;
float powf(float, float) noexcept;
float sqrtf(float) noexcept;
float rintf(float) noexcept;
float floorf(float) noexcept;
float ceilf(float) noexcept;
float roundf(float) noexcept;
float truncf(float) noexcept;
float sinf(float) noexcept;
float cosf(float) noexcept;
float tanhf(float) noexcept;
float erff(float) noexcept;
void sincosf(float, float*, float*) noexcept;
double fma(double, double, double) noexcept;
double fabs(double) noexcept;
double exp(double) noexcept;
double log(double) noexcept;
double sqrt(double) noexcept;
void* memcpy(void*, const void*, size_t) noexcept;
void* memset(void*, int, size_t) noexcept;
}
static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
static inline float __expf(float x) { return expf(x); }
static inline float __logf(float x) { return logf(x); }
static inline float __fdividef(float a, float b) { return a / b; }
static inline float __uint_as_float(unsigned bits) { return __builtin_bit_cast(float, bits); }
static inline unsigned __float_as_uint(float value) { return __builtin_bit_cast(unsigned, value); }
static inline float __int_as_float(int bits) { return __builtin_bit_cast(float, bits); }
static inline int __float_as_int(float value) { return __builtin_bit_cast(int, value); }
template <typename T>
static inline T min(T a, T b) {
  return b < a ? b : a;
}
template <typename T>
static inline T max(T a, T b) {
  return a < b ? b : a;
}

#if defined(__aarch64__) && !defined(__clang__)
#define _Float16 __fp16
#endif
static inline float sampan_emulated_f16_to_f32(unsigned short bits) {
  return static_cast<float>(__builtin_bit_cast(_Float16, bits));
}
static inline unsigned short sampan_emulated_f32_to_f16(float value) {
  return __builtin_bit_cast(unsigned short, static_cast<_Float16>(value));
}

// ---- threads of a block and of a warp ----

static inline void __syncthreads() { sampan_emulator::this_thread().barrier(); }
static inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
static inline void __threadfence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

namespace sampan_emulator {

/// What lane `source` gives where `inside`, else the lane's own value.
template <typename T>
static inline T shuffle(Bits64 mask, T value, unsigned source, bool inside) {
  static_assert(sizeof(T) <= sizeof(Lanes::Value), "a shuffle moves 16 bytes at most");
  const Lanes* const lanes = this_thread().exchange(mask, &value, sizeof value);
  if (inside && source < kMaxLanes)
    __builtin_memcpy(&value, lanes->values[source].bytes, sizeof value);
  return value;
}
template <typename T>
static inline T shuffle_to(Bits64 mask, T value, int source, int width) {
  const unsigned lane = this_thread().lane, w = static_cast<unsigned>(width);
  return shuffle(mask, value, lane / w * w + static_cast<unsigned>(source) % w, true);
}
template <typename T>
static inline T shuffle_xor(Bits64 mask, T value, int bits, int width) {
  const unsigned lane = this_thread().lane, w = static_cast<unsigned>(width);
  const unsigned source = lane ^ static_cast<unsigned>(bits);
  return shuffle(mask, value, source, source / w <= lane / w);
}
template <typename T>
static inline T shuffle_down(Bits64 mask, T value, unsigned by, int width) {
  const unsigned lane = this_thread().lane, w = static_cast<unsigned>(width);
  return shuffle(mask, value, lane + by, lane % w + by < w);
}
template <typename T>
static inline T shuffle_up(Bits64 mask, T value, unsigned by, int width) {
  const unsigned lane = this_thread().lane, w = static_cast<unsigned>(width);
  return shuffle(mask, value, lane - by, lane % w >= by);
}
static inline Bits64 ballot(Bits64 mask, bool vote) {
  const Lanes* const lanes = this_thread().exchange(mask, &vote, sizeof vote);
  Bits64 votes = 0;
  for (unsigned i = 0; i < kMaxLanes; ++i) {
    if ((lanes->present >> i & 1) != 0 && lanes->values[i].bytes[0] != 0) votes |= Bits64{1} << i;
  }
  return votes;
}

}  // namespace sampan_emulator

#if defined(__HIP__)
template <typename T>
static inline T __shfl(T v, int source, int width = warpSize) {
  return sampan_emulator::shuffle_to(~0ull, v, source, width);
}
template <typename T>
static inline T __shfl_xor(T v, int bits, int width = warpSize) {
  return sampan_emulator::shuffle_xor(~0ull, v, bits, width);
}
template <typename T>
static inline T __shfl_down(T v, unsigned by, int width = warpSize) {
  return sampan_emulator::shuffle_down(~0ull, v, by, width);
}
template <typename T>
static inline T __shfl_up(T v, unsigned by, int width = warpSize) {
  return sampan_emulator::shuffle_up(~0ull, v, by, width);
}
static inline unsigned long long __ballot(int vote) {
  return sampan_emulator::ballot(~0ull, vote != 0);
}
#else
template <typename T>
static inline T __shfl_sync(unsigned mask, T v, int source, int width = 32) {
  return sampan_emulator::shuffle_to(mask, v, source, width);
}
template <typename T>
static inline T __shfl_xor_sync(unsigned mask, T v, int bits, int width = 32) {
  return sampan_emulator::shuffle_xor(mask, v, bits, width);
}
template <typename T>
static inline T __shfl_down_sync(unsigned mask, T v, unsigned by, int width = 32) {
  return sampan_emulator::shuffle_down(mask, v, by, width);
}
template <typename T>
static inline T __shfl_up_sync(unsigned mask, T v, unsigned by, int width = 32) {
  return sampan_emulator::shuffle_up(mask, v, by, width);
}
static inline unsigned __ballot_sync(unsigned mask, int vote) {
  return static_cast<unsigned>(sampan_emulator::ballot(mask, vote != 0));
}
static inline int __any_sync(unsigned mask, int vote) { return __ballot_sync(mask, vote) != 0; }
static inline int __all_sync(unsigned mask, int vote) { return __ballot_sync(mask, !vote) == 0; }
static inline void __syncwarp(unsigned mask = 0xffffffffu) { sampan_emulator::ballot(mask, false); }
#endif

// ---- atomics ----

static inline int atomicAdd(int* p, int v) { return __atomic_fetch_add(p, v, __ATOMIC_RELAXED); }
static inline unsigned atomicAdd(unsigned* p, unsigned v) {
  return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
}
static inline unsigned long long atomicAdd(unsigned long long* p, unsigned long long v) {
  return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
}
template <typename T>
static inline T sampan_emulator_atomic_add_real(T* p, T v) {
  T old = *p, sum;
  do {
    sum = old + v;
  } while (!__atomic_compare_exchange(p, &old, &sum, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return old;
}
static inline float atomicAdd(float* p, float v) { return sampan_emulator_atomic_add_real(p, v); }
static inline double atomicAdd(double* p, double v) {
  return sampan_emulator_atomic_add_real(p, v);
}
template <typename T>
static inline T atomicMax(T* p, T v) {
  T old = *p;
  while (old < v &&
         !__atomic_compare_exchange(p, &old, &v, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return old;
}
template <typename T>
static inline T atomicExch(T* p, T v) {
  T old;
  __atomic_exchange(p, &v, &old, __ATOMIC_RELAXED);
  return old;
}
template <typename T>
static inline T atomicCAS(T* p, T expected, T v) {
  __atomic_compare_exchange(p, &expected, &v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}

// ---- what rewrite.cpp generates uses these ----

namespace sampan_emulator {

/// An extern __shared__ array at namespace scope: found anew at each use.
template <typename T>
struct DynamicShared {
  operator T*() const { return static_cast<T*>(this_thread().dynamic_shared); }
  template <typename U>
  explicit operator U*() const {
    return static_cast<U*>(this_thread().dynamic_shared);
  }
};

template <typename T>
struct Passed {
  static constexpr bool kIsPointer = false;
  static const T& from(void* at) { return *static_cast<const T*>(at); }
};
template <typename T>
struct Passed<T*> {
  static constexpr bool kIsPointer = true;
  static T* from(void* at) { return reinterpret_cast<T*>(*static_cast<Bits64*>(at) & ~kDeviceBit); }
};
template <typename T>
struct Passed<T* const> : Passed<T*> {};

template <unsigned... kIndex>
struct Indices {};
template <unsigned kCount, unsigned... kIndex>
struct MakeIndices : MakeIndices<kCount - 1, kCount - 1, kIndex...> {};
template <unsigned... kIndex>
struct MakeIndices<0, kIndex...> {
  using Type = Indices<kIndex...>;
};

template <typename Function>
struct Describe;
template <typename... Parameter>
struct Describe<void (*)(Parameter...)> {
  static constexpr unsigned kCount = sizeof...(Parameter);
  static constexpr Argument kArguments[kCount + 1] = {
      {static_cast<unsigned>(sizeof(Parameter)), static_cast<unsigned>(alignof(Parameter)),
       Passed<Parameter>::kIsPointer}...,
      {0, 1, false}};

  template <void (*kKernel)(Parameter...), unsigned... kIndex>
  static void unpack([[maybe_unused]] void* const* arguments, Indices<kIndex...>) {
    kKernel(Passed<Parameter>::from(arguments[kIndex])...);
  }
  template <void (*kKernel)(Parameter...)>
  static void run(void* const* arguments) {
    unpack<kKernel>(arguments, typename MakeIndices<kCount>::Type());
  }
};

}  // namespace sampan_emulator
