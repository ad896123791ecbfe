// The native matrix product against its definition in f64, at every instruction level.
#include "backends/cpu/native/gemm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "reference/gemm.h"
#include "support.h"
#include "support/compare.h"
#include "support/gtest_compare.h"

namespace sampan::cpu::native::test {
namespace {

using sampan::test::agrees;
using sampan::test::compare_exact;
using sampan::test::compare_within;

struct Types {
  const char* label;
  Dtype a, b, d;
};

constexpr Types kTypes[] = {
    {"f32", Dtype::kF32, Dtype::kF32, Dtype::kF32},
    {"f16", Dtype::kF16, Dtype::kF16, Dtype::kF32},
    {"bf16", Dtype::kBf16, Dtype::kBf16, Dtype::kF32},
    {"f16_to_f16", Dtype::kF16, Dtype::kF16, Dtype::kF16},
    {"bf16_to_bf16", Dtype::kBf16, Dtype::kBf16, Dtype::kBf16},
    {"f32_times_bf16", Dtype::kF32, Dtype::kBf16, Dtype::kF32},
    {"bf16_times_f16_to_bf16", Dtype::kBf16, Dtype::kF16, Dtype::kBf16},
};

struct Shape {
  std::int64_t m, n, k;
};

// Tiles are 4 or 8 rows by 8, 24 or 48 columns; k blocks end at 256 groups; blocks hold 480 rows
// and 2016 columns (960 and 1008 where sums are kept apart). Each extent takes 0, 1, primes and the
// neighbours of those edges.
constexpr Shape kShapes[] = {
    {0, 5, 3},     {5, 0, 3},     {3, 5, 0},      {1, 1, 1},      {1, 1, 2},     {2, 3, 5},
    {3, 7, 15},    {4, 8, 16},    {5, 9, 17},     {7, 23, 31},    {8, 24, 32},   {9, 25, 33},
    {8, 47, 64},   {8, 48, 64},   {8, 49, 65},    {1, 97, 257},   {1, 64, 512},  {2, 48, 511},
    {4, 50, 513},  {15, 33, 255}, {16, 31, 256},  {17, 17, 257},  {3, 192, 300}, {13, 193, 61},
    {33, 95, 127}, {31, 97, 513}, {37, 101, 769}, {480, 5, 19},   {481, 7, 18},  {489, 3, 258},
    {2, 2016, 7},  {3, 2017, 9},  {9, 1009, 259}, {961, 17, 257}, {64, 64, 64},  {65, 300, 70},
};

struct Case {
  Shape shape;
  Types types;
  bool transpose_a = false;
  bool transpose_b = false;
  std::int64_t batch = 1;
  std::int64_t pad = 0;
  float alpha = 1.0f;
  float beta = 0.0f;
  bool bias = false;
  bool residual = false;
  Activation activation = Activation::none;
};

std::string describe(const Case& c) {
  return text_of(c.shape.m, "x", c.shape.n, "x", c.shape.k, c.transpose_a ? " A^T" : "",
                 c.transpose_b ? " B^T" : "", c.beta != 0 ? " beta" : "", c.bias ? " bias" : "",
                 c.residual ? " residual" : "", " activation ", static_cast<int>(c.activation));
}

/// The operands of one case, and its result by definition.
class Product {
 public:
  template <class Next>
  Product(const Case& spec, Next&& next)
      : a(spec.types.a, stored(spec.batch, spec.shape.m, spec.shape.k, spec.transpose_a), spec.pad),
        b(spec.types.b, stored(spec.batch, spec.shape.k, spec.shape.n, spec.transpose_b), spec.pad),
        c(spec.types.d, {spec.batch, spec.shape.m, spec.shape.n}, 2 * spec.pad),
        residual(spec.types.d, {spec.batch, spec.shape.m, spec.shape.n}, spec.pad),
        bias(spec.types.a, {spec.shape.n}),
        d(spec.types.d, {spec.batch, spec.shape.m, spec.shape.n}, 3 * spec.pad) {
    a.generate(next);
    b.generate(next);
    if (spec.beta != 0.0f) c.generate(next);  // else it stays NaN: it must not be read
    if (spec.residual) residual.generate(next);
    if (spec.bias) bias.generate(next);
    describe_to_kernel(spec);
    define(spec);
  }

  /// Runs at one level with a workspace of exactly the size asked for.
  [[nodiscard]] Status run(IsaLevel isa, const Parallel& parallel = serial()) {
    const Workspace workspace(gemm_workspace_bytes(desc, isa, parallel.threads));
    return gemm(desc, buffers, isa, parallel, workspace.data(), workspace.size_bytes());
  }

  void expect_exact(const Tensor<3>& result) const {
    EXPECT_TRUE(agrees(compare_exact(result.read(), expected.value, result.dtype())));
    EXPECT_TRUE(result.gaps_untouched());
  }
  void expect_within_bound(const Tensor<3>& result) const {
    EXPECT_TRUE(agrees(compare_within(result.read(), expected, result.dtype())));
    EXPECT_TRUE(result.gaps_untouched());
  }

  Tensor<3> a, b, c, residual;
  Tensor<1> bias;
  Tensor<3> d;
  GemmDesc desc;
  GemmBuffers buffers;
  reference::Result expected;

 private:
  static Tensor<3>::Index stored(std::int64_t batch, std::int64_t rows, std::int64_t cols,
                                 bool transposed) {
    return transposed ? Tensor<3>::Index{batch, cols, rows} : Tensor<3>::Index{batch, rows, cols};
  }

  static MatrixLayout layout(const Tensor<3>& t) {
    return {element_type(t.dtype()), t.stride(1), t.stride(0)};
  }

  void describe_to_kernel(const Case& c_) {
    desc.m = c_.shape.m;
    desc.n = c_.shape.n;
    desc.k = c_.shape.k;
    desc.batch = c_.batch;
    desc.a = layout(a);
    desc.b = layout(b);
    desc.c = layout(c);
    desc.d = layout(d);
    desc.residual = layout(residual);
    desc.transpose_a = c_.transpose_a;
    desc.transpose_b = c_.transpose_b;
    desc.has_bias = c_.bias;
    desc.has_residual = c_.residual;
    desc.bias_type = element_type(bias.dtype());
    desc.activation = c_.activation;
    desc.alpha = c_.alpha;
    desc.beta = c_.beta;
    buffers = {.a = a.data(),
               .b = b.data(),
               .c = c.data(),
               .bias = bias.data(),
               .residual = residual.data(),
               .d = d.data()};
  }

  void define(const Case& c_) {
    reference::GemmSpec spec;
    spec.alpha = c_.alpha;
    spec.beta = c_.beta;
    if (c_.beta != 0.0f) spec.c = c.view();
    if (c_.bias) spec.bias = bias.view();
    if (c_.residual) spec.residual = residual.view();
    spec.activation = c_.activation == Activation::silu   ? reference::Activation::kSilu
                      : c_.activation == Activation::gelu ? reference::Activation::kGeluTanh
                                                          : reference::Activation::kNone;
    spec.out = c_.types.d;
    expected = reference::gemm(c_.transpose_a ? a.view().swapped(1, 2) : a.view(),
                               c_.transpose_b ? b.view().swapped(1, 2) : b.view(), spec);
  }
};

/// Runs `body` at every level, each from a poisoned D.
template <class Body>
void at_every_level(Product& product, Body&& body) {
  for (const IsaLevel isa : available_levels()) {
    SCOPED_TRACE(isa_name(isa));
    product.d.memory().poison();
    body(isa);
  }
}

class GemmTypes : public testing::TestWithParam<Types> {};

TEST_P(GemmTypes, IntegersAreExactAtEveryShapeAndLayout) {
  for (const Shape& shape : kShapes) {
    for (int layout = 0; layout < 4; ++layout) {
      Case c{shape, GetParam(), (layout & 1) != 0, (layout & 2) != 0};
      c.pad = layout == 3 ? 0 : layout + 1;
      SCOPED_TRACE(describe(c));
      Product product(c, small_integers(1));
      at_every_level(product, [&](IsaLevel isa) {
        ASSERT_EQ(product.run(isa), Status::ok);
        product.expect_exact(product.d);
      });
    }
  }
}

TEST_P(GemmTypes, EpilogueOnIntegersIsExact) {
  for (const Shape& shape : kShapes) {
    for (const int extras : {1, 2, 4, 7}) {
      Case c{shape, GetParam(), false, (extras & 1) != 0};
      c.pad = 1;
      c.alpha = (extras & 1) != 0 ? 2.0f : -1.0f;
      c.beta = (extras & 1) != 0 ? 3.0f : 0.0f;
      c.bias = (extras & 2) != 0;
      c.residual = (extras & 4) != 0;
      SCOPED_TRACE(describe(c));
      Product product(c, small_integers(2));
      at_every_level(product, [&](IsaLevel isa) {
        ASSERT_EQ(product.run(isa), Status::ok);
        product.expect_exact(product.d);
      });
    }
  }
}

TEST_P(GemmTypes, RandomValuesStayWithinTheAPrioriBound) {
  for (const Shape& shape : kShapes) {
    for (const Activation activation : {Activation::none, Activation::silu, Activation::gelu}) {
      Case c{shape, GetParam(), false, true};
      c.alpha = 0.7f;
      c.beta = 0.3f;
      c.bias = c.residual = true;
      c.activation = activation;
      SCOPED_TRACE(describe(c));
      Product product(c, fractions(3));
      at_every_level(product, [&](IsaLevel isa) {
        ASSERT_EQ(product.run(isa), Status::ok);
        product.expect_within_bound(product.d);
      });
    }
  }
}

TEST_P(GemmTypes, DMayBeCOrTheResidual) {
  for (const Shape& shape : {Shape{5, 9, 17}, Shape{9, 50, 300}, Shape{37, 101, 769}}) {
    for (const bool in_c : {true, false}) {
      Case c{shape, GetParam(), false, true};
      c.pad = 2;
      c.beta = 1.0f;
      c.residual = true;
      SCOPED_TRACE(describe(c));
      for (const IsaLevel isa : available_levels()) {
        SCOPED_TRACE(isa_name(isa));
        Product product(c, small_integers(4));
        product.desc.d = in_c ? product.desc.c : product.desc.residual;
        product.buffers.d = in_c ? product.c.data() : product.residual.data();
        ASSERT_EQ(product.run(isa), Status::ok);
        product.expect_exact(in_c ? product.c : product.residual);
      }
    }
  }
}

TEST_P(GemmTypes, PackedBGivesTheSameBits) {
  for (const Shape& shape : kShapes) {
    if (shape.m <= 16 || shape.m > 100)
      continue;  // fewer rows stream an unpacked B, in another order
    for (const bool transpose_b : {false, true}) {
      Case c{shape, GetParam(), false, transpose_b};
      c.pad = 1;
      SCOPED_TRACE(describe(c));
      Product product(c, fractions(5));
      at_every_level(product, [&](IsaLevel isa) {
        ASSERT_EQ(product.run(isa), Status::ok);
        const std::vector<std::byte> plain = product.d.memory().copy();

        const Workspace packed(gemm_packed_b_bytes(product.desc, isa));
        ASSERT_EQ(gemm_pack_b(product.desc, product.buffers, isa, serial(), packed.data(),
                              packed.size_bytes()),
                  Status::ok);
        GemmDesc desc = product.desc;
        desc.packed_b = true;
        GemmBuffers buffers = product.buffers;
        buffers.b = packed.data();
        product.d.memory().poison();
        const Workspace workspace(gemm_workspace_bytes(desc, isa, 1));
        ASSERT_EQ(gemm(desc, buffers, isa, serial(), workspace.data(), workspace.size_bytes()),
                  Status::ok);
        EXPECT_EQ(product.d.memory().copy(), plain);
      });
    }
  }
}

TEST_P(GemmTypes, ThreadsDoNotChangeABit) {
  struct Row {
    Shape shape;
    bool b_transposed;
  };
  for (const Row& row :
       {Row{{37, 600, 300}, true}, Row{{300, 41, 520}, true}, Row{{150, 151, 300}, true},
        Row{{1, 1100, 523}, true}, Row{{1, 1100, 523}, false}, Row{{6, 333, 523}, true},
        Row{{13, 333, 523}, false}}) {
    Case c{row.shape, GetParam(), false, row.b_transposed};
    SCOPED_TRACE(describe(c));
    Product product(c, fractions(6));
    at_every_level(product, [&](IsaLevel isa) {
      ASSERT_EQ(product.run(isa), Status::ok);
      const std::vector<std::byte> serial_bits = product.d.memory().copy();
      for (const std::uint32_t threads : {2u, 3u, 7u}) {
        ThreadedParallel parallel(threads);
        product.d.memory().poison();
        ASSERT_EQ(product.run(isa, parallel.get()), Status::ok);
        EXPECT_EQ(product.d.memory().copy(), serial_bits) << threads << " threads";
      }
    });
  }
}

TEST_P(GemmTypes, Batches) {
  ThreadedParallel parallel(3);
  for (const std::int64_t batch : {0, 2, 5}) {
    Case c{{33, 50, 290}, GetParam(), true, false};
    c.batch = batch;
    c.pad = 1;
    c.beta = 2.0f;
    c.residual = true;
    Product product(c, small_integers(7));
    at_every_level(product, [&](IsaLevel isa) {
      ASSERT_EQ(product.run(isa, parallel.get()), Status::ok);
      product.expect_exact(product.d);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Native, GemmTypes, testing::ValuesIn(kTypes),
                         [](const auto& param_info) { return param_info.param.label; });

TEST(Gemm, EightBitIntegersAreExactOverTheirWholeRange) {
  constexpr Types kBytes{"i8", Dtype::kI8, Dtype::kI8, Dtype::kI32};
  for (const Shape& shape : kShapes) {
    for (int layout = 0; layout < 4; ++layout) {
      Case c{shape, kBytes, (layout & 1) != 0, (layout & 2) != 0};
      c.pad = layout;
      SCOPED_TRACE(describe(c));
      Product product(c, [engine = std::mt19937(11)]() mutable {
        return static_cast<double>(static_cast<int>(engine() % 256) - 128);
      });
      at_every_level(product, [&](IsaLevel isa) {
        ASSERT_EQ(product.run(isa), Status::ok);
        product.expect_exact(product.d);
      });
    }
  }
}

TEST(Gemm, EightBitExtremesDoNotSaturate) {
  for (const double a : {-128.0, 127.0}) {
    for (const double b : {-128.0, 127.0}) {
      Case c{{9, 49, 1000}, {"i8", Dtype::kI8, Dtype::kI8, Dtype::kI32}, false, true};
      Product product(c, [&, count = 0]() mutable { return count++ < 9 * 1000 ? a : b; });
      at_every_level(product, [&](IsaLevel isa) {
        ASSERT_EQ(product.run(isa), Status::ok);
        product.expect_exact(product.d);
      });
    }
  }
}

TEST(Gemm, ASharedOperandHasBatchStrideZero) {
  Case one{{6, 50, 20}, kTypes[0]};
  Product single(one, small_integers(8));
  Case three = one;
  three.batch = 3;
  Product product(three, small_integers(8));
  product.desc.a = single.desc.a;
  product.desc.b = single.desc.b;
  product.desc.a.batch_stride = product.desc.b.batch_stride = 0;
  product.buffers.a = single.a.data();
  product.buffers.b = single.b.data();
  at_every_level(product, [&](IsaLevel isa) {
    ASSERT_EQ(product.run(isa), Status::ok);
    const std::vector<double> d = product.d.read();
    for (std::size_t i = 0; i < d.size(); ++i) {
      ASSERT_EQ(d[i], single.expected.value[i % single.expected.value.size()]) << i;
    }
  });
}

TEST(Gemm, AnEmptyProductNeedsNoOperands) {
  for (const bool transposed : {false, true}) {
    for (const std::int64_t m : {3, 40}) {
      Case c{{m, 60, 0}, kTypes[0], transposed, transposed};
      c.beta = 2.0f;
      c.bias = true;
      Product product(c, small_integers(12));
      product.buffers.a = product.buffers.b = nullptr;
      at_every_level(product, [&](IsaLevel isa) {
        ASSERT_EQ(product.run(isa), Status::ok);
        product.expect_exact(product.d);
      });
    }
  }
}

TEST(Gemm, InfinityAndNanReachTheirColumnOnly) {
  Product product(Case{{9, 50, 20}, kTypes[0], false, true}, small_integers(9));
  auto* b = static_cast<float*>(product.b.data());
  b[3 * 20 + 5] = std::numeric_limits<float>::infinity();
  b[49 * 20 + 19] = std::numeric_limits<float>::quiet_NaN();
  at_every_level(product, [&](IsaLevel isa) {
    ASSERT_EQ(product.run(isa), Status::ok);
    const std::vector<double> d = product.d.read();
    for (std::size_t i = 0; i < d.size(); ++i) {
      const std::size_t column = i % 50;
      EXPECT_EQ(std::isfinite(d[i]), column != 3 && column != 49) << i;
      EXPECT_TRUE(column != 49 || std::isnan(d[i])) << i;
    }
  });
}

TEST(Gemm, RefusesWhatItCannotRun) {
  Product product(Case{{4, 5, 6}, kTypes[0], false, true}, small_integers(10));
  const IsaLevel isa = detect_isa();

  GemmDesc desc = product.desc;
  desc.m = -1;
  EXPECT_EQ(gemm_check(desc), Status::invalid_argument);
  desc = product.desc;
  desc.a.row_stride = 5;
  EXPECT_EQ(gemm_check(desc), Status::invalid_argument);
  desc = product.desc;
  desc.d.row_stride = 4;
  EXPECT_EQ(gemm_check(desc), Status::invalid_argument);
  desc = product.desc;
  desc.a.type = ElementType::i8;
  EXPECT_EQ(gemm_check(desc), Status::unsupported);
  EXPECT_EQ(gemm_workspace_bytes(desc, isa, 1), 0u);

  GemmBuffers missing = product.buffers;
  missing.b = nullptr;
  EXPECT_EQ(gemm(product.desc, missing, isa, serial(), nullptr, 0), Status::invalid_argument);

  // Large enough to need a workspace whatever the level.
  Product large(Case{{70, 300, 600}, kTypes[1], false, true}, small_integers(10));
  const Workspace workspace(gemm_workspace_bytes(large.desc, isa, 1));
  ASSERT_GT(workspace.size_bytes(), 0u);
  EXPECT_EQ(
      gemm(large.desc, large.buffers, isa, serial(), workspace.data(), workspace.size_bytes() - 1),
      Status::workspace_too_small);
  EXPECT_EQ(gemm(large.desc, large.buffers, isa, serial(),
                 static_cast<std::byte*>(workspace.data()) + 4, workspace.size_bytes()),
            Status::invalid_argument);
  EXPECT_EQ(large.d.memory().copy(),
            std::vector<std::byte>(70 * 300 * sizeof(float), std::byte{0xff}));
}

}  // namespace
}  // namespace sampan::cpu::native::test
