// Files that somebody else may write, and processes with rights that their caller lacks.
#include <sys/stat.h>
#include <unistd.h>

#include "loader_case.h"

namespace sampan_test {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kNobody = 65534;
constexpr mode_t kPrivateFile = 0600;

void set_mode(const fs::path& path, mode_t mode) {
  ASSERT_EQ(::chmod(path.c_str(), mode), 0) << path;
}

struct ModeRow {
  const char* name;
  const char* file;  // of the scene's folder; empty: the folder itself
  mode_t mode;
};

void add_mode_test(const ModeRow& row) {
  add_loader_test(
      row.name,
      [row](Scene& scene) {
        scene.add("good");
        set_mode(*row.file != '\0' ? scene.folder.path() / row.file : scene.folder.path(),
                 row.mode);
      },
      Expectation{"refused", {row.file, "can be written by others", "chmod go-w"}});
}

// Gives a file away; only root can.
void add_owner_test(const char* name, const char* file) {
  add_loader_test(
      name,
      [file](Scene& scene) {
        if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file to another user";
        scene.add("good");
        const fs::path path = *file != '\0' ? scene.folder.path() / file : scene.folder.path();
        ASSERT_EQ(::chown(path.c_str(), kNobody, kNobody), 0);
      },
      Expectation{"refused", {file, "belongs to another user"}});
}

void add_pipe_tests() {
  // Reading either would wait for a writer that never comes.
  add_loader_test(
      "manifest_is_a_pipe",
      [](Scene& scene) {
        ASSERT_EQ(::mkfifo((scene.folder.path() / "variant.json").c_str(), kPrivateFile), 0);
      },
      Expectation{"refused", {"variant.json", "not a regular file"}});
  add_loader_test(
      "library_is_a_pipe",
      [](Scene& scene) {
        ASSERT_EQ(::mkfifo((scene.folder.path() / "variant.so").c_str(), kPrivateFile), 0);
        scene.folder.write("variant.json", manifest_text("variant", "variant.so"));
      },
      Expectation{"refused", {"variant.so", "not a regular file"}});
}

void add_link_tests() {
  add_loader_test(
      "manifest_by_a_link",
      [](Scene& scene) {
        const fs::path links = scene.folder.make_folder("links");
        scene.folder.copy(variant("good"), "links/variant.so");
        scene.folder.write("real.txt", manifest_text("variant", "variant.so"));
        fs::create_symlink("../real.txt", links / "variant.json");
        scene.program.environment["SAMPAN_PLUGIN_PATH"] = links.string();
      },
      Expectation{"loaded", {}});
  add_loader_test(
      "link_in_a_folder_of_others",
      [](Scene& scene) {
        const fs::path links = scene.folder.make_folder("links");
        scene.add("good");
        fs::create_symlink("../variant.json", links / "variant.json");
        fs::create_symlink("../variant.so", links / "variant.so");
        set_mode(links, 0777);
        scene.program.environment["SAMPAN_PLUGIN_PATH"] = links.string();
      },
      Expectation{"refused", {"links", "can be written by others"}});
  add_loader_test(
      "link_into_a_folder_of_others",
      [](Scene& scene) {
        const fs::path open = scene.folder.make_folder("open");
        const fs::path links = scene.folder.make_folder("links");
        scene.folder.copy(variant("good"), "open/variant.so");
        scene.folder.write("links/variant.json", manifest_text("variant", "variant.so"));
        fs::create_symlink("../open/variant.so", links / "variant.so");
        set_mode(open, 0777);
        scene.program.environment["SAMPAN_PLUGIN_PATH"] = links.string();
      },
      Expectation{"refused", {"open", "can be written by others"}});
}

// A set-user-id program: the loader has to ignore what its caller set.
void add_privileged_test() {
  add_loader_test(
      "privileged_process_ignores_the_environment",
      [](Scene& scene) {
        if (::geteuid() != 0) GTEST_SKIP() << "only root can make a program of another user";
        scene.add("good");
        const fs::path program = scene.folder.path() / "report";
        fs::copy_file(scene.program.words[0], program);
        ASSERT_EQ(::chown(program.c_str(), kNobody, kNobody), 0);
        set_mode(program, 04755);
        // The other user must reach the program and the plug-in: else it would see none anyway.
        set_mode(scene.folder.path(), 0755);
        set_mode(scene.folder.path() / "variant.so", 0755);
        set_mode(scene.folder.path() / "variant.json", 0644);
        scene.program.words = {program.string()};
        // LeakSanitizer can't look into a privileged process.
        scene.program.environment["ASAN_OPTIONS"] = "detect_leaks=0";
        const fs::path data = scene.folder.path() / "data/sampan/plugins";
        fs::create_directories(data);
        fs::copy(scene.folder.path() / "variant.json", data / "variant.json");
        scene.program.environment["XDG_DATA_HOME"] = (scene.folder.path() / "data").string();
      },
      [](const Report& report) { EXPECT_TRUE(report.named("variant").empty()); });
}

}  // namespace

void add_trust_tests() {
  for (const ModeRow& row : {
           ModeRow{"group_writable_library", "variant.so", 0620},
           ModeRow{"world_writable_library", "variant.so", 0602},
           ModeRow{"group_writable_manifest", "variant.json", 0620},
           ModeRow{"world_writable_manifest", "variant.json", 0602},
           ModeRow{"group_writable_folder", "", 0770},
           ModeRow{"world_writable_folder", "", 01777},
       }) {
    add_mode_test(row);
  }
  add_loader_test(
      "library_in_a_folder_of_others",
      [](Scene& scene) {
        const fs::path open = scene.folder.make_folder("open");
        scene.folder.copy(variant("good"), "open/variant.so");
        scene.folder.write("variant.json", manifest_text("variant", "open/variant.so"));
        set_mode(open, 0777);
      },
      Expectation{"refused", {"open", "can be written by others"}});
  add_owner_test("foreign_library", "variant.so");
  add_owner_test("foreign_manifest", "variant.json");
  add_owner_test("foreign_folder", "");
  add_pipe_tests();
  add_link_tests();
  add_privileged_test();
}

}  // namespace sampan_test
