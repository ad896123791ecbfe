// Manifests: garbage of many kinds, versions, digests, paths.
#include <array>
#include <cstdio>

#include "loader_case.h"

namespace sampan_test {
namespace {

struct Garbage {
  const char* name;
  std::string text;
  std::vector<std::string> words;
};

std::string abi(const std::string& inside) {
  return R"({"name": "variant", "path": "variant.so", "abi": )" + inside + "}";
}

std::string named(const std::string& name) { return manifest_text(name, "variant.so"); }

std::vector<Garbage> garbage() {
  const std::string good = manifest_text("variant", "variant.so");
  return {
      {"empty", "", {"not JSON"}},
      {"only_blanks", "  \n ", {"not JSON"}},
      {"binary",
       std::string("\x7f"
                   "ELF\0\1\2",
                   7),
       {"not JSON"}},
      {"cut", good.substr(0, good.size() / 2), {"not JSON", "byte"}},
      {"two_values", good + good, {"not JSON"}},
      {"comments", "// hello\n" + good, {"not JSON"}},
      {"invalid_utf8", "{\"name\": \"\xff\xfe\"}", {"not JSON"}},
      {"number_overflow", "{\"x\": 1e999}", {"out of range"}},
      {"a_list", "[]", {"not a JSON object"}},
      {"a_number", "7", {"not a JSON object"}},
      {"null", "null", {"not a JSON object"}},
      {"deep", std::string(30'000, '[') + std::string(30'000, ']'), {"not a JSON object"}},
      {"deep_and_cut", std::string(60'000, '['), {"not JSON"}},
      {"huge", good + std::string(70'000, ' '), {"larger than 64 KiB"}},
      {"no_name", R"({"path": "variant.so"})", {"\"name\"", "string"}},
      {"name_is_number", R"({"name": 7})", {"\"name\"", "string"}},
      {"name_empty", named(""), {"\"name\"", "non-empty"}},
      {"name_with_slash", named("../cpu"), {"\"name\"", "a-z"}},
      {"name_with_line_break", named("a\\nb"), {"\"name\"", "a-z"}},
      {"name_too_long", named(std::string(32, 'a')), {"\"name\"", "31"}},
      {"no_path",
       R"({"name": "variant", "abi": {"major": 1, "minor_min": 0, "minor_max": 1}})",
       {"\"path\""}},
      {"path_with_zero", manifest_text("variant", "a\\u0000b"), {"\"path\"", "zero"}},
      {"no_abi", R"({"name": "variant", "path": "variant.so"})", {"\"abi\"", "object"}},
      {"abi_is_number", abi("1"), {"\"abi\"", "object"}},
      {"abi_is_empty", abi("{}"), {"\"abi\"", "\"major\""}},
      {"major_is_text", abi(R"({"major": "1", "minor_min": 0, "minor_max": 1})"), {"\"major\""}},
      {"major_is_negative", abi(R"({"major": -1, "minor_min": 0, "minor_max": 1})"), {"\"major\""}},
      {"major_is_fraction",
       abi(R"({"major": 1.5, "minor_min": 0, "minor_max": 1})"),
       {"\"major\""}},
      {"minor_is_huge",
       abi(R"({"major": 1, "minor_min": 0, "minor_max": 4294967296})"),
       {"\"minor_max\"", "65535"}},
      {"minors_are_swapped",
       abi(R"({"major": 1, "minor_min": 1, "minor_max": 0})"),
       {"\"minor_min\"", "\"minor_max\""}},
      {"sha256_is_number", manifest_text("variant", "variant.so", "\"sha256\": 7"), {"\"sha256\""}},
      {"sha256_is_short",
       manifest_text("variant", "variant.so", "\"sha256\": \"abc\""),
       {"\"sha256\"", "64"}},
  };
}

// The library that must not be opened: it would say so by its own refusal.
void add_unopened(const std::string& name, const std::string& text,
                  std::vector<std::string> words) {
  add_loader_test(
      name,
      [text](Scene& scene) {
        scene.folder.copy(variant("constructor_aborts"), "variant.so");
        scene.folder.write("variant.json", text);
      },
      Expectation{"refused", std::move(words)});
}

// The digest that the system's own tool finds.
std::string sha256_of(const std::filesystem::path& file) {
  const std::string command = "sha256sum '" + file.string() + "'";
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  std::array<char, 65> digest{};
  const bool read = pipe != nullptr && std::fread(digest.data(), 1, 64, pipe) == 64;
  if (pipe != nullptr) ::pclose(pipe);
  return read ? digest.data() : "sha256sum failed";
}

void add_path_tests() {
  add_loader_test(
      "absolute_path",
      [](Scene& scene) {
        const auto elsewhere = scene.folder.make_folder("elsewhere");
        scene.folder.copy(variant("good"), "elsewhere/plugin.so");
        scene.folder.write("variant.json",
                           manifest_text("variant", (elsewhere / "plugin.so").string()));
      },
      Expectation{"loaded", {}});
  add_loader_test(
      "path_out_of_the_folder",
      [](Scene& scene) {
        const auto manifests = scene.folder.make_folder("manifests");
        scene.folder.copy(variant("good"), "plugin.so");
        scene.folder.write("manifests/variant.json", manifest_text("variant", "../plugin.so"));
        scene.program.environment["SAMPAN_PLUGIN_PATH"] = manifests.string();
      },
      Expectation{"loaded", {}});
  add_loader_test(
      "path_to_nothing",
      [](Scene& scene) {
        scene.folder.write("variant.json", manifest_text("variant", "nowhere.so"));
      },
      Expectation{"refused", {"nowhere.so", "doesn't exist"}});
  add_loader_test(
      "path_to_a_folder",
      [](Scene& scene) {
        scene.folder.make_folder("variant.so");
        scene.folder.write("variant.json", manifest_text("variant", "variant.so"));
      },
      Expectation{"refused", {"variant.so", "not a regular file"}});
}

}  // namespace

void add_manifest_tests() {
  for (const Garbage& row : garbage()) {
    auto words = row.words;
    words.push_back("variant.json");
    add_unopened(std::string("manifest_") + row.name, row.text, words);
  }
  add_unopened("manifest_of_newer_major",
               R"({"name": "variant", "path": "variant.so",
                   "abi": {"major": 2, "minor_min": 0, "minor_max": 0}})",
               {"asks for plug-in ABI 2.0", "this Sampan speaks 1."});
  add_unopened("manifest_of_older_major",
               R"({"name": "variant", "path": "variant.so",
                   "abi": {"major": 0, "minor_min": 9, "minor_max": 9}})",
               {"asks for plug-in ABI 0.9", "this Sampan speaks 1."});
  add_unopened("manifest_of_newer_minor",
               R"({"name": "variant", "path": "variant.so",
                   "abi": {"major": 1, "minor_min": 999, "minor_max": 999}})",
               {"asks for plug-in ABI 1.999", "this Sampan speaks 1."});
  add_unopened(
      "wrong_sha256",
      manifest_text("variant", "variant.so", "\"sha256\": \"" + std::string(64, '0') + "\""),
      {"variant.so", "SHA-256"});
  add_loader_test(
      "right_sha256",
      [](Scene& scene) { scene.add("good", "\"sha256\": \"" + sha256_of(variant("good")) + "\""); },
      Expectation{"loaded", {}});
  add_loader_test(
      "unknown_members_are_ignored",
      [](Scene& scene) { scene.add("good", "\"vendor\": {\"name\": \"Acme\", \"since\": 1949}"); },
      Expectation{"loaded", {}});
  add_path_tests();
}

}  // namespace sampan_test
