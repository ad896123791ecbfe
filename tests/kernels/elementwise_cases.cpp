// Operations on each element alone.
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "kernels/case.h"
#include "kernels/operation_test.h"
#include "kernels/types.h"
#include "reference/elementwise.h"
#include "sampan/ops/elementwise.h"
#include "support/random_data.h"
#include "support/sizes.h"

namespace sampan::test {
namespace {

using ops::Elementwise;

struct Kind {
  Elementwise kind;
  const char* name;
  bool has_two_inputs;
  bool is_native;
};
constexpr std::array<Kind, 6> kKinds{{{Elementwise::add, "add", true, true},
                                      {Elementwise::mul, "mul", true, false},
                                      {Elementwise::silu_mul, "silu_mul", true, true},
                                      {Elementwise::scale, "scale", false, false},
                                      {Elementwise::silu, "silu", false, false},
                                      {Elementwise::gelu, "gelu", false, false}}};

/// Which memory the result shares.
enum class Result { apart, is_a, is_b };

struct ElementwiseCase {
  Kind kind;
  DType dtype;
  std::int64_t elems;
  double deviation = 2;  ///< of the numbers
  Result result = Result::apart;
  bool is_sample = false;
};

std::string name_of(const ElementwiseCase& c) {
  constexpr std::array kResults{"", "_over_a", "_over_b"};
  return std::string(c.kind.name) + "_" + dtype_name(c.dtype) + "_" + std::to_string(c.elems) +
         (c.deviation == 2 ? "" : "_wide") + kResults[static_cast<std::size_t>(c.result)];
}

reference::Result expected_of(const ElementwiseCase& c, const Tensor& a, const Tensor* b,
                              float factor) {
  const reference::ElementwiseSpec spec{.out = reference_dtype(c.dtype)};
  switch (c.kind.kind) {
    case Elementwise::add:
      return reference::add(a.values(), b->values(), spec);
    case Elementwise::mul:
      return reference::multiply(a.values(), b->values(), spec);
    case Elementwise::silu_mul:
      return reference::silu_multiply(a.values(), b->values(), spec);
    case Elementwise::scale:
      return reference::scale(a.values(), factor, spec);
    case Elementwise::silu:
      return reference::activation(a.values(), reference::Activation::kSilu, spec);
    default:
      return reference::activation(a.values(), reference::Activation::kGeluTanh, spec);
  }
}

void run(const Target& target, const ElementwiseCase& c) {
  OperationTest test(target);
  const std::uint64_t seed = seed_of(name_of(c));
  const auto layout = [&](std::int64_t offset) {
    return Layout{reference_dtype(c.dtype), {c.elems}, {}, offset};
  };
  const auto values = [&](std::uint64_t number) {
    return random_normal(static_cast<std::size_t>(c.elems), c.deviation, reference_dtype(c.dtype),
                         seed + number);
  };
  Tensor& a = c.result == Result::is_a ? test.in_out(layout(1), values(0))
                                       : test.input(layout(1), values(0));
  Tensor* b = nullptr;
  if (c.kind.has_two_inputs) {
    b = c.result == Result::is_b ? &test.in_out(layout(2), values(1))
                                 : &test.input(layout(2), values(1));
  }
  Tensor& y = c.result == Result::is_a ? a : c.result == Result::is_b ? *b : test.output(layout(3));
  ops::ElementwiseDesc desc;
  desc.kind = c.kind.kind;
  desc.elems = static_cast<std::uint64_t>(c.elems);
  desc.dtype = desc.y_dtype = c.dtype;
  desc.scale = -1.7f;
  const ops::ElementwisePlan plan(target.device, desc);
  test.run(plan, [&](Stream& stream) {
    plan.run(stream, a.view(), b != nullptr ? b->view() : View(), y.view());
  });
  test.expect_within(y, expected_of(c, a, b, desc.scale));
}

void add(CaseList& cases, const ElementwiseCase& c) {
  cases.add({.suite = "elementwise",
             .name = name_of(c),
             .body = [c](const Target& target) { run(target, c); },
             .is_native = c.kind.is_native,
             .is_sample = c.is_sample});
}

}  // namespace

void add_elementwise_cases(CaseList& cases) {
  for (const Kind& kind : kKinds) {
    for (const std::int64_t elems : {0, 1, 2, 15, 17, 127, 1000, 4099}) {
      add(cases, {.kind = kind, .dtype = DType::f32, .elems = elems, .is_sample = elems == 1000});
    }
    for (const DType dtype : {DType::f16, DType::bf16}) {
      for (const std::int64_t elems : {3, 63, 1025}) {
        add(cases, {.kind = kind, .dtype = dtype, .elems = elems, .is_sample = elems == 63});
      }
    }
    // Far from zero, where exponentials over- and underflow.
    add(cases, {.kind = kind, .dtype = DType::f32, .elems = 515, .deviation = 100});
    add(cases, {.kind = kind, .dtype = DType::bf16, .elems = 515, .deviation = 100});
    add(cases, {.kind = kind, .dtype = DType::f32, .elems = 77, .result = Result::is_a});
    if (kind.has_two_inputs) {
      add(cases, {.kind = kind, .dtype = DType::f32, .elems = 78, .result = Result::is_b});
    }
  }
  // Longer than one row of the kernels' grid.
  add(cases, {.kind = kKinds[0], .dtype = DType::f32, .elems = (1 << 20) + 3});
  add(cases, {.kind = kKinds[5], .dtype = DType::f16, .elems = (1 << 21)});
}

}  // namespace sampan::test
