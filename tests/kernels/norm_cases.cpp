// RMS norm and layer norm.
#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "kernels/case.h"
#include "kernels/operation_test.h"
#include "kernels/types.h"
#include "reference/normalize.h"
#include "sampan/ops/rows.h"
#include "support/random_data.h"
#include "support/sizes.h"

namespace sampan::test {
namespace {

enum class Norm { rms, layer };
/// What the rows hold.
enum class Data { normal, tiny, huge, zeros, shifted };

struct NormCase {
  Norm norm;
  std::int64_t rows, cols;
  DType dtype = DType::f32, weight_dtype = DType::f32;
  Data data = Data::normal;
  bool is_padded = false, is_in_place = false, is_sample = false;
  float epsilon = 1e-5f;
};

std::string name_of(const NormCase& c) {
  constexpr std::array kData{"", "_tiny", "_huge", "_zeros", "_shifted"};
  std::string name = std::string(c.norm == Norm::rms ? "rms_" : "layer_") + dtype_name(c.dtype);
  if (c.weight_dtype != c.dtype) name += "_" + dtype_name(c.weight_dtype);
  name += "_" + std::to_string(c.rows) + "x" + std::to_string(c.cols);
  name += kData[static_cast<std::size_t>(c.data)];
  return name + (c.is_in_place ? "_in_place" : "") + (c.is_padded ? "_padded" : "");
}

std::vector<double> rows_of(const NormCase& c, std::uint64_t seed) {
  const auto count = static_cast<std::size_t>(c.rows * c.cols);
  const reference::Dtype dtype = reference_dtype(c.dtype);
  switch (c.data) {
    case Data::zeros:
      return std::vector<double>(count);
    case Data::tiny:
      return random_normal(count, 1e-4, dtype, seed);
    case Data::huge:  // squares stay finite in f32
      return random_normal(count, c.dtype == DType::f16 ? 1e3 : 1e15, dtype, seed);
    default:
      break;
  }
  std::vector<double> values = random_normal(count, 1.0, dtype, seed);
  if (c.data == Data::shifted) {  // what mean(x^2) - mean^2 would lose
    for (double& value : values) value = reference::round_to(dtype, value + 300);
  }
  return values;
}

void run(const Target& target, const NormCase& c) {
  OperationTest test(target);
  const std::uint64_t seed = seed_of(name_of(c));
  const Layout layout = make_layout(c.dtype, {c.rows, c.cols}, c.is_padded);
  const auto vector = [&](std::uint64_t offset) -> Tensor& {
    return test.input(make_layout(c.weight_dtype, {c.cols}, c.is_padded),
                      random_normal(static_cast<std::size_t>(c.cols), 1.0,
                                    reference_dtype(c.weight_dtype), seed + offset));
  };
  Tensor& x =
      c.is_in_place ? test.in_out(layout, rows_of(c, seed)) : test.input(layout, rows_of(c, seed));
  Tensor& y = c.is_in_place ? x : test.output(layout);
  Tensor& weight = vector(1);

  ops::RowsDesc desc;
  desc.rows = static_cast<std::uint64_t>(c.rows);
  desc.cols = static_cast<std::uint64_t>(c.cols);
  desc.dtype = c.dtype;
  desc.weight_dtype = c.weight_dtype;
  desc.epsilon = c.epsilon;
  if (c.is_padded) desc.x_stride = desc.y_stride = static_cast<std::uint64_t>(layout.strides[0]);

  const reference::View<2> rows(x.values().data(), {c.rows, c.cols});
  const reference::View<1> weights(weight.values().data(), {c.cols});
  reference::NormSpec spec;
  spec.epsilon = c.epsilon;
  spec.out = reference_dtype(c.dtype);
  if (c.norm == Norm::rms) {
    const ops::RmsNormPlan plan(target.device, desc);
    test.run(plan, [&](Stream& stream) { plan.run(stream, x.view(), weight.view(), y.view()); });
    test.expect_within(y, reference::rms_norm(rows, weights, spec));
    return;
  }
  Tensor& bias = vector(2);
  const ops::LayerNormPlan plan(target.device, desc);
  test.run(plan, [&](Stream& stream) {
    plan.run(stream, x.view(), weight.view(), bias.view(), y.view());
  });
  test.expect_within(
      y, reference::layer_norm(rows, weights, reference::View<1>(bias.values().data(), {c.cols}),
                               spec));
}

void add(CaseList& cases, const NormCase& c) {
  cases.add({.suite = "norm",
             .name = name_of(c),
             .body = [c](const Target& target) { run(target, c); },
             .is_native = true,
             .is_sample = c.is_sample});
}

}  // namespace

void add_norm_cases(CaseList& cases) {
  for (const Norm norm : {Norm::rms, Norm::layer}) {
    for (const std::int64_t cols : kLengths) {
      NormCase c{.norm = norm, .rows = 1 + cols % 4, .cols = cols};
      c.is_padded = cols % 2 == 1;
      c.is_sample = cols == 17 || cols == 257;
      add(cases, c);
    }
    for (const Data data : {Data::tiny, Data::huge, Data::zeros, Data::shifted}) {
      add(cases, {.norm = norm, .rows = 3, .cols = 129, .data = data});
    }
    add(cases, {.norm = norm, .rows = 0, .cols = 5});
    add(cases, {.norm = norm, .rows = 97, .cols = 3});
    add(cases, {.norm = norm, .rows = 5, .cols = 4099});
    add(cases, {.norm = norm, .rows = 5, .cols = 65, .is_padded = true, .is_in_place = true});
    for (const DType dtype : {DType::f16, DType::bf16}) {
      for (const std::int64_t cols : {1, 16, 65, 1000}) {
        NormCase c{.norm = norm, .rows = 3, .cols = cols, .dtype = dtype, .weight_dtype = dtype};
        c.is_padded = cols == 65;
        c.is_sample = cols == 65;
        add(cases, c);
      }
      add(cases, {.norm = norm,
                  .rows = 2,
                  .cols = 33,
                  .dtype = dtype,
                  .weight_dtype = dtype,
                  .data = Data::shifted,
                  .is_in_place = true});
    }
  }
  // Weights kept small under f32 activations.
  for (const std::int64_t cols : {7, 64, 257}) {
    add(cases, {.norm = Norm::rms, .rows = 4, .cols = cols, .weight_dtype = DType::bf16});
  }
}

}  // namespace sampan::test
