#include "reference/attention.h"

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

namespace sampan::reference {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Problem {
  std::int64_t b, sq, skv, h, hkv, d;
  std::vector<double> q, k, v;

  [[nodiscard]] View<4> q_view() const { return {q.data(), {b, sq, h, d}}; }
  [[nodiscard]] View<4> k_view() const { return {k.data(), {b, skv, hkv, d}}; }
  [[nodiscard]] View<4> v_view() const { return {v.data(), {b, skv, hkv, d}}; }
};

Problem make_problem(std::int64_t b, std::int64_t sq, std::int64_t skv, std::int64_t h,
                     std::int64_t hkv, std::int64_t d, Dtype dtype = Dtype::kF32) {
  return {b,
          sq,
          skv,
          h,
          hkv,
          d,
          test::random_normal(b * sq * h * d, 1.5, dtype, 31),
          test::random_normal(b * skv * hkv * d, 1.5, dtype, 32),
          test::random_normal(b * skv * hkv * d, 1, dtype, 33)};
}

TEST(Attention, OneKeyReturnsItsValueExactly) {
  const Problem p = make_problem(2, 3, 1, 4, 2, 8);
  const Result result = attention(p.q_view(), p.k_view(), p.v_view(), {.scale = 0.3});
  const View<4> out(result.value.data(), {2, 3, 4, 8});
  for (std::int64_t b = 0; b < 2; ++b) {
    for (std::int64_t q = 0; q < 3; ++q) {
      for (std::int64_t h = 0; h < 4; ++h) {
        for (std::int64_t i = 0; i < 8; ++i) {
          EXPECT_EQ(out(b, q, h, i), p.v_view()(b, 0, h / 2, i));
        }
      }
    }
  }
}

TEST(Attention, EqualScoresGiveTheMeanOfTheValues) {
  Problem p = make_problem(1, 2, 5, 1, 1, 3);
  std::fill(p.k.begin(), p.k.end(), 0.7);
  const Result result = attention(p.q_view(), p.k_view(), p.v_view(), {});
  for (std::int64_t i = 0; i < 3; ++i) {
    double mean = 0;
    for (std::int64_t key = 0; key < 5; ++key) mean += p.v_view()(0, key, 0, i) / 5;
    EXPECT_NEAR(result.value[i], mean, 1e-15);
  }
}

TEST(Attention, TwoKeysFollowTheLogisticOfTheScoreDifference) {
  const std::vector<double> q{2}, k{3, 1}, v{10, 20};
  const Result result = attention(View<4>(q.data(), {1, 1, 1, 1}), View<4>(k.data(), {1, 2, 1, 1}),
                                  View<4>(v.data(), {1, 2, 1, 1}), {.scale = 0.25});
  const double first = 1 / (1 + std::exp(-0.25 * 2 * (3 - 1)));
  EXPECT_NEAR(result.value[0], 10 * first + 20 * (1 - first), 1e-14);
}

// Query i may see keys 0 .. i + skv - sq. Values are the keys' indices in a one-hot code, so the
// output shows which keys had any weight.
TEST(Attention, CausalMaskAlignsTheLastQueryWithTheLastKey) {
  for (const auto& [sq, skv] : {std::pair{3, 5}, {5, 5}, {6, 4}, {1, 7}, {4, 0}}) {
    Problem p = make_problem(1, sq, skv, 1, 1, 8);
    std::fill(p.v.begin(), p.v.end(), 0.0);
    for (std::int64_t key = 0; key < skv; ++key) p.v[key * 8 + key] = 1;
    const Result result = attention(p.q_view(), p.k_view(), p.v_view(), {.causal = true});
    const View<4> out(result.value.data(), {1, sq, 1, 8});
    for (std::int64_t q = 0; q < sq; ++q) {
      for (std::int64_t key = 0; key < 8; ++key) {
        const bool visible = key < skv && key <= q + skv - sq;
        EXPECT_EQ(out(0, q, 0, key) > 0, visible) << sq << ' ' << skv << ' ' << q << ' ' << key;
      }
    }
  }
}

TEST(Attention, RowsThatSeeNothingAreZeroWithBoundZero) {
  const Problem p = make_problem(1, 4, 2, 2, 1, 3);
  const Result result = attention(p.q_view(), p.k_view(), p.v_view(), {.causal = true});
  for (std::int64_t e = 0; e < 2 * 2 * 3; ++e) {  // queries 0 and 1
    EXPECT_EQ(result.value[e], 0);
    EXPECT_EQ(result.bound[e], 0);
  }
  EXPECT_NE(result.value[2 * 2 * 3], 0);
}

TEST(Attention, HeadsShareKeysInConsecutiveGroups) {
  const Problem p = make_problem(1, 2, 3, 6, 2, 4);
  Problem expanded = p;  // every query head with its own copy of its keys
  expanded.hkv = 6;
  expanded.k.clear();
  expanded.v.clear();
  for (std::int64_t key = 0; key < 3; ++key) {
    for (std::int64_t h = 0; h < 6; ++h) {
      for (std::int64_t i = 0; i < 4; ++i) {
        expanded.k.push_back(p.k_view()(0, key, h < 3 ? 0 : 1, i));
        expanded.v.push_back(p.v_view()(0, key, h < 3 ? 0 : 1, i));
      }
    }
  }
  EXPECT_EQ(attention(p.q_view(), p.k_view(), p.v_view(), {}).value,
            attention(expanded.q_view(), expanded.k_view(), expanded.v_view(), {}).value);
}

TEST(Attention, LengthsHideTheRestOfTheCache) {
  Problem p = make_problem(2, 1, 6, 1, 1, 4);
  const std::vector<std::int32_t> lengths{4, 2};
  for (std::int64_t b = 0; b < 2; ++b) {
    for (std::int64_t key = lengths[b]; key < 6; ++key) {
      std::fill_n(p.k.begin() + (b * 6 + key) * 4, 4, kNan);
      std::fill_n(p.v.begin() + (b * 6 + key) * 4, 4, kNan);
    }
  }
  const Result result =
      attention(p.q_view(), p.k_view(), p.v_view(), {.causal = true, .kv_lengths = lengths});
  for (const double value : result.value) EXPECT_TRUE(std::isfinite(value));
  // Batch 1 alone, with a cache of exactly its length.
  const View<4> q1(p.q.data() + 4, {1, 1, 1, 4});
  const View<4> k1(p.k.data() + 24, {1, 2, 1, 4});
  const View<4> v1(p.v.data() + 24, {1, 2, 1, 4});
  const Result alone = attention(q1, k1, v1, {.causal = true});
  EXPECT_TRUE(std::equal(alone.value.begin(), alone.value.end(), result.value.begin() + 4));
}

TEST(Attention, LengthsBeyondTheCacheAreCut) {
  const Problem p = make_problem(2, 1, 3, 1, 1, 4);
  const std::vector<std::int32_t> lengths{9, -1};
  const Result result = attention(p.q_view(), p.k_view(), p.v_view(), {.kv_lengths = lengths});
  const Result whole = attention(p.q_view(), p.k_view(), p.v_view(), {});
  EXPECT_TRUE(std::equal(result.value.begin(), result.value.begin() + 4, whole.value.begin()));
  EXPECT_EQ((std::vector<double>{result.value.begin() + 4, result.value.end()}),
            std::vector<double>(4, 0.0));
}

TEST(Attention, PagedEqualsContiguous) {
  const Problem p = make_problem(2, 3, 7, 4, 2, 5);
  const std::vector<std::int32_t> lengths{7, 4};
  constexpr std::int64_t kPageSize = 3;
  const std::vector<std::int32_t> table{4, 1, 6, 2, 5, -1};  // batch 1 needs two pages
  std::vector<double> k_pages(7 * kPageSize * 2 * 5, kNan);
  std::vector<double> v_pages = k_pages;
  for (std::int64_t b = 0; b < 2; ++b) {
    for (std::int64_t key = 0; key < lengths[b]; ++key) {
      const std::int64_t page = table[b * 3 + key / kPageSize];
      const std::int64_t row = (page * kPageSize + key % kPageSize) * 10;
      std::copy_n(p.k.begin() + (b * 7 + key) * 10, 10, k_pages.begin() + row);
      std::copy_n(p.v.begin() + (b * 7 + key) * 10, 10, v_pages.begin() + row);
    }
  }
  const PagedKv kv{View<4>(k_pages.data(), {7, kPageSize, 2, 5}),
                   View<4>(v_pages.data(), {7, kPageSize, 2, 5}), table};
  const AttentionSpec spec{.scale = 0.4, .causal = true, .kv_lengths = lengths};
  const Result paged = attention_paged(p.q_view(), kv, spec);
  const Result contiguous = attention(p.q_view(), p.k_view(), p.v_view(), spec);
  EXPECT_EQ(paged.value, contiguous.value);
  EXPECT_EQ(paged.bound, contiguous.bound);
}

TEST(Attention, ShiftingEveryScoreChangesNothing) {
  // A key component equal in all keys adds the same to each score; without a shift by the maximum
  // e^800 would overflow.
  Problem p = make_problem(1, 2, 6, 1, 1, 4);
  for (std::int64_t q = 0; q < 2; ++q) p.q[q * 4] = 1;
  Problem shifted = p;
  for (std::int64_t key = 0; key < 6; ++key) {
    p.k[key * 4] = 0;
    shifted.k[key * 4] = 800;
  }
  const Result low = attention(p.q_view(), p.k_view(), p.v_view(), {});
  const Result high = attention(shifted.q_view(), shifted.k_view(), shifted.v_view(), {});
  for (std::size_t i = 0; i < low.value.size(); ++i) {
    EXPECT_NEAR(low.value[i], high.value[i], 1e-11);
    EXPECT_GT(high.bound[i], low.bound[i]);  // larger scores round more
  }
}

// --- the bound against f32 evaluations -----------------------------------------------------------

struct DeviceSpec {
  std::int64_t block = 0;  // keys per step of the running maximum; 0: two passes
  std::int64_t splits = 1;
  bool fused_shift = false;  // exp2(fma(s, c, -m c)) instead of exp(s c' - m)
  Dtype weights = Dtype::kF32;
  std::int64_t dropped_key = -1;
};

struct Partial {
  float maximum = -std::numeric_limits<float>::infinity();
  float sum = 0;
  Floats numerator;
};

float log2_e() { return static_cast<float>(std::log2(std::exp(1.0))); }

// Adds keys [begin, end) of query row q to the partial result, as flash attention does.
void absorb(const Problem& p, const DeviceSpec& spec, float scale, std::int64_t query,
            std::int64_t begin, std::int64_t end, Partial& partial) {
  const float factor = scale * log2_e();
  Floats scores;
  float maximum = partial.maximum;
  for (std::int64_t key = begin; key < end; ++key) {
    float dot = 0;
    for (std::int64_t i = 0; i < p.d; ++i) {
      dot += static_cast<float>(p.q[query * p.d + i]) * static_cast<float>(p.k[key * p.d + i]);
    }
    scores.push_back(spec.fused_shift ? dot : dot * factor);
    maximum = std::max(maximum, spec.fused_shift ? dot * factor : scores.back());
  }
  const float rescale = std::exp2(partial.maximum - maximum);
  partial.maximum = maximum;
  partial.sum *= rescale;
  for (float& value : partial.numerator) value *= rescale;
  for (std::int64_t key = begin; key < end; ++key) {
    if (key == spec.dropped_key) continue;
    const float score = scores[key - begin];
    const float weight = spec.fused_shift ? std::exp2(std::fma(score, factor, -maximum))
                                          : std::exp2(score - maximum);
    partial.sum += weight;
    const auto kept = static_cast<float>(round_to(spec.weights, weight));
    for (std::int64_t i = 0; i < p.d; ++i) {
      partial.numerator[i] += kept * static_cast<float>(p.v[key * p.d + i]);
    }
  }
}

// One batch, one head.
std::vector<double> device_attention(const Problem& p, const DeviceSpec& spec, float scale,
                                     bool causal, Dtype out) {
  std::vector<double> result;
  for (std::int64_t query = 0; query < p.sq; ++query) {
    const std::int64_t keys =
        causal ? std::clamp<std::int64_t>(query + 1 + p.skv - p.sq, 0, p.skv) : p.skv;
    Partial whole;
    whole.numerator.assign(p.d, 0);
    const std::int64_t split_keys = (keys + spec.splits - 1) / spec.splits;
    for (std::int64_t split = 0; split < spec.splits; ++split) {
      Partial part;
      part.numerator.assign(p.d, 0);
      const std::int64_t end = std::min(keys, (split + 1) * split_keys);
      const std::int64_t block = spec.block == 0 ? std::max<std::int64_t>(keys, 1) : spec.block;
      for (std::int64_t at = split * split_keys; at < end; at += block) {
        absorb(p, spec, scale, query, at, std::min(end, at + block), part);
      }
      if (part.sum == 0) continue;
      const float maximum = std::max(whole.maximum, part.maximum);
      const float old_scale = std::exp2(whole.maximum - maximum);
      const float new_scale = std::exp2(part.maximum - maximum);
      whole.maximum = maximum;
      whole.sum = whole.sum * old_scale + part.sum * new_scale;
      for (std::int64_t i = 0; i < p.d; ++i) {
        whole.numerator[i] = whole.numerator[i] * old_scale + part.numerator[i] * new_scale;
      }
    }
    for (std::int64_t i = 0; i < p.d; ++i) {
      const float mean = whole.sum == 0 ? 0.0f : whole.numerator[i] * (1 / whole.sum);
      result.push_back(round_to(out, mean));
    }
  }
  return result;
}

struct BoundCase {
  const char* name;
  DeviceSpec device;
  std::int64_t max_rescales;
};

class AttentionBound : public testing::TestWithParam<BoundCase> {};
INSTANTIATE_TEST_SUITE_P(
    Kernels, AttentionBound,
    testing::Values(BoundCase{"TwoPass", {}, 0},
                    BoundCase{"TwoPassFused", {.fused_shift = true}, 0},
                    BoundCase{"OnlineEveryKey", {.block = 1}, kAnyRescales},
                    BoundCase{"OnlineBlocks", {.block = 16}, 12},
                    BoundCase{"OnlineFused", {.block = 16, .fused_shift = true}, 12},
                    BoundCase{"Split", {.block = 8, .splits = 5}, 10},
                    BoundCase{"HalfWeights", {.block = 16, .weights = Dtype::kF16}, 12},
                    BoundCase{"BrainWeights", {.block = 16, .weights = Dtype::kBf16}, 12}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_P(AttentionBound, HoldsForF32Kernels) {
  const BoundCase& c = GetParam();
  const float scale = 1 / std::sqrt(24.0f);
  for (const Dtype out : {Dtype::kF32, Dtype::kF16, Dtype::kBf16}) {
    for (const bool causal : {false, true}) {
      for (const auto& [sq, skv] : {std::pair{1, 191}, {17, 1}, {33, 33}, {9, 190}, {5, 3}}) {
        const Problem p = make_problem(1, sq, skv, 1, 1, 24, out);
        const AttentionSpec spec{.scale = scale,
                                 .causal = causal,
                                 .max_rescales = c.max_rescales,
                                 .weights = c.device.weights,
                                 .out = out};
        const Result expected = attention(p.q_view(), p.k_view(), p.v_view(), spec);
        const auto device = device_attention(p, c.device, scale, causal, out);
        EXPECT_TRUE(test::agrees(test::compare_within(device, expected, out)))
            << sq << ' ' << skv << ' ' << causal << ' ' << dtype_name(out);
      }
    }
  }
}

TEST_P(AttentionBound, IsViolatedByADroppedKey) {
  const BoundCase& c = GetParam();
  const float scale = 1 / std::sqrt(24.0f);
  Problem p = make_problem(1, 1, 64, 1, 1, 24);
  for (double& q : p.q) q = round_to(Dtype::kF32, q / 10);  // weights of similar size
  const AttentionSpec spec{
      .scale = scale, .max_rescales = c.max_rescales, .weights = c.device.weights};
  const Result expected = attention(p.q_view(), p.k_view(), p.v_view(), spec);
  DeviceSpec broken = c.device;
  for (broken.dropped_key = 0; broken.dropped_key < 64; broken.dropped_key += 21) {
    const auto device = device_attention(p, broken, scale, false, Dtype::kF32);
    EXPECT_FALSE(test::compare_within(device, expected, Dtype::kF32).passed())
        << broken.dropped_key;
  }
}

// With q = 0 all weights are 1 and the result is the mean of v.
Result mean_of(const std::vector<double>& v) {
  const std::vector<double> zeros(v.size(), 0.0);
  const auto keys = static_cast<std::int64_t>(v.size());
  return attention(View<4>(zeros.data(), {1, 1, 1, 1}), View<4>(zeros.data(), {1, keys, 1, 1}),
                   View<4>(v.data(), {1, keys, 1, 1}), {.max_rescales = 0});
}

TEST(AttentionBoundFormula, FollowsItsDerivation) {
  // Numerator and denominator: 3 ulp for each weight and gamma_n; 3 ulp for the quotient.
  const double bound = mean_of(std::vector<double>(500, 1.0)).bound[0];
  EXPECT_NEAR(bound * 0x1p24, 2 * (6 + 500) + 6, 0.1);
}

TEST(AttentionBoundFormula, CoversValuesThatCancel) {
  std::vector<double> v(502, 0x1p-25);
  v.front() = 1;
  v.back() = -1;
  const Result expected = mean_of(v);
  EXPECT_DOUBLE_EQ(expected.value[0], 500 * 0x1p-25 / 502);
  // In f32, forward: 1 swallows all that is between it and -1.
  EXPECT_EQ(sum_forward(to_floats(v)), 0);
  EXPECT_TRUE(test::agrees(test::compare_within(std::vector<double>{0}, expected, Dtype::kF32)));
}

TEST(AttentionBoundMistakes, AreSeen) {
  const float scale = 1 / std::sqrt(24.0f);
  const Problem p = make_problem(1, 20, 30, 1, 1, 24);
  const AttentionSpec spec{.scale = scale, .causal = true};
  const Result expected = attention(p.q_view(), p.k_view(), p.v_view(), spec);
  const auto no_mask = device_attention(p, {}, scale, false, Dtype::kF32);
  const auto wrong_scale = device_attention(p, {}, scale * 1.001f, true, Dtype::kF32);
  EXPECT_FALSE(test::compare_within(no_mask, expected, Dtype::kF32).passed());
  EXPECT_FALSE(test::compare_within(wrong_scale, expected, Dtype::kF32).passed());
  // The mask one key too short, as by an offset that is off by one.
  Problem shifted = p;
  shifted.skv = 29;
  const auto off_by_one = device_attention(shifted, {}, scale, true, Dtype::kF32);
  EXPECT_FALSE(test::compare_within(off_by_one, expected, Dtype::kF32).passed());
}

}  // namespace
}  // namespace sampan::reference
