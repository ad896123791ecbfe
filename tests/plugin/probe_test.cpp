// The loader's time limit, made short.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <chrono>

#include "core/loader.h"

namespace sampan::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

PluginFile plugin(const std::string& variant) {
  return {"variant", std::string(SAMPAN_TEST_VARIANTS) + "/" + variant + ".so", false, {}};
}

void expect_given_up(const std::string& variant, const std::string& step) {
  constexpr milliseconds kLimit{300};
  const auto start = steady_clock::now();
  const LoadResult result = load_plugin(plugin(variant), kLimit);
  EXPECT_GE(steady_clock::now() - start, kLimit);
  EXPECT_EQ(result.info.status, BackendInfo::Status::refused);
  EXPECT_EQ(result.info.reason, step + " doesn't return within 300 ms");
  EXPECT_EQ(result.backend, nullptr);
}

TEST(probe, constructor_hangs) { expect_given_up("constructor_hangs", "its constructor"); }
TEST(probe, query_hangs) { expect_given_up("query_hangs", "its query function"); }

// Nothing of a plug-in that was only tried is left in this process.
TEST(probe, refused_ones_are_not_opened) {
  const LoadResult result = load_plugin(plugin("query_aborts"), kProbeLimit);
  EXPECT_EQ(result.info.status, BackendInfo::Status::refused);
  EXPECT_EQ(::dlopen(result.info.path.c_str(), RTLD_NOLOAD | RTLD_NOW), nullptr);
}

TEST(probe, loaded_ones_stay_mapped) {
  const LoadResult result = load_plugin(plugin("good"), kProbeLimit);
  ASSERT_EQ(result.info.status, BackendInfo::Status::loaded) << result.info.reason;
  void* const library = ::dlopen(result.info.path.c_str(), RTLD_NOLOAD | RTLD_NOW);
  EXPECT_NE(library, nullptr);
  EXPECT_EQ(result.info.version, "1.0");
  if (library != nullptr) ::dlclose(library);
}

}  // namespace
}  // namespace sampan::core
