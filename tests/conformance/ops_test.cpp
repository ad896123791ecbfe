// One small case of each plan against values worked out by hand, and what holds for all plans. The
// kernels themselves have their own, deeper suite.
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "conformance.h"
#include "sampan/ops/attention.h"
#include "sampan/ops/elementwise.h"
#include "sampan/ops/gemm.h"
#include "sampan/ops/rows.h"
#include "sampan/ops/sequence.h"

namespace sampan::conformance {
namespace {

using Floats = std::vector<float>;
using Ints = std::vector<std::int32_t>;
constexpr float kInf = std::numeric_limits<float>::infinity();

// Within a few roundings of f32: |expected| below 100.
void expect_near(const Floats& actual, const Floats& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-4f) << i;
}

View f32(const Buffer& buffer, std::initializer_list<std::uint64_t> shape) {
  return buffer.view(DType::f32, shape);
}

// ---- Products ----------------------------------------------------------------------------------

const Floats kA = {1, 2, 3, 4, 5, 6};      // 2 x 3
const Floats kB = {1, 0, 2, 1, -1, 3};     // 3 x 2
const Floats kAb = {2, 11, 8, 23};         // A * B

void add_gemm(CaseList& cases) {
  cases.add("Ops", "Gemm", [] {
    Stream s = device().create_stream();
    const Buffer a = upload(s, kA), b = upload(s, kB), d = s.allocate(16);
    ops::GemmPlan(device(), {.m = 2, .n = 2, .k = 3})
        .run(s, {.a = f32(a, {2, 3}), .b = f32(b, {3, 2}), .d = f32(d, {2, 2})});
    EXPECT_EQ(download<float>(s, d), kAb);
  });
  cases.add("Ops", "GemmTransposed", [] {
    Stream s = device().create_stream();
    const Buffer a = upload(s, Floats{1, 4, 2, 5, 3, 6}), b = upload(s, Floats{1, 2, -1, 0, 1, 3});
    const Buffer d = s.allocate(16);
    ops::GemmPlan(device(), {.m = 2, .n = 2, .k = 3, .a_transposed = true, .b_transposed = true})
        .run(s, {.a = f32(a, {3, 2}), .b = f32(b, {2, 3}), .d = f32(d, {2, 2})});
    EXPECT_EQ(download<float>(s, d), kAb);
  });
  cases.add("Ops", "GemmFused", [] {
    Stream s = device().create_stream();
    const Buffer a = upload(s, kA), b = upload(s, kB), c = upload(s, Floats{1, 1, 1, 1});
    const Buffer bias = upload(s, Floats{10, 20}), residual = upload(s, Floats{100, 200, 300, 400});
    const Buffer d = s.allocate(16);
    ops::GemmPlan(device(), {.m = 2, .n = 2, .k = 3, .alpha = 2, .beta = 3, .has_bias = true,
                             .has_residual = true})
        .run(s, {.a = f32(a, {2, 3}), .b = f32(b, {3, 2}), .d = f32(d, {2, 2}),
                 .c = f32(c, {2, 2}), .bias = f32(bias, {2}), .residual = f32(residual, {2, 2})});
    EXPECT_EQ(download<float>(s, d), (Floats{117, 245, 329, 469}));
  });
  cases.add("Ops", "GemmBatched", [] {
    Stream s = device().create_stream();
    const Buffer a = upload(s, Floats{1, 2, 3, 4}), b = upload(s, Floats{5, 6}), d = s.allocate(8);
    ops::GemmPlan(device(), {.m = 1, .n = 1, .k = 2, .batch = 2, .a_batch_stride = 2,
                             .d_batch_stride = 1})
        .run(s, {.a = f32(a, {2, 1, 2}), .b = f32(b, {2, 1}), .d = f32(d, {2, 1, 1})});
    EXPECT_EQ(download<float>(s, d), (Floats{17, 39}));
  });
  for (const DType dtype : {DType::f16, DType::bf16}) {
    cases.add("Ops", "Gemm/" + std::string(to_string(dtype)), [dtype] {
      Stream s = device().create_stream();
      const ops::ElementwisePlan narrow(
          device(), {.kind = ops::Elementwise::cast, .elems = 6, .y_dtype = dtype});
      const Buffer a32 = upload(s, kA), b32 = upload(s, kB);
      const Buffer a = s.allocate(12), b = s.allocate(12), d = s.allocate(16);
      narrow.run(s, a32.view(DType::f32), View(), a.view(dtype));
      narrow.run(s, b32.view(DType::f32), View(), b.view(dtype));
      ops::GemmPlan(device(), {.m = 2, .n = 2, .k = 3, .a = dtype, .b = dtype})
          .run(s, {.a = a.view(dtype, {2, 3}), .b = b.view(dtype, {3, 2}), .d = f32(d, {2, 2})});
      EXPECT_EQ(download<float>(s, d), kAb);
    });
  }
  cases.add("Ops", "GemmOfIntegers", [] {
    Stream s = device().create_stream();
    const Buffer a = upload(s, std::vector<std::int8_t>{1, -2, 127, -128, 5, 6});
    const Buffer b = upload(s, std::vector<std::int8_t>{1, 0, 2, 1, -1, 127});
    const Buffer d = s.allocate(16);
    ops::GemmPlan(device(), {.m = 2, .n = 2, .k = 3, .a = DType::i8, .b = DType::i8,
                             .d = DType::i32})
        .run(s, {.a = a.view(DType::i8, {2, 3}), .b = b.view(DType::i8, {3, 2}),
                 .d = d.view(DType::i32, {2, 2})});
    EXPECT_EQ(download<std::int32_t>(s, d), (Ints{-130, 16127, -124, 767}));
  });
  for (const DType dtype : {DType::i8, DType::i4}) {
    cases.add("Ops", "GemmOfWeights/" + std::string(to_string(dtype)), [dtype] {
      Stream s = device().create_stream();
      // One row of 32 weights 0, 1, … 7, 0, 1, …, quantised and multiplied by ones.
      Floats w(32);
      for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i % 8);
      const Buffer weights = upload(s, w), q = s.allocate(32), scales = s.allocate(4);
      const Buffer x = upload(s, Floats(32, 1)), d = s.allocate(4);
      const View packed = q.view(dtype, {1, 32}), scale = scales.view(DType::f32, {1, 1});
      ops::QuantizePlan(device(), {.n = 1, .k = 32, .group_k = 32, .q_dtype = dtype,
                                   .scale_type = DType::f32})
          .run(s, f32(weights, {1, 32}), packed, scale);
      ops::GemmPlan(device(), {.m = 1, .n = 1, .k = 32, .b = dtype, .b_transposed = true,
                               .group_k = 32, .scale_type = DType::f32})
          .run(s, {.a = f32(x, {1, 32}), .b = packed, .d = f32(d, {1, 1}), .scales = scale});
      // Half a step of rounding for each of 32 weights.
      const float step = 7.0f / (dtype == DType::i8 ? 127.0f : 7.0f);
      EXPECT_NEAR(download<float>(s, d)[0], 112.0f, dtype == DType::i4 ? 1e-4f : 16 * step);
    });
  }
}

// ---- Attention ---------------------------------------------------------------------------------

void add_attention(CaseList& cases) {
  cases.add("Ops", "AttentionToOneKeyIsItsValue", [] {
    Stream s = device().create_stream();
    Floats v(16);
    std::iota(v.begin(), v.end(), 1.0f);
    const Buffer q = upload(s, Floats(16, 3)), k = upload(s, Floats(16, 2)), value = upload(s, v);
    const Buffer o = s.allocate(64);
    ops::AttentionPlan(device(), {.d = 16})
        .run(s, {.q = f32(q, {1, 1, 1, 16}), .k = f32(k, {1, 1, 1, 16}),
                 .v = f32(value, {1, 1, 1, 16}), .o = f32(o, {1, 1, 1, 16})});
    expect_near(download<float>(s, o), v);
  });
  cases.add("Ops", "AttentionOfEqualScoresIsTheMean", [] {
    Stream s = device().create_stream();
    Floats v(4 * 16);
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(i / 16 * 10 + i % 16);
    Floats mean(16);
    for (std::size_t i = 0; i < 16; ++i) mean[i] = 15.0f + static_cast<float>(i);
    const Buffer q = upload(s, Floats(16, 0)), k = upload(s, Floats(64, 2)), value = upload(s, v);
    const Buffer o = s.allocate(64);
    ops::AttentionPlan(device(), {.skv = 4, .d = 16})
        .run(s, {.q = f32(q, {1, 1, 1, 16}), .k = f32(k, {1, 4, 1, 16}),
                 .v = f32(value, {1, 4, 1, 16}), .o = f32(o, {1, 1, 1, 16})});
    expect_near(download<float>(s, o), mean);
  });
  cases.add("Ops", "CausalAttentionSeesThePast", [] {
    Stream s = device().create_stream();
    Floats v(3 * 16), expected(3 * 16);
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(i / 16 * 6);  // 0, 6, 12
    for (std::size_t i = 0; i < v.size(); ++i) expected[i] = static_cast<float>(i / 16 * 3);
    const Buffer q = upload(s, Floats(48, 0)), k = upload(s, Floats(48, 1)), value = upload(s, v);
    const Buffer o = s.allocate(48 * 4);
    ops::AttentionPlan(device(), {.sq = 3, .skv = 3, .d = 16, .causal = true})
        .run(s, {.q = f32(q, {1, 3, 1, 16}), .k = f32(k, {1, 3, 1, 16}),
                 .v = f32(value, {1, 3, 1, 16}), .o = f32(o, {1, 3, 1, 16})});
    expect_near(download<float>(s, o), expected);
  });
}

// ---- Rows --------------------------------------------------------------------------------------

void add_rows(CaseList& cases) {
  cases.add("Ops", "RmsNorm", [] {
    Stream s = device().create_stream();
    const Buffer x = upload(s, Floats{3, 4, 0, 0}), w = upload(s, Floats{1, 2, 1, 1});
    const Buffer y = s.allocate(16);
    ops::RmsNormPlan(device(), {.rows = 1, .cols = 4, .epsilon = 0})
        .run(s, f32(x, {1, 4}), f32(w, {4}), f32(y, {1, 4}));
    expect_near(download<float>(s, y), {1.2f, 3.2f, 0, 0});
  });
  cases.add("Ops", "LayerNorm", [] {
    Stream s = device().create_stream();
    const Buffer x = upload(s, Floats{1, 3, 1, 3}), w = upload(s, Floats{1, 2, 3, 4});
    const Buffer b = upload(s, Floats{0, 0, 10, 0}), y = s.allocate(16);
    ops::LayerNormPlan(device(), {.rows = 1, .cols = 4, .epsilon = 0})
        .run(s, f32(x, {1, 4}), f32(w, {4}), f32(b, {4}), f32(y, {1, 4}));
    expect_near(download<float>(s, y), {-1, 2, 7, 4});
  });
  cases.add("Ops", "Softmax", [] {
    Stream s = device().create_stream();
    const float log2 = std::log(2.0f);
    const Buffer x = upload(s, Floats{0, log2, -kInf, 500, 500, 500, -kInf, -kInf, -kInf});
    const Buffer y = s.allocate(36);
    ops::SoftmaxPlan(device(), {.rows = 3, .cols = 3}).run(s, f32(x, {3, 3}), f32(y, {3, 3}));
    const float third = 1.0f / 3;
    expect_near(download<float>(s, y), {third, 2 * third, 0, third, third, third, 0, 0, 0});
  });
  cases.add("Ops", "Argmax", [] {
    Stream s = device().create_stream();
    const Buffer x = upload(s, Floats{1, 7, 7, -kInf, std::nanf(""), 9, -1, -1, -2});
    const Buffer index = s.allocate(12);
    ops::ArgmaxPlan(device(), {.rows = 3, .cols = 3})
        .run(s, f32(x, {3, 3}), index.view(DType::i32, {3}));
    EXPECT_EQ(download<std::int32_t>(s, index), (Ints{1, 1, 0}));
  });
  cases.add("Ops", "TopK", [] {
    Stream s = device().create_stream();
    const Buffer x = upload(s, Floats{1, 5, 3, 5, 2}), values = s.allocate(12);
    const Buffer index = s.allocate(12);
    ops::TopKPlan(device(), {.rows = 1, .cols = 5}, 3)
        .run(s, f32(x, {1, 5}), f32(values, {1, 3}), index.view(DType::i32, {1, 3}));
    EXPECT_EQ(download<float>(s, values), (Floats{5, 5, 3}));
    EXPECT_EQ(download<std::int32_t>(s, index), (Ints{1, 3, 2}));
  });
  cases.add("Ops", "Transpose", [] {
    Stream s = device().create_stream();
    const Buffer x = upload(s, Floats{1, 2, 3, 4, 5, 6}), y = s.allocate(24);
    ops::TransposePlan(device(), {.rows = 2, .cols = 3}).run(s, f32(x, {2, 3}), f32(y, {3, 2}));
    EXPECT_EQ(download<float>(s, y), (Floats{1, 4, 2, 5, 3, 6}));
  });
}

// ---- Elements ----------------------------------------------------------------------------------

struct ElementRow {
  const char* name;
  ops::Elementwise kind;
  bool has_two_inputs;
  Floats expected;  // of a = {-2, 0, 1, 3} and b = {5, 6, 7, 8}; scale 0.5
};
const ElementRow kElementRows[] = {
    {"Add", ops::Elementwise::add, true, {3, 6, 8, 11}},
    {"Mul", ops::Elementwise::mul, true, {-10, 0, 7, 24}},
    {"SiluMul", ops::Elementwise::silu_mul, true, {-1.19203f, 0, 5.11741f, 22.86178f}},
    {"Scale", ops::Elementwise::scale, false, {-1, 0, 0.5f, 1.5f}},
    {"Silu", ops::Elementwise::silu, false, {-0.238406f, 0, 0.731059f, 2.857722f}},
    {"Gelu", ops::Elementwise::gelu, false, {-0.0454023f, 0, 0.841192f, 2.996363f}},
};

void add_elements(CaseList& cases) {
  for (const ElementRow& row : kElementRows) {
    cases.add("Ops", std::string("Elementwise/") + row.name, [&row] {
      Stream s = device().create_stream();
      const Buffer a = upload(s, Floats{-2, 0, 1, 3}), b = upload(s, Floats{5, 6, 7, 8});
      const Buffer y = s.allocate(16);
      const ops::ElementwisePlan plan(device(), {.kind = row.kind, .elems = 4, .scale = 0.5f});
      plan.run(s, a.view(DType::f32), row.has_two_inputs ? b.view(DType::f32) : View(),
               y.view(DType::f32));
      expect_near(download<float>(s, y), row.expected);
    });
  }
  cases.add("Ops", "Elementwise/CastSaturates", [] {
    Stream s = device().create_stream();
    const Buffer a = upload(s, Floats{-300, -1.9f, 0, 1.9f, 127, 128, kInf, std::nanf("")});
    const Buffer y = s.allocate(8);
    ops::ElementwisePlan(device(),
                         {.kind = ops::Elementwise::cast, .elems = 8, .y_dtype = DType::i8})
        .run(s, a.view(DType::f32), View(), y.view(DType::i8));
    EXPECT_EQ(download<std::int8_t>(s, y),
              (std::vector<std::int8_t>{-128, -1, 0, 1, 127, 127, 127, 0}));
  });
}

void add_sequence(CaseList& cases) {
  cases.add("Ops", "Rope", [] {
    Stream s = device().create_stream();
    // Two tokens at positions 0 and 1, d = 2: w_0 = 1.
    const Buffer x = upload(s, Floats{1, 2, 1, 2}), y = s.allocate(16);
    ops::RopePlan(device(), {.tokens = 2, .heads = 1, .d = 2})
        .run(s, f32(x, {2, 1, 2}), f32(y, {2, 1, 2}), 0);
    const float c = std::cos(1.0f), n = std::sin(1.0f);
    expect_near(download<float>(s, y), {1, 2, c - 2 * n, 2 * c + n});
  });
  cases.add("Ops", "RopeAtGivenPositions", [] {
    Stream s = device().create_stream();
    const Buffer x = upload(s, Floats{1, 2, 1, 2}), y = s.allocate(16);
    const Buffer positions = upload(s, Ints{5, 0});
    ops::RopePlan(device(), {.tokens = 2, .heads = 1, .d = 2})
        .run(s, f32(x, {2, 1, 2}), f32(y, {2, 1, 2}), 0, positions.view(DType::i32));
    const float c = std::cos(5.0f), n = std::sin(5.0f);
    expect_near(download<float>(s, y), {c - 2 * n, 2 * c + n, 1, 2});
  });
  cases.add("Ops", "Embedding", [] {
    Stream s = device().create_stream();
    const Buffer table = upload(s, Floats{1, 2, 3, 4, 5, 6}), ids = upload(s, Ints{2, 0, -1, 3});
    const Buffer y = s.allocate(32);
    ops::EmbeddingPlan(device(), {.tokens = 4, .rows = 3, .cols = 2})
        .run(s, f32(table, {3, 2}), ids.view(DType::i32), f32(y, {4, 2}));
    EXPECT_EQ(download<float>(s, y), (Floats{5, 6, 1, 2, 0, 0, 0, 0}));
  });
  for (const DType dtype : {DType::i8, DType::i4}) {
    cases.add("Ops", "QuantizeAndBack/" + std::string(to_string(dtype)), [dtype] {
      Stream s = device().create_stream();
      // The largest of each group is a multiple of the largest code: every weight comes back.
      Floats w(64);
      for (std::size_t i = 0; i < 32; ++i) w[i] = static_cast<float>(i % 8);
      w[0] = dtype == DType::i8 ? 127.0f : -7.0f;
      const Buffer weights = upload(s, w), q = s.allocate(64), scales = s.allocate(8);
      const Buffer back = s.allocate(256);
      const ops::QuantizeDesc desc{.n = 1, .k = 64, .group_k = 32, .q_dtype = dtype,
                                   .scale_type = DType::f32};
      ops::QuantizePlan(device(), desc)
          .run(s, f32(weights, {1, 64}), q.view(dtype, {1, 64}), f32(scales, {1, 2}));
      ops::DequantizePlan(device(), desc)
          .run(s, q.view(dtype, {1, 64}), f32(scales, {1, 2}), f32(back, {1, 64}));
      EXPECT_EQ(download<float>(s, back), w);
      EXPECT_EQ(download<float>(s, scales), (Floats{1, 0}));
    });
  }
}

// ---- All plans ---------------------------------------------------------------------------------

void add_plans(CaseList& cases) {
  cases.add("Plan", "SaysWhy", [] {
    const ops::GemmPlan plan(device(), {.m = 4, .n = 4, .k = 4});
    EXPECT_EQ(plan.device(), device());
    const auto& candidates = plan.why();
    ASSERT_FALSE(candidates.empty());
    EXPECT_TRUE(candidates.front().chosen);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      EXPECT_EQ(candidates[i].chosen, i == 0);
      EXPECT_FALSE(candidates[i].provider.empty());
      EXPECT_FALSE(candidates[i].reason.empty());
    }
  });
  cases.add("Plan", "RunsWithoutAllocating", [] {
    Stream s = device().create_stream();
    const ops::GemmPlan plan(device(), {.m = 64, .n = 64, .k = 64});
    const Buffer a = s.allocate(64 * 64 * 4), d = s.allocate(64 * 64 * 4);
    s.fill(a.view(DType::f32), 1.0f);
    const std::uint64_t before = device().pool_stats().allocations;
    for (int i = 0; i < 10; ++i) {
      plan.run(s, {.a = f32(a, {64, 64}), .b = f32(a, {64, 64}), .d = f32(d, {64, 64})});
    }
    s.synchronize();
    EXPECT_EQ(device().pool_stats().allocations, before);
  });
  cases.add("Plan", "EmptyOneIsRefused", [] {
    Stream s = device().create_stream();
    const Buffer x = s.allocate(16);
    const ops::GemmPlan none;
    EXPECT_FALSE(none);
    expect_error(ErrorCode::invalid_argument, [&] {
      none.run(s, {.a = f32(x, {2, 2}), .b = f32(x, {2, 2}), .d = f32(x, {2, 2})});
    });
    EXPECT_TRUE(none.why().empty());
  });
  cases.add("Plan", "RefusesWhatDoesNotFit", [] {
    Stream s = device().create_stream();
    const Buffer x = s.allocate(64), y = s.allocate(64);
    const ops::ElementwisePlan plan(device(), {.kind = ops::Elementwise::add, .elems = 16});
    const View whole = x.view(DType::f32), half = x.view(DType::f32, {8});
    const auto refused = [](const std::function<void()>& call) {
      expect_error(ErrorCode::invalid_argument, call);
    };
    refused([&] { plan.run(s, half, whole, y.view(DType::f32)); });
    refused([&] { plan.run(s, whole, whole, y.view(DType::f32, {8})); });
    refused([&] { plan.run(s, whole, View(), y.view(DType::f32)); });
    refused([&] { plan.run(s, whole, whole, y.view(DType::i32)); });
    refused([&] { ops::GemmPlan(device(), {.m = 2, .n = 2, .k = 2, .a = DType::i64}); });
    refused([&] { ops::GemmPlan(device(), {.m = 2, .n = 2, .k = 8, .lda = 3}); });
  });
}

// Bitwise equal from run to run, on any stream.
void add_determinism(CaseList& cases) {
  struct Shape {
    std::uint64_t m, n, k;
  };
  for (const Shape shape : {Shape{1, 512, 512}, {7, 333, 1021}, {128, 128, 128}}) {
    cases.add("Determinism",
              "Gemm/" + std::to_string(shape.m) + "x" + std::to_string(shape.n) + "x" +
                  std::to_string(shape.k),
              [shape] {
                const auto [m, n, k] = shape;
                Stream s = device().create_stream();
                Floats a(m * k), b(k * n);
                for (std::size_t i = 0; i < a.size(); ++i) a[i] = std::sin(static_cast<float>(i));
                for (std::size_t i = 0; i < b.size(); ++i) b[i] = std::cos(static_cast<float>(i));
                const Buffer da = upload(s, a), db = upload(s, b), d = s.allocate(m * n * 4);
                const ops::GemmPlan plan(device(), {.m = m, .n = n, .k = k});
                Floats first;
                for (int run = 0; run < 20; ++run) {
                  Stream stream = device().create_stream();
                  stream.fill(d.view(DType::f32), -1.0f);
                  plan.run(stream, {.a = f32(da, {m, k}), .b = f32(db, {k, n}),
                                    .d = f32(d, {m, n})});
                  Floats result = download<float>(stream, d);
                  if (run == 0) first = result;
                  ASSERT_TRUE(same_values(result, first)) << "run " << run;
                }
                EXPECT_NE(first[0], -1.0f);
              });
  }
}

}  // namespace

void add_ops_cases(CaseList& cases) {
  add_gemm(cases);
  add_attention(cases);
  add_rows(cases);
  add_elements(cases);
  add_sequence(cases);
  add_plans(cases);
  add_determinism(cases);
}

}  // namespace sampan::conformance
