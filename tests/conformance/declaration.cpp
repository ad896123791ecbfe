#include "declaration.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace sampan::conformance {
namespace {

using Json = nlohmann::json;

[[noreturn]] void fail(const std::string& name, const std::string& what) {
  throw std::runtime_error(name + ": " + what);
}

std::string text_of(const Json& entry, const char* key, const std::string& name) {
  if (!entry.contains(key)) return {};
  if (!entry[key].is_string()) fail(name, std::string("'") + key + "' of an entry is no text");
  return entry[key].get<std::string>();
}

std::vector<Exclusion> entries_of(const Json& root, const char* list, const std::string& name) {
  std::vector<Exclusion> entries;
  if (!root.contains(list)) return entries;
  if (!root[list].is_array()) fail(name, std::string("'") + list + "' is no list");
  for (const Json& entry : root[list]) {
    if (!entry.is_object()) fail(name, std::string("an entry of '") + list + "' is no object");
    for (const auto& [key, value] : entry.items()) {
      if (key != "test" && key != "reason" && key != "driver") {
        fail(name, "unknown key '" + key + "'; an entry has test, reason and driver");
      }
    }
    Exclusion exclusion{text_of(entry, "test", name), text_of(entry, "reason", name),
                        text_of(entry, "driver", name)};
    if (exclusion.test.empty() || exclusion.reason.empty()) {
      fail(name,
           std::string("an entry of '") + list + "' lacks its test or its reason; write both");
    }
    entries.push_back(std::move(exclusion));
  }
  return entries;
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
  // Greedy: after a mismatch, the last * takes one character more.
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Declaration Declaration::read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) fail(file.string(), "it can't be opened; check the path");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return parse(text, file.string());
}

Declaration Declaration::parse(std::string_view json, const std::string& name) {
  const Json root = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object())
    fail(name, "it is no JSON object; write one with unsupported and expected_failure");
  for (const auto& [key, value] : root.items()) {
    if (key != "unsupported" && key != "expected_failure") {
      fail(name, "unknown key '" + key + "'; there are unsupported and expected_failure");
    }
  }
  return {entries_of(root, "unsupported", name), entries_of(root, "expected_failure", name)};
}

const std::string* Declaration::find(const std::vector<Exclusion>& entries, std::string_view test,
                                     std::string_view driver) {
  for (const Exclusion& entry : entries) {
    const bool this_driver = entry.driver.empty() || matches(entry.driver, driver);
    if (this_driver && matches(entry.test, test)) return &entry.reason;
  }
  return nullptr;
}

std::string_view to_string(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::passed:
      return "PASS";
    case Outcome::failed:
      return "FAIL";
    case Outcome::unsupported:
      return "UNSUPPORTED";
    case Outcome::expected_failure:
      return "XFAIL";
  }
  return "unknown";
}

Verdict judge(Ending ending, const Declaration& declaration, std::string_view test,
              std::string_view driver) {
  const std::string* unsupported = Declaration::find(declaration.unsupported, test, driver);
  const std::string* failing = Declaration::find(declaration.expected_failure, test, driver);
  switch (ending) {
    case Ending::unsupported:
      if (unsupported != nullptr) return {Outcome::unsupported, *unsupported};
      return {Outcome::failed, "unsupported, which the backend does not declare"};
    case Ending::failed:
      if (failing != nullptr) return {Outcome::expected_failure, *failing};
      return {Outcome::failed, {}};
    case Ending::passed:
      if (failing == nullptr) return {Outcome::passed, {}};
      return {Outcome::failed,
              "passed, though its failure is declared (" + *failing + "); remove the declaration"};
  }
  return {Outcome::failed, {}};
}

}  // namespace sampan::conformance
