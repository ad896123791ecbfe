// Casts between every pair of storage types: exact by definition.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "kernels/case.h"
#include "kernels/operation_test.h"
#include "kernels/types.h"
#include "reference/elementwise.h"
#include "sampan/ops/elementwise.h"
#include "support/random_data.h"

namespace sampan::test {
namespace {

struct Pair {
  DType from, to;
};
constexpr std::array<Pair, 18> kPairs{{{DType::f32, DType::f32},
                                       {DType::f32, DType::f16},
                                       {DType::f32, DType::bf16},
                                       {DType::f32, DType::i32},
                                       {DType::f32, DType::i8},
                                       {DType::f32, DType::u8},
                                       {DType::f16, DType::f32},
                                       {DType::f16, DType::bf16},
                                       {DType::f16, DType::i8},
                                       {DType::f16, DType::f16},
                                       {DType::bf16, DType::f32},
                                       {DType::bf16, DType::f16},
                                       {DType::bf16, DType::u8},
                                       {DType::i32, DType::f32},
                                       {DType::i32, DType::f16},
                                       {DType::i8, DType::f32},
                                       {DType::u8, DType::bf16},
                                       {DType::i8, DType::i32}}};

/// Numbers at which a conversion into `to` may go wrong.
std::vector<double> edges(DType to) {
  switch (to) {
    case DType::i32:
      return {2147483520.0, 2147483648.0, -2147483648.0, -2147483904.0, 1e30, -1e30};
    case DType::i8:
      return {126.5, 127.0, 127.49, 127.5, 128.0, 1e9, -127.5, -128.0, -128.5, -129.0, -1e9};
    case DType::u8:
      return {254.5, 255.0, 255.5, 256.0, 1e9, -0.25, -0.999, -1.0, -1e9};
    case DType::f16:  // the last finite ones and their ties, subnormals and their ties
      return {65504.0,   65519.0,   65520.0,  65536.0,     -65520.0,  0x1p-24,
              0x1p-25,   0x1.8p-25, 0x3p-25,  0x1.ffcp-15, 0x1.001p0, 0x1.003p0,
              0x1.002p0, 0x1p-14,   -0x1p-24, 0x1.ffep-15, 1e9,       -1e9};
    case DType::bf16:
      return {3.3961775e38, 3.39e38, -3.4028235e38, 0x1.01p0, 0x1.03p0, 0x1.02p0, 0x1p-133};
    default:
      return {};
  }
}

std::vector<double> numbers(const Pair& pair, std::size_t count) {
  const reference::Dtype from = reference_dtype(pair.from);
  const std::uint64_t seed = seed_of(dtype_name(pair.from) + dtype_name(pair.to));
  if (pair.from == DType::i32) return random_integers(count, INT32_MIN, INT32_MAX, seed);
  if (pair.from == DType::i8) return random_integers(count, -128, 127, seed);
  if (pair.from == DType::u8) return random_integers(count, 0, 255, seed);
  std::vector<double> values = random_normal(count, 60, from, seed);
  std::vector<double> special = special_values(from);
  for (const double edge : edges(pair.to)) special.push_back(reference::round_to(from, edge));
  for (std::size_t i = 0; i < std::min(special.size(), count); ++i) values[i] = special[i];
  return values;
}

void run(const Target& target, const Pair& pair, std::int64_t elems) {
  OperationTest test(target);
  Tensor& x = test.input({reference_dtype(pair.from), {elems}, {}, 3},
                         numbers(pair, static_cast<std::size_t>(elems)));
  Tensor& y = test.output({reference_dtype(pair.to), {elems}, {}, 1});
  ops::ElementwiseDesc desc;
  desc.kind = ops::Elementwise::cast;
  desc.elems = static_cast<std::uint64_t>(elems);
  desc.dtype = pair.from;
  desc.y_dtype = pair.to;
  const ops::ElementwisePlan plan(target.device, desc);
  test.run(plan, [&](Stream& stream) { plan.run(stream, x.view(), View(), y.view()); });
  test.expect_exact(y, reference::cast(x.values(), reference_dtype(pair.to)).value);
}

}  // namespace

void add_cast_cases(CaseList& cases) {
  for (const Pair& pair : kPairs) {
    for (const std::int64_t elems : {1, 67, 1031}) {
      cases.add({.suite = "cast",
                 .name = dtype_name(pair.from) + "_to_" + dtype_name(pair.to) + "_" +
                         std::to_string(elems),
                 .body = [pair, elems](const Target& target) { run(target, pair, elems); },
                 .is_sample = elems == 67});
    }
  }
}

}  // namespace sampan::test
