// Softmax along rows.
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "kernels/case.h"
#include "kernels/operation_test.h"
#include "kernels/types.h"
#include "reference/softmax.h"
#include "sampan/ops/rows.h"
#include "support/random_data.h"
#include "support/sizes.h"

namespace sampan::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// What the rows hold: numbers that differ by thousands, all the same, some or all of -infinity.
enum class Data { normal, wide, equal, masked, empty };

struct SoftmaxCase {
  std::int64_t rows, cols;
  DType dtype = DType::f32;
  Data data = Data::normal;
  float scale = 1.0f;
  bool is_padded = false, is_in_place = false, is_sample = false;
};

std::string name_of(const SoftmaxCase& c) {
  constexpr std::array kData{"", "_wide", "_equal", "_masked", "_empty"};
  std::string name =
      dtype_name(c.dtype) + "_" + std::to_string(c.rows) + "x" + std::to_string(c.cols);
  name += kData[static_cast<std::size_t>(c.data)];
  name += c.scale < 0 ? "_negative" : c.scale != 1 ? "_scaled" : "";
  return name + (c.is_in_place ? "_in_place" : "") + (c.is_padded ? "_padded" : "");
}

std::vector<double> rows_of(const SoftmaxCase& c) {
  const auto count = static_cast<std::size_t>(c.rows * c.cols);
  const reference::Dtype dtype = reference_dtype(c.dtype);
  const std::uint64_t seed = seed_of(name_of(c));
  if (c.data == Data::equal) return std::vector<double>(count, 2.5);
  if (c.data == Data::empty) return std::vector<double>(count, -kInfinity);
  std::vector<double> values = random_normal(count, c.data == Data::wide ? 3000 : 2, dtype, seed);
  if (c.data == Data::masked) {
    for (std::size_t i = 0; i < count; i += 1 + i % 3) values[i] = -kInfinity;
  }
  return values;
}

void run(const Target& target, const SoftmaxCase& c) {
  OperationTest test(target);
  const Layout layout = make_layout(c.dtype, {c.rows, c.cols}, c.is_padded);
  Tensor& x = c.is_in_place ? test.in_out(layout, rows_of(c)) : test.input(layout, rows_of(c));
  Tensor& y = c.is_in_place ? x : test.output(layout);
  ops::RowsDesc desc;
  desc.rows = static_cast<std::uint64_t>(c.rows);
  desc.cols = static_cast<std::uint64_t>(c.cols);
  desc.dtype = c.dtype;
  desc.scale = c.scale;
  if (c.is_padded) desc.x_stride = desc.y_stride = static_cast<std::uint64_t>(layout.strides[0]);
  const ops::SoftmaxPlan plan(target.device, desc);
  test.run(plan, [&](Stream& stream) { plan.run(stream, x.view(), y.view()); });
  reference::SoftmaxSpec spec;
  spec.scale = c.scale;
  spec.max_rescales = 0;  // every provider finds the maximum first
  spec.out = reference_dtype(c.dtype);
  test.expect_within(
      y, reference::softmax(reference::View<2>(x.values().data(), {c.rows, c.cols}), spec));
}

void add(CaseList& cases, const SoftmaxCase& c) {
  cases.add({.suite = "softmax",
             .name = name_of(c),
             .body = [c](const Target& target) { run(target, c); },
             .is_native = true,
             .is_sample = c.is_sample});
}

}  // namespace

void add_softmax_cases(CaseList& cases) {
  for (const std::int64_t cols : kLengths) {
    SoftmaxCase c{.rows = 1 + cols % 5, .cols = cols};
    c.is_padded = cols % 2 == 1;
    c.is_sample = cols == 17 || cols == 257;
    add(cases, c);
  }
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    for (const Data data : {Data::wide, Data::equal, Data::masked, Data::empty}) {
      add(cases,
          {.rows = 3, .cols = 67, .dtype = dtype, .data = data, .is_sample = data == Data::masked});
    }
    add(cases, {.rows = 4, .cols = 33, .dtype = dtype, .scale = 0.125f, .is_padded = true});
    add(cases, {.rows = 4, .cols = 31, .dtype = dtype, .is_in_place = true});
    add(cases, {.rows = 2, .cols = 1000, .dtype = dtype, .is_padded = true});
  }
  add(cases, {.rows = 3, .cols = 50, .scale = -2.0f});
  add(cases, {.rows = 7, .cols = 19, .data = Data::wide, .scale = 0.125f});
  add(cases, {.rows = 7, .cols = 3, .data = Data::wide, .scale = -0.25f});
  add(cases, {.rows = 0, .cols = 9});
  add(cases, {.rows = 130, .cols = 2});
  add(cases, {.rows = 2, .cols = 10007});
}

}  // namespace sampan::test
