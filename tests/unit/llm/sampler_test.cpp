#include "sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "support.h"

namespace sampan::llm {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(SplitMix64, GivesThePublishedNumbers) {
  // Seed 1234567: Rosetta Code, "Pseudo-random numbers/Splitmix64".
  SplitMix64 random(1234567);
  for (const std::uint64_t expected :
       {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u,
        16408922859458223821u}) {
    EXPECT_EQ(random.next(), expected);
  }
}

TEST(SplitMix64, UnitIsTheUpper53Bits) {
  // From the definition, by Python's integers and doubles.
  SplitMix64 random(0);
  EXPECT_EQ(random.next_unit(), 0x1.c4415072f63b9p-1);
  EXPECT_EQ(random.next_unit(), 0x1.b9e279aa86e58p-2);
  EXPECT_EQ(random.next_unit(), 0x1.b117462002500p-6);
}

TEST(Argmax, TakesTheFirstOfTheLargest) {
  struct {
    std::vector<float> logits;
    std::int32_t expected;
  } const cases[] = {
      {{0}, 0},
      {{-1, -2}, 0},
      {{1, 3, 2}, 1},
      {{1, 3, 3}, 1},
      {{-0.0f, 0.0f}, 0},
      {{-kInf, -5, -kInf}, 1},
      {{std::numeric_limits<float>::lowest(), std::numeric_limits<float>::max()}, 1},
  };
  for (const auto& c : cases) EXPECT_EQ(argmax(c.logits), c.expected);
}

TEST(Sampling, RefusesLogitsThatAreNoNumbers) {
  struct {
    std::vector<float> logits;
    const char* part_of_message;
  } const cases[] = {
      {{kNan}, "token 0"},          {{1, kNan, 2}, "token 1"}, {{1, 2, -kNan}, "token 2"},
      {{1, kInf}, "token 1"},       {{-kInf}, "every token"},  {{-kInf, -kInf}, "every token"},
      {{kInf, kNan, 1}, "token 0"},
  };
  for (const auto& c : cases) {
    Sampler greedy(0, 1);
    Sampler warm(1, 1);
    const std::function<void()> calls[] = {
        [&] { (void)argmax(c.logits); },
        [&] { (void)log_probability(c.logits, 0); },
        [&] { (void)greedy.sample(c.logits); },
        [&] { (void)warm.sample(c.logits); },
    };
    for (const auto& call : calls) {
      const std::string message = test::model_error("the model's output", call);
      EXPECT_NE(message.find(c.part_of_message), std::string::npos) << message;
    }
  }
}

TEST(Sampling, RefusesMisuse) {
  EXPECT_THROW((void)argmax({}), std::invalid_argument);
  EXPECT_THROW((void)Sampler(1, 1).sample({}), std::invalid_argument);
  const std::vector<float> logits = {1, 2};
  EXPECT_THROW((void)log_probability(logits, 2), std::invalid_argument);
  EXPECT_THROW((void)log_probability(logits, -1), std::invalid_argument);
  for (const double temperature : {-1.0, -1e-300, HUGE_VAL, std::nan("")}) {
    EXPECT_THROW(Sampler(temperature, 1), std::invalid_argument) << temperature;
  }
}

TEST(Sampler, DrawsTheSameTokensEverywhere) {
  // The definition in sampler.h, computed by Python's floats.
  const std::vector<float> logits = {0.5f, -1, 2, 1.25f, -3};
  struct {
    double temperature;
    std::uint64_t seed;
    std::vector<std::int32_t> expected;
  } const cases[] = {
      {0.7, 42, {2, 2, 2, 2, 0, 3, 2, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 0, 2, 2}},
      {1.0, 0, {3, 2, 0, 3, 0, 2, 2, 3, 2, 3, 2, 3, 2, 2, 2, 2, 2, 3, 2, 3, 3, 2, 3, 2}},
      {5.0, UINT64_MAX, {3, 4, 1, 2, 3, 3, 4, 1, 3, 0, 0, 3, 0, 3, 0, 3, 2, 0, 0, 2, 1, 3, 2, 0}},
  };
  for (const auto& c : cases) {
    Sampler sampler(c.temperature, c.seed);
    for (const std::int32_t expected : c.expected) EXPECT_EQ(sampler.sample(logits), expected);
  }
}

TEST(Sampler, DrawsByTheSoftmax) {
  constexpr int kDraws = 100'000;
  const std::vector<float> logits = {0, 1, -kInf, 2, 1};
  constexpr double kTemperature = 2;
  std::vector<int> counts(logits.size());
  Sampler sampler(kTemperature, 7);
  for (int i = 0; i < kDraws; ++i) ++counts[static_cast<std::size_t>(sampler.sample(logits))];
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit / kTemperature);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double p = std::exp(logits[i] / kTemperature) / sum;
    // Five standard deviations of a binomial count.
    EXPECT_NEAR(counts[i], kDraws * p, 5 * std::sqrt(kDraws * p * (1 - p))) << i;
  }
}

TEST(Sampler, TakesTheArgmaxAtZeroAndNearIt) {
  const std::vector<float> logits = {1, 5, 5, -kInf};
  Sampler greedy(0, 3);
  Sampler cold(std::numeric_limits<double>::denorm_min(), 3);
  const std::vector<float> distinct = {1, 5, 4.999f};
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(greedy.sample(logits), 1);
    EXPECT_EQ(cold.sample(distinct), 1);
  }
}

TEST(Sampler, TheLargestLogitsDoNotOverflow) {
  constexpr float kMax = std::numeric_limits<float>::max();
  Sampler sampler(1e-3, 3);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(sampler.sample(std::vector<float>{-kMax, kMax, 0}), 1);
}

TEST(LogProbability, IsTheLogarithmOfTheSoftmax) {
  // exp of the logits is 1, 2, 4, 9: probabilities 1/16, 1/8, 1/4, 9/16.
  const std::vector<float> logits = {0, std::log(2.0f), std::log(4.0f), std::log(9.0f)};
  const double expected[] = {1.0 / 16, 1.0 / 8, 1.0 / 4, 9.0 / 16};
  for (std::int32_t i = 0; i < 4; ++i) {
    // Each logit is rounded to f32: at most half an ulp of 2.2, that is 2^-23; twice, since the
    // sum's logarithm moves by no more than the largest.
    EXPECT_NEAR(log_probability(logits, i), std::log(expected[i]), 2 * 0x1p-23) << i;
  }
  EXPECT_EQ(log_probability(std::vector<float>{7}, 0), 0);
  EXPECT_EQ(log_probability(std::vector<float>{7, -kInf}, 1), -HUGE_VAL);
  EXPECT_NEAR(log_probability(std::vector<float>(1000, 3e38f), 999), -std::log(1000.0),
              1000 * 0x1p-53 * std::log(1000.0));
}

}  // namespace
}  // namespace sampan::llm
