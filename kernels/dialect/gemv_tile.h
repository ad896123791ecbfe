/* What gemv.k and gemv_quant.k share: a group computes RN elements of each of MM rows of C, its
   ITEMS items each a part of every sum. */
#ifndef SAMPAN_GEMV_TILE_H
#define SAMPAN_GEMV_TILE_H

#define GEMV_LOCAL_ELEMS (ITEMS > 1 ? ITEMS * RN * MM : 1)

FN void gemv_zero(vf acc[MM][RN]) {
  UNROLL for (u32 i = 0; i < MM; ++i) {
    UNROLL for (u32 r = 0; r < RN; ++r) acc[i][r] = VF_SET1(0.0f);
  }
}

/* Adds up the items' parts; then, for each row `row` < m of the group's rows from m0 on, one item
   runs FINISH with the RN elements in the first lanes of `sum`. pool is LOCAL
   f32[GEMV_LOCAL_ELEMS]. */
#define GEMV_FOR_EACH_ROW(acc, pool, item, m, m0, FINISH)                                  \
  f32 total[MM][VW];                                                                       \
  UNROLL for (u32 i = 0; i < MM; ++i) {                                                    \
    UNROLL for (u32 r = 0; r < VW; ++r) total[i][r] = 0.0f;                                \
    UNROLL for (u32 r = 0; r < RN; ++r) total[i][r] = VF_HSUM(acc[i][r]);                  \
  }                                                                                        \
  if (ITEMS > 1) {                                                                         \
    UNROLL for (u32 i = 0; i < MM; ++i) {                                                  \
      UNROLL for (u32 r = 0; r < RN; ++r) pool[(i * RN + r) * ITEMS + item] = total[i][r]; \
    }                                                                                      \
    BARRIER();                                                                             \
    NOUNROLL for (u32 step = ITEMS / 2; step > 0; step /= 2) {                             \
      if (item < step) {                                                                   \
        UNROLL for (u32 s = 0; s < MM * RN; ++s) pool[s * ITEMS + item] +=                 \
            pool[s * ITEMS + item + step];                                                 \
      }                                                                                    \
      BARRIER();                                                                           \
    }                                                                                      \
    UNROLL for (u32 i = 0; i < MM; ++i) {                                                  \
      UNROLL for (u32 r = 0; r < RN; ++r) total[i][r] = pool[(i * RN + r) * ITEMS];        \
    }                                                                                      \
  }                                                                                        \
  UNROLL for (u32 i = 0; i < MM; ++i) {                                                    \
    const u32 row = (m0) + i;                                                              \
    if (row < (m) && item == i % ITEMS) {                                                  \
      const vf sum = VF_LOADP(total[i]);                                                   \
      FINISH                                                                               \
    }                                                                                      \
  }

#endif
