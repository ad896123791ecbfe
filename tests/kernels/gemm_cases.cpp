// Products in floating point: shapes around the tiles, types, transposes, batches.
#include <algorithm>
#include <array>

#include "kernels/gemm_test.h"
#include "support/sizes.h"

namespace sampan::test {
namespace {

struct Types {
  DType a, b, d;
};
constexpr std::array<Types, 7> kTypes{{{DType::f32, DType::f32, DType::f32},
                                       {DType::f16, DType::f16, DType::f16},
                                       {DType::bf16, DType::bf16, DType::bf16},
                                       {DType::f32, DType::f16, DType::f32},
                                       {DType::f32, DType::bf16, DType::f32},
                                       {DType::f16, DType::f16, DType::f32},
                                       {DType::bf16, DType::bf16, DType::f32}}};

GemmCase make(const Types& types, const GemmShape& shape) {
  GemmCase gemm;
  gemm.desc.a = types.a;
  gemm.desc.b = types.b;
  gemm.desc.d = types.d;
  gemm.desc.m = static_cast<std::uint64_t>(shape.m);
  gemm.desc.n = static_cast<std::uint64_t>(shape.n);
  gemm.desc.k = static_cast<std::uint64_t>(shape.k);
  return gemm;
}

// All pairs of sizes around a register tile of 12 x 32, as CPUs with wide vectors have, and steps
// of 16 along k; alternately exact integers and random numbers, dense and padded.
void add_register_tiles(CaseList& cases) {
  int number = 0;
  for (const GemmShape& shape : gemm_shapes(12, 32, 16)) {
    GemmCase gemm = make(kTypes[0], shape);
    gemm.is_exact = number % 2 == 0;
    gemm.is_padded = number % 3 == 0;
    gemm.desc.b_transposed = number % 5 < 2;
    gemm.desc.a_transposed = number % 7 == 0;
    gemm.is_sample = number % 16 == 5;
    ++number;
    add_gemm(cases, "gemm", gemm);
  }
}

// Both sides of what a group of the kernels takes, and long and thin ones.
void add_blocks(CaseList& cases) {
  constexpr std::array<GemmShape, 14> kShapes{{{47, 63, 127},
                                               {48, 64, 128},
                                               {49, 65, 129},
                                               {95, 127, 191},
                                               {96, 129, 193},
                                               {191, 193, 64},
                                               {193, 191, 65},
                                               {1, 1021, 257},
                                               {1021, 1, 257},
                                               {5, 7, 3001},
                                               {17, 300, 1},
                                               {257, 131, 96},
                                               {101, 103, 107},
                                               {300, 70, 520}}};
  for (const GemmShape& shape : kShapes) {
    for (const bool is_exact : {true, false}) {
      GemmCase gemm = make(kTypes[0], shape);
      gemm.is_exact = is_exact;
      gemm.is_padded = !is_exact;
      gemm.desc.b_transposed = !is_exact;
      add_gemm(cases, "gemm", gemm);
    }
  }
}

// Every type with every transposition, at sizes below, around and above a tile.
void add_types(CaseList& cases) {
  constexpr std::array<GemmShape, 3> kShapes{{{7, 33, 17}, {13, 31, 64}, {49, 67, 130}}};
  for (const Types& types : kTypes) {
    for (const GemmShape& shape : kShapes) {
      for (const int transposed : {0, 1, 2, 3}) {
        GemmCase gemm = make(types, shape);
        gemm.desc.a_transposed = (transposed & 1) != 0;
        gemm.desc.b_transposed = (transposed & 2) != 0;
        gemm.is_exact = (transposed + shape.m) % 3 == 0;
        gemm.is_padded = transposed % 2 == 0;
        gemm.is_sample = transposed == 2 && shape.m == 13;
        add_gemm(cases, "gemm_types", gemm);
      }
    }
  }
}

// Few rows, as in decoding: kernels of their own.
void add_few_rows(CaseList& cases) {
  constexpr std::array<GemmShape, 6> kShapes{
      {{1, 1, 1}, {1, 64, 128}, {2, 65, 63}, {3, 127, 257}, {4, 31, 1000}, {5, 33, 65}}};
  for (const Types& types : kTypes) {
    for (const GemmShape& shape : kShapes) {
      GemmCase gemm = make(types, shape);
      gemm.desc.b_transposed = true;
      gemm.is_exact = shape.m % 2 == 1;
      gemm.is_padded = shape.m == 2 || shape.m == 3;
      gemm.desc.b_constant = shape.m == 4;
      gemm.is_sample = shape.m == 2;
      add_gemm(cases, "gemm_few_rows", gemm);
    }
  }
}

void add_batches(CaseList& cases) {
  for (const Types& types : {kTypes[0], kTypes[1], kTypes[4]}) {
    for (const std::uint64_t batch : {0u, 2u, 7u}) {
      for (const GemmShape& shape : {GemmShape{3, 17, 9}, GemmShape{13, 33, 31}}) {
        GemmCase gemm = make(types, shape);
        gemm.desc.batch = batch;
        gemm.desc.b_transposed = shape.m == 3;
        gemm.is_padded = batch == 7;
        gemm.shares_a = batch == 7 && shape.m == 13;
        gemm.shares_b = batch == 7 && shape.m == 3;
        gemm.is_exact = batch == 2;
        gemm.is_sample = batch == 7 && shape.m == 13;
        add_gemm(cases, "gemm_batch", gemm);
      }
    }
  }
}

// B is the same in every run: a plan may keep a repacked copy.
void add_constant_factor(CaseList& cases) {
  for (const Types& types : kTypes) {
    GemmCase gemm = make(types, {23, 47, 71});
    gemm.desc.b_constant = true;
    gemm.desc.b_transposed = true;
    gemm.is_padded = types.a == DType::f32;
    add_gemm(cases, "gemm_types", gemm);
  }
}

}  // namespace

void add_gemm_cases(CaseList& cases) {
  add_register_tiles(cases);
  add_blocks(cases);
  add_types(cases);
  add_few_rows(cases);
  add_batches(cases);
  add_constant_factor(cases);
}

}  // namespace sampan::test
