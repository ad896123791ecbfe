#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "config.h"
#include "model_error.h"

namespace sampan::llm {
namespace {

constexpr std::string_view kRemedy =
    "the files belong to different models or are damaged, fetch them again";

// A tensor's extents, as members of the config that are known by then.
struct Widths {
  std::uint64_t vocab, hidden, intermediate, query, key_value;
};

struct LayerTensor {
  std::string_view name;
  std::uint64_t Widths::*rows;
  std::uint64_t Widths::*columns;  ///< null: a vector
};

constexpr std::array kLayerTensors = {
    LayerTensor{"input_layernorm", &Widths::hidden, nullptr},
    LayerTensor{"self_attn.q_proj", &Widths::query, &Widths::hidden},
    LayerTensor{"self_attn.k_proj", &Widths::key_value, &Widths::hidden},
    LayerTensor{"self_attn.v_proj", &Widths::key_value, &Widths::hidden},
    LayerTensor{"self_attn.o_proj", &Widths::hidden, &Widths::query},
    LayerTensor{"post_attention_layernorm", &Widths::hidden, nullptr},
    LayerTensor{"mlp.gate_proj", &Widths::intermediate, &Widths::hidden},
    LayerTensor{"mlp.up_proj", &Widths::intermediate, &Widths::hidden},
    LayerTensor{"mlp.down_proj", &Widths::hidden, &Widths::intermediate},
};

constexpr std::string_view kEmbedding = "model.embed_tokens.weight";
constexpr std::string_view kFinalNorm = "model.norm.weight";
constexpr std::string_view kOutput = "lm_head.weight";

Widths widths_of(const LlamaConfig& config) {
  const auto width = [](std::int64_t value) { return static_cast<std::uint64_t>(value); };
  return {width(config.vocab_size), width(config.hidden_size), width(config.intermediate_size),
          width(config.head_count * config.head_dim),
          width(config.kv_head_count * config.head_dim)};
}

std::size_t expected_count(const LlamaConfig& config) {
  return static_cast<std::size_t>(config.layer_count) * kLayerTensors.size() +
         (config.tied_embeddings ? 2 : 3);
}

void check_tensor(const ExpectedTensor& expected, std::string_view config_file,
                  const Safetensors& weights) {
  const TensorInfo* tensor = weights.find(expected.name);
  if (tensor == nullptr) {
    fail(weights.name(), "tensor ", in_quotes(expected.name), " is missing, though ",
         printable(config_file), " calls for it; ", kRemedy);
  }
  constexpr std::array kUsable = {StoredDType::kF32, StoredDType::kF16, StoredDType::kBF16};
  if (std::find(kUsable.begin(), kUsable.end(), tensor->dtype) == kUsable.end()) {
    fail(weights.file_name(*tensor), "tensor ", in_quotes(tensor->name), " is ",
         describe(tensor->dtype, tensor->shape),
         " but only F32, F16 and BF16 weights are supported; convert the model to one of them");
  }
  if (tensor->shape != expected.shape) {
    fail(weights.file_name(*tensor), "tensor ", in_quotes(tensor->name), " is ",
         describe(tensor->dtype, tensor->shape), " but ", printable(config_file), " calls for ",
         describe(tensor->dtype, expected.shape), "; ", kRemedy);
  }
}

bool is_rightly_ignored(const LlamaConfig& config, std::string_view name) {
  return name.ends_with(".rotary_emb.inv_freq") || (config.tied_embeddings && name == kOutput);
}

}  // namespace

std::vector<ExpectedTensor> expected_tensors(const LlamaConfig& config) {
  const Widths widths = widths_of(config);
  std::vector<ExpectedTensor> tensors;
  tensors.reserve(expected_count(config));
  tensors.push_back({std::string(kEmbedding), {widths.vocab, widths.hidden}});
  for (std::int64_t layer = 0; layer < config.layer_count; ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".";
    for (const LayerTensor& row : kLayerTensors) {
      ExpectedTensor tensor{prefix + std::string(row.name) + ".weight", {widths.*row.rows}};
      if (row.columns != nullptr) tensor.shape.push_back(widths.*row.columns);
      tensors.push_back(std::move(tensor));
    }
  }
  tensors.push_back({std::string(kFinalNorm), {widths.hidden}});
  if (!config.tied_embeddings) {
    tensors.push_back({std::string(kOutput), {widths.vocab, widths.hidden}});
  }
  return tensors;
}

void check_tensors(const LlamaConfig& config, std::string_view config_file,
                   const Safetensors& weights) {
  std::set<std::string_view> known;
  const std::vector<ExpectedTensor> expected = expected_tensors(config);
  for (const ExpectedTensor& tensor : expected) {
    check_tensor(tensor, config_file, weights);
    known.insert(tensor.name);
  }
  for (const TensorInfo& tensor : weights.tensors()) {
    if (!known.contains(tensor.name) && !is_rightly_ignored(config, tensor.name)) {
      fail(weights.file_name(tensor), "tensor ", in_quotes(tensor.name),
           " is no part of the Llama model that ", printable(config_file), " describes; ", kRemedy);
    }
  }
}

}  // namespace sampan::llm
