// Operations that choose or move elements: argmax, top-k, transpose.
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "kernels/case.h"
#include "kernels/operation_test.h"
#include "kernels/types.h"
#include "reference/select.h"
#include "sampan/ops/rows.h"
#include "support/random_data.h"
#include "support/sizes.h"

namespace sampan::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// What the rows hold: numbers, few different ones (ties), all equal, NaNs among them, -infinities
/// only, zeros of both signs.
enum class Data { normal, ties, equal, nans, least, zeros };
constexpr std::array kDataNames{"", "_ties", "_equal", "_nans", "_least", "_zeros"};

struct SelectCase {
  std::int64_t rows, cols;
  std::int64_t count = 0;  ///< of top-k; 0: argmax
  DType dtype = DType::f32;
  Data data = Data::normal;
  bool is_padded = false, is_sample = false;
};

std::string name_of(const SelectCase& c) {
  return dtype_name(c.dtype) + "_" + std::to_string(c.rows) + "x" + std::to_string(c.cols) +
         (c.count > 0 ? "_top" + std::to_string(c.count) : "") +
         kDataNames[static_cast<std::size_t>(c.data)] + (c.is_padded ? "_padded" : "");
}

std::vector<double> rows_of(const SelectCase& c) {
  const auto count = static_cast<std::size_t>(c.rows * c.cols);
  const std::uint64_t seed = seed_of(name_of(c));
  switch (c.data) {
    case Data::equal:
      return std::vector<double>(count, -3);
    case Data::least:
      return std::vector<double>(count, -kInfinity);
    case Data::ties:
      return random_integers(count, -2, 2, seed);
    case Data::zeros: {
      std::vector<double> values(count, -0.0);
      for (std::size_t i = 1; i < count; i += 3) values[i] = 0;
      return values;
    }
    default:
      break;
  }
  std::vector<double> values = random_normal(count, 10, reference_dtype(c.dtype), seed);
  if (c.data == Data::nans) {
    for (std::size_t i = 0; i < count; i += 5) values[i] = i % 2 == 0 ? kNan : kInfinity;
  }
  return values;
}

ops::RowsDesc describe(const SelectCase& c, const Layout& layout) {
  ops::RowsDesc desc;
  desc.rows = static_cast<std::uint64_t>(c.rows);
  desc.cols = static_cast<std::uint64_t>(c.cols);
  desc.dtype = c.dtype;
  if (c.is_padded) desc.x_stride = static_cast<std::uint64_t>(layout.strides[0]);
  return desc;
}

std::vector<double> numbers(const std::vector<std::int32_t>& indices) {
  return {indices.begin(), indices.end()};
}

void run_argmax(const Target& target, const SelectCase& c) {
  OperationTest test(target);
  const Layout layout = make_layout(c.dtype, {c.rows, c.cols}, c.is_padded);
  Tensor& x = test.input(layout, rows_of(c));
  Tensor& index = test.output(make_layout(DType::i32, {c.rows}, c.is_padded));
  const ops::ArgmaxPlan plan(target.device, describe(c, layout));
  test.run(plan, [&](Stream& stream) { plan.run(stream, x.view(), index.view()); });
  const reference::View<2> rows(x.values().data(), {c.rows, c.cols});
  test.expect_exact(index, numbers(reference::argmax(rows)));
}

void run_top_k(const Target& target, const SelectCase& c) {
  OperationTest test(target);
  const Layout layout = make_layout(c.dtype, {c.rows, c.cols}, c.is_padded);
  Tensor& x = test.input(layout, rows_of(c));
  Layout result = make_layout(c.dtype, {c.rows, c.count}, false);
  result.offset = c.is_padded ? 1 : 0;
  Tensor& values = test.output(result);
  result.dtype = reference::Dtype::kI32;
  Tensor& index = test.output(result);
  const ops::TopKPlan plan(target.device, describe(c, layout), static_cast<std::uint64_t>(c.count));
  test.run(plan, [&](Stream& stream) { plan.run(stream, x.view(), values.view(), index.view()); });
  const reference::TopK expected =
      reference::top_k(reference::View<2>(x.values().data(), {c.rows, c.cols}), c.count);
  test.expect_exact(values, expected.values);
  test.expect_exact(index, numbers(expected.indices));
}

void add(CaseList& cases, const SelectCase& c) {
  cases.add({.suite = c.count > 0 ? "top_k" : "argmax",
             .name = name_of(c),
             .body =
                 [c](const Target& target) {
                   c.count > 0 ? run_top_k(target, c) : run_argmax(target, c);
                 },
             .is_sample = c.is_sample});
}

struct TransposeCase {
  std::int64_t rows, cols;
  DType dtype;
  bool is_padded, is_sample;
};

std::vector<double> elements_of(const TransposeCase& c, std::uint64_t seed) {
  const auto count = static_cast<std::size_t>(c.rows * c.cols);
  if (c.dtype == DType::i32) return random_integers(count, INT32_MIN, INT32_MAX, seed);
  std::vector<double> values = random_normal(count, 1, reference_dtype(c.dtype), seed);
  const std::vector<double> special = special_values(reference_dtype(c.dtype));
  for (std::size_t i = 0; i < count; i += 4) values[i] = special[i / 4 % special.size()];
  return values;
}

void run_transpose(const Target& target, const TransposeCase& c) {
  OperationTest test(target);
  const std::uint64_t seed = static_cast<std::uint64_t>(c.rows * 1000 + c.cols);
  const Layout from = make_layout(c.dtype, {c.rows, c.cols}, c.is_padded);
  const Layout to = make_layout(c.dtype, {c.cols, c.rows}, c.is_padded);
  Tensor& x = test.input(from, elements_of(c, seed));
  Tensor& y = test.output(to);
  ops::RowsDesc desc;
  desc.rows = static_cast<std::uint64_t>(c.rows);
  desc.cols = static_cast<std::uint64_t>(c.cols);
  desc.dtype = c.dtype;
  if (c.is_padded) {
    desc.x_stride = static_cast<std::uint64_t>(from.strides[0]);
    desc.y_stride = static_cast<std::uint64_t>(to.strides[0]);
  }
  const ops::TransposePlan plan(target.device, desc);
  test.run(plan, [&](Stream& stream) { plan.run(stream, x.view(), y.view()); });
  const auto expected =
      reference::transpose(reference::View<2>(x.values().data(), {c.rows, c.cols}));
  test.expect_exact(y, expected);
}

void add_transposes(CaseList& cases) {
  struct Shape {
    std::int64_t rows, cols;
  };
  constexpr std::array<Shape, 11> kShapes{{{0, 3},
                                           {1, 1},
                                           {1, 17},
                                           {31, 1},
                                           {7, 5},
                                           {15, 16},
                                           {16, 17},
                                           {17, 33},
                                           {64, 64},
                                           {257, 129},
                                           {300, 270}}};
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16, DType::i32}) {
    for (const Shape& shape : kShapes) {
      const TransposeCase c{shape.rows, shape.cols, dtype, shape.rows % 2 == 1, shape.rows == 17};
      cases.add({.suite = "transpose",
                 .name = dtype_name(dtype) + "_" + std::to_string(c.rows) + "x" +
                         std::to_string(c.cols) + (c.is_padded ? "_padded" : ""),
                 .body = [c](const Target& target) { run_transpose(target, c); },
                 .is_sample = c.is_sample});
    }
  }
}

}  // namespace

void add_select_cases(CaseList& cases) {
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    for (const std::int64_t cols : kLengths) {
      if (cols == 0) continue;  // no largest element: refused
      SelectCase c{.rows = 1 + cols % 3, .cols = cols, .dtype = dtype};
      c.is_padded = cols % 2 == 1;
      c.is_sample = cols == 257;
      add(cases, c);
    }
    for (const Data data : {Data::ties, Data::equal, Data::nans, Data::least, Data::zeros}) {
      add(cases, {.rows = 5, .cols = 41, .dtype = dtype, .data = data});
      add(cases, {.rows = 5,
                  .cols = 41,
                  .count = 9,
                  .dtype = dtype,
                  .data = data,
                  .is_sample = data == Data::nans});
    }
    for (const std::int64_t count : {1, 2, 63, 64}) {
      add(cases, {.rows = 3, .cols = 131, .count = count, .dtype = dtype, .is_padded = true});
    }
    add(cases, {.rows = 2, .cols = 13, .count = 13, .dtype = dtype});
  }
  add(cases, {.rows = 0, .cols = 7});
  add(cases, {.rows = 0, .cols = 7, .count = 2});
  add(cases, {.rows = 2, .cols = 32003, .count = 5});
  add_transposes(cases);
}

}  // namespace sampan::test
