#include "generate.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "model_error.h"
#include "sampler.h"

namespace sampan::llm {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::int32_t begin_of_text(const ModelFolder& model) {
  const auto bos = model.config.bos_id ? model.config.bos_id : model.tokenizer.bos_id();
  if (!bos) throw ModelError("config.json: no bos_token_id, and the tokenizer has none either");
  return *bos;
}

std::vector<std::int32_t> prompt_tokens(const ModelFolder& model, const GenerateOptions& options) {
  std::vector<std::int32_t> tokens = {begin_of_text(model)};
  const auto encoded = model.tokenizer.encode(options.prompt, "--prompt");
  tokens.insert(tokens.end(), encoded.begin(), encoded.end());
  const auto limit = static_cast<std::uint64_t>(model.config.max_context_tokens);
  if (tokens.size() > limit || options.tokens > limit - tokens.size()) {
    throw ModelError("--prompt: " + std::to_string(tokens.size()) + " tokens and --tokens " +
                     std::to_string(options.tokens) + " don't fit the model's context of " +
                     std::to_string(limit) + "; shorten one of them");
  }
  return tokens;
}

}  // namespace

Generation generate(const Device& device, const ModelFolder& model, const GenerateOptions& options,
                    const std::function<void(const std::string&)>& on_text,
                    const Progress& progress) {
  const std::vector<std::int32_t> prompt = prompt_tokens(model, options);
  const std::uint64_t context = prompt.size() + options.tokens;
  Decoder decoder(device, model, context, progress);
  // Plans, compiled kernels and memory are in place before the clock starts.
  static_cast<void>(decoder.forward(prompt));
  decoder.reset();
  static_cast<void>(decoder.forward(std::span(prompt).first(1)));
  decoder.reset();

  Generation result;
  result.prompt_tokens = prompt.size();
  Sampler sampler(options.temperature, options.seed);
  TextStream stream(model.tokenizer);
  for (const std::int32_t token : prompt) stream.push(token);
  const auto emit = [&](const std::string& text) {
    result.text += text;
    if (on_text && !text.empty()) on_text(text);
  };

  const auto start = Clock::now();
  std::span<const float> logits = decoder.forward(prompt);
  result.prefill_s = seconds_since(start);
  std::optional<Decoder> moved;
  Decoder* current = &decoder;
  auto decode_start = Clock::now();
  while (result.tokens.size() < options.tokens) {
    const std::int32_t token = sampler.sample(logits);
    if (result.tokens.empty()) {
      result.first_token_s = seconds_since(start);
      decode_start = Clock::now();
    }
    result.tokens.push_back(token);
    const auto& eos = model.config.eos_ids;
    if (std::find(eos.begin(), eos.end(), token) != eos.end()) break;
    emit(stream.push(token));
    if (options.migration && result.tokens.size() == options.migration->after_tokens) {
      moved.emplace(current->move_to(options.migration->device));
      current = &*moved;
    }
    if (result.tokens.size() < options.tokens) logits = current->forward({&token, 1});
  }
  result.decode_s = seconds_since(decode_start);
  emit(stream.finish());
  result.memory_bytes = current->memory_bytes();
  return result;
}

Perplexity perplexity(const Device& device, const ModelFolder& model, const std::string& text,
                      const std::string& what, const Progress& progress) {
  const std::vector<std::int32_t> ids = model.tokenizer.encode(text, what);
  if (ids.empty()) throw ModelError(what + ": holds no text to score; give a file with some");
  // A short text takes no more memory than it needs, whatever context the model claims.
  const auto context =
      std::min(static_cast<std::size_t>(model.config.max_context_tokens), ids.size());
  const auto vocab = static_cast<std::size_t>(model.config.vocab_size);
  Decoder decoder(device, model, context, progress);
  Perplexity result;
  for (std::size_t at = 0; at < ids.size(); at += context) {
    const auto piece = std::span(ids).subspan(at, std::min(context, ids.size() - at));
    std::vector<std::int32_t> input = {begin_of_text(model)};
    input.insert(input.end(), piece.begin(), piece.end() - 1);
    decoder.reset();
    const std::span<const float> logits = decoder.forward_all(input);
    for (std::size_t i = 0; i < piece.size(); ++i) {
      result.nll -= log_probability(logits.subspan(i * vocab, vocab), piece[i]);
    }
    result.tokens += piece.size();
  }
  result.perplexity = std::exp(result.nll / static_cast<double>(result.tokens));
  return result;
}

}  // namespace sampan::llm
