// Parses the input as a model's config.json: it is refused with ModelError, or every number lies in
// the range that config.h promises.

#include <cstdint>
#include <cstdlib>

#include "config.h"
#include "model_error.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

bool is_between(std::int64_t value, std::int64_t min, int max_exponent) {
  return value >= min && value <= std::int64_t{1} << max_exponent;
}

void check_ranges(const sampan::llm::LlamaConfig& config) {
  check(is_between(config.vocab_size, 1, 24));
  check(is_between(config.hidden_size, 1, 20));
  check(is_between(config.intermediate_size, 1, 20));
  check(is_between(config.layer_count, 1, 10));
  check(is_between(config.head_count, 1, 14));
  check(is_between(config.kv_head_count, 1, 14));
  check(config.head_count % config.kv_head_count == 0);
  check(is_between(config.head_dim, 2, 12));
  check(config.head_dim % 2 == 0);
  check(is_between(config.max_context_tokens, 1, 30));
  check(config.rms_norm_eps >= 1e-12 && config.rms_norm_eps <= 1);
  check(config.rope_theta >= 1 && config.rope_theta <= 1e12);
  for (const std::int32_t id : config.eos_ids) check(id >= 0 && id < config.vocab_size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const simdjson::padded_string text(reinterpret_cast<const char*>(data), size_bytes);
  try {
    const sampan::llm::LlamaConfig config = sampan::llm::parse_config(text, "config.json");
    check_ranges(config);
    check(expected_tensors(config).size() >= 11);
  } catch (const sampan::llm::ModelError&) {
    return 0;
  }
  return 0;
}
