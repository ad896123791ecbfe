/* The dialect in HIP C++ (hipRTC, clang -x hip). */
#ifndef SAMPAN_HIP_H
#define SAMPAN_HIP_H

/* Local memory of a group, all of which may be static. */
#ifndef SAMPAN_LOCAL_BYTES
#define SAMPAN_LOCAL_BYTES 65536
#endif
#define SAMPAN_STATIC_LOCAL_BYTES SAMPAN_LOCAL_BYTES
#include "cuda_like.h"

#define SG_SIZE ((u32)warpSize)
#define SHFL_XOR(v, mask) __shfl_xor(v, mask)

FN f32 sampan_f16_to_f32(u16 h) {
  union {
    u16 bits;
    _Float16 value;
  } x;
  x.bits = h;
  return (f32)x.value;
}
FN u16 sampan_f32_to_f16(f32 v) {
  union {
    u16 bits;
    _Float16 value;
  } x;
  x.value = (_Float16)v;
  return x.bits;
}

#endif
