/* The tiled matrix product that gemm.k, gemm_quant.k and gemm_i8.k are built from; see gemm.k for
   the picture.

   A group computes a BM x BN block of C in steps of BK along k: all items copy a BM x BK block of A
   and a BK x BN block of B into local memory as f32, then each multiplies register tiles of TM rows
   x TN columns. With GX x GY items the block has (BM / GY / TM) x (BN / GX / TN) tiles per item.
   One tile per item (a GPU) keeps its accumulators in registers over all of k; several (a CPU,
   whose groups have one item) park them in local memory between steps.

   Tile macros: BM BN BK TM TN GX GY, A_KMAJOR, VW. BM % (GY*TM) == 0, BN % (GX*TN) == 0, TN % VW ==
   0, BM, BN and BK % VW == 0, TM % 4 == 0 when A_KMAJOR is 1. A_KMAJOR 1 stores A's block with rows
   contiguous (a GPU reads TM values of one k in vectors), 0 with k contiguous (a CPU broadcasts
   single values; copying needs no transposition). */
#ifndef SAMPAN_GEMM_TILE_H
#define SAMPAN_GEMM_TILE_H

#define GEMM_ITEMS (GX * GY)
#define GEMM_RX (BN / (GX * TN))
#define GEMM_RY (BM / (GY * TM))
#define GEMM_TNV (TN / VW)
#define GEMM_PANEL (GX * TN) /* columns whose k-slices are contiguous in local memory */
#if A_KMAJOR
#define GEMM_LDA (BM + 4) /* + 4: transposing stores hit different banks */
#define GEMM_A_ELEMS (BK * GEMM_LDA)
#else
#define GEMM_LDA (BK)
#define GEMM_A_ELEMS (BM * GEMM_LDA)
#endif
#define GEMM_B_ELEMS (BK * BN)
#define GEMM_PARKED (GEMM_RX * GEMM_RY > 1)
#if GEMM_RX * GEMM_RY > 1
#define GEMM_TILE_LOOP NOUNROLL
#define GEMM_SUM(i, j) VF_LOADL(mine + (i)*TN + (j)*VW)
#else
#define GEMM_TILE_LOOP UNROLL
#define GEMM_SUM(i, j) acc[i][j]
#endif
#define GEMM_C_ELEMS (GEMM_PARKED ? BM * BN : 0)
#define GEMM_LOCAL_ELEMS (GEMM_A_ELEMS + GEMM_B_ELEMS + GEMM_C_ELEMS)

/* Copies a matrix block to local memory. The block is P x Q with Q contiguous in local memory, cut
   into panels of PANEL columns: element (p, q) lies at (q / PANEL) * (P * PANEL) + p * LD + q %
   PANEL. p_valid and q_valid bound what exists in global memory; beyond it, up to p_count and
   q_count (multiples of VW), local memory is filled with zeros. _same: global rows are p (src[p *
   ld + q]); _swap: global rows are q (src[q * ld + p]), transposed in registers. */
#define SAMPAN_DEFINE_STAGE(name, DT, P, Q, LD, PANEL)                                            \
  FN void name##_same(LOCAL f32* dst, const GLOBAL ELEM(DT) * src, u32 ld, u32 p_count,           \
                      u32 q_count, u32 p_valid, u32 q_valid, u32 item) {                          \
    const u32 across = MIN(GEMM_ITEMS, (Q) / VW);                                                 \
    NOUNROLL for (u32 p = item / across; p < p_count; p += GEMM_ITEMS / across) {                 \
      NOUNROLL for (u32 q = item % across * VW; q < q_count; q += across * VW) {                  \
        vf v = VF_SET1(0.0f);                                                                     \
        if (p < p_valid && q < q_valid) {                                                         \
          v = VF_LOAD_PART(DT, src + (u64)p * ld + q, q_valid - q, 0.0f);                         \
        }                                                                                         \
        VF_STOREL(dst + q / (PANEL) * ((P) * (PANEL)) + p * (LD) + q % (PANEL), v);               \
      }                                                                                           \
    }                                                                                             \
  }                                                                                               \
  FN void name##_swap(LOCAL f32* dst, const GLOBAL ELEM(DT) * src, u32 ld, u32 p_count,           \
                      u32 q_count, u32 p_valid, u32 q_valid, u32 item) {                          \
    const u32 across = MIN(GEMM_ITEMS, (P) / VW);                                                 \
    NOUNROLL for (u32 q = item / across * VW; q < q_count; q += GEMM_ITEMS / across * VW) {       \
      NOUNROLL for (u32 p = item % across * VW; p < p_count; p += across * VW) {                  \
        vf rows[VW];                                                                              \
        UNROLL for (u32 e = 0; e < VW; ++e) {                                                     \
          rows[e] = VF_SET1(0.0f);                                                                \
          if (q + e < q_valid && p < p_valid) {                                                   \
            rows[e] = VF_LOAD_PART(DT, src + (u64)(q + e) * ld + p, p_valid - p, 0.0f);           \
          }                                                                                       \
        }                                                                                         \
        VF_TRANSPOSE(rows);                                                                       \
        UNROLL for (u32 e = 0; e < VW; ++e) {                                                     \
          VF_STOREL(dst + q / (PANEL) * ((P) * (PANEL)) + (p + e) * (LD) + q % (PANEL), rows[e]); \
        }                                                                                         \
      }                                                                                           \
    }                                                                                             \
  }

/* acc += A block x B block over k_count steps; a_rows and b_panel already point at the item's rows
 * and columns. */
FN void gemm_tile_multiply(vf acc[TM][GEMM_TNV], const LOCAL f32* a_rows, const LOCAL f32* b_panel,
                           u32 k_count) {
  NOUNROLL for (u32 kk = 0; kk < k_count; ++kk) {
    vf b[GEMM_TNV];
    UNROLL for (u32 j = 0; j < GEMM_TNV; ++j) b[j] =
        VF_LOADL(b_panel + kk * GEMM_PANEL + j * (GX * VW));
#if A_KMAJOR
    f32 a[TM];
    UNROLL for (u32 i = 0; i < TM; i += 4) VF_STOREP(a + i, VF_LOADL(a_rows + kk * GEMM_LDA + i));
    UNROLL for (u32 i = 0; i < TM; ++i) {
      UNROLL for (u32 j = 0; j < GEMM_TNV; ++j) acc[i][j] = VF_FMA(VF_SET1(a[i]), b[j], acc[i][j]);
    }
#else
    UNROLL for (u32 i = 0; i < TM; ++i) {
      const vf a = VF_SET1(a_rows[i * GEMM_LDA + kk]);
      UNROLL for (u32 j = 0; j < GEMM_TNV; ++j) acc[i][j] = VF_FMA(a, b[j], acc[i][j]);
    }
#endif
  }
}

#endif
