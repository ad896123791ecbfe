#include <unistd.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "commands.h"
#include "generate.h"
#include "model_path.h"
#include "output.h"
#include "sampan/device.h"
#include "text_file.h"

namespace sampan::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string model, prompt, migrate, perplexity_file;
  std::vector<std::string> devices;
  std::uint64_t tokens = 64, seed = 1;
  double temperature = 0;
  bool json = false, has_prompt = false;
};

struct Row {
  Device device;
  llm::Generation generation;
  bool matches_first = true;
};

double rate(std::uint64_t tokens, double seconds) {
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}
double prefill_rate(const llm::Generation& g) { return rate(g.prompt_tokens, g.prefill_s); }
double decode_rate(const llm::Generation& g) {
  return rate(g.tokens.empty() ? 0 : g.tokens.size() - 1, g.decode_s);
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

std::vector<Device> chosen_devices(const Options& options) {
  if (options.devices.empty()) return devices();
  std::vector<Device> chosen;
  for (const std::string& selector : options.devices) chosen.push_back(device(selector));
  return chosen;
}

std::filesystem::path model_folder(const Options& options) {
  return options.model.empty() ? shipped_model() : std::filesystem::path(options.model);
}

// "opencl:0@16"
std::optional<llm::GenerateOptions::Migration> parse_migration(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const std::size_t at = text.rfind('@');
  std::uint64_t tokens = 0;
  const char* first = text.data() + (at == std::string::npos ? text.size() : at + 1);
  const char* last = text.data() + text.size();
  const auto [end, problem] = std::from_chars(first, last, tokens);
  if (at == std::string::npos || problem != std::errc{} || end != last || tokens == 0) {
    throw CLI::ValidationError("--migrate", "'" + text + "' is not DEVICE@TOKENS, opencl:0@16 say");
  }
  return llm::GenerateOptions::Migration{device(text.substr(0, at)), tokens};
}

llm::GenerateOptions to_generate_options(const Options& options) {
  llm::GenerateOptions generate;
  generate.prompt = options.has_prompt ? options.prompt : default_prompt(model_folder(options));
  generate.tokens = options.tokens;
  generate.temperature = options.temperature;
  generate.seed = options.seed;
  generate.migration = parse_migration(options.migrate);
  return generate;
}

void print_json(const std::string& prompt, const std::vector<Row>& rows) {
  Json out{{"prompt", prompt}, {"devices", Json::array()}};
  for (const Row& row : rows) {
    const llm::Generation& g = row.generation;
    out["devices"].push_back({{"device", row.device.id()},
                              {"backend", row.device.info().backend},
                              {"emulated", row.device.info().emulated},
                              {"tokens", g.tokens},
                              {"text", g.text},
                              {"prefill_tokens_per_s", prefill_rate(g)},
                              {"decode_tokens_per_s", decode_rate(g)},
                              {"ttft_ms", g.first_token_s * 1e3},
                              {"memory_bytes", g.memory_bytes},
                              {"matches_first", row.matches_first}});
  }
  std::printf("%s\n", out.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

void print_table(const std::vector<Row>& rows) {
  Table table({"device", "backend", "prefill tok/s", "decode tok/s", "first token ms", "memory",
               "same tokens"});
  for (const Row& row : rows) {
    const llm::Generation& g = row.generation;
    const bool first = &row == &rows.front();
    table.add({row.device.id(),
               row.device.info().backend + (row.device.info().emulated ? " (emulated)" : ""),
               fixed(prefill_rate(g), 1), fixed(decode_rate(g), 1), fixed(g.first_token_s * 1e3, 2),
               human_bytes(g.memory_bytes),
               first               ? "(first)"
               : row.matches_first ? "yes"
                                   : "NO"});
  }
  std::printf("\n");
  table.print(2);
}

llm::Progress loading(ProgressLine& line) {
  return [&line](std::uint64_t done, std::uint64_t total) { line.update(done, total); };
}

int generate_on_all(const Options& options) {
  const llm::ModelFolder model = llm::ModelFolder::open(model_folder(options));
  const llm::GenerateOptions generate = to_generate_options(options);
  std::vector<Row> rows;
  bool all_match = true;
  for (const Device& target : chosen_devices(options)) {
    const bool show = rows.empty() && !options.json;
    // The prompt is shown with the first text behind it: it may not be one, or not fit.
    std::string shown = generate.prompt;
    const auto on_text = [&shown](const std::string& text) {
      std::printf("%s%s", std::exchange(shown, {}).c_str(), text.c_str());
      std::fflush(stdout);
    };
    Row row{target, {}, true};
    {
      ProgressLine line("Loading on " + target.id());
      row.generation =
          llm::generate(target, model, generate,
                        show ? on_text : std::function<void(const std::string&)>{}, loading(line));
    }
    if (show) std::printf("%s\n", shown.c_str());
    if (!rows.empty()) row.matches_first = row.generation.tokens == rows[0].generation.tokens;
    all_match = all_match && row.matches_first;
    rows.push_back(std::move(row));
  }
  options.json ? print_json(generate.prompt, rows) : print_table(rows);
  if (!all_match) std::fprintf(stderr, "sampan: the devices wrote different tokens\n");
  return all_match ? 0 : 1;
}

int score_on_all(const Options& options) {
  const llm::ModelFolder model = llm::ModelFolder::open(model_folder(options));
  const std::string text = read_text_file(options.perplexity_file);
  Json out{{"file", options.perplexity_file}, {"devices", Json::array()}};
  Table table({"device", "tokens", "perplexity"});
  for (const Device& target : chosen_devices(options)) {
    ProgressLine line("Loading on " + target.id());
    const llm::Perplexity score =
        llm::perplexity(target, model, text, options.perplexity_file, loading(line));
    const bool emulated = target.info().emulated;
    out["devices"].push_back({{"device", target.id()},
                              {"emulated", emulated},
                              {"tokens", score.tokens},
                              {"nll", score.nll},
                              {"perplexity", score.perplexity}});
    table.add({target.id() + (emulated ? " (emulated)" : ""), std::to_string(score.tokens),
               fixed(score.perplexity, 5)});
  }
  if (options.json) {
    std::printf("%s\n", out.dump(2).c_str());
  } else {
    table.print(1);
  }
  return 0;
}

}  // namespace

void add_run(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "run", "Let a language model continue a prompt on every device, and compare them");
  const auto options = std::make_shared<Options>();
  command->add_option("--model", options->model,
                      "Folder with config.json, model.safetensors and tokenizer.model "
                      "(default: the model that ships with Sampan)");
  command->add_option("-d,--device", options->devices, "Device; may be repeated (default: all)");
  CLI::Option* prompt = command->add_option("--prompt", options->prompt, "Text to continue");
  command->add_option("-n,--tokens", options->tokens, "Tokens to write")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 30))
      ->capture_default_str();
  command->add_option("--temperature", options->temperature, "0 takes the likeliest token")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Seed of the sampling")->capture_default_str();
  command->add_option("--migrate", options->migrate,
                      "DEVICE@TOKENS: move the running model there after so many tokens");
  command->add_option("--perplexity", options->perplexity_file, "Score this text instead");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, prompt, &exit_code] {
    if (std::isnan(options->temperature)) {  // passes the range check
      throw CLI::ValidationError("--temperature", "nan is not in range 0 to 100");
    }
    options->has_prompt = prompt->count() > 0;
    exit_code =
        options->perplexity_file.empty() ? generate_on_all(*options) : score_on_all(*options);
  });
}

}  // namespace sampan::cli
