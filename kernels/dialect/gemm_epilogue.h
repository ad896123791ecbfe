/* What happens to a product on its way to memory, in gemm.k, gemv.k and gemm_quant.k. Needs DT_C.
 */
#ifndef SAMPAN_GEMM_EPILOGUE_H
#define SAMPAN_GEMM_EPILOGUE_H

#define GEMM_TRANS_A 1u
#define GEMM_TRANS_B 2u
#define GEMM_BIAS 4u
#define GEMM_RESIDUAL 8u

/* Bits 4-5 of the flags. */
FN vf gemm_activate(vf v, u32 activation) {
  if (activation == 1u) return VF_SILU(v);
  if (activation == 2u) return VF_GELU_TANH(v);
  if (activation == 3u) return VF_GELU(v);
  return v;
}

/* Finishes and stores the first min(count, VW) elements of `sum` at c; bias_at and residual_at are
   the positions of their first element. */
FN void gemm_finish(vf sum, f32 alpha, f32 beta, u32 flags, GLOBAL ELEM(DT_C) * c,
                    const GLOBAL ELEM(DT_C) * bias, u64 bias_at, const GLOBAL ELEM(DT_C) * residual,
                    u64 residual_at, u32 count) {
  vf v = VF_MUL(VF_SET1(alpha), sum);
  if (beta != 0.0f) v = VF_FMA(VF_SET1(beta), VF_LOAD_PART(DT_C, c, count), v);
  if (flags & GEMM_BIAS) v = VF_ADD(v, VF_LOAD_PART(DT_C, bias + bias_at, count));
  v = gemm_activate(v, (flags >> 4) & 3u);
  if (flags & GEMM_RESIDUAL) v = VF_ADD(v, VF_LOAD_PART(DT_C, residual + residual_at, count));
  VF_STORE_PART(DT_C, c, v, count);
}

#endif
