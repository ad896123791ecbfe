#include "reference/elementwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "f32_evaluation.h"
#include "support/gtest_compare.h"
#include "support/random_data.h"

namespace sampan::reference {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double value_of(Activation function, double x) {
  return activate(kFloat32, function, exact(x)).value;
}

TEST(Activation, KnownValues) {
  EXPECT_EQ(value_of(Activation::kNone, -3.5), -3.5);
  EXPECT_EQ(value_of(Activation::kSilu, 0), 0);
  EXPECT_NEAR(value_of(Activation::kSilu, 1), 0.731058578630004879, 1e-15);
  EXPECT_NEAR(value_of(Activation::kSilu, -1), -0.268941421369995121, 1e-15);
  EXPECT_EQ(value_of(Activation::kGeluErf, 0), 0);
  EXPECT_NEAR(value_of(Activation::kGeluErf, 1), 0.841344746068542949, 1e-15);
  EXPECT_NEAR(value_of(Activation::kGeluErf, -1), -0.158655253931457051, 1e-15);
  EXPECT_NEAR(value_of(Activation::kGeluTanh, 1), 0.841191990608276705, 1e-14);
  EXPECT_NEAR(value_of(Activation::kGeluTanh, -1), -0.158808009391723295, 1e-14);
}

TEST(Activation, SymmetryAndLimits) {
  for (const Activation f : {Activation::kSilu, Activation::kGeluErf, Activation::kGeluTanh}) {
    for (const double x : {0.01, 0.5, 2.0, 6.0}) {
      EXPECT_NEAR(value_of(f, x) + value_of(f, -x), x * (2 * value_of(f, x) / x - 1), 1e-14);
    }
    EXPECT_DOUBLE_EQ(value_of(f, 200), 200);
    EXPECT_NEAR(value_of(f, -200), 0, 1e-80);
  }
}

struct DeviceFunction {
  const char* name;
  Activation activation;
  float (*device)(float);
};

float logistic_f32(float x) { return 1 / (1 + std::exp(-x)); }
float gelu_inner(float x) { return 0.7978845608f * (x + 0.044715f * x * x * x); }

const DeviceFunction kDeviceFunctions[] = {
    {"silu_quotient", Activation::kSilu, [](float x) { return x / (1 + std::exp(-x)); }},
    {"silu_product", Activation::kSilu, [](float x) { return x * logistic_f32(x); }},
    {"gelu_erf", Activation::kGeluErf,
     [](float x) { return 0.5f * x * (1 + std::erf(x * 0.70710678f)); }},
    {"gelu_erfc", Activation::kGeluErf,
     [](float x) {
       const float tail = 0.5f * std::erfc(std::fabs(x) * 0.70710678f);
       return x * (x > 0 ? 1 - tail : tail);
     }},
    {"gelu_tanh", Activation::kGeluTanh,
     [](float x) { return 0.5f * x * (1 + std::tanh(gelu_inner(x))); }},
    {"gelu_logistic", Activation::kGeluTanh,
     [](float x) { return x * logistic_f32(2 * gelu_inner(x)); }},
};

class ActivationBound : public testing::TestWithParam<DeviceFunction> {};
INSTANTIATE_TEST_SUITE_P(Formulas, ActivationBound, testing::ValuesIn(kDeviceFunctions),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(ActivationBound, HoldsOverTheWholeRange) {
  const DeviceFunction& f = GetParam();
  std::vector<double> x = test::random_normal(20000, 4, Dtype::kF32, 61);
  for (double wide = -100; wide < 100; wide += 0.37) x.push_back(static_cast<float>(wide));
  for (const double special : test::finite_special_values(Dtype::kBf16)) {
    if (std::fabs(special) < 1e12) x.push_back(special);
  }
  const Result expected = activation(x, f.activation, {});
  std::vector<double> device;
  for (const double value : x) device.push_back(f.device(static_cast<float>(value)));
  EXPECT_TRUE(test::agrees(test::compare_within(device, expected, Dtype::kF32)));
}

TEST_P(ActivationBound, SeesARelativeErrorOfOneInTenThousand) {
  const DeviceFunction& f = GetParam();
  for (const double x : {-2.0, -0.5, 0.3, 1.0, 4.0}) {
    const std::vector<double> input{x};
    const Result expected = activation(input, f.activation, {});
    const std::vector<double> device{f.device(static_cast<float>(x)) * 1.0001};
    EXPECT_FALSE(test::compare_within(device, expected, Dtype::kF32).passed()) << x;
  }
}

TEST(Elementwise, FollowsItsFormulaInEachType) {
  const std::vector<double> a{1, -2, 0.5, 3}, b{4, 0.25, -1, 3};
  const ElementwiseSpec spec;
  EXPECT_EQ(add(a, b, spec).value, (std::vector<double>{5, -1.75, -0.5, 6}));
  EXPECT_EQ(multiply(a, b, spec).value, (std::vector<double>{4, -0.5, -0.5, 9}));
  EXPECT_EQ(scale(a, -0.5, spec).value, (std::vector<double>{-0.5, 1, -0.25, -1.5}));
  EXPECT_DOUBLE_EQ(silu_multiply(a, b, spec).value[1], -2 / (1 + std::exp(2)) * 0.25);
}

TEST(Elementwise, BoundsHoldForF32KernelsThatRoundOnce) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBf16}) {
    const std::vector<double> a = test::random_normal(5000, 2, dtype, 62);
    const std::vector<double> b = test::random_normal(5000, 2, dtype, 63);
    const ElementwiseSpec spec{.out = dtype};
    std::vector<double> sums, products, gated;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const auto x = static_cast<float>(a[i]);
      const auto y = static_cast<float>(b[i]);
      sums.push_back(round_to(dtype, x + y));
      products.push_back(round_to(dtype, x * y));
      gated.push_back(round_to(dtype, x * logistic_f32(x) * y));
    }
    EXPECT_TRUE(test::agrees(test::compare_within(sums, add(a, b, spec), dtype)));
    EXPECT_TRUE(test::agrees(test::compare_within(products, multiply(a, b, spec), dtype)));
    EXPECT_TRUE(test::agrees(test::compare_within(gated, silu_multiply(a, b, spec), dtype)));
    // The operands exchanged: silu applies to the first.
    EXPECT_FALSE(test::compare_within(gated, silu_multiply(b, a, spec), dtype).passed());
  }
}

TEST(Cast, RoundsTruncatesAndSaturates) {
  const std::vector<double> x{1.75, -1.75, 300, -300, kNan, kInfinity};
  EXPECT_EQ(cast(x, Dtype::kI8).value, (std::vector<double>{1, -1, 127, -128, 0, 127}));
  EXPECT_EQ(cast(x, Dtype::kU8).value, (std::vector<double>{1, 0, 255, 0, 0, 255}));
  const Result half = cast(std::vector<double>{2049, 2051, 70000}, Dtype::kF16);
  EXPECT_EQ(half.value, (std::vector<double>{2048, 2052, kInfinity}));
  EXPECT_EQ(half.bound, std::vector<double>(3, 0.0));
}

TEST(Cast, GoesThroughF32) {
  // 2^24 + 2^16 + 1 in bf16: directly it rounds up, but f32 loses the 1 and the tie goes to even.
  const double value = 0x1p24 + 0x1p16 + 1;
  EXPECT_EQ(cast(std::vector<double>{value}, Dtype::kBf16).value[0], 0x1p24);
}

}  // namespace
}  // namespace sampan::reference
