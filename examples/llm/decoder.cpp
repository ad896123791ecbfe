#include "decoder.h"

#include <algorithm>
#include <string>

#include "model_error.h"
#include "sampan/ops/attention.h"
#include "sampan/ops/elementwise.h"
#include "sampan/ops/gemm.h"
#include "sampan/ops/rows.h"
#include "sampan/ops/sequence.h"

namespace sampan::llm {
namespace {

// Tokens that go through the layers at once; a longer prompt goes in pieces of this size, which
// bounds the activations.
constexpr std::uint64_t kMaxTokens = 512;

std::uint64_t u64(std::int64_t value) { return static_cast<std::uint64_t>(value); }

std::string layer_name(std::int64_t layer, const char* rest) {
  return "model.layers." + std::to_string(layer) + "." + rest + ".weight";
}

ops::GemmPlan linear(const Device& device, std::uint64_t tokens, const View& weight,
                     bool has_residual = false) {
  ops::GemmDesc desc;
  desc.m = tokens;
  desc.n = weight.dim(0);
  desc.k = weight.dim(1);
  desc.b = weight.dtype();
  desc.b_transposed = true;
  desc.has_residual = has_residual;
  return {device, desc};
}

ops::RopePlan rope(const Device& device, std::uint64_t tokens, std::int64_t heads,
                   const LlamaConfig& config) {
  ops::RopeDesc desc;
  desc.tokens = tokens;
  desc.heads = u64(heads);
  desc.d = u64(config.head_dim);
  desc.theta = config.rope_theta;
  return {device, desc};
}

}  // namespace

/// Everything that depends on the number of tokens: the plans, which all layers share, and the
/// activations that flow through them.
struct LayerPlans {
  LayerPlans(const Device& device, Stream& stream, const LlamaConfig& config,
             const Weights& weights, std::uint64_t token_count, std::uint64_t context_tokens)
      : tokens(token_count) {
    const std::uint64_t hidden = u64(config.hidden_size), inner = u64(config.intermediate_size);
    const std::uint64_t q_cols = u64(config.head_count * config.head_dim);
    const std::uint64_t kv_cols = u64(config.kv_head_count * config.head_dim);
    const auto activation = [&](std::uint64_t cols) {
      buffers.push_back(stream.allocate(tokens * cols * sizeof(float)));
      return buffers.back().view(DType::f32, {tokens, cols});
    };
    x = activation(hidden);
    normed = activation(hidden);
    q = activation(q_cols);
    k = activation(kv_cols);
    attended = activation(q_cols);
    gate = activation(inner);
    up = activation(inner);
    logits = activation(u64(config.vocab_size));
    buffers.push_back(stream.allocate(tokens * sizeof(std::int32_t)));
    ids = buffers.back().view(DType::i32);

    embed = {device,
             {tokens, u64(config.vocab_size), hidden, weights["model.embed_tokens.weight"].dtype(),
              DType::f32}};
    ops::RowsDesc rows;
    rows.rows = tokens;
    rows.cols = hidden;
    rows.weight_dtype = weights["model.norm.weight"].dtype();
    rows.epsilon = static_cast<float>(config.rms_norm_eps);
    norm = {device, rows};
    to_q = linear(device, tokens, weights[layer_name(0, "self_attn.q_proj")]);
    to_kv = linear(device, tokens, weights[layer_name(0, "self_attn.k_proj")]);
    to_out = linear(device, tokens, weights[layer_name(0, "self_attn.o_proj")], true);
    to_inner = linear(device, tokens, weights[layer_name(0, "mlp.gate_proj")]);
    to_hidden = linear(device, tokens, weights[layer_name(0, "mlp.down_proj")], true);
    const View& head = weights[head_name(config)];
    to_logits = linear(device, tokens, head);
    to_last_logits = linear(device, 1, head);
    rope_q = rope(device, tokens, config.head_count, config);
    rope_k = rope(device, tokens, config.kv_head_count, config);
    ops::AttentionDesc heads;
    heads.h = u64(config.head_count);
    heads.hkv = u64(config.kv_head_count);
    heads.sq = tokens;
    heads.skv = context_tokens;
    heads.d = u64(config.head_dim);
    heads.causal = true;
    attend = {device, heads};
    ops::ElementwiseDesc gated;
    gated.kind = ops::Elementwise::silu_mul;
    gated.elems = tokens * inner;
    silu_mul = {device, gated};
  }

  static std::string head_name(const LlamaConfig& config) {
    return config.tied_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  }

  std::uint64_t tokens;
  std::vector<Buffer> buffers;
  View ids, x, normed, q, k, attended, gate, up, logits;
  ops::EmbeddingPlan embed;
  ops::RmsNormPlan norm;
  ops::GemmPlan to_q, to_kv, to_out, to_inner, to_hidden, to_logits, to_last_logits;
  ops::RopePlan rope_q, rope_k;
  ops::AttentionPlan attend;
  ops::ElementwisePlan silu_mul;
};

Decoder::Decoder(const Device& device, const LlamaConfig& config, std::uint64_t context_tokens)
    : device_(device),
      config_(config),
      context_tokens_(std::min(context_tokens, u64(config.max_context_tokens))),
      pool_before_bytes_(device.pool_stats().in_use_bytes),
      stream_(device.create_stream()) {}

Decoder::Decoder(const Device& device, const ModelFolder& model, std::uint64_t context_tokens,
                 const Progress& progress)
    : Decoder(device, model.config, context_tokens) {
  weights_ = std::make_unique<Weights>(model, stream_, progress);
  allocate_cache();
}

Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;

void Decoder::allocate_cache() {
  const std::uint64_t token_bytes = u64(config_.kv_head_count * config_.head_dim) * sizeof(float);
  for (std::int64_t layer = 0; layer < config_.layer_count; ++layer) {
    keys_.push_back(stream_.allocate(context_tokens_ * token_bytes));
    values_.push_back(stream_.allocate(context_tokens_ * token_bytes));
  }
}

Decoder Decoder::move_to(const Device& device) const {
  stream_.synchronize();
  Decoder moved(device, config_, context_tokens_);
  moved.weights_ = std::make_unique<Weights>(*weights_, moved.stream_);
  moved.allocate_cache();
  for (std::size_t layer = 0; layer < keys_.size(); ++layer) {
    moved.stream_.copy(moved.keys_[layer].view(DType::f32), keys_[layer].view(DType::f32));
    moved.stream_.copy(moved.values_[layer].view(DType::f32), values_[layer].view(DType::f32));
  }
  moved.stream_.synchronize();
  moved.position_ = position_;
  return moved;
}

std::uint64_t Decoder::memory_bytes() const {
  const std::uint64_t now = device_.pool_stats().in_use_bytes;
  return now - std::min(now, pool_before_bytes_);
}

LayerPlans& Decoder::plans_for(std::uint64_t tokens) {
  auto& plans = plans_[tokens];
  if (!plans) {
    plans =
        std::make_unique<LayerPlans>(device_, stream_, config_, *weights_, tokens, context_tokens_);
  }
  return *plans;
}

void Decoder::run_layer(const LayerPlans& p, std::int64_t layer) {
  const auto weight = [&](const char* name) { return (*weights_)[layer_name(layer, name)]; };
  const auto first = static_cast<std::uint32_t>(position_);
  const std::uint64_t heads = u64(config_.head_count), kv_heads = u64(config_.kv_head_count);
  const std::uint64_t d = u64(config_.head_dim), kv_cols = kv_heads * d;
  const View keys = keys_[u64(layer)].view(DType::f32, {context_tokens_, kv_cols});
  const View values = values_[u64(layer)].view(DType::f32, {context_tokens_, kv_cols});
  const View new_keys = keys.slice(0, position_, p.tokens);
  const View new_values = values.slice(0, position_, p.tokens);
  const View q = p.q.reshape({p.tokens, heads, d}), k = p.k.reshape({p.tokens, kv_heads, d});

  p.norm.run(stream_, p.x, weight("input_layernorm"), p.normed);
  p.to_q.run(stream_, {.a = p.normed, .b = weight("self_attn.q_proj"), .d = p.q});
  p.to_kv.run(stream_, {.a = p.normed, .b = weight("self_attn.k_proj"), .d = p.k});
  p.to_kv.run(stream_, {.a = p.normed, .b = weight("self_attn.v_proj"), .d = new_values});
  p.rope_q.run(stream_, q, q, first);
  p.rope_k.run(stream_, k, new_keys.reshape({p.tokens, kv_heads, d}), first);
  p.attend.run(stream_, {.q = q.reshape({1, p.tokens, heads, d}),
                         .k = keys.reshape({1, context_tokens_, kv_heads, d}),
                         .v = values.reshape({1, context_tokens_, kv_heads, d}),
                         .o = p.attended.reshape({1, p.tokens, heads, d}),
                         .skv = position_ + p.tokens});
  p.to_out.run(stream_,
               {.a = p.attended, .b = weight("self_attn.o_proj"), .d = p.x, .residual = p.x});

  p.norm.run(stream_, p.x, weight("post_attention_layernorm"), p.normed);
  p.to_inner.run(stream_, {.a = p.normed, .b = weight("mlp.gate_proj"), .d = p.gate});
  p.to_inner.run(stream_, {.a = p.normed, .b = weight("mlp.up_proj"), .d = p.up});
  p.silu_mul.run(stream_, p.gate, p.up, p.gate);
  p.to_hidden.run(stream_, {.a = p.gate, .b = weight("mlp.down_proj"), .d = p.x, .residual = p.x});
}

std::span<const float> Decoder::run(std::span<const std::int32_t> tokens, bool all) {
  if (tokens.size() > context_tokens_ - position_) {
    throw ModelError("the context of " + std::to_string(context_tokens_) +
                     " tokens is full; ask for fewer tokens or shorten the prompt");
  }
  const std::uint64_t vocab = u64(config_.vocab_size);
  logits_.clear();
  while (!tokens.empty()) {
    const auto piece = tokens.first(std::min<std::size_t>(tokens.size(), kMaxTokens));
    tokens = tokens.subspan(piece.size());
    LayerPlans& p = plans_for(piece.size());
    stream_.copy_from_host(p.ids, piece);
    p.embed.run(stream_, (*weights_)["model.embed_tokens.weight"], p.ids, p.x);
    for (std::int64_t layer = 0; layer < config_.layer_count; ++layer) run_layer(p, layer);
    position_ += piece.size();
    if (!all && !tokens.empty()) continue;

    p.norm.run(stream_, p.x, (*weights_)["model.norm.weight"], p.normed);
    const View& head = (*weights_)[LayerPlans::head_name(config_)];
    const std::uint64_t rows = all ? piece.size() : 1;
    const View out = p.logits.slice(0, 0, rows);
    (all ? p.to_logits : p.to_last_logits)
        .run(stream_, {.a = p.normed.slice(0, piece.size() - rows, rows), .b = head, .d = out});
    const std::size_t before = logits_.size();
    logits_.resize(before + rows * vocab);
    stream_.copy_to_host(std::span(logits_).subspan(before), out);
    stream_.synchronize();
  }
  return logits_;
}

std::span<const float> Decoder::forward(std::span<const std::int32_t> tokens) {
  return run(tokens, false);
}
std::span<const float> Decoder::forward_all(std::span<const std::int32_t> tokens) {
  return run(tokens, true);
}

}  // namespace sampan::llm
