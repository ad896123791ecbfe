// Where plug-ins are looked for, and what happens to those found twice.
#include "loader_case.h"

namespace sampan_test {
namespace {

namespace fs = std::filesystem;

void unset_path(Scene& scene) { scene.program.environment["SAMPAN_PLUGIN_PATH"] = std::nullopt; }

// A plug-in in `place`, a folder below the scene's.
void add_below(const Scene& scene, const std::string& place) {
  fs::create_directories(scene.folder.path() / place);
  fs::permissions(scene.folder.path() / place, fs::perms::owner_all);
  scene.folder.copy(variant("good"), place + "/variant.so");
  scene.folder.write(place + "/variant.json", manifest_text("variant", "variant.so"));
}

void expect_nothing(const Report& report) {
  EXPECT_TRUE(report.named("variant").empty());
  EXPECT_FALSE(report.has_device("variant:0"));
}

void add_path_variable_tests() {
  add_loader_test(
      "path_names_a_manifest",
      [](Scene& scene) {
        scene.add("good");
        scene.program.environment["SAMPAN_PLUGIN_PATH"] =
            (scene.folder.path() / "variant.json").string();
      },
      Expectation{"loaded", {}});
  add_loader_test(
      "path_names_a_library",
      [](Scene& scene) {
        scene.add("good");
        scene.program.environment["SAMPAN_PLUGIN_PATH"] =
            (scene.folder.path() / "variant.so").string();
      },
      Expectation{"refused", {"variant.so", "not JSON"}});
  add_loader_test(
      "path_with_empty_items",
      [](Scene& scene) {
        scene.add("good");
        scene.program.environment["SAMPAN_PLUGIN_PATH"] = "::" + scene.folder.path().string() + ":";
      },
      Expectation{"loaded", {}});
  add_loader_test(
      "path_to_a_missing_folder",
      [](Scene& scene) {
        scene.program.environment["SAMPAN_PLUGIN_PATH"] =
            (scene.folder.path() / "variant").string();
      },
      Expectation{"refused", {"SAMPAN_PLUGIN_PATH", "variant", "can't be found"}});
  add_loader_test(
      "relative_path",
      [](Scene& scene) {
        add_below(scene, "variant");
        scene.program.folder = scene.folder.path();
        scene.program.environment["SAMPAN_PLUGIN_PATH"] = "variant";
      },
      Expectation{"refused", {"SAMPAN_PLUGIN_PATH", "relative path 'variant'", "absolute"}});
}

void add_standing_folder_tests() {
  add_loader_test(
      "current_folder_is_not_searched",
      [](Scene& scene) {
        scene.add("good");
        scene.program.folder = scene.folder.path();
        unset_path(scene);
      },
      expect_nothing);
  add_loader_test(
      "data_folder",
      [](Scene& scene) {
        add_below(scene, "data/sampan/plugins");
        scene.program.environment["XDG_DATA_HOME"] = (scene.folder.path() / "data").string();
        unset_path(scene);
      },
      Expectation{"loaded", {}});
  add_loader_test(
      "data_folder_of_home",
      [](Scene& scene) {
        add_below(scene, ".local/share/sampan/plugins");
        scene.program.environment["XDG_DATA_HOME"] = std::nullopt;
        scene.program.environment["HOME"] = scene.folder.path().string();
        unset_path(scene);
      },
      Expectation{"loaded", {}});
  add_loader_test(
      "relative_data_folder_is_not_searched",
      [](Scene& scene) {
        add_below(scene, "data/sampan/plugins");
        scene.program.folder = scene.folder.path();
        scene.program.environment["XDG_DATA_HOME"] = "data";
        scene.program.environment["HOME"] = "";
        unset_path(scene);
      },
      expect_nothing);
}

// Two manifests for one name: the first one found is used, the second one shown as refused.
void add_duplicate_tests() {
  add_loader_test(
      "duplicate_name",
      [](Scene& scene) {
        scene.add("good");
        scene.folder.write("variant_again.json", manifest_text("variant", "variant.so"));
      },
      [](const Report& report) {
        const auto found = report.named("variant");
        ASSERT_EQ(found.size(), 2u);
        EXPECT_EQ(found[0].status, "loaded") << found[0].reason;
        EXPECT_EQ(found[1].status, "refused");
        EXPECT_NE(found[1].reason.find("same name"), std::string::npos) << found[1].reason;
        EXPECT_NE(found[1].reason.find(found[0].path), std::string::npos) << found[1].reason;
        EXPECT_TRUE(report.has_device("variant:0"));
      });
  add_loader_test(
      "name_of_a_backend_of_the_tree",
      [](Scene& scene) {
        scene.folder.copy(variant("good"), "variant.so");
        scene.folder.write("variant.json", manifest_text("cpu", "variant.so"));
      },
      [](const Report& report) {
        const auto found = report.named("cpu");
        ASSERT_EQ(found.size(), 2u);
        EXPECT_EQ(found[0].status, "loaded") << found[0].reason;
        EXPECT_EQ(found[1].status, "refused");
        EXPECT_NE(found[1].reason.find("same name"), std::string::npos) << found[1].reason;
      });
  add_loader_test(
      "refused_one_does_not_take_the_name",
      [](Scene& scene) {
        scene.add("good");
        scene.folder.write("a_broken_one.json", manifest_text("variant", "nowhere.so"));
      },
      [](const Report& report) {
        const auto found = report.named("variant");
        ASSERT_EQ(found.size(), 2u);
        EXPECT_EQ(found[0].status, "refused");
        EXPECT_EQ(found[1].status, "loaded") << found[1].reason;
        EXPECT_TRUE(report.has_device("variant:0"));
      });
}

}  // namespace

void add_place_tests() {
  add_path_variable_tests();
  add_standing_folder_tests();
  add_duplicate_tests();
}

}  // namespace sampan_test
