// What there is to compile: every kernel of kernels/tuning/tiles.json with its tiles and types.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sampan::kernel_compile {

/// One kernel file with one set of macros.
struct Unit {
  std::string file;                      ///< "gemm.k" of the kernels' folder, or an absolute path
  std::vector<std::string> definitions;  ///< "VW=4", "DT_A=F32", …
  [[nodiscard]] std::string name() const;
};

/// The units of one class of devices ("cuda"): each tile with the first combination of types, and
/// the first tile with every combination. Throws std::runtime_error when the table is not as
/// kernels/README.md describes it, or a listed entry point is missing from its file.
[[nodiscard]] std::vector<Unit> read_units(const std::filesystem::path& kernels,
                                           const std::string& device_class);

/// The whole text of a file; throws std::runtime_error that names it.
[[nodiscard]] std::string read_text(const std::filesystem::path& path);

}  // namespace sampan::kernel_compile
