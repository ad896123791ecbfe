/* The tiled matrix product that gemm.k, gemm_quant.k and gemm_i8.k are built from.

   A group computes a BM x BN block of C in steps of BK along k: its items copy a BM x BK block of A
   and a BK x BN block of B into local memory as f32, then each multiplies register tiles of TM rows
   x TN columns. With GX x GY items an item has (BM / GY / TM) x (BN / GX / TN) tiles. One tile per
   item (a GPU) keeps its sums in registers over all of k; several (a CPU, whose groups have one
   item) park them in local memory between the steps.

   Tile macros: BM BN BK TM TN GX GY VW, with BM % (GY * TM) == 0, BN % (GX * TN) == 0, TN % VW ==
   0, and BM, BN, BK multiples of VW. MIN(GX * GY, BK / VW) and MIN(GX * GY, BN / VW) divide GX *
   GY. Local memory: GEMM_LOCAL_ELEMS f32 = BM * (BK + 4) + BK * BN, plus BM * BN where an item has
   several tiles. */
#ifndef SAMPAN_GEMM_TILE_H
#define SAMPAN_GEMM_TILE_H

#include "tile.h"

#define GEMM_ITEMS (GX * GY)
#define GEMM_RX (BN / (GX * TN))
#define GEMM_RY (BM / (GY * TM))
#define GEMM_TNV (TN / VW)
#define GEMM_PANEL (GX * TN)
#define GEMM_LDA (BK + 4) /* + 4: items of different rows read different banks */
#define GEMM_A_ELEMS (BM * GEMM_LDA)
#define GEMM_B_ELEMS (BK * BN)
#define GEMM_PARKED (GEMM_RX * GEMM_RY > 1)
#define GEMM_LOCAL_ELEMS (GEMM_A_ELEMS + GEMM_B_ELEMS + (GEMM_PARKED ? BM * BN : 0))
#if GEMM_RX * GEMM_RY > 1
#define GEMM_TILE_LOOP NOUNROLL
#define GEMM_SUM(acc, parked, tile, i, j, LOADL) LOADL((parked) + (tile) + (i)*TN + (j)*VW)
#else
#define GEMM_TILE_LOOP UNROLL
#define GEMM_SUM(acc, parked, tile, i, j, LOADL) (acc)[i][j]
#endif

/* The stages: A is m x k, B is k x n; _same if stored that way, _swap if transposed. */
#define GEMM_DEFINE_STAGE_A(PARAMS, LOADER) \
  SAMPAN_DEFINE_STAGE(gemm_stage_a, GEMM_ITEMS, BM, BK, GEMM_LDA, BK, PARAMS, LOADER)
#define GEMM_DEFINE_STAGE_B(PARAMS, LOADER) \
  SAMPAN_DEFINE_STAGE(gemm_stage_b, GEMM_ITEMS, BK, BN, GEMM_PANEL, GEMM_PANEL, PARAMS, LOADER)

SAMPAN_DEFINE_TILE(gemm_multiply, TM, GEMM_TNV, GEMM_LDA, GEMM_PANEL, GX* VW)

/* Where an item is and what of the group's block exists. */
typedef struct {
  u32 tx, ty, item;
  u32 rows, cols;           /* of C, from the block's corner on, at most BM and BN */
  u32 rows_used, cols_used; /* what is copied and multiplied at an edge: whole register tiles */
  u32 tiles_x, tiles_y;     /* how many of an item's tiles hold any of it */
} gemm_place;

FN gemm_place gemm_locate(u32 m, u32 n, u32 row0, u32 col0, u32 tx, u32 ty) {
  gemm_place at;
  at.tx = tx;
  at.ty = ty;
  at.item = ty * GX + tx;
  at.rows = MIN(m - row0, (u32)BM);
  at.cols = MIN(n - col0, (u32)BN);
  at.rows_used = MIN(ROUND_UP(ROUND_UP(at.rows, GY * TM), VW), (u32)BM);
  at.cols_used = MIN(ROUND_UP(at.cols, GEMM_PANEL), (u32)BN);
  at.tiles_x = GEMM_PARKED ? CEIL_DIV(at.cols, GEMM_PANEL) : 1;
  at.tiles_y = GEMM_PARKED ? CEIL_DIV(at.rows, GY * TM) : 1;
  return at;
}

FN void gemm_zero(vf acc[TM][GEMM_TNV]) {
  UNROLL for (u32 i = 0; i < TM; ++i) {
    UNROLL for (u32 j = 0; j < GEMM_TNV; ++j) acc[i][j] = VF_SET1(0.0f);
  }
}

/* Adds the product of the two blocks in local memory to the item's sums. They live in acc, which
   starts as zeros, or in `parked`, which `first` says holds nothing yet. */
FN void gemm_accumulate(vf acc[TM][GEMM_TNV], const LOCAL f32* a, const LOCAL f32* b,
                        LOCAL f32* parked, gemm_place at, u32 depth, u32 first) {
  NOUNROLL for (u32 rx = 0; rx < at.tiles_x; ++rx) {
    NOUNROLL for (u32 ry = 0; ry < at.tiles_y; ++ry) {
      LOCAL f32* mine = parked + ((rx * GEMM_RY + ry) * GEMM_ITEMS + at.item) * (TM * TN);
      if (GEMM_PARKED) {
        UNROLL for (u32 i = 0; i < TM; ++i) {
          UNROLL for (u32 j = 0; j < GEMM_TNV; ++j) {
            acc[i][j] = first ? VF_SET1(0.0f) : VF_LOADL(mine + i * TN + j * VW);
          }
        }
      }
      gemm_multiply(acc, a + (ry * GY + at.ty) * TM * GEMM_LDA,
                    b + rx * (BK * GEMM_PANEL) + at.tx * VW, depth);
      if (GEMM_PARKED) {
        UNROLL for (u32 i = 0; i < TM; ++i) {
          UNROLL for (u32 j = 0; j < GEMM_TNV; ++j) VF_STOREL(mine + i * TN + j * VW, acc[i][j]);
        }
      }
    }
  }
}

/* Runs FINISH for each vector `sum`, of type T, of the item's sums, at (row, col) of the group's
   block. LOADL reads a parked one. */
#define GEMM_FOR_EACH_SUM(T, LOADL, acc, parked, at, FINISH)                       \
  NOUNROLL for (u32 rx = 0; rx < (at).tiles_x; ++rx) {                             \
    NOUNROLL for (u32 ry = 0; ry < (at).tiles_y; ++ry) {                           \
      const u32 tile = ((rx * GEMM_RY + ry) * GEMM_ITEMS + (at).item) * (TM * TN); \
      (void)tile;                                                                  \
      GEMM_TILE_LOOP for (u32 i = 0; i < TM; ++i) {                                \
        GEMM_TILE_LOOP for (u32 j = 0; j < GEMM_TNV; ++j) {                        \
          const u32 row = (ry * GY + (at).ty) * TM + i;                            \
          const u32 col = rx * GEMM_PANEL + (j * GX + (at).tx) * VW;               \
          if (row < (at).rows && col < (at).cols) {                                \
            const T sum = GEMM_SUM(acc, parked, tile, i, j, LOADL);                \
            FINISH                                                                 \
          }                                                                        \
        }                                                                          \
      }                                                                            \
    }                                                                              \
  }

#endif
