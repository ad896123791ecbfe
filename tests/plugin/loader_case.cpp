#include "loader_case.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "sampan/plugin/backend.h"

namespace sampan_test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, '\t');) cells.push_back(cell);
  cells.resize(std::max<std::size_t>(cells.size(), 5));
  return cells;
}

class LoaderTest : public testing::Test {
 public:
  LoaderTest(std::function<void(Scene&)> prepare, std::function<void(const Report&)> check)
      : prepare_(std::move(prepare)), check_(std::move(check)) {}

 private:
  void TestBody() override {
    Scene scene;
    prepare_(scene);
    if (IsSkipped() || HasFatalFailure()) return;
    const Report report = report_of(scene);
    if (!HasFatalFailure()) check_(report);
  }

  std::function<void(Scene&)> prepare_;
  std::function<void(const Report&)> check_;
};

}  // namespace

fs::path variant(const std::string& name) {
  return fs::path(SAMPAN_TEST_VARIANTS) / (name + ".so");
}

std::string manifest_text(const std::string& name, const std::string& path,
                          const std::string& extra) {
  return "{\"name\": \"" + name + "\", \"abi\": {\"major\": " + std::to_string(SAMPAN_ABI_MAJOR) +
         ", \"minor_min\": 0, \"minor_max\": " + std::to_string(SAMPAN_ABI_MINOR) +
         "}, \"path\": \"" + path + "\"" + (extra.empty() ? "" : ", " + extra) + "}";
}

Scene::Scene() {
  const std::string here = folder.path().string();
  program.words = {SAMPAN_TEST_REPORT};
  program.environment = {
      {"SAMPAN_PLUGIN_PATH", here},
      {"SAMPAN_DEVICES", std::nullopt},
      {"SAMPAN_LOG", std::nullopt},
      {"XDG_DATA_HOME", here + "/no-data"},
      // No OpenCL driver: starting one takes longer than all the rest.
      {"OCL_ICD_VENDORS", here + "/none"},
  };
}

void Scene::add(const std::string& variant_name, const std::string& extra) const {
  folder.copy(variant(variant_name), "variant.so");
  folder.write("variant.json", manifest_text("variant", "variant.so", extra));
}

std::vector<BackendLine> Report::named(std::string_view name) const {
  std::vector<BackendLine> found;
  std::copy_if(backends.begin(), backends.end(), std::back_inserter(found),
               [&](const BackendLine& line) { return line.name == name; });
  return found;
}

bool Report::has_device(std::string_view id) const {
  return std::find(devices.begin(), devices.end(), id) != devices.end();
}

Report report_of(const Scene& scene) {
  const Outcome outcome = run_program(scene.program);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  Report report;
  bool works = false;
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);) {
    const auto cells = cells_of(line);
    if (cells[0] == "backend") report.backends.push_back({cells[1], cells[2], cells[3], cells[4]});
    if (cells[0] == "device") report.devices.push_back(cells[1]);
    works = works || cells[0] == "cpu works";
  }
  EXPECT_TRUE(works) << outcome.out << outcome.err;
  const auto cpu = report.named("cpu");
  EXPECT_TRUE(!cpu.empty() && cpu[0].status == "loaded") << outcome.out;
  EXPECT_TRUE(report.has_device("cpu:0")) << outcome.out;
  EXPECT_EQ(report.named("opencl").size(), SAMPAN_TEST_HAS_OPENCL) << outcome.out;
  return report;
}

void expect_backend(const Report& report, const Expectation& expected) {
  const auto found = report.named(expected.name);
  ASSERT_EQ(found.size(), 1u) << "lines of '" << expected.name << "'";
  EXPECT_EQ(found[0].status, expected.status) << found[0].reason;
  const std::string& reason = found[0].reason;
  for (const std::string& word : expected.words) {
    EXPECT_NE(reason.find(word), std::string::npos)
        << "'" << word << "' is not in '" << reason << "'";
  }
  const bool loaded = expected.status == "loaded";
  EXPECT_EQ(reason.empty(), loaded) << reason;
  EXPECT_EQ(report.has_device(expected.name + ":0"), loaded);
  // One sentence: one line, not a page, no second sentence behind a full stop.
  EXPECT_EQ(reason.find("\\n"), std::string::npos) << reason;
  EXPECT_EQ(reason.find(". "), std::string::npos) << reason;
  EXPECT_LT(reason.size(), 400u) << reason;
}

void add_loader_test(const std::string& name, std::function<void(Scene&)> prepare,
                     std::function<void(const Report&)> check) {
  testing::RegisterTest("loader", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                        [prepare = std::move(prepare), check = std::move(check)] {
                          return static_cast<testing::Test*>(new LoaderTest(prepare, check));
                        });
}

void add_loader_test(const std::string& name, std::function<void(Scene&)> prepare,
                     Expectation expected) {
  add_loader_test(name, std::move(prepare), [expected = std::move(expected)](const Report& report) {
    expect_backend(report, expected);
  });
}

}  // namespace sampan_test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  sampan_test::add_variant_tests();
  sampan_test::add_manifest_tests();
  sampan_test::add_trust_tests();
  sampan_test::add_place_tests();
  return RUN_ALL_TESTS();
}
