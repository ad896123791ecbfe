// One gemm: operands made from its description, run, and compared with the reference.
#pragma once

#include <string>

#include "kernels/case.h"
#include "sampan/ops/gemm.h"

namespace sampan::test {

struct GemmCase {
  ops::GemmDesc desc;  ///< leading dimensions and batch strides are set by the test
  /// Small integers, whose products and sums are exact: the results must be equal.
  bool is_exact = false;
  /// Rows with room behind them, starts that are not aligned.
  bool is_padded = false;
  bool shares_a = false, shares_b = false;   ///< batch stride 0
  enum class C { is_d, apart } c = C::is_d;  ///< if beta is not 0
  bool residual_is_d = false;
  bool is_sample = false;
};

/// "f32_bf16_f32_m7_n33_k17_ta_bias": what distinguishes the case.
[[nodiscard]] std::string name_of(const GemmCase& gemm);

/// Adds the case under its name.
void add_gemm(CaseList& cases, const std::string& suite, const GemmCase& gemm);

}  // namespace sampan::test
