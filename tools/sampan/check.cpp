#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "commands.h"
#include "model_path.h"
#include "runner.h"

#include <unistd.h>

namespace sampan::cli {
namespace {

using conformance::CaseResult;
using conformance::Declaration;
using conformance::Outcome;
using conformance::Target;
using Json = nlohmann::ordered_json;

struct Options {
  std::vector<std::string> devices;
  std::string filter, declaration;
  bool list = false, json = false;
};

struct Report {
  std::vector<CaseResult> results;
  [[nodiscard]] std::size_t count(Outcome outcome) const {
    return static_cast<std::size_t>(
        std::ranges::count(results, outcome, [](const CaseResult& r) { return r.outcome; }));
  }
};
using Reports = std::map<std::string, Report>;

Declaration declaration_of(const Device& device, const Options& options) {
  Declaration declaration;
  std::filesystem::path file = options.declaration;
  if (file.empty()) {
    file = share_folder() / "conformance" / (device.info().backend + ".json");
    if (!std::filesystem::exists(file)) return declaration;
  }
  declaration = Declaration::read(file);
  const std::vector<std::string> stale = conformance::stale_entries(declaration);
  if (!stale.empty()) {
    throw std::runtime_error(file.string() + ": '" + stale.front() +
                             "' names no case; remove it (sampan check --list shows all)");
  }
  return declaration;
}

std::vector<Target> targets_of(const Options& options) {
  std::vector<Device> chosen;
  for (const std::string& selector : options.devices) {
    const Device found = device(selector);
    if (std::ranges::find(chosen, found) == chosen.end()) chosen.push_back(found);
  }
  if (options.devices.empty()) chosen = devices();
  std::vector<Target> targets;
  for (const Device& each : chosen) {
    static_cast<void>(each.memory_info());  // opens it: one sentence if that fails
    targets.push_back({each, declaration_of(each, options)});
  }
  return targets;
}

void print_result(const Target& target, const CaseResult& result, std::size_t done,
                  std::size_t total) {
  const bool terminal = isatty(STDOUT_FILENO) != 0;
  if (terminal) std::printf("\r\033[K");
  if (result.outcome == Outcome::failed) {
    std::printf("FAIL %s on %s%s%s\n%s\n", result.name.c_str(), target.device.id().c_str(),
                result.reason.empty() ? "" : ": ", result.reason.c_str(), result.message.c_str());
  }
  if (terminal) {
    std::printf("%zu of %zu  %s  %s", done, total, target.device.id().c_str(),
                result.name.c_str());
  }
  std::fflush(stdout);
}

// The cases of one outcome, gathered by reason.
void print_reasons(const Report& report, Outcome outcome) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const CaseResult& result : report.results) {
    if (result.outcome == outcome) by_reason[result.reason].push_back(result.name);
  }
  for (const auto& [reason, names] : by_reason) {
    std::printf("  %s: %s (%zu: %s%s)\n", std::string(to_string(outcome)).c_str(), reason.c_str(),
                names.size(), names.front().c_str(), names.size() > 1 ? ", …" : "");
  }
}

void print_summary(const std::vector<Target>& targets, const Reports& reports) {
  for (const Target& target : targets) {
    const DeviceInfo& info = target.device.info();
    const Report& report = reports.at(info.id);
    std::printf("%s%s  %s, %s: %zu passed, %zu failed, %zu unsupported, %zu expected failures\n",
                info.id.c_str(), info.emulated ? " (emulated)" : "", info.name.c_str(),
                info.driver.c_str(), report.count(Outcome::passed), report.count(Outcome::failed),
                report.count(Outcome::unsupported), report.count(Outcome::expected_failure));
    print_reasons(report, Outcome::unsupported);
    print_reasons(report, Outcome::expected_failure);
  }
}

Json to_json(const Target& target, const Report& report) {
  const DeviceInfo& info = target.device.info();
  Json cases = Json::array();
  for (const CaseResult& result : report.results) {
    cases.push_back({{"name", result.name},
                     {"outcome", to_string(result.outcome)},
                     {"reason", result.reason},
                     {"message", result.message},
                     {"seconds", result.seconds}});
  }
  return {{"device", info.id},
          {"name", info.name},
          {"driver", info.driver},
          {"emulated", info.emulated},
          {"passed", report.count(Outcome::passed)},
          {"failed", report.count(Outcome::failed)},
          {"unsupported", report.count(Outcome::unsupported)},
          {"expected_failures", report.count(Outcome::expected_failure)},
          {"cases", std::move(cases)}};
}

void print_json(const std::vector<Target>& targets, const Reports& reports) {
  Json out{{"devices", Json::array()}};
  for (const Target& target : targets) {
    out["devices"].push_back(to_json(target, reports.at(target.device.id())));
  }
  std::printf("%s\n", out.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

int check(const Options& options) {
  const std::vector<std::string> names = conformance::case_names(options.filter);
  if (names.empty()) {
    throw std::runtime_error("--filter '" + options.filter +
                             "' selects no case; see `sampan check --list`");
  }
  if (options.list) {
    for (const std::string& name : names) std::printf("%s\n", name.c_str());
    return 0;
  }
  const std::vector<Target> targets = targets_of(options);
  if (targets.empty()) throw std::runtime_error("no device to check; see `sampan devices`");
  Reports reports;
  const std::size_t total = names.size() * targets.size();
  std::size_t done = 0, failed = 0;
  conformance::run(targets, options.filter, [&](const Target& target, const CaseResult& result) {
    if (!options.json) print_result(target, result, ++done, total);
    if (result.outcome == Outcome::failed) ++failed;
    reports[target.device.id()].results.push_back(result);
  });
  if (options.json) {
    print_json(targets, reports);
  } else {
    if (isatty(STDOUT_FILENO) != 0) std::printf("\r\033[K");
    print_summary(targets, reports);
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace

void add_check(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("check", "Run the conformance suite, on any backend or plug-in");
  const auto options = std::make_shared<Options>();
  command->add_option("-d,--device", options->devices, "Device to check (default: all)");
  command->add_option("-f,--filter", options->filter,
                      "Cases to run: patterns such as Copy.*, separated by ':'; behind a '-', those "
                      "to leave out");
  command->add_option("--declaration", options->declaration,
                      "What the backend declares unsupported or failing, instead of its own "
                      "share/sampan/conformance/<backend>.json");
  command->add_flag("-l,--list", options->list, "List the cases");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exit_code] { exit_code = check(*options); });
}

}  // namespace sampan::cli
