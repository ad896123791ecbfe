#pragma once

#include <filesystem>
#include <string>

namespace sampan::cli {

/// The model that ships with Sampan: ../share/sampan/model from this program.
[[nodiscard]] std::filesystem::path shipped_model();

/// The prompt that a model's metrics.json proposes, or a neutral one.
[[nodiscard]] std::string default_prompt(const std::filesystem::path& model);

/// A file of Sampan's share folder, from this program.
[[nodiscard]] std::filesystem::path share_folder();

}  // namespace sampan::cli
