#pragma once

#include <simdjson.h>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "safetensors.h"

namespace sampan::llm {

/// The shape of a Llama model, from its config.json. Every number is within the range given here,
/// so that any product of three of them fits an int64; none is a promise that memory will do.
struct LlamaConfig {
  std::int64_t vocab_size = 0;          ///< tokens; 1 to 2^24
  std::int64_t hidden_size = 0;         ///< width of the residual stream; 1 to 2^20
  std::int64_t intermediate_size = 0;   ///< width inside the MLP; 1 to 2^20
  std::int64_t layer_count = 0;         ///< 1 to 2^10
  std::int64_t head_count = 0;          ///< query heads; 1 to 2^14
  std::int64_t kv_head_count = 0;       ///< divides head_count; head_count if not given
  std::int64_t head_dim = 0;            ///< even; 2 to 2^12; hidden_size / head_count if not given
  std::int64_t max_context_tokens = 0;  ///< max_position_embeddings; 1 to 2^30; 2048 if not given
  double rms_norm_eps = 0;              ///< 1e-12 to 1; 1e-6 if not given
  double rope_theta = 0;                ///< 1 to 1e12; 10000 if not given
  bool tied_embeddings = false;         ///< the output uses model.embed_tokens.weight
  std::optional<std::int32_t> bos_id;   ///< below vocab_size
  std::vector<std::int32_t> eos_ids;  ///< any of these ends the text; below vocab_size; at most 64
};

/// Parses a config.json. `file` is its name, for messages. Fields that don't change the model's
/// output (such as torch_dtype: each tensor has its own) are passed over.
/// Throws ModelError: no JSON (NaN included); a field missing, given twice, of the wrong type or
/// out of range; fields that disagree; an architecture, activation, bias, rope scaling or
/// quantisation that the decoder doesn't implement.
/// Fields and defaults: LlamaConfig of Hugging Face transformers.
[[nodiscard]] LlamaConfig parse_config(const simdjson::padded_string& text, std::string_view file);

/// parse_config on `path`, a file of at most 1 MB. Throws ModelError also as read_small_file does.
[[nodiscard]] LlamaConfig load_config(const std::filesystem::path& path);

/// A tensor that a model of some config has.
struct ExpectedTensor {
  std::string name;
  std::vector<std::uint64_t> shape;
};

/// The tensors of the model, named as Hugging Face does, matrices as [outputs, inputs]:
/// model.embed_tokens.weight, those of each layer, model.norm.weight and, unless the embeddings are
/// tied, lm_head.weight.
[[nodiscard]] std::vector<ExpectedTensor> expected_tensors(const LlamaConfig& config);

/// Checks that `weights` holds every expected tensor with its shape, as F32, F16 or BF16, and no
/// tensor that the decoder would wrongly ignore, such as a bias. (lm_head.weight beside tied
/// embeddings and rotary_emb.inv_freq, which old exports hold, are rightly ignored.)
/// `config_file` is named in messages. Throws ModelError naming the file and the tensor.
void check_tensors(const LlamaConfig& config, std::string_view config_file,
                   const Safetensors& weights);

}  // namespace sampan::llm
