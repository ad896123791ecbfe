#include "config.h"

#include <array>
#include <map>

#include "json.h"
#include "model_error.h"

namespace sampan::llm {
namespace {

constexpr std::uint64_t kMaxConfigBytes = 1'000'000;
constexpr std::size_t kMaxEosIds = 64;
constexpr std::string_view kRemedy = "correct it or fetch the model again";

struct IntegerField {
  std::string_view name;
  std::int64_t LlamaConfig::*member;
  std::int64_t max;
  std::int64_t fallback;  ///< 0: the field is required, or its default depends on others
  bool required;
};

constexpr std::int64_t kMaxHeadDim = std::int64_t{1} << 12;
constexpr std::int64_t kMaxHeadCount = std::int64_t{1} << 14;

constexpr std::array kIntegerFields = {
    IntegerField{"vocab_size", &LlamaConfig::vocab_size, 1 << 24, 0, true},
    IntegerField{"hidden_size", &LlamaConfig::hidden_size, 1 << 20, 0, true},
    IntegerField{"intermediate_size", &LlamaConfig::intermediate_size, 1 << 20, 0, true},
    IntegerField{"num_hidden_layers", &LlamaConfig::layer_count, 1 << 10, 0, true},
    IntegerField{"num_attention_heads", &LlamaConfig::head_count, kMaxHeadCount, 0, true},
    IntegerField{"num_key_value_heads", &LlamaConfig::kv_head_count, kMaxHeadCount, 0, false},
    IntegerField{"head_dim", &LlamaConfig::head_dim, kMaxHeadDim, 0, false},
    IntegerField{"max_position_embeddings", &LlamaConfig::max_context_tokens, 1 << 30, 2048, false},
};

// Fields that make the model compute something that the decoder doesn't.
constexpr std::array<std::string_view, 3> kMustBeFalse = {"attention_bias", "mlp_bias",
                                                          "rope_interleaved"};
constexpr std::array<std::string_view, 3> kMustBeAbsent = {"rope_scaling", "quantization_config",
                                                           "sliding_window"};

// The fields of one JSON object, each at most once.
class Fields {
 public:
  Fields(simdjson::dom::object object, std::string_view file) : file_(file) {
    for (const auto [key, value] : object) {
      if (!values_.emplace(key, value).second) {
        fail(file_, "field ", in_quotes(key), " appears twice; ", kRemedy);
      }
    }
  }

  // Null when the field is absent or JSON's null.
  const simdjson::dom::element* find(std::string_view name) const {
    const auto at = values_.find(name);
    return at == values_.end() || at->second.is_null() ? nullptr : &at->second;
  }

  // "field 'x' is -3" and what it should be.
  template <class... Parts>
  [[noreturn]] void fail_field(std::string_view name, const Parts&... parts) const {
    const simdjson::dom::element* value = find(name);
    const std::string shown = value == nullptr ? "missing" : printable(simdjson::minify(*value));
    fail(file_, "field ", in_quotes(name), " is ", shown, " but ", parts..., "; ", kRemedy);
  }

  std::int64_t integer(const IntegerField& field) const {
    const simdjson::dom::element* value = find(field.name);
    if (value == nullptr && !field.required) return field.fallback;
    std::int64_t number = 0;
    if (value == nullptr || value->get_int64().get(number) || number < 1 || number > field.max) {
      fail_field(field.name, "must be a whole number from 1 to ", field.max);
    }
    return number;
  }

  double real(std::string_view name, double min, double max, std::string_view range,
              double fallback) const {
    const simdjson::dom::element* value = find(name);
    if (value == nullptr) return fallback;
    double number = 0;
    // The negated form refuses NaN too.
    if (value->get_double().get(number) || !(number >= min && number <= max)) {
      fail_field(name, "must be a number ", range);
    }
    return number;
  }

  bool flag(std::string_view name) const {
    const simdjson::dom::element* value = find(name);
    if (value == nullptr) return false;
    bool set = false;
    if (value->get_bool().get(set)) fail_field(name, "must be true or false");
    return set;
  }

  // The fields of the object that is the value of `name`, which is present.
  Fields object(std::string_view name) const {
    simdjson::dom::object object;
    if (find(name)->get_object().get(object)) fail_field(name, "must be an object");
    return Fields(object, file_);
  }

 private:
  std::string_view file_;
  std::map<std::string_view, simdjson::dom::element> values_;
};

bool is_string(const simdjson::dom::element& value, std::string_view wanted) {
  std::string_view text;
  return !value.get_string().get(text) && text == wanted;
}

void check_architecture(const Fields& fields) {
  constexpr std::string_view kArchitecture = "LlamaForCausalLM";
  const simdjson::dom::element* names = fields.find("architectures");
  if (names == nullptr) {
    const simdjson::dom::element* type = fields.find("model_type");
    if (type == nullptr || !is_string(*type, "llama")) {
      fields.fail_field("model_type", "only 'llama' is supported; choose a Llama model");
    }
    return;
  }
  simdjson::dom::array list;
  if (!names->get_array().get(list)) {
    for (const simdjson::dom::element name : list) {
      if (is_string(name, kArchitecture)) return;
    }
  }
  fields.fail_field("architectures", "only ", kArchitecture, " is supported; choose a Llama model");
}

void check_unsupported(const Fields& fields) {
  for (const std::string_view name : kMustBeFalse) {
    if (fields.flag(name)) fields.fail_field(name, "only false is supported");
  }
  for (const std::string_view name : kMustBeAbsent) {
    if (fields.find(name) != nullptr) fields.fail_field(name, "only null is supported");
  }
  const simdjson::dom::element* activation = fields.find("hidden_act");
  if (activation != nullptr && !is_string(*activation, "silu")) {
    fields.fail_field("hidden_act", "only \"silu\" is supported");
  }
  static_cast<void>(fields.real("partial_rotary_factor", 1, 1, "equal to 1", 1));
}

// Newer exports keep theta in an object, with a type that stands for what rope_scaling did.
double read_rope_theta(const Fields& fields) {
  constexpr double kDefault = 10'000;
  const auto theta_of = [](const Fields& from, double fallback) {
    return from.real("rope_theta", 1, 1e12, "from 1 to 1e12", fallback);
  };
  const double theta = theta_of(fields, kDefault);
  if (fields.find("rope_parameters") == nullptr) return theta;
  const Fields parameters = fields.object("rope_parameters");
  const simdjson::dom::element* type = parameters.find("rope_type");
  if (type != nullptr && !is_string(*type, "default")) {
    parameters.fail_field("rope_type", "only \"default\" is supported");
  }
  return theta_of(parameters, theta);
}

std::int32_t read_token_id(const Fields& fields, std::string_view name,
                           const simdjson::dom::element& value, std::int64_t vocab_size) {
  std::int64_t id = 0;
  if (value.get_int64().get(id) || id < 0 || id >= vocab_size) {
    fields.fail_field(name, "a token is a whole number from 0 to ", vocab_size - 1);
  }
  return static_cast<std::int32_t>(id);
}

void read_special_tokens(const Fields& fields, LlamaConfig& config) {
  if (const auto* bos = fields.find("bos_token_id")) {
    config.bos_id = read_token_id(fields, "bos_token_id", *bos, config.vocab_size);
  }
  const simdjson::dom::element* eos = fields.find("eos_token_id");
  if (eos == nullptr) return;
  simdjson::dom::array list;
  if (eos->get_array().get(list)) {
    config.eos_ids = {read_token_id(fields, "eos_token_id", *eos, config.vocab_size)};
    return;
  }
  for (const simdjson::dom::element id : list) {
    if (config.eos_ids.size() == kMaxEosIds) {
      fields.fail_field("eos_token_id", "may list at most ", kMaxEosIds, " tokens");
    }
    config.eos_ids.push_back(read_token_id(fields, "eos_token_id", id, config.vocab_size));
  }
}

void resolve_heads(const Fields& fields, LlamaConfig& config) {
  if (config.kv_head_count == 0) config.kv_head_count = config.head_count;
  if (config.head_count % config.kv_head_count != 0) {
    fields.fail_field("num_key_value_heads", "must divide num_attention_heads, which is ",
                      config.head_count);
  }
  if (config.head_dim == 0) {
    if (config.hidden_size % config.head_count != 0) {
      fields.fail_field("hidden_size", "must be a multiple of num_attention_heads, which is ",
                        config.head_count, ", unless head_dim is given");
    }
    config.head_dim = config.hidden_size / config.head_count;
  }
  if (config.head_dim % 2 != 0 || config.head_dim > kMaxHeadDim) {
    fields.fail_field(fields.find("head_dim") != nullptr ? "head_dim" : "hidden_size",
                      "each head's width, ", config.head_dim, ", must be even and at most ",
                      kMaxHeadDim);
  }
}

}  // namespace

LlamaConfig parse_config(const simdjson::padded_string& text, std::string_view file) {
  simdjson::dom::parser parser;
  const JsonSource source{.file = file, .max_depth = 16, .remedy = kRemedy};
  const Fields fields(parse_json_object(parser, text, source), file);
  check_architecture(fields);
  check_unsupported(fields);
  LlamaConfig config;
  for (const IntegerField& field : kIntegerFields) config.*field.member = fields.integer(field);
  resolve_heads(fields, config);
  config.rms_norm_eps = fields.real("rms_norm_eps", 1e-12, 1, "from 1e-12 to 1", 1e-6);
  config.rope_theta = read_rope_theta(fields);
  config.tied_embeddings = fields.flag("tie_word_embeddings");
  read_special_tokens(fields, config);
  return config;
}

LlamaConfig load_config(const std::filesystem::path& path) {
  return parse_config(read_small_file(path, kMaxConfigBytes), path.string());
}

}  // namespace sampan::llm
