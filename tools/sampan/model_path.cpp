#include "model_path.h"

#include <fstream>
#include <nlohmann/json.hpp>

namespace sampan::cli {

std::filesystem::path share_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() /
         "share/sampan";
}

std::filesystem::path shipped_model() { return share_folder() / "model"; }

std::string default_prompt(const std::filesystem::path& model) {
  std::ifstream in(model / "metrics.json");
  const auto metrics = nlohmann::json::parse(in, nullptr, /*allow_exceptions=*/false);
  if (metrics.is_object() && metrics.contains("default_prompt") &&
      metrics["default_prompt"].is_string()) {
    return metrics["default_prompt"].get<std::string>();
  }
  return "Once upon a time";
}

}  // namespace sampan::cli
