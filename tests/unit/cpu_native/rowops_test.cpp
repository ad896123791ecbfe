// Native row operations against their definitions in f64, at every instruction level.
#include "backends/cpu/native/rowops.h"

#include <gtest/gtest.h>

#include <limits>

#include "reference/elementwise.h"
#include "reference/normalize.h"
#include "reference/softmax.h"
#include "support.h"
#include "support/compare.h"
#include "support/gtest_compare.h"

namespace sampan::cpu::native::test {
namespace {

using sampan::test::agrees;
using sampan::test::compare_within;

struct Shape {
  std::int64_t rows, cols;
};

// Vectors hold 4, 8 or 16 elements, sums four vectors at a time.
constexpr Shape kShapes[] = {{0, 5},   {3, 0},   {1, 1},   {2, 3},    {5, 4},   {3, 7},
                             {2, 15},  {4, 16},  {7, 17},  {3, 63},   {2, 64},  {3, 65},
                             {1, 127}, {2, 128}, {5, 131}, {3, 1021}, {2, 4096}};

struct Types {
  Dtype x, weight;
};
constexpr Types kTypes[] = {{Dtype::kF32, Dtype::kF32},
                            {Dtype::kF16, Dtype::kF32},
                            {Dtype::kBf16, Dtype::kBf16},
                            {Dtype::kF32, Dtype::kF16}};

struct Operands {
  Operands(const Shape& shape, const Types& types, RowKind kind)
      : x(types.x, {shape.rows, shape.cols}, 1),
        x2(types.x, {shape.rows, shape.cols}, 2),
        weight(types.weight, {shape.cols}),
        bias(types.weight, {shape.cols}),
        y(types.x, {shape.rows, shape.cols}, 3) {
    x.generate([next = fractions(1)]() mutable { return 8 * next(); });
    x2.generate(fractions(2));
    weight.generate(fractions(3));
    bias.generate(fractions(4));
    desc.kind = kind;
    desc.type = element_type(types.x);
    desc.weight_type = element_type(types.weight);
    desc.rows = shape.rows;
    desc.cols = shape.cols;
    desc.x_stride = x.stride(0);
    desc.x2_stride = x2.stride(0);
    desc.y_stride = y.stride(0);
    desc.epsilon = 1e-5f;
    desc.scale = kind == RowKind::softmax ? 0.7f : 1.0f;
    buffers = {x.data(), x2.data(), weight.data(), bias.data(), y.data()};
  }

  [[nodiscard]] reference::Result expected() const {
    const reference::NormSpec norm{.epsilon = desc.epsilon, .out = x.dtype()};
    switch (desc.kind) {
      case RowKind::rms_norm:
        return reference::rms_norm(x.view(), weight.view(), norm);
      case RowKind::layer_norm:
        return reference::layer_norm(x.view(), weight.view(), bias.view(), norm);
      case RowKind::softmax:
        return reference::softmax(x.view(),
                                  {.scale = desc.scale, .max_rescales = 0, .out = x.dtype()});
      case RowKind::silu_mul:
        return reference::silu_multiply(x.values(), x2.values(), {.out = x.dtype()});
      case RowKind::add:
        return reference::add(x.values(), x2.values(), {.out = x.dtype()});
    }
    return {};
  }

  Tensor<2> x, x2;
  Tensor<1> weight, bias;
  Tensor<2> y;
  RowDesc desc;
  RowBuffers buffers;
};

class RowOps : public testing::TestWithParam<std::tuple<RowKind, Types>> {
 protected:
  [[nodiscard]] static RowKind kind() { return std::get<0>(GetParam()); }
  [[nodiscard]] static Types types() { return std::get<1>(GetParam()); }
};

TEST_P(RowOps, StaysWithinTheAPrioriBound) {
  for (const Shape& shape : kShapes) {
    Operands operands(shape, types(), kind());
    const reference::Result expected = operands.expected();
    for (const IsaLevel isa : available_levels()) {
      SCOPED_TRACE(text_of(shape.rows, "x", shape.cols, " ", isa_name(isa)));
      operands.y.memory().poison();
      ASSERT_EQ(row_op(operands.desc, operands.buffers, isa, serial()), Status::ok);
      EXPECT_TRUE(agrees(compare_within(operands.y.read(), expected, types().x)));
      EXPECT_TRUE(operands.y.gaps_untouched());
    }
  }
}

TEST_P(RowOps, YMayBeX) {
  for (const IsaLevel isa : available_levels()) {
    Operands operands({3, 131}, types(), kind());
    const reference::Result expected = operands.expected();
    operands.desc.y_stride = operands.desc.x_stride;
    operands.buffers.y = operands.x.data();
    ASSERT_EQ(row_op(operands.desc, operands.buffers, isa, serial()), Status::ok);
    EXPECT_TRUE(agrees(compare_within(operands.x.read(), expected, types().x))) << isa_name(isa);
    EXPECT_TRUE(operands.x.gaps_untouched());
  }
}

TEST_P(RowOps, ThreadsDoNotChangeABit) {
  for (const Shape& shape : {Shape{1, 100003}, Shape{67, 3001}}) {
    Operands operands(shape, types(), kind());
    for (const IsaLevel isa : available_levels()) {
      operands.y.memory().poison();
      ASSERT_EQ(row_op(operands.desc, operands.buffers, isa, serial()), Status::ok);
      const std::vector<std::byte> serial_bits = operands.y.memory().copy();
      ThreadedParallel parallel(3);
      operands.y.memory().poison();
      ASSERT_EQ(row_op(operands.desc, operands.buffers, isa, parallel.get()), Status::ok);
      EXPECT_EQ(operands.y.memory().copy(), serial_bits) << isa_name(isa);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Native, RowOps,
                         testing::Combine(testing::Values(RowKind::rms_norm, RowKind::layer_norm,
                                                          RowKind::softmax, RowKind::silu_mul,
                                                          RowKind::add),
                                          testing::ValuesIn(kTypes)));

TEST(RowOps, SoftmaxOfMaskedRows) {
  Operands operands({3, 70}, kTypes[0], RowKind::softmax);
  constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();
  int count = 0;  // row 0 sees nothing, row 1 its last element only, row 2 every other
  operands.x.generate([&] {
    const int at = count++;
    const bool seen = at / 70 == 2 ? at % 2 == 0 : at == 139;
    return seen ? 1.0 : kMinusInfinity;
  });
  const reference::Result expected = operands.expected();
  for (const IsaLevel isa : available_levels()) {
    ASSERT_EQ(row_op(operands.desc, operands.buffers, isa, serial()), Status::ok);
    EXPECT_TRUE(agrees(compare_within(operands.y.read(), expected, Dtype::kF32)));
  }
}

TEST(RowOps, LayerNormWithoutBias) {
  Operands operands({3, 33}, kTypes[0], RowKind::layer_norm);
  operands.buffers.bias = nullptr;
  const reference::Result expected = reference::layer_norm(
      operands.x.view(), operands.weight.view(), std::nullopt, {.epsilon = operands.desc.epsilon});
  ASSERT_EQ(row_op(operands.desc, operands.buffers, detect_isa(), serial()), Status::ok);
  EXPECT_TRUE(agrees(compare_within(operands.y.read(), expected, Dtype::kF32)));
}

TEST(RowOps, RefusesWhatItCannotRun) {
  Operands operands({3, 33}, kTypes[0], RowKind::add);
  RowDesc desc = operands.desc;
  desc.x2_stride = 32;
  EXPECT_EQ(row_check(desc), Status::invalid_argument);
  desc = operands.desc;
  desc.cols = -1;
  EXPECT_EQ(row_check(desc), Status::invalid_argument);
  desc = operands.desc;
  desc.type = ElementType::i8;
  EXPECT_EQ(row_check(desc), Status::unsupported);
  operands.buffers.x2 = nullptr;
  EXPECT_EQ(row_op(operands.desc, operands.buffers, detect_isa(), serial()),
            Status::invalid_argument);
}

}  // namespace
}  // namespace sampan::cpu::native::test
