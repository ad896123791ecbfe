/* Quantised weights: how codes of BITS bits become vectors of f32. */
#ifndef SAMPAN_QUANT_H
#define SAMPAN_QUANT_H

/* VW codes from index i on of the row at `row`; i is a multiple of VW. */
FN vf quant_codes(const GLOBAL u8* row, u32 i) {
#if BITS == 8
  return VF_FROM_VI(VI_LOAD_I8((const GLOBAL i8*)row + i));
#else
  return VF_FROM_VI(VI_LOAD_I4(row + i / 2));
#endif
}

#endif
