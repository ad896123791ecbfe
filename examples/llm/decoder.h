#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "model_folder.h"
#include "sampan/sampan.h"
#include "weights.h"

namespace sampan::llm {

struct LayerPlans;

/// A Llama-architecture decoder on one device: RMSNorm, rotary positions, grouped-query attention
/// over a key/value cache, SwiGLU. Weights stay as they are stored; activations and the cache are
/// f32. One caller at a time.
class Decoder {
 public:
  /// Room for `context_tokens`, at most the config's. Throws what loading and allocating throw.
  Decoder(const Device& device, const ModelFolder& model, std::uint64_t context_tokens,
          const Progress& progress = {});
  ~Decoder();
  Decoder(Decoder&&) noexcept;

  /// Appends tokens to the context and returns the logits [vocab] that follow the last one; valid
  /// until the next call. Blocks. Throws ModelError if the context is full.
  [[nodiscard]] std::span<const float> forward(std::span<const std::int32_t> tokens);
  /// The same with the logits after every token: [tokens, vocab].
  [[nodiscard]] std::span<const float> forward_all(std::span<const std::int32_t> tokens);
  /// Forgets the context.
  void reset() noexcept { position_ = 0; }

  /// The same model, its context included, on another device.
  [[nodiscard]] Decoder move_to(const Device& device) const;

  [[nodiscard]] const Device& device() const noexcept { return device_; }
  [[nodiscard]] std::uint64_t context_tokens() const noexcept { return context_tokens_; }
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  /// Device memory in use by this decoder: weights, cache, activations and workspaces.
  [[nodiscard]] std::uint64_t memory_bytes() const;

 private:
  Decoder(const Device& device, const LlamaConfig& config, std::uint64_t context_tokens);
  void allocate_cache();
  LayerPlans& plans_for(std::uint64_t tokens);
  void run_layer(const LayerPlans& plans, std::int64_t layer);
  std::span<const float> run(std::span<const std::int32_t> tokens, bool all);

  Device device_;
  LlamaConfig config_;
  std::uint64_t context_tokens_;
  std::uint64_t pool_before_bytes_;
  mutable Stream stream_;
  std::unique_ptr<Weights> weights_;
  std::vector<Buffer> keys_, values_;  // one per layer: [context_tokens, kv heads, head dim]
  std::map<std::uint64_t, std::unique_ptr<LayerPlans>> plans_;  // by number of tokens
  std::uint64_t position_ = 0;
  std::vector<float> logits_;
};

}  // namespace sampan::llm
