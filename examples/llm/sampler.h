#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sampan::llm {

/// SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014,
/// figure 17. The same numbers from a seed on every machine, unlike the standard's distributions.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}

  /// The next 64 bits.
  std::uint64_t next();

  /// The next number of [0, 1): the upper 53 bits of next() times 2^-53.
  double next_unit();

 private:
  std::uint64_t state_;
};

/// Index of the largest logit; of several, the first.
/// Throws std::invalid_argument if `logits` is empty, ModelError if one is NaN or +infinity or all
/// are -infinity: the weights are damaged or the device computes wrongly. (-infinity excludes a
/// token.)
[[nodiscard]] std::int32_t argmax(std::span<const float> logits);

/// Natural logarithm of the softmax of `logits` at `token`, summed in f64.
/// Throws as argmax does, and std::invalid_argument if `token` isn't an index of `logits`.
[[nodiscard]] double log_probability(std::span<const float> logits, std::int32_t token);

/// Chooses tokens. Not to be used by two threads at once.
class Sampler {
 public:
  /// At temperature 0 takes the argmax and draws nothing; otherwise one number is drawn per token.
  /// Throws std::invalid_argument unless `temperature` is finite and 0 or more.
  Sampler(double temperature, std::uint64_t seed);

  /// Draws token i with probability softmax(logits / temperature)[i], in f64: the first i at which
  /// the running sum of exp((logits[j] - max) / temperature) exceeds next_unit() times the whole
  /// sum. exp is the C library's: libraries that round it differently could differ in a token only
  /// where the draw lies within some 1e-15 of a boundary.
  /// Throws as argmax does.
  [[nodiscard]] std::int32_t sample(std::span<const float> logits);

 private:
  double temperature_;
  SplitMix64 random_;
  std::vector<double> weights_;
};

}  // namespace sampan::llm
