#include "model_folder.h"

#include <utility>

namespace sampan::llm {

ModelFolder ModelFolder::open(const std::filesystem::path& folder) {
  const std::filesystem::path config_file = folder / "config.json";
  LlamaConfig config = load_config(config_file);
  Safetensors weights = Safetensors::open(folder);
  check_tensors(config, config_file.string(), weights);
  Tokenizer tokenizer = Tokenizer::load(folder / "tokenizer.model");
  tokenizer.check_vocab(config, config_file.string());
  return {std::move(config), std::move(weights), std::move(tokenizer)};
}

}  // namespace sampan::llm
