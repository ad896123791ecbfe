#include "units.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>

namespace sampan::kernel_compile {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

Unit make_unit(const std::string& kernel, const Json& tile, const Json& types) {
  Unit unit{kernel + ".k", {}};
  for (const Json* macros : {&tile, &types}) {
    for (const auto& [name, value] : macros->items()) {
      unit.definitions.push_back(name + "=" + text_of(value));
    }
  }
  return unit;
}

void check_entries(const std::filesystem::path& file, const Json& entries) {
  const std::string text = read_text(file);
  for (const Json& entry : entries) {
    const std::string name = entry.get<std::string>();
    if (!std::regex_search(text, std::regex("(^|\n)KERNEL(_FLAT)?\\(" + name + "\\b"))) {
      throw std::runtime_error(file.string() + " has no entry point " + name);
    }
  }
}

}  // namespace

std::string Unit::name() const {
  std::string result = file;
  for (const std::string& definition : definitions) result += " -D" + definition;
  return result;
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<Unit> read_units(const std::filesystem::path& kernels,
                             const std::string& device_class) {
  const Json table = Json::parse(read_text(kernels / "tuning" / "tiles.json"));
  const Json& target = table.at("targets").at(device_class);
  std::vector<Unit> units;
  for (const auto& [kernel, description] : table.at("kernels").items()) {
    check_entries(kernels / (kernel + ".k"), description.at("entries"));
    const Json& tiles = target.at(kernel);
    const Json& types = description.at("types");
    if (tiles.empty() || types.empty()) throw std::runtime_error(kernel + " has no tile or type");
    for (const Json& tile : tiles) units.push_back(make_unit(kernel, tile, types[0]));
    for (std::size_t i = 1; i < types.size(); ++i) {
      units.push_back(make_unit(kernel, tiles[0], types[i]));
    }
  }
  return units;
}

}  // namespace sampan::kernel_compile
