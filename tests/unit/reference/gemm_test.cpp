// The reference gemm against integer arithmetic, closed forms and f32 evaluations.
#include "reference/gemm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "f32_evaluation.h"
#include "support/gtest_compare.h"
#include "support/random_data.h"
#include "support/sizes.h"

namespace sampan::reference {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Problem {
  std::int64_t batch, m, n, k;
  std::vector<double> a, b;  // [batch, m, k], [batch, k, n]

  [[nodiscard]] View<3> a_view() const { return {a.data(), {batch, m, k}}; }
  [[nodiscard]] View<3> b_view() const { return {b.data(), {batch, k, n}}; }
};

Problem integer_problem(std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k) {
  return {batch,
          m,
          n,
          k,
          test::random_integers(batch * m * k, -9, 9, 11),
          test::random_integers(batch * k * n, -9, 9, 12)};
}

Problem normal_problem(std::int64_t m, std::int64_t n, std::int64_t k) {
  return {1,
          m,
          n,
          k,
          test::random_normal(m * k, 1, Dtype::kF32, 13),
          test::random_normal(k * n, 1, Dtype::kF32, 14)};
}

// A * B in 64-bit integers.
std::vector<double> integer_product(const Problem& p) {
  std::vector<double> d;
  for (std::int64_t z = 0; z < p.batch; ++z) {
    for (std::int64_t i = 0; i < p.m; ++i) {
      for (std::int64_t j = 0; j < p.n; ++j) {
        std::int64_t sum = 0;
        for (std::int64_t q = 0; q < p.k; ++q) {
          sum += static_cast<std::int64_t>(p.a[(z * p.m + i) * p.k + q]) *
                 static_cast<std::int64_t>(p.b[(z * p.k + q) * p.n + j]);
        }
        d.push_back(static_cast<double>(sum));
      }
    }
  }
  return d;
}

TEST(Gemm, EqualsIntegerArithmeticForAllSmallShapes) {
  for (const std::int64_t m : test::kSmallLengths) {
    for (const std::int64_t n : test::kSmallLengths) {
      for (const std::int64_t k : test::kSmallLengths) {
        const Problem p = integer_problem(2, m, n, k);
        const Result result = gemm(p.a_view(), p.b_view(), {});
        ASSERT_EQ(result.value, integer_product(p)) << m << ' ' << n << ' ' << k;
        ASSERT_EQ(result.bound.size(), result.value.size());
      }
    }
  }
}

TEST(Gemm, TransposedAndStridedViewsReadTheRightElements) {
  const Problem p = integer_problem(2, 5, 7, 3);
  std::vector<double> stored_a(2 * 3 * 9, kNan);  // [batch, k, m] with row stride 9
  std::vector<double> stored_b(2 * 7 * 4, kNan);  // [batch, n, k] with row stride 4
  for (std::int64_t z = 0; z < 2; ++z) {
    for (std::int64_t i = 0; i < 5; ++i) {
      for (std::int64_t q = 0; q < 3; ++q) stored_a[(z * 3 + q) * 9 + i] = p.a_view()(z, i, q);
    }
    for (std::int64_t j = 0; j < 7; ++j) {
      for (std::int64_t q = 0; q < 3; ++q) stored_b[(z * 7 + j) * 4 + q] = p.b_view()(z, q, j);
    }
  }
  const View<3> a(stored_a.data(), {2, 3, 5}, {27, 9, 1});
  const View<3> b(stored_b.data(), {2, 7, 3}, {28, 4, 1});
  EXPECT_EQ(gemm(a.swapped(1, 2), b.swapped(1, 2), {}).value, integer_product(p));
}

TEST(Gemm, BatchStrideZeroSharesAMatrix) {
  const Problem p = integer_problem(1, 3, 4, 5);
  const View<3> shared_b(p.b.data(), {2, 5, 4}, {0, 4, 1});
  std::vector<double> a2 = test::random_integers(2 * 3 * 5, -9, 9, 21);
  Problem copied{2, 3, 4, 5, a2, p.b};
  copied.b.insert(copied.b.end(), p.b.begin(), p.b.end());
  EXPECT_EQ(gemm(View<3>(a2.data(), {2, 3, 5}), shared_b, {}).value, integer_product(copied));
}

TEST(Gemm, EpilogueFollowsItsFormula) {
  const std::vector<double> a{3}, b{5}, c{7}, bias{0.5}, residual{100};
  GemmSpec spec;
  spec.alpha = 2;
  spec.beta = -1;
  spec.c = View<3>(c.data(), {1, 1, 1});
  spec.bias = View<1>(bias.data(), {1});
  spec.residual = View<3>(residual.data(), {1, 1, 1});
  const View<3> one_a(a.data(), {1, 1, 1}), one_b(b.data(), {1, 1, 1});
  EXPECT_EQ(gemm(one_a, one_b, spec).value[0], 2 * 15 - 7 + 0.5 + 100);
  spec.activation = Activation::kSilu;
  // The residual comes after the activation.
  const double x = 23.5;
  EXPECT_DOUBLE_EQ(gemm(one_a, one_b, spec).value[0], x / (1 + std::exp(-x)) + 100);
}

TEST(Gemm, BiasRunsAlongColumnsAndCAlongBoth) {
  const std::vector<double> bias{1, 2, 3}, c{10, 20, 30, 40, 50, 60};
  GemmSpec spec;
  spec.bias = View<1>(bias.data(), {3});
  spec.beta = 2;
  spec.c = View<3>(c.data(), {1, 2, 3});
  const Result result = gemm(View<3>(nullptr, {1, 2, 0}), View<3>(nullptr, {1, 0, 3}), spec);
  EXPECT_EQ(result.value, (std::vector<double>{21, 42, 63, 81, 102, 123}));
}

TEST(Gemm, BetaZeroNeverReadsC) {
  const Problem p = integer_problem(1, 2, 2, 2);
  GemmSpec spec;
  const std::vector<double> c(4, kNan);
  spec.c = View<3>(c.data(), {1, 2, 2});
  EXPECT_EQ(gemm(p.a_view(), p.b_view(), spec).value, integer_product(p));
  spec.c = View<3>(nullptr, {1, 2, 2});
  EXPECT_EQ(gemm(p.a_view(), p.b_view(), spec).value, integer_product(p));
}

TEST(Gemm, IntegerOutputIsExactAndWraps) {
  const std::int64_t k = 140000;  // 140000 * 128^2 > 2^31
  const std::vector<double> a(k, -128), b(k, -128);
  GemmSpec spec;
  spec.out = Dtype::kI32;
  const Result result = gemm(View<3>(a.data(), {1, 1, k}), View<3>(b.data(), {1, k, 1}), spec);
  EXPECT_EQ(result.value[0], static_cast<double>(k * 128 * 128 - (std::int64_t{1} << 32)));
  EXPECT_EQ(result.bound[0], 0);
}

TEST(Gemm, BoundIsTheFormulaOfHigham) {
  const Problem p = normal_problem(3, 4, 50);
  const std::vector<double> c = test::random_normal(12, 1, Dtype::kF32, 15);
  GemmSpec spec;
  spec.alpha = 0.5;
  spec.beta = -3;
  spec.c = View<3>(c.data(), {1, 3, 4});
  const Result result = gemm(p.a_view(), p.b_view(), spec);
  for (std::int64_t i = 0; i < 3; ++i) {
    for (std::int64_t j = 0; j < 4; ++j) {
      double magnitude = 3 * std::fabs(c[i * 4 + j]);
      for (std::int64_t q = 0; q < 50; ++q) {
        magnitude += 0.5 * std::fabs(p.a[i * 50 + q] * p.b[q * 4 + j]);
      }
      const double u = 0x1p-24;
      const double expected = 52 * u / (1 - 52 * u) * magnitude;
      EXPECT_NEAR(result.bound[i * 4 + j], expected, 1e-6 * expected);
    }
  }
}

// --- the bound against f32 evaluations -----------------------------------------------------------

Floats products(const Problem& p, std::int64_t i, std::int64_t j) {
  Floats terms;
  for (std::int64_t q = 0; q < p.k; ++q) {
    terms.push_back(static_cast<float>(p.a[i * p.k + q]) * static_cast<float>(p.b[q * p.n + j]));
  }
  return terms;
}

float fused_dot(const Problem& p, std::int64_t i, std::int64_t j) {
  float sum = 0;
  for (std::int64_t q = 0; q < p.k; ++q) {
    sum = std::fma(static_cast<float>(p.a[i * p.k + q]), static_cast<float>(p.b[q * p.n + j]), sum);
  }
  return sum;
}

class GemmBound : public testing::TestWithParam<std::int64_t> {};
INSTANTIATE_TEST_SUITE_P(Depths, GemmBound, testing::Values(1, 2, 3, 7, 64, 257, 1000, 4099));

TEST_P(GemmBound, HoldsInEveryOrderAndStorageType) {
  const Problem p = normal_problem(4, 5, GetParam());
  for (const Dtype out : {Dtype::kF32, Dtype::kF16, Dtype::kBf16}) {
    GemmSpec spec;
    spec.out = out;
    const Result expected = gemm(p.a_view(), p.b_view(), spec);
    std::vector<double> fused;
    for (std::int64_t e = 0; e < p.m * p.n; ++e) {
      fused.push_back(round_to(out, fused_dot(p, e / p.n, e % p.n)));
    }
    EXPECT_TRUE(test::agrees(test::compare_within(fused, expected, out))) << dtype_name(out);
    for (const Summation& order : kSummations) {
      std::vector<double> device;
      for (std::int64_t e = 0; e < p.m * p.n; ++e) {
        device.push_back(round_to(out, order.sum(products(p, e / p.n, e % p.n))));
      }
      EXPECT_TRUE(test::agrees(test::compare_within(device, expected, out)))
          << order.name << ' ' << dtype_name(out);
    }
  }
}

// Leaving out the product of median size must show in every element: the bound may not be so wide
// that it hides a tail that was not computed. (It grows with k^2, and passes the size of a typical
// product near k = 3000; integer-valued tests watch the deeper ones.)
class GemmBoundIsSharp : public testing::TestWithParam<std::int64_t> {};
INSTANTIATE_TEST_SUITE_P(Depths, GemmBoundIsSharp,
                         testing::Values(1, 2, 3, 7, 64, 257, 1000, 2003));

TEST_P(GemmBoundIsSharp, WhenOneTypicalProductIsDropped) {
  const Problem p = normal_problem(4, 5, GetParam());
  const Result expected = gemm(p.a_view(), p.b_view(), {});
  for (std::int64_t e = 0; e < p.m * p.n; ++e) {
    Floats terms = products(p, e / p.n, e % p.n);
    const auto middle = terms.begin() + static_cast<std::ptrdiff_t>(terms.size() / 2);
    std::nth_element(terms.begin(), middle, terms.end(),
                     [](float a, float b) { return std::fabs(a) < std::fabs(b); });
    *middle = 0;
    const double error = std::fabs(sum_forward(terms) - expected.value[e]);
    EXPECT_GT(error, expected.bound[e]) << e;
  }
}

TEST(GemmBoundEpilogue, HoldsWhereverAlphaAndAddendsEnter) {
  const Problem p = normal_problem(4, 5, 100);
  const std::vector<double> c = test::random_normal(20, 30, Dtype::kF32, 16);
  const std::vector<double> bias = test::random_normal(5, 30, Dtype::kF32, 17);
  GemmSpec spec;
  spec.alpha = 0.3f;
  spec.beta = 1.7f;
  spec.c = View<3>(c.data(), {1, 4, 5});
  spec.bias = View<1>(bias.data(), {5});
  const Result expected = gemm(p.a_view(), p.b_view(), spec);
  const float alpha = 0.3f;
  const float beta = 1.7f;
  std::vector<double> after, before;
  for (std::int64_t e = 0; e < 20; ++e) {
    const auto c_value = static_cast<float>(c[e]);
    const auto bias_value = static_cast<float>(bias[e % 5]);
    Floats terms = products(p, e / 5, e % 5);
    after.push_back(alpha * sum_forward(terms) + beta * c_value + bias_value);
    float sum = beta * c_value + bias_value;  // as accumulators that start with the addends
    for (const float term : terms) sum += alpha * term;
    before.push_back(sum);
  }
  EXPECT_TRUE(test::agrees(test::compare_within(after, expected, Dtype::kF32)));
  EXPECT_TRUE(test::agrees(test::compare_within(before, expected, Dtype::kF32)));
  // The two orders differ, or this test would show nothing.
  EXPECT_NE(after, before);
}

TEST(GemmBoundEpilogue, CoversActivationsOfTheInexactSum) {
  const Problem p = normal_problem(8, 9, 33);
  const auto silu = [](float x) { return x / (1 + std::exp(-x)); };
  const auto gelu = [](float x) { return 0.5f * x * (1 + std::erf(x * 0.70710678f)); };
  const auto gelu_tanh = [](float x) {
    return 0.5f * x * (1 + std::tanh(0.7978845608f * (x + 0.044715f * x * x * x)));
  };
  struct Case {
    Activation activation;
    std::function<float(float)> device;
  };
  for (const Case& c : {Case{Activation::kSilu, silu}, Case{Activation::kGeluErf, gelu},
                        Case{Activation::kGeluTanh, gelu_tanh}}) {
    GemmSpec spec;
    spec.activation = c.activation;
    const Result expected = gemm(p.a_view(), p.b_view(), spec);
    std::vector<double> device;
    for (std::int64_t e = 0; e < 72; ++e) {
      device.push_back(c.device(sum_falling(products(p, e / 9, e % 9))));
    }
    EXPECT_TRUE(test::agrees(test::compare_within(device, expected, Dtype::kF32)));
    // The other GELU is a different function, and the bound tells.
    if (c.activation != Activation::kSilu) {
      spec.activation =
          c.activation == Activation::kGeluErf ? Activation::kGeluTanh : Activation::kGeluErf;
      const Result other = gemm(p.a_view(), p.b_view(), spec);
      EXPECT_FALSE(test::compare_within(device, other, Dtype::kF32).passed());
    }
  }
}

}  // namespace
}  // namespace sampan::reference
