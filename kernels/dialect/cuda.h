/* The dialect in CUDA C++ (NVRTC, nvcc). */
#ifndef SAMPAN_CUDA_H
#define SAMPAN_CUDA_H

/* Local memory of a group: what may be static, and all that a kernel can have (compute capability
 * 9.0). The host knows the second for the device. */
#define SAMPAN_STATIC_LOCAL_BYTES 49152
#ifndef SAMPAN_LOCAL_BYTES
#define SAMPAN_LOCAL_BYTES 232448
#endif
#include "cuda_like.h"

#define SG_SIZE 32u
#define SHFL_XOR(v, mask) __shfl_xor_sync(0xffffffffu, v, mask)

/* Inline PTX needs no cuda_fp16.h. An emulator of the driver, which compiles for the CPU, brings
 * its own. */
#if defined(SAMPAN_EMULATED_CUDA)
FN f32 sampan_f16_to_f32(u16 h) { return sampan_emulated_f16_to_f32(h); }
FN u16 sampan_f32_to_f16(f32 v) { return sampan_emulated_f32_to_f16(v); }
#else
FN f32 sampan_f16_to_f32(u16 h) {
  f32 v;
  asm("cvt.f32.f16 %0, %1;" : "=f"(v) : "h"(h));
  return v;
}
FN u16 sampan_f32_to_f16(f32 v) {
  u16 h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(v));
  return h;
}
#endif

#endif
