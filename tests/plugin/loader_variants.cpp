// What a plug-in's binary can be: right, older, newer, incomplete, hostile, or no plug-in at all.
#include <fstream>
#include <iterator>

#include "loader_case.h"

namespace sampan_test {
namespace {

struct Row {
  const char* variant;
  Expectation expected;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> table = {
      {"good", {"loaded", {}}},
      {"shorter_table", {"loaded", {}}},
      {"longer_table", {"loaded", {}}},
      {"unknown_capability", {"loaded", {}}},
      {"half_a_function", {"refused", {"device group", "'native'"}}},
      {"shorter_than_claimed", {"refused", {"device group", "'clock'"}}},
      {"empty_table", {"refused", {"device group", "'count'"}}},
      {"missing_function", {"refused", {"device group", "'status'"}}},
      {"missing_group", {"refused", {"device group", "'count'"}}},
      {"older_major", {"refused", {"plug-in ABI 0", "this Sampan 1", "install"}}},
      {"newer_major", {"refused", {"plug-in ABI 2", "this Sampan 1", "install"}}},
      {"lying_capability", {"refused", {"memory group", "'allocate'"}}},
      {"missing_symbol", {"refused", {"doesn't export sampan_backend_query"}}},
      {"bad_name", {"refused", {"'Variant!'", "[a-z0-9_]+"}}},
      {"null_name", {"refused", {"name", "[a-z0-9_]+"}}},
      {"other_name", {"refused", {"'another'", "'variant'"}}},
      {"driver_absent", {"absent", {"the acme driver is not on this machine"}}},
      {"devices_absent", {"absent", {"no acme card is plugged in"}}},
      {"count_fails", {"refused", {"no acme card is plugged in"}}},
      {"host_too_old", {"refused", {"the acme driver is not on this machine"}}},
      {"constructor_throws", {"refused", {"its constructor"}}},
      {"constructor_exits", {"refused", {"its constructor", "status 7"}}},
      {"constructor_aborts", {"refused", {"its constructor", "signal 6"}}},
      {"constructor_crashes", {"refused", {"its constructor", "signal 11"}}},
      {"query_throws", {"refused", {"its query function", "throws a C++ exception"}}},
      {"query_exits", {"refused", {"its query function", "status 7"}}},
      {"query_aborts", {"refused", {"its query function", "signal 6"}}},
      {"query_crashes", {"refused", {"its query function", "signal 11"}}},
  };
  return table;
}

// Each takes the loader's own limit, 10 s; probe_test.cpp has the same with a short one.
void add_hanging(const std::string& name, const std::string& step) {
  add_loader_test(
      name, [name](Scene& scene) { scene.add(name); },
      Expectation{"refused", {step, "doesn't return within 10000 ms"}});
}

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void add_no_library(const std::string& name, const std::string& content) {
  add_loader_test(
      name,
      [content](Scene& scene) {
        scene.folder.write("variant.so", content);
        scene.folder.write("variant.json", manifest_text("variant", "variant.so"));
      },
      Expectation{"refused", {"it can't be opened"}});
}

}  // namespace

void add_variant_tests() {
  for (const Row& row : rows()) {
    add_loader_test(
        row.variant, [&row](Scene& scene) { scene.add(row.variant); }, row.expected);
  }
  add_hanging("constructor_hangs", "its constructor");
  add_hanging("query_hangs", "its query function");

  add_no_library("not_a_library", "#!/bin/sh\necho I am a script\n");
  add_no_library("empty_library", "");
  const std::string good = content_of(variant("good"));
  add_no_library("library_cut_in_its_header", good.substr(0, 40));
  std::string other_machine = good;
  other_machine[18] = '\x7f';  // e_machine
  add_no_library("library_of_another_machine", other_machine);
}

}  // namespace sampan_test
