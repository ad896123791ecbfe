#include "config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "model_error.h"
#include "support.h"

namespace sampan::llm {
namespace {

using test::model_error;
using Fields = std::map<std::string, std::string>;

// TinyLlama's numbers, as Hugging Face writes them.
Fields good_fields() {
  return {
      {"architectures", R"(["LlamaForCausalLM"])"},
      {"model_type", R"("llama")"},
      {"attention_bias", "false"},
      {"bos_token_id", "1"},
      {"eos_token_id", "2"},
      {"hidden_act", R"("silu")"},
      {"hidden_size", "2048"},
      {"initializer_range", "0.02"},
      {"intermediate_size", "5632"},
      {"max_position_embeddings", "4096"},
      {"num_attention_heads", "32"},
      {"num_hidden_layers", "22"},
      {"num_key_value_heads", "4"},
      {"pretraining_tp", "1"},
      {"rms_norm_eps", "1e-05"},
      {"rope_scaling", "null"},
      {"rope_theta", "500000.0"},
      {"tie_word_embeddings", "false"},
      {"torch_dtype", R"("bfloat16")"},
      {"vocab_size", "32000"},
  };
}

LlamaConfig parse(const std::string& text) {
  return parse_config(simdjson::padded_string(text), "config.json");
}

// The good config with `changes`; an empty value removes the field.
std::string config_with(const Fields& changes) {
  Fields fields = good_fields();
  for (const auto& [name, value] : changes) {
    fields[name] = value;
    if (value.empty()) fields.erase(name);
  }
  return test::json_object(fields);
}

TEST(Config, ReadsEveryField) {
  const LlamaConfig config = parse(test::json_object(good_fields()));
  EXPECT_EQ(config.vocab_size, 32000);
  EXPECT_EQ(config.hidden_size, 2048);
  EXPECT_EQ(config.intermediate_size, 5632);
  EXPECT_EQ(config.layer_count, 22);
  EXPECT_EQ(config.head_count, 32);
  EXPECT_EQ(config.kv_head_count, 4);
  EXPECT_EQ(config.head_dim, 64);
  EXPECT_EQ(config.max_context_tokens, 4096);
  EXPECT_EQ(config.rms_norm_eps, 1e-5);
  EXPECT_EQ(config.rope_theta, 500000);
  EXPECT_FALSE(config.tied_embeddings);
  EXPECT_EQ(config.bos_id, 1);
  EXPECT_EQ(config.eos_ids, std::vector<std::int32_t>{2});
}

TEST(Config, TakesTheDefaultsOfTransformers) {
  const LlamaConfig config =
      parse(R"({"model_type":"llama","vocab_size":5,"hidden_size":12,"intermediate_size":7,)"
            R"("num_hidden_layers":1,"num_attention_heads":3})");
  EXPECT_EQ(config.kv_head_count, 3);
  EXPECT_EQ(config.head_dim, 4);
  EXPECT_EQ(config.max_context_tokens, 2048);
  EXPECT_EQ(config.rms_norm_eps, 1e-6);
  EXPECT_EQ(config.rope_theta, 10000);
  EXPECT_FALSE(config.tied_embeddings);
  EXPECT_EQ(config.bos_id, std::nullopt);
  EXPECT_TRUE(config.eos_ids.empty());
}

struct AcceptedCase {
  const char* what;
  Fields changes;
  bool (*holds)(const LlamaConfig&);
};

TEST(Config, AcceptsWhatExportersWrite) {
  const AcceptedCase cases[] = {
      {"several ends",
       {{"eos_token_id", "[2, 31999, 0]"}},
       [](const LlamaConfig& c) {
         return c.eos_ids == std::vector<std::int32_t>{2, 31999, 0};
       }},
      {"no ends",
       {{"eos_token_id", "null"}},
       [](const LlamaConfig& c) { return c.eos_ids.empty(); }},
      {"an empty list of ends",
       {{"eos_token_id", "[]"}},
       [](const LlamaConfig& c) { return c.eos_ids.empty(); }},
      {"no beginning",
       {{"bos_token_id", "null"}},
       [](const LlamaConfig& c) { return !c.bos_id.has_value(); }},
      {"null stands for the default",
       {{"num_key_value_heads", "null"}, {"head_dim", "null"}},
       [](const LlamaConfig& c) { return c.kv_head_count == 32 && c.head_dim == 64; }},
      {"a head width of its own",
       {{"head_dim", "128"}},
       [](const LlamaConfig& c) { return c.head_dim == 128 && c.hidden_size == 2048; }},
      {"a head width where the hidden size is no multiple",
       {{"head_dim", "64"}, {"hidden_size", "2049"}},
       [](const LlamaConfig& c) { return c.head_dim == 64; }},
      {"tied",
       {{"tie_word_embeddings", "true"}},
       [](const LlamaConfig& c) { return c.tied_embeddings; }},
      {"theta as an integer",
       {{"rope_theta", "10000"}},
       [](const LlamaConfig& c) { return c.rope_theta == 10000; }},
      {"theta in rope_parameters",
       {{"rope_theta", ""}, {"rope_parameters", R"({"rope_type":"default","rope_theta":7e5})"}},
       [](const LlamaConfig& c) { return c.rope_theta == 7e5; }},
      {"rope_parameters without theta",
       {{"rope_parameters", "{}"}},
       [](const LlamaConfig& c) { return c.rope_theta == 500000; }},
      {"the largest sizes",
       {{"vocab_size", "16777216"},
        {"hidden_size", "1048576"},
        {"num_hidden_layers", "1024"},
        {"num_attention_heads", "16384"},
        {"num_key_value_heads", "16384"},
        {"head_dim", "4096"},
        {"intermediate_size", "1048576"},
        {"max_position_embeddings", "1073741824"}},
       [](const LlamaConfig& c) {
         return c.vocab_size * c.hidden_size == std::int64_t{1} << 44 &&
                c.head_count * c.head_dim * c.hidden_size == std::int64_t{1} << 46;
       }},
      {"several architectures",
       {{"architectures", R"(["Other", "LlamaForCausalLM"])"}},
       [](const LlamaConfig&) { return true; }},
      {"unknown fields",
       {{"whatever", R"({"a":[1,{"b":null}]})"}},
       [](const LlamaConfig&) { return true; }},
  };
  for (const AcceptedCase& c : cases) {
    SCOPED_TRACE(c.what);
    EXPECT_TRUE(c.holds(parse(config_with(c.changes))));
  }
}

struct RefusedCase {
  Fields changes;
  const char* part_of_message;
};

TEST(Config, RefusesFieldsThatAreWrongOrNotSupported) {
  const RefusedCase cases[] = {
      {{{"rope_scaling", R"({"type":"linear","factor":2.0})"}}, "'rope_scaling'"},
      {{{"rope_parameters", R"({"rope_type":"llama3","rope_theta":1e4})"}}, "'rope_type'"},
      {{{"rope_parameters", R"({"rope_theta":-1})"}}, "'rope_theta'"},
      {{{"rope_parameters", R"({"rope_theta":1e4,"rope_theta":1e4})"}}, "appears twice"},
      {{{"rope_parameters", "5"}}, "'rope_parameters'"},
      {{{"quantization_config", R"({"bits":4})"}}, "'quantization_config'"},
      {{{"sliding_window", "4096"}}, "'sliding_window'"},
      {{{"attention_bias", "true"}}, "'attention_bias'"},
      {{{"mlp_bias", "true"}}, "'mlp_bias'"},
      {{{"mlp_bias", "0"}}, "'mlp_bias'"},
      {{{"rope_interleaved", "true"}}, "'rope_interleaved'"},
      {{{"hidden_act", R"("gelu")"}}, "'hidden_act'"},
      {{{"hidden_act", "1"}}, "'hidden_act'"},
      {{{"partial_rotary_factor", "0.5"}}, "'partial_rotary_factor'"},
      {{{"architectures", R"(["GPT2LMHeadModel"])"}}, "'architectures' is [\"GPT2LMHeadModel\"]"},
      {{{"architectures", "[]"}}, "'architectures'"},
      {{{"architectures", R"("LlamaForCausalLM")"}}, "'architectures'"},
      {{{"architectures", ""}, {"model_type", R"("mistral")"}}, "'model_type'"},
      {{{"architectures", ""}, {"model_type", ""}}, "'model_type' is missing"},
      {{{"tie_word_embeddings", "1"}}, "'tie_word_embeddings'"},
      {{{"tie_word_embeddings", R"("true")"}}, "'tie_word_embeddings'"},
      {{{"num_key_value_heads", "5"}}, "must divide num_attention_heads, which is 32"},
      {{{"num_key_value_heads", "64"}}, "must divide"},
      {{{"num_attention_heads", "48"}}, "'hidden_size' is 2048 but must be a multiple"},
      {{{"hidden_size", "32"}}, "each head's width, 1, must be even"},
      {{{"head_dim", "63"}}, "'head_dim' is 63"},
      {{{"hidden_size", "1048576"}}, "each head's width, 32768"},
      {{{"bos_token_id", "32000"}}, "from 0 to 31999"},
      {{{"bos_token_id", "-1"}}, "'bos_token_id'"},
      {{{"bos_token_id", "[1]"}}, "'bos_token_id'"},
      {{{"eos_token_id", "[2, 32000]"}}, "'eos_token_id'"},
      {{{"eos_token_id", R"(["2"])"}}, "'eos_token_id'"},
      {{{"eos_token_id", "[[2]]"}}, "'eos_token_id'"},
      {{{"eos_token_id", "4294967298"}}, "'eos_token_id'"},
      {{{"eos_token_id",
         "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
         "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"}},
       "at most 64"},
  };
  for (const RefusedCase& c : cases) {
    const std::string text = config_with(c.changes);
    const std::string message = model_error("config.json", [&] { (void)parse(text); });
    EXPECT_NE(message.find(c.part_of_message), std::string::npos) << message;
  }
}

// Every number, with every way of being no number in its range.
TEST(Config, RefusesEveryNumberOutOfRange) {
  struct Number {
    const char* name;
    const char* above;
    bool integer;
  };
  const Number numbers[] = {
      {"vocab_size", "16777217", true},
      {"hidden_size", "1048577", true},
      {"intermediate_size", "1048577", true},
      {"num_hidden_layers", "1025", true},
      {"num_attention_heads", "16385", true},
      {"num_key_value_heads", "16385", true},
      {"head_dim", "4097", true},
      {"max_position_embeddings", "1073741825", true},
      {"rms_norm_eps", "1.01", false},
      {"rope_theta", "1.1e12", false},
  };
  const std::vector<std::string> never = {
      "0", "-1", "-1e300", "1e300", "true", "\"64\"", "[64]", "{}", "-9223372036854775808"};
  const std::vector<std::string> no_integers = {"64.0", "64.5", "6.4e1", "18446744073709551615"};
  for (const Number& number : numbers) {
    std::vector<std::string> values = never;
    values.emplace_back(number.above);
    if (number.integer) values.insert(values.end(), no_integers.begin(), no_integers.end());
    for (const std::string& value : values) {
      const std::string text = config_with({{number.name, value}});
      const std::string message = model_error("config.json", [&] { (void)parse(text); });
      EXPECT_NE(message.find(in_quotes(number.name)), std::string::npos) << message;
    }
  }
}

TEST(Config, RefusesAMissingNumber) {
  for (const char* const name : {"vocab_size", "hidden_size", "intermediate_size",
                                 "num_hidden_layers", "num_attention_heads"}) {
    for (const char* const value : {"", "null"}) {
      const std::string text = config_with({{name, value}});
      const std::string message = model_error("config.json", [&] { (void)parse(text); });
      EXPECT_NE(message.find(in_quotes(name) + " is missing"), std::string::npos) << message;
    }
  }
}

TEST(Config, RefusesWhatIsNoJson) {
  struct {
    std::string text;
    const char* part_of_message;
  } const cases[] = {
      {"", "not valid JSON"},
      {"   ", "not valid JSON"},
      {"[1]", "not an object"},
      {"null", "not an object"},
      {"\xEF\xBB\xBF", "not valid JSON"},
      {config_with({{"rms_norm_eps", "NaN"}}), "at byte "},
      {config_with({{"rms_norm_eps", "nan"}}), "at byte "},
      {config_with({{"rope_theta", "Infinity"}}), "at byte "},
      {config_with({{"rope_theta", "-Infinity"}}), "at byte "},
      {config_with({{"rope_theta", "1e999"}}), "not valid JSON"},
      {config_with({{"hidden_size", "0x10"}}), "at byte "},
      {config_with({{"hidden_size", "+4"}}), "at byte "},
      {config_with({{"hidden_size", "99999999999999999999999999"}}), "not valid JSON"},
      {config_with({{"x", std::string(20, '[') + std::string(20, ']')}}), "not valid JSON"},
      {R"({"vocab_size":1,"vocab_size":1})", "'vocab_size' appears twice"},
      {R"({"vocab_size":1,"vocab\u005fsize":2})", "'vocab_size' appears twice"},
      {"{\"\xC0\x80\":1}", "not valid JSON"},
  };
  for (const auto& c : cases) {
    const std::string message = model_error("config.json", [&] { (void)parse(c.text); });
    EXPECT_NE(message.find(c.part_of_message), std::string::npos) << message;
  }
  const std::string nan = config_with({{"rms_norm_eps", "NaN"}});
  const std::string message = model_error("config.json", [&] { (void)parse(nan); });
  EXPECT_NE(message.find("at byte " + std::to_string(nan.find("NaN")) + " "), std::string::npos)
      << message;
}

TEST(Config, RefusesAFileCutAnywhere) {
  const std::string text = config_with({});
  for (std::size_t size_bytes = 0; size_bytes < text.size(); ++size_bytes) {
    SCOPED_TRACE(size_bytes);
    model_error("config.json", [&] { (void)parse(text.substr(0, size_bytes)); });
  }
}

TEST(Config, LoadsAFileAndRefusesWhatIsNone) {
  const test::TempFolder folder;
  const auto path = folder.write("config.json", config_with({}));
  EXPECT_EQ(load_config(path).layer_count, 22);
  const auto missing = folder.path() / "missing.json";
  model_error(missing.string(), [&] { (void)load_config(missing); });
  model_error(folder.path().string(), [&] { (void)load_config(folder.path()); });
  std::filesystem::resize_file(path, std::uint64_t{1} << 40);
  const std::string message = model_error(path.string(), [&] { (void)load_config(path); });
  EXPECT_NE(message.find("more than the 1000000"), std::string::npos) << message;
}

LlamaConfig small_config(bool tied = false) {
  LlamaConfig config;
  config.vocab_size = 11;
  config.hidden_size = 12;
  config.intermediate_size = 7;
  config.layer_count = 2;
  config.head_count = 4;
  config.kv_head_count = 2;
  config.head_dim = 6;  // not hidden_size / head_count
  config.tied_embeddings = tied;
  return config;
}

TEST(ExpectedTensors, AreThoseOfHuggingFace) {
  const std::vector<ExpectedTensor> tensors = expected_tensors(small_config());
  ASSERT_EQ(tensors.size(), 3u + 2u * 9u);
  const std::map<std::string, std::vector<std::uint64_t>> expected = {
      {"model.embed_tokens.weight", {11, 12}},
      {"model.layers.1.input_layernorm.weight", {12}},
      {"model.layers.1.self_attn.q_proj.weight", {24, 12}},
      {"model.layers.1.self_attn.k_proj.weight", {12, 12}},
      {"model.layers.1.self_attn.v_proj.weight", {12, 12}},
      {"model.layers.1.self_attn.o_proj.weight", {12, 24}},
      {"model.layers.1.post_attention_layernorm.weight", {12}},
      {"model.layers.1.mlp.gate_proj.weight", {7, 12}},
      {"model.layers.1.mlp.up_proj.weight", {7, 12}},
      {"model.layers.1.mlp.down_proj.weight", {12, 7}},
      {"model.norm.weight", {12}},
      {"lm_head.weight", {11, 12}},
  };
  for (const auto& entry : expected) {
    const std::string& name = entry.first;
    const auto at = std::find_if(tensors.begin(), tensors.end(),
                                 [&](const ExpectedTensor& t) { return t.name == name; });
    ASSERT_NE(at, tensors.end()) << name;
    EXPECT_EQ(at->shape, entry.second) << name;
  }
  EXPECT_EQ(expected_tensors(small_config(/*tied=*/true)).size(), tensors.size() - 1);
}

struct WeightsCase {
  const char* what;
  std::function<void(std::vector<ExpectedTensor>&)> change;
  bool tied;
  const char* part_of_message;  ///< null: accepted
};

TEST(CheckTensors, ComparesTheFileWithTheConfig) {
  using Tensors = std::vector<ExpectedTensor>;
  const auto add = [](const char* name) {
    return [name](Tensors& tensors) { tensors.push_back({name, {3}}); };
  };
  const WeightsCase cases[] = {
      {"as expected", [](Tensors&) {}, false, nullptr},
      {"tied", [](Tensors&) {}, true, nullptr},
      {"tied, with an output all the same", add("lm_head.weight"), true, nullptr},
      {"old rotary tables", add("model.layers.0.self_attn.rotary_emb.inv_freq"), false, nullptr},
      {"a bias", add("model.layers.0.self_attn.q_proj.bias"), false,
       "'model.layers.0.self_attn.q_proj.bias' is no part"},
      {"one layer more", add("model.layers.2.input_layernorm.weight"), false, "is no part"},
      {"no tensors", [](Tensors& tensors) { tensors.clear(); }, false,
       "'model.embed_tokens.weight' is missing"},
      {"no output", [](Tensors& tensors) { tensors.pop_back(); }, false,
       "'lm_head.weight' is missing"},
      {"a hole in a layer", [](Tensors& tensors) { tensors.erase(tensors.begin() + 13); }, false,
       "is missing"},
      {"a transposed matrix",
       [](Tensors& tensors) { std::swap(tensors[2].shape[0], tensors[2].shape[1]); }, false,
       "is F16 [12, 24] but config.json calls for F16 [24, 12]"},
      {"a vector as a matrix",
       [](Tensors& tensors) {
         tensors[1].shape = {1, 12};
       },
       false, "is F16 [1, 12]"},
      {"another vocabulary", [](Tensors& tensors) { tensors[0].shape[0] = 12; }, false,
       "calls for F16 [11, 12]"},
      {"a scalar", [](Tensors& tensors) { tensors[1].shape = {}; }, false, "is F16 []"},
  };
  for (const WeightsCase& c : cases) {
    SCOPED_TRACE(c.what);
    const LlamaConfig config = small_config(c.tied);
    Tensors tensors = expected_tensors(config);
    c.change(tensors);
    const test::TempFolder folder;
    const auto path = folder.write("model.safetensors", test::weights_file(tensors));
    const Safetensors weights = Safetensors::open(path);
    if (c.part_of_message == nullptr) {
      check_tensors(config, "config.json", weights);
      continue;
    }
    const std::string message =
        model_error(path.string(), [&] { check_tensors(config, "config.json", weights); });
    EXPECT_NE(message.find(c.part_of_message), std::string::npos) << message;
  }
}

TEST(CheckTensors, TakesOnlyFloatingPointWeights) {
  struct {
    const char* dtype;
    std::uint64_t element_bytes;
    bool usable;
  } const cases[] = {{"F32", 4, true},  {"F16", 2, true},  {"BF16", 2, true},
                     {"F64", 8, false}, {"I8", 1, false},  {"I16", 2, false},
                     {"U16", 2, false}, {"I32", 4, false}, {"F8_E4M3", 1, false}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.dtype);
    const test::TempFolder folder;
    const auto path = folder.write(
        "model.safetensors",
        test::weights_file(expected_tensors(small_config()), c.dtype, c.element_bytes));
    const Safetensors weights = Safetensors::open(path);
    const auto check = [&] { check_tensors(small_config(), "config.json", weights); };
    if (c.usable) {
      check();
    } else {
      EXPECT_NE(model_error(path.string(), check).find(c.dtype), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace sampan::llm
