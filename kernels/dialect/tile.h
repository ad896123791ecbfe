/* Two building blocks of tiled products in local memory: copying a block there, and multiplying a
   register tile. Used by gemm*.k and attention.k; sizes are macros, so that one text serves a GPU's
   group of many items and a CPU's group of one. */
#ifndef SAMPAN_TILE_H
#define SAMPAN_TILE_H

/* SAMPAN_DEFINE_STAGE(name, ITEMS, P, Q, LD, PANEL, PARAMS, LOADER) defines name_same and
   name_swap, which copy a block of global memory to local memory as f32, all ITEMS items of the
   group together; no barrier.

   In local memory the block is P x Q, Q contiguous, cut into panels of PANEL columns: element (p,
   q) lies at q / PANEL * (P * PANEL) + p * LD + q % PANEL, with LD > PANEL only if there is one
   panel. p_valid and q_valid bound what exists in global memory; beyond, up to p_count <= P and
   q_count <= Q, zeros are written. q_count, and for _swap p_count too, is a multiple of VW.
   LOADER(r, c, n) is the vector of the first min(n, VW) elements from column c of row r on, in
   terms of the parameters that PARAMS() lists. _same: its rows are p. _swap: they are q, and the
   block is transposed in registers. */
#define SAMPAN_DEFINE_STAGE(name, ITEMS, P, Q, LD, PANEL, PARAMS, LOADER)                         \
  FN void name##_same(LOCAL f32* dst, u32 p_count, u32 q_count, u32 p_valid, u32 q_valid,         \
                      u32 item, PARAMS()) {                                                       \
    const u32 across = MIN(ITEMS, (Q) / VW);                                                      \
    NOUNROLL for (u32 p = item / across; p < p_count; p += (ITEMS) / across) {                    \
      NOUNROLL for (u32 q = item % across * VW; q < q_count; q += across * VW) {                  \
        vf v = VF_SET1(0.0f);                                                                     \
        if (p < p_valid && q < q_valid) v = LOADER(p, q, q_valid - q);                            \
        VF_STOREL(dst + q / (PANEL) * ((P) * (PANEL)) + p * (LD) + q % (PANEL), v);               \
      }                                                                                           \
    }                                                                                             \
  }                                                                                               \
  FN void name##_swap(LOCAL f32* dst, u32 p_count, u32 q_count, u32 p_valid, u32 q_valid,         \
                      u32 item, PARAMS()) {                                                       \
    const u32 across = MIN(ITEMS, (P) / VW);                                                      \
    NOUNROLL for (u32 q = item / across * VW; q < q_count; q += (ITEMS) / across * VW) {          \
      NOUNROLL for (u32 p = item % across * VW; p < p_count; p += across * VW) {                  \
        vf rows[VW];                                                                              \
        UNROLL for (u32 e = 0; e < VW; ++e) {                                                     \
          rows[e] = VF_SET1(0.0f);                                                                \
          if (q + e < q_valid && p < p_valid) rows[e] = LOADER(q + e, p, p_valid - p);            \
        }                                                                                         \
        VF_TRANSPOSE(rows);                                                                       \
        UNROLL for (u32 e = 0; e < VW; ++e) {                                                     \
          VF_STOREL(dst + q / (PANEL) * ((P) * (PANEL)) + (p + e) * (LD) + q % (PANEL), rows[e]); \
        }                                                                                         \
      }                                                                                           \
    }                                                                                             \
  }

/* SAMPAN_DEFINE_TILE(name, TM, TNV, LDA, LDB, STEP) defines name(acc, a, b, k_count):
   acc[i][j] += sum over k of a[i * LDA + k] * (vector at b + k * LDB + j * STEP), for TM rows and
   TNV vectors, in order of k. k_count is a multiple of 4. With four lanes, as on a GPU, four values
   of a row come in one load; wider vectors belong to CPUs, which broadcast from memory at no cost.
 */
#if VW == 4
#define SAMPAN_TILE_FETCH(a, rows, ld, k) VF_STOREP(a, VF_LOADL((rows) + (k)))
#define SAMPAN_TILE_VALUE(a, rows, k, e) (a)[e]
#else
#define SAMPAN_TILE_FETCH(a, rows, ld, k)
#define SAMPAN_TILE_VALUE(a, rows, k, e) (rows)[(k) + (e)]
#endif
#define SAMPAN_DEFINE_TILE(name, TM, TNV, LDA, LDB, STEP)                                      \
  FN void name(vf acc[TM][TNV], const LOCAL f32* a, const LOCAL f32* b, u32 k_count) {         \
    NOUNROLL for (u32 k = 0; k < k_count; k += 4) {                                            \
      f32 fetched[TM][4];                                                                      \
      (void)fetched;                                                                           \
      UNROLL for (u32 i = 0; i < (TM); ++i) {                                                  \
        SAMPAN_TILE_FETCH(fetched[i], a + i * (LDA), LDA, k);                                  \
      }                                                                                        \
      UNROLL for (u32 e = 0; e < 4; ++e) {                                                     \
        vf row[TNV];                                                                           \
        UNROLL for (u32 j = 0; j < (TNV); ++j) row[j] =                                        \
            VF_LOADL(b + (k + e) * (LDB) + j * (STEP));                                        \
        UNROLL for (u32 i = 0; i < (TM); ++i) {                                                \
          const vf value = VF_SET1(SAMPAN_TILE_VALUE(fetched[i], a + i * (LDA), k, e));        \
          UNROLL for (u32 j = 0; j < (TNV); ++j) acc[i][j] = VF_FMA(value, row[j], acc[i][j]); \
        }                                                                                      \
      }                                                                                        \
    }                                                                                          \
  }

#endif
