#include "reference/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include "f32_evaluation.h"
#include "support/gtest_compare.h"
#include "support/random_data.h"

namespace sampan::reference {
namespace {

TEST(PackI4, EveryByteComesBackLowHalfFirst) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::vector<std::byte> bytes{static_cast<std::byte>(byte)};
    const std::vector<double> codes = unpack_i4(bytes, 2);
    EXPECT_EQ(codes[0], (byte & 15) - 8);
    EXPECT_EQ(codes[1], (byte >> 4) - 8);
    EXPECT_EQ(pack_i4(codes), bytes);
  }
}

TEST(PackI4, OddCountsFillTheLastHalfWithZeroCode) {
  const std::vector<double> codes{-8, 7, 3};
  const std::vector<std::byte> bytes = pack_i4(codes);
  EXPECT_EQ(bytes, (std::vector<std::byte>{std::byte{0xf0}, std::byte{0x8b}}));
  EXPECT_EQ(unpack_i4(bytes, 3), codes);
}

TEST(Quantize, ScalesAreTheGroupsLargestOverTheLargestCode) {
  const std::vector<double> w{1, -254, 3, 0, 0, 0, 0, 14};
  const View<2> view(w.data(), {1, 8});
  QuantizeSpec spec{.codes = CodeType::kI8, .group_k = 4, .scale_type = Dtype::kF32};
  const Result i8 = quantize_scales(view, spec);
  EXPECT_EQ(i8.value[0], 2);
  EXPECT_DOUBLE_EQ(i8.value[1], 14.0 / 127);
  spec.codes = CodeType::kI4;
  EXPECT_DOUBLE_EQ(quantize_scales(view, spec).value[0], 254.0 / 7);
  EXPECT_EQ(quantize_scales(view, spec).value[1], 2);
}

TEST(Quantize, GroupOfZerosHasScaleAndCodesZeroExactly) {
  const std::vector<double> w(4, 0.0);
  const View<2> view(w.data(), {1, 4});
  const QuantizeSpec spec{.group_k = 4};
  const Result scales = quantize_scales(view, spec);
  const Result codes = quantize_codes(view, View<2>(scales.value.data(), {1, 1}), spec);
  EXPECT_EQ(scales.value[0], 0);
  EXPECT_EQ(scales.bound[0], 0);
  EXPECT_EQ(codes.value, w);
  EXPECT_EQ(codes.bound, w);
}

TEST(Quantize, CodesAreClampedQuotients) {
  const std::vector<double> w{20, -20, 2.6, -300};
  const std::vector<double> scales{2};
  const View<2> view(w.data(), {1, 4});
  const View<2> scale_view(scales.data(), {1, 1});
  const Result i4 = quantize_codes(view, scale_view, {.codes = CodeType::kI4, .group_k = 4});
  EXPECT_EQ(i4.value, (std::vector<double>{7, -8, 1.3, -8}));
  const Result i8 = quantize_codes(view, scale_view, {.codes = CodeType::kI8, .group_k = 4});
  EXPECT_EQ(i8.value, (std::vector<double>{10, -10, 1.3, -127}));
}

// A device that chooses its own scales and codes in f32 and rounds as the contract says.
struct Quantized {
  std::vector<double> scales, codes;
};

Quantized device_quantize(const std::vector<double>& w, const QuantizeSpec& spec) {
  const bool i8 = spec.codes == CodeType::kI8;
  Quantized q;
  const auto group = static_cast<std::size_t>(spec.group_k);
  for (std::size_t begin = 0; begin < w.size(); begin += group) {
    float largest = 0;
    for (std::size_t i = begin; i < begin + group; ++i) {
      largest = std::max(largest, std::fabs(static_cast<float>(w[i])));
    }
    const double scale = round_to(spec.scale_type, largest * (1 / (i8 ? 127.0f : 7.0f)));
    q.scales.push_back(scale);
    const float inverse = 1 / static_cast<float>(scale);
    for (std::size_t i = begin; i < begin + group; ++i) {
      const float code = std::nearbyint(static_cast<float>(w[i]) * inverse);
      q.codes.push_back(std::clamp(code, i8 ? -127.0f : -8.0f, i8 ? 127.0f : 7.0f));
    }
  }
  return q;
}

TEST(QuantizeBound, HoldsForF32KernelsAndSeesWrongCodes) {
  const std::vector<double> w = test::random_normal(8 * 64, 0.05, Dtype::kF32, 81);
  const View<2> view(w.data(), {8, 64});
  for (const CodeType codes : {CodeType::kI8, CodeType::kI4}) {
    for (const Dtype scale_type : {Dtype::kF16, Dtype::kBf16, Dtype::kF32}) {
      const QuantizeSpec spec{.codes = codes, .group_k = 32, .scale_type = scale_type};
      Quantized device = device_quantize(w, spec);
      EXPECT_TRUE(test::agrees(
          test::compare_within(device.scales, quantize_scales(view, spec), scale_type)));
      const Result expected = quantize_codes(view, View<2>(device.scales.data(), {8, 2}), spec);
      EXPECT_TRUE(test::agrees(test::compare_within(device.codes, expected, Dtype::kI8)));
      // One code further from the quotient is a whole step off.
      const double away = device.codes[9] < expected.value[9] ? -1 : 1;
      device.codes[9] += away;
      EXPECT_FALSE(test::compare_within(device.codes, expected, Dtype::kI8).passed());
    }
  }
}

TEST(Dequantize, MultipliesCodesWithTheirGroupsScale) {
  const std::vector<double> codes{1, -2, 3, 4}, scales{0.5, 10};
  const Result w =
      dequantize(View<2>(codes.data(), {1, 4}), View<2>(scales.data(), {1, 2}), {.group_k = 2});
  EXPECT_EQ(w.value, (std::vector<double>{0.5, -1, 30, 40}));
}

TEST(GemmQuantized, EqualsGemmWithTheDequantisedWeights) {
  const std::vector<double> a = test::random_integers(3 * 8, -5, 5, 82);
  const std::vector<double> codes = test::random_integers(4 * 8, -8, 7, 83);
  const std::vector<double> scales{0.5, 2, 1, 4, 0.25, 8, 16, 1};  // [4, 2]
  const Result result = gemm_quantized(View<2>(a.data(), {3, 8}), View<2>(codes.data(), {4, 8}),
                                       View<2>(scales.data(), {4, 2}), 4, {});
  for (int m = 0; m < 3; ++m) {
    for (int n = 0; n < 4; ++n) {
      double sum = 0;
      for (int k = 0; k < 8; ++k) sum += a[m * 8 + k] * codes[n * 8 + k] * scales[n * 2 + k / 4];
      EXPECT_EQ(result.value[m * 4 + n], sum);
    }
  }
}

TEST(GemmQuantizedBound, HoldsForBothPlacesOfTheScaleAndSeesAGroupShift) {
  constexpr int kM = 3, kN = 5, kK = 256, kGroup = 32;
  const std::vector<double> a = test::random_normal(kM * kK, 1, Dtype::kF32, 84);
  const std::vector<double> codes = test::random_integers(kN * kK, -127, 127, 85);
  std::vector<double> scales = test::random_normal(kN * kK / kGroup, 0.01, Dtype::kF32, 86);
  for (double& scale : scales) scale = std::fabs(scale);
  const Result expected =
      gemm_quantized(View<2>(a.data(), {kM, kK}), View<2>(codes.data(), {kN, kK}),
                     View<2>(scales.data(), {kN, kK / kGroup}), kGroup, {});
  const auto run = [&](bool per_group, int shift) {
    std::vector<double> d;
    for (int e = 0; e < kM * kN; ++e) {
      float sum = 0;
      for (int group = 0; group < kK / kGroup; ++group) {
        const int scale_group = (group + shift) % (kK / kGroup);
        const auto scale = static_cast<float>(scales[e % kN * (kK / kGroup) + scale_group]);
        float partial = 0;
        for (int i = 0; i < kGroup; ++i) {
          const auto x = static_cast<float>(a[e / kN * kK + group * kGroup + i]);
          const auto code = static_cast<float>(codes[e % kN * kK + group * kGroup + i]);
          partial += per_group ? x * code : x * (code * scale);
        }
        sum += per_group ? partial * scale : partial;
      }
      d.push_back(sum);
    }
    return d;
  };
  EXPECT_TRUE(test::agrees(test::compare_within(run(true, 0), expected, Dtype::kF32)));
  EXPECT_TRUE(test::agrees(test::compare_within(run(false, 0), expected, Dtype::kF32)));
  EXPECT_NE(run(true, 0), run(false, 0));
  EXPECT_FALSE(test::compare_within(run(true, 1), expected, Dtype::kF32).passed());
}

}  // namespace
}  // namespace sampan::reference
