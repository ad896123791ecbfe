// Native attention against its definition in f64, at every instruction level.
#include "backends/cpu/native/attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "reference/attention.h"
#include "support.h"
#include "support/compare.h"
#include "support/gtest_compare.h"

namespace sampan::cpu::native::test {
namespace {

using sampan::test::agrees;
using sampan::test::compare_within;

struct Shape {
  std::int64_t batch, heads, kv_heads, q_len, kv_len, head_dim;
};

// Keys come in blocks of 240, scores in 64 rows, items in at most 512 rows; up to 64 rows share
// keys out in parts of at least 480. Panels are 8, 24 or 48 columns wide.
constexpr Shape kShapes[] = {
    {1, 1, 1, 1, 1, 16},    {1, 1, 1, 1, 0, 16},    {2, 4, 2, 3, 5, 16},    {1, 2, 2, 7, 7, 64},
    {1, 3, 1, 17, 49, 48},  {2, 2, 1, 5, 3, 80},    {1, 2, 1, 1, 239, 32},  {1, 4, 4, 1, 240, 128},
    {1, 8, 2, 1, 241, 64},  {1, 4, 1, 2, 479, 16},  {2, 4, 2, 1, 960, 32},  {1, 2, 1, 3, 1201, 16},
    {1, 1, 1, 63, 64, 16},  {1, 1, 1, 64, 241, 16}, {1, 2, 1, 65, 130, 32}, {1, 4, 1, 130, 300, 16},
    {1, 2, 2, 97, 97, 256}, {0, 1, 1, 1, 1, 16},    {1, 1, 1, 0, 5, 16},    {1, 2, 1, 9, 500, 1},
    {1, 2, 1, 6, 50, 37},   {1, 7, 7, 1, 9000, 16},
};

std::string describe(const Shape& s, bool causal) {
  return text_of("b", s.batch, " h", s.heads, "/", s.kv_heads, " q", s.q_len, " kv", s.kv_len, " d",
                 s.head_dim, causal ? " causal" : "");
}

/// Where key j of an entry lies: in a cache with room to spare, or in shuffled pages.
enum class KeyLayout { cache, pages };

class Problem {
 public:
  Problem(const Shape& s, Dtype dtype, bool causal, KeyLayout layout, std::int64_t page_size = 7)
      : shape(s),
        q(dtype, {s.batch, s.q_len, s.heads, s.head_dim}, 3),
        k(dtype, key_shape(s, layout, page_size), 1),
        v(dtype, key_shape(s, layout, page_size), 2),
        o(dtype, {s.batch, s.q_len, s.heads, s.head_dim}, 5) {
    q.generate(fractions(1));
    k.generate(fractions(2));
    v.generate(fractions(3));
    desc.type = element_type(dtype);
    desc.batch = s.batch;
    desc.heads = s.heads;
    desc.kv_heads = s.kv_heads;
    desc.q_len = s.q_len;
    desc.kv_len = s.kv_len;
    desc.head_dim = s.head_dim;
    desc.q = strides(q);
    desc.k = strides(k);
    desc.v = strides(v);
    desc.o = strides(o);
    // Scores of a few units either way: weights that differ, without one that drowns the others.
    desc.scale = 4.0f / std::sqrt(static_cast<float>(s.head_dim));
    desc.causal = causal;
    buffers = {q.data(), k.data(), v.data(), nullptr, o.data()};
    if (layout == KeyLayout::pages) use_pages(page_size);
  }

  /// The definition's result for the first `kv_len` keys.
  [[nodiscard]] reference::Result expected(std::int64_t kv_len) const {
    const std::vector<std::int32_t> lengths(static_cast<std::size_t>(shape.batch),
                                            static_cast<std::int32_t>(kv_len));
    reference::AttentionSpec spec;
    spec.scale = desc.scale;
    spec.causal = desc.causal;
    spec.out = o.dtype();
    spec.kv_lengths = lengths;
    spec.max_rescales = kv_len / 240 + 1 + 16;
    if (desc.page_size == 0) return reference::attention(q.view(), k.view(), v.view(), spec);
    return reference::attention_paged(q.view(), {k.view(), v.view(), block_table}, spec);
  }

  [[nodiscard]] Status run(IsaLevel isa, std::int64_t kv_len, const Parallel& parallel = serial()) {
    const Workspace workspace(attention_workspace_bytes(desc, isa, parallel.threads));
    return attention(desc, buffers, kv_len, isa, parallel, workspace.data(),
                     workspace.size_bytes());
  }

  Shape shape;
  Tensor<4> q, k, v, o;
  std::vector<std::int32_t> block_table;
  AttentionDesc desc;
  AttentionBuffers buffers;

 private:
  static Tensor<4>::Index key_shape(const Shape& s, KeyLayout layout, std::int64_t page_size) {
    if (layout == KeyLayout::cache) return {s.batch, s.kv_len + 3, s.kv_heads, s.head_dim};
    const std::int64_t pages = (s.kv_len + page_size - 1) / page_size;
    return {s.batch * pages + 2, page_size, s.kv_heads, s.head_dim};
  }

  static TokenStrides strides(const Tensor<4>& t) {
    return {t.stride(0), t.stride(1), t.stride(2)};
  }

  /// Pages in falling order; the table has one column more than needed, which must not be read.
  void use_pages(std::int64_t page_size) {
    const std::int64_t pages = (shape.kv_len + page_size - 1) / page_size;
    desc.page_size = page_size;
    desc.max_pages = pages + 1;
    for (std::int64_t b = 0; b < shape.batch; ++b) {
      for (std::int64_t p = 0; p < pages; ++p) {
        block_table.push_back(static_cast<std::int32_t>((shape.batch - b) * pages - p));
      }
      block_table.push_back(-1);
    }
    buffers.block_table = block_table.data();
  }
};

class AttentionTypes : public testing::TestWithParam<Dtype> {};

TEST_P(AttentionTypes, StaysWithinTheAPrioriBound) {
  for (const Shape& shape : kShapes) {
    for (const bool causal : {false, true}) {
      SCOPED_TRACE(describe(shape, causal));
      Problem problem(shape, GetParam(), causal, KeyLayout::cache);
      const reference::Result expected = problem.expected(shape.kv_len);
      for (const IsaLevel isa : available_levels()) {
        SCOPED_TRACE(isa_name(isa));
        problem.o.memory().poison();
        ASSERT_EQ(problem.run(isa, shape.kv_len), Status::ok);
        EXPECT_TRUE(agrees(compare_within(problem.o.read(), expected, GetParam())));
        EXPECT_TRUE(problem.o.gaps_untouched());
      }
    }
  }
}

TEST_P(AttentionTypes, PagedKeysGiveTheBitsOfContiguousOnes) {
  for (const Shape& shape :
       {Shape{2, 4, 2, 1, 100, 16}, Shape{2, 2, 1, 20, 500, 64}, Shape{1, 1, 1, 3, 1000, 16}}) {
    for (const std::int64_t page_size : {1, 16, 33}) {
      SCOPED_TRACE(text_of(describe(shape, true), " page ", page_size));
      Problem paged(shape, GetParam(), true, KeyLayout::pages, page_size);
      const reference::Result expected = paged.expected(shape.kv_len);
      for (const IsaLevel isa : available_levels()) {
        SCOPED_TRACE(isa_name(isa));
        paged.o.memory().poison();
        ASSERT_EQ(paged.run(isa, shape.kv_len), Status::ok);
        EXPECT_TRUE(agrees(compare_within(paged.o.read(), expected, GetParam())));
      }
    }
  }
}

TEST_P(AttentionTypes, ARunMayHaveFewerKeysThanTheDescription) {
  for (const std::int64_t q_len : {1, 4, 70}) {
    Problem problem({2, 4, 2, q_len, 1300, 32}, GetParam(), true, KeyLayout::cache);
    for (const std::int64_t kv_len : {0, 1, 3, 240, 700, 1300}) {
      SCOPED_TRACE(text_of(describe(problem.shape, true), " run with ", kv_len));
      const reference::Result expected = problem.expected(kv_len);
      for (const IsaLevel isa : available_levels()) {
        SCOPED_TRACE(isa_name(isa));
        problem.o.memory().poison();
        ASSERT_EQ(problem.run(isa, kv_len), Status::ok);
        EXPECT_TRUE(agrees(compare_within(problem.o.read(), expected, GetParam())));
      }
    }
  }
}

TEST_P(AttentionTypes, ThreadsDoNotChangeABit) {
  for (const Shape& shape :
       {Shape{1, 8, 2, 1, 3000, 64}, Shape{2, 4, 2, 200, 260, 32}, Shape{2, 3, 3, 1, 1500, 80},
        Shape{1, 5, 1, 1, 2000, 64}, Shape{1, 6, 1, 3, 1100, 80}, Shape{1, 16, 1, 5, 700, 64}}) {
    SCOPED_TRACE(describe(shape, true));
    Problem problem(shape, GetParam(), true, KeyLayout::cache);
    for (const IsaLevel isa : available_levels()) {
      SCOPED_TRACE(isa_name(isa));
      ASSERT_EQ(problem.run(isa, shape.kv_len), Status::ok);
      const std::vector<std::byte> serial_bits = problem.o.memory().copy();
      for (const std::uint32_t threads : {2u, 3u, 5u, 16u}) {
        ThreadedParallel parallel(threads);
        problem.o.memory().poison();
        ASSERT_EQ(problem.run(isa, shape.kv_len, parallel.get()), Status::ok);
        EXPECT_EQ(problem.o.memory().copy(), serial_bits) << threads << " threads";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Native, AttentionTypes,
                         testing::Values(Dtype::kF32, Dtype::kF16, Dtype::kBf16),
                         [](const auto& param_info) {
                           return std::string(reference::dtype_name(param_info.param));
                         });

TEST(Attention, OneVisibleKeyReturnsItsValueExactly) {
  // More queries than keys: rows 0 and 1 see nothing, row 2 sees key 0 only.
  Problem problem({1, 2, 1, 5, 3, 32}, Dtype::kF32, true, KeyLayout::cache);
  for (const IsaLevel isa : available_levels()) {
    SCOPED_TRACE(isa_name(isa));
    ASSERT_EQ(problem.run(isa, 3), Status::ok);
    const std::vector<double> o = problem.o.read();
    for (std::size_t i = 0; i < 2 * 2 * 32; ++i) EXPECT_EQ(o[i], 0.0) << i;
    for (std::size_t h = 0; h < 2; ++h) {
      for (std::size_t d = 0; d < 32; ++d) {
        EXPECT_EQ(o[(2 * 2 + h) * 32 + d], problem.v.values()[d]) << d;
      }
    }
  }
}

TEST(Attention, LargeScoresNeitherOverflowNorVanish) {
  Problem problem({1, 1, 1, 4, 600, 16}, Dtype::kF32, false, KeyLayout::cache);
  problem.desc.scale = 3000.0f;
  for (const IsaLevel isa : available_levels()) {
    SCOPED_TRACE(isa_name(isa));
    ASSERT_EQ(problem.run(isa, 600), Status::ok);
    EXPECT_TRUE(agrees(compare_within(problem.o.read(), problem.expected(600), Dtype::kF32)));
  }
}

TEST(Attention, RefusesWhatItCannotRun) {
  Problem problem({1, 4, 2, 3, 10, 16}, Dtype::kF32, true, KeyLayout::cache);
  AttentionDesc desc = problem.desc;
  desc.heads = 3;
  EXPECT_EQ(attention_check(desc), Status::invalid_argument);
  desc = problem.desc;
  desc.k.token = 15;
  EXPECT_EQ(attention_check(desc), Status::invalid_argument);
  desc = problem.desc;
  desc.page_size = 4;
  desc.max_pages = 2;
  EXPECT_EQ(attention_check(desc), Status::invalid_argument);
  desc = problem.desc;
  desc.type = ElementType::i8;
  EXPECT_EQ(attention_check(desc), Status::unsupported);

  const IsaLevel isa = detect_isa();
  EXPECT_EQ(problem.run(isa, 11), Status::invalid_argument);
  const Workspace workspace(attention_workspace_bytes(problem.desc, isa, 1));
  EXPECT_EQ(attention(problem.desc, problem.buffers, 10, isa, serial(), workspace.data(),
                      workspace.size_bytes() - 1),
            Status::workspace_too_small);
  problem.buffers.v = nullptr;
  EXPECT_EQ(problem.run(isa, 10), Status::invalid_argument);
}

}  // namespace
}  // namespace sampan::cpu::native::test
