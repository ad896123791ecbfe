#pragma once

#include <filesystem>

#include "config.h"
#include "safetensors.h"
#include "tokenizer.h"

namespace sampan::llm {

/// A model in Hugging Face's folder layout: config.json, model.safetensors (or its index and parts)
/// and tokenizer.model, each checked and all of them checked against one another.
struct ModelFolder {
  LlamaConfig config;
  Safetensors weights;
  Tokenizer tokenizer;

  /// Opens the three; weights are mapped, not read.
  /// Throws ModelError: see load_config, Safetensors::open, check_tensors, Tokenizer::load and
  /// Tokenizer::check_vocab.
  [[nodiscard]] static ModelFolder open(const std::filesystem::path& folder);
};

}  // namespace sampan::llm
