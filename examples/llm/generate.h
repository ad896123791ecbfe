#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "decoder.h"
#include "model_folder.h"

namespace sampan::llm {

struct GenerateOptions {
  std::string prompt;
  std::uint64_t tokens = 64;  ///< at most; an end-of-text token ends earlier
  double temperature = 0;
  std::uint64_t seed = 1;
  /// Moves the running model to `device` once `after_tokens` tokens have been written.
  struct Migration {
    Device device;
    std::uint64_t after_tokens = 0;
  };
  std::optional<Migration> migration;
};

/// What one device wrote, and how fast.
struct Generation {
  std::vector<std::int32_t> tokens;  ///< without the prompt's
  std::string text;
  std::uint64_t prompt_tokens = 0;
  double prefill_s = 0;      ///< the prompt through the model
  double decode_s = 0;       ///< all tokens after the first
  double first_token_s = 0;  ///< from the prompt's start to the first token
  std::uint64_t memory_bytes = 0;
};

/// Loads the model on the device and continues the prompt; `on_text` gets each piece of text as it
/// comes. Throws ModelError for a prompt that is no UTF-8 or, with the tokens asked for, longer
/// than the model's context.
[[nodiscard]] Generation generate(const Device& device, const ModelFolder& model,
                                  const GenerateOptions& options,
                                  const std::function<void(const std::string&)>& on_text,
                                  const Progress& progress);

struct Perplexity {
  std::uint64_t tokens = 0;
  double nll = 0;         ///< sum of -ln p over the tokens
  double perplexity = 0;  ///< exp(nll / tokens)
};

/// Scores a text by the rule that the model's card gives: cut into pieces of `context` tokens, each
/// scored alone behind a begin-of-text token, every token once, sums in f64.
[[nodiscard]] Perplexity perplexity(const Device& device, const ModelFolder& model,
                                    const std::string& text, const std::string& what,
                                    const Progress& progress);

}  // namespace sampan::llm
