// Runs the library in a fresh process with plug-ins of the test's making, and looks at its report.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "private_folder.h"
#include "run_program.h"

namespace sampan_test {

/// A compiled plug-in of variants/ by its name.
[[nodiscard]] std::filesystem::path variant(const std::string& name);

/// {"name": NAME, "abi": {…this Sampan's…}, "path": PATH, EXTRA}
[[nodiscard]] std::string manifest_text(const std::string& name, const std::string& path,
                                        const std::string& extra = {});

/// What the case has made: a folder for plug-ins, and the process that will look at it. As it
/// starts, SAMPAN_PLUGIN_PATH is the folder and the process sees no other plug-ins than the tree's.
struct Scene {
  Scene();

  PrivateFolder folder;
  Program program;

  /// Puts a copy of a variant and a manifest for it into the folder, as "variant.so" and
  /// "variant.json".
  void add(const std::string& variant_name, const std::string& extra = {}) const;
};

struct BackendLine {
  std::string name, status, path, reason;
};

struct Report {
  std::vector<BackendLine> backends;
  std::vector<std::string> devices;
  /// Those of this name, the tree's among them.
  [[nodiscard]] std::vector<BackendLine> named(std::string_view name) const;
  [[nodiscard]] bool has_device(std::string_view id) const;
};

/// Runs the process; fails the test unless it ends well, shows every backend of the tree, and can
/// use the CPU.
[[nodiscard]] Report report_of(const Scene& scene);

/// What has to become of one plug-in.
struct Expectation {
  std::string status = "refused";
  std::vector<std::string> words;  ///< each must be in the reason
  std::string name = "variant";
};
void expect_backend(const Report& report, const Expectation& expected);

/// Registers a test "loader.<name>" that sets the scene and looks at the report.
void add_loader_test(const std::string& name, std::function<void(Scene&)> prepare,
                     std::function<void(const Report&)> check);
/// The same for one plug-in.
void add_loader_test(const std::string& name, std::function<void(Scene&)> prepare,
                     Expectation expected);

void add_variant_tests();
void add_manifest_tests();
void add_trust_tests();
void add_place_tests();

}  // namespace sampan_test
