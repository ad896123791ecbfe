#include "sampler.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "model_error.h"

namespace sampan::llm {

std::uint64_t SplitMix64::next() {
  state_ += 0x9E3779B97F4A7C15u;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

double SplitMix64::next_unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

std::int32_t argmax(std::span<const float> logits) {
  if (logits.empty()) throw std::invalid_argument("argmax: there are no logits");
  std::size_t best = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i]) || logits[i] == std::numeric_limits<float>::infinity()) {
      fail("the model's output", "the logit of token ", i,
           " is not finite; the weights are damaged or the device computes wrongly, try another "
           "device");
    }
    if (logits[i] > logits[best]) best = i;
  }
  if (std::isinf(logits[best])) {
    fail("the model's output",
         "every token is excluded; the weights are damaged or the device "
         "computes wrongly, try another device");
  }
  return static_cast<std::int32_t>(best);
}

double log_probability(std::span<const float> logits, std::int32_t token) {
  const double max = logits[static_cast<std::size_t>(argmax(logits))];
  if (token < 0 || static_cast<std::size_t>(token) >= logits.size()) {
    throw std::invalid_argument("log_probability: there is no token " + std::to_string(token));
  }
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - max);
  return logits[static_cast<std::size_t>(token)] - max - std::log(sum);
}

Sampler::Sampler(double temperature, std::uint64_t seed)
    : temperature_(temperature), random_(seed) {
  if (!std::isfinite(temperature) || temperature < 0) {
    throw std::invalid_argument("temperature must be a finite number from 0 up");
  }
}

std::int32_t Sampler::sample(std::span<const float> logits) {
  const auto best = static_cast<std::size_t>(argmax(logits));
  if (temperature_ == 0) return static_cast<std::int32_t>(best);
  const double max = logits[best];
  weights_.resize(logits.size());
  double sum = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    weights_[i] = std::exp((logits[i] - max) / temperature_);
    sum += weights_[i];
  }
  const double threshold = random_.next_unit() * sum;
  double running = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    running += weights_[i];
    if (running > threshold) return static_cast<std::int32_t>(i);
  }
  // Never reached: next_unit() is at most 1 - 2^-53, so that the product, rounded, stays below the
  // sum, at which `running` ends.
  return static_cast<std::int32_t>(best);
}

}  // namespace sampan::llm
