// What a product goes through on its way to memory: alpha, beta, bias, activation, residual.
#include <array>

#include "kernels/gemm_test.h"

namespace sampan::test {
namespace {

struct Epilogue {
  float alpha, beta;
  bool has_bias;
  ops::Activation activation;
  bool has_residual;
};

constexpr auto kNone = ops::Activation::none;
constexpr auto kSilu = ops::Activation::silu;
constexpr auto kGelu = ops::Activation::gelu;
constexpr std::array<Epilogue, 15> kEpilogues{{{1, 1, false, kNone, false},
                                               {1, 0, true, kNone, false},
                                               {1, 0, false, kNone, true},
                                               {1, 0, false, kSilu, false},
                                               {1, 0, false, kGelu, false},
                                               {-2, 0, false, kNone, false},
                                               {0, 3, false, kNone, false},
                                               {0, 0, true, kNone, true},
                                               {1, -1, true, kNone, false},
                                               {0.5f, 2, false, kNone, true},
                                               {1, 0, true, kSilu, true},
                                               {1, 0, true, kGelu, true},
                                               {0.25f, 1, true, kSilu, false},
                                               {2, 0.5f, false, kGelu, true},
                                               {-1.5f, 0.75f, true, kGelu, true}}};

GemmCase make(DType dtype, std::uint64_t m, const Epilogue& epilogue) {
  GemmCase gemm;
  gemm.desc.a = gemm.desc.b = gemm.desc.d = dtype;
  gemm.desc.m = m;
  gemm.desc.n = 35;
  gemm.desc.k = 19;
  gemm.desc.alpha = epilogue.alpha;
  gemm.desc.beta = epilogue.beta;
  gemm.desc.has_bias = epilogue.has_bias;
  gemm.desc.activation = epilogue.activation;
  gemm.desc.has_residual = epilogue.has_residual;
  return gemm;
}

// Each epilogue behind the kernels for many rows and those for few.
void add_all(CaseList& cases) {
  int number = 0;
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    for (const Epilogue& epilogue : kEpilogues) {
      for (const std::uint64_t m : {3u, 14u}) {
        GemmCase gemm = make(dtype, m, epilogue);
        gemm.desc.b_transposed = m == 3;
        gemm.is_padded = number % 2 == 1;
        gemm.is_exact = epilogue.activation == kNone && number % 3 != 0;
        gemm.c = number % 4 < 2 ? GemmCase::C::is_d : GemmCase::C::apart;
        gemm.is_sample = number % 16 == 9;
        ++number;
        add_gemm(cases, "gemm_epilogue", gemm);
      }
    }
  }
}

// D may be the very memory of C or of the residual, in batches too, and without a product (k = 0).
void add_aliases(CaseList& cases) {
  for (const std::uint64_t batch : {1u, 3u}) {
    for (const bool residual_is_d : {false, true}) {
      for (const auto c : {GemmCase::C::is_d, GemmCase::C::apart}) {
        if (residual_is_d && c == GemmCase::C::is_d) continue;
        for (const std::uint64_t k : {0u, 21u}) {
          GemmCase gemm = make(DType::f32, 14, {1.5f, -0.5f, true, kSilu, true});
          gemm.desc.k = k;
          gemm.desc.batch = batch;
          gemm.c = c;
          gemm.residual_is_d = residual_is_d;
          gemm.is_padded = batch == 3;
          gemm.is_sample = k == 21 && batch == 3;
          add_gemm(cases, "gemm_epilogue", gemm);
        }
      }
    }
  }
}

// Mixed types: the epilogue works in D's type.
void add_mixed(CaseList& cases) {
  for (const DType narrow : {DType::f16, DType::bf16}) {
    for (const bool is_wide_a : {false, true}) {
      for (const std::uint64_t m : {2u, 14u}) {
        GemmCase gemm = make(DType::f32, m, kEpilogues.back());
        gemm.desc.b = narrow;
        if (!is_wide_a) gemm.desc.a = narrow;
        gemm.desc.b_transposed = true;
        gemm.is_padded = m == 2;
        gemm.c = GemmCase::C::apart;
        add_gemm(cases, "gemm_epilogue", gemm);
      }
    }
  }
}

}  // namespace

void add_gemm_epilogue_cases(CaseList& cases) {
  add_all(cases);
  add_aliases(cases);
  add_mixed(cases);
}

}  // namespace sampan::test
