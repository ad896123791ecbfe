// Products of 8-bit integers and with quantised weights.
#include <array>

#include "kernels/gemm_test.h"
#include "support/sizes.h"

namespace sampan::test {
namespace {

GemmCase make_integer(std::uint64_t m, std::uint64_t n, std::uint64_t k) {
  GemmCase gemm;
  gemm.desc.a = gemm.desc.b = DType::i8;
  gemm.desc.d = DType::i32;
  gemm.desc.m = m;
  gemm.desc.n = n;
  gemm.desc.k = k;
  return gemm;
}

struct Weights {
  DType codes;
  std::uint64_t group_k;
  DType scales, a, d;
};
constexpr std::array<Weights, 7> kWeights{{{DType::i8, 32, DType::f16, DType::f32, DType::f32},
                                           {DType::i8, 128, DType::bf16, DType::f32, DType::f32},
                                           {DType::i4, 32, DType::f16, DType::f32, DType::f32},
                                           {DType::i4, 128, DType::bf16, DType::f32, DType::f32},
                                           {DType::i8, 128, DType::f32, DType::bf16, DType::bf16},
                                           {DType::i4, 32, DType::f16, DType::f16, DType::f16},
                                           {DType::i4, 32, DType::bf16, DType::bf16, DType::f32}}};

GemmCase make_quantised(const Weights& weights, std::uint64_t m, std::uint64_t n,
                        std::uint64_t groups) {
  GemmCase gemm;
  gemm.desc.a = weights.a;
  gemm.desc.b = weights.codes;
  gemm.desc.d = weights.d;
  gemm.desc.scale_type = weights.scales;
  gemm.desc.group_k = weights.group_k;
  gemm.desc.b_transposed = true;
  gemm.desc.m = m;
  gemm.desc.n = n;
  gemm.desc.k = groups * weights.group_k;
  return gemm;
}

struct Shape {
  std::uint64_t m, n, groups;
};

void add_quantised_shapes(CaseList& cases) {
  constexpr std::array<Shape, 9> kShapes{{{1, 1, 1},
                                          {1, 65, 3},
                                          {2, 31, 2},
                                          {4, 33, 5},
                                          {5, 17, 1},
                                          {13, 63, 2},
                                          {49, 129, 3},
                                          {0, 5, 1},
                                          {7, 3, 0}}};
  for (const Weights& weights : kWeights) {
    int number = 0;
    for (const Shape& shape : kShapes) {
      GemmCase gemm = make_quantised(weights, shape.m, shape.n, shape.groups);
      gemm.is_exact = number % 2 == 0;
      gemm.is_padded = number % 3 == 1;
      gemm.desc.b_constant = number % 4 == 3;
      gemm.is_sample = number == 3 || number == 6;
      ++number;
      add_gemm(cases, "gemm_quantised", gemm);
    }
  }
}

void add_quantised_epilogues(CaseList& cases) {
  for (const Weights& weights : kWeights) {
    for (const std::uint64_t m : {3u, 14u}) {
      GemmCase gemm = make_quantised(weights, m, 21, 2);
      gemm.desc.alpha = 0.5f;
      gemm.desc.beta = m == 3 ? 0.0f : -1.5f;
      gemm.desc.has_bias = gemm.desc.has_residual = true;
      gemm.desc.activation = m == 3 ? ops::Activation::silu : ops::Activation::gelu;
      gemm.c = GemmCase::C::apart;
      gemm.is_padded = true;
      add_gemm(cases, "gemm_quantised", gemm);
      gemm.desc.batch = 3;
      gemm.shares_b = true;
      add_gemm(cases, "gemm_quantised", gemm);
    }
  }
}

}  // namespace

void add_gemm_integer_cases(CaseList& cases) {
  int number = 0;
  for (const GemmShape& shape : gemm_shapes(6, 16, 12)) {
    if (++number % 2 == 0) continue;
    GemmCase gemm =
        make_integer(static_cast<std::uint64_t>(shape.m), static_cast<std::uint64_t>(shape.n),
                     static_cast<std::uint64_t>(shape.k));
    gemm.desc.a_transposed = number % 3 == 0;
    gemm.desc.b_transposed = number % 4 == 1;
    gemm.is_padded = number % 5 == 0;
    gemm.is_sample = number % 16 == 5;
    add_gemm(cases, "gemm_i8", gemm);
  }
  for (const std::uint64_t k : {1023u, 1024u, 1025u, 4099u}) {
    add_gemm(cases, "gemm_i8", make_integer(50, 66, k));
  }
  GemmCase batches = make_integer(9, 20, 33);
  batches.desc.batch = 4;
  batches.shares_b = true;
  batches.is_padded = true;
  add_gemm(cases, "gemm_i8", batches);
}

void add_gemm_quantised_cases(CaseList& cases) {
  add_quantised_shapes(cases);
  add_quantised_epilogues(cases);
}

}  // namespace sampan::test
