#include "backends/common/cache_settings.h"

#include <gtest/gtest.h>

#include <map>

namespace sampan::common {
namespace {

using Variables = std::map<std::string, std::string>;

Environment environment_of(Variables variables, bool privileged = false) {
  return {.privileged = privileged,
          .lookup = [variables = std::move(variables)](const char* name) -> const char* {
            const auto found = variables.find(name);
            return found == variables.end() ? nullptr : found->second.c_str();
          }};
}

TEST(CacheSettings, ChooseTheFolder) {
  const struct {
    Variables variables;
    std::string folder;
    std::string reason;  // part of it, where there is no folder
  } cases[] = {
      {{{"HOME", "/home/a"}}, "/home/a/.cache/sampan", ""},
      {{{"HOME", "/home/a"}, {"XDG_CACHE_HOME", "/x"}}, "/x/sampan", ""},
      {{{"HOME", "/home/a"}, {"XDG_CACHE_HOME", "x"}}, "/home/a/.cache/sampan", ""},
      {{{"HOME", "/home/a"}, {"XDG_CACHE_HOME", ""}}, "/home/a/.cache/sampan", ""},
      {{{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}, {"SAMPAN_CACHE_DIR", "/own"}}, "/own", ""},
      {{{"HOME", "/home/a"}, {"SAMPAN_CACHE_DIR", "own"}}, "", "not an absolute path"},
      {{{"HOME", "/home/a"}, {"SAMPAN_CACHE_MAX_MB", "0"}}, "", "SAMPAN_CACHE_MAX_MB is 0"},
      {{{"HOME", "home"}}, "", "nor HOME names a folder"},
      {{{"HOME", ""}}, "", "nor HOME names a folder"},
      {{}, "", "nor HOME names a folder"},
  };
  for (const auto& c : cases) {
    const CacheSettings settings = cache_settings(environment_of(c.variables));
    EXPECT_EQ(settings.folder, c.folder);
    EXPECT_EQ(settings.memory_only_reason.empty(), !c.folder.empty());
    EXPECT_NE(settings.memory_only_reason.find(c.reason), std::string::npos)
        << settings.memory_only_reason;
  }
}

TEST(CacheSettings, IgnoreTheEnvironmentOfAPrivilegedProcess) {
  const Variables all = {{"HOME", "/home/a"},
                         {"XDG_CACHE_HOME", "/x"},
                         {"SAMPAN_CACHE_DIR", "/own"},
                         {"SAMPAN_CACHE_MAX_MB", "3"}};
  const CacheSettings obeyed = cache_settings(environment_of(all));
  EXPECT_EQ(obeyed.folder, "/own");
  EXPECT_EQ(obeyed.max_bytes, std::uint64_t{3} << 20);

  const CacheSettings ignored = cache_settings(environment_of(all, /*privileged=*/true));
  EXPECT_EQ(ignored.folder, "");
  EXPECT_NE(ignored.memory_only_reason.find("more rights than its caller"), std::string::npos);
  EXPECT_EQ(ignored.max_bytes, CacheSettings().max_bytes);
}

TEST(CacheSettings, ReadTheLimit) {
  const std::uint64_t usual = std::uint64_t{512} << 20;
  const struct {
    std::string text;
    std::uint64_t max_bytes;
    bool warns;
  } cases[] = {
      {"", usual, false},
      {"1", std::uint64_t{1} << 20, false},
      {"2048", std::uint64_t{2048} << 20, false},
      {"17592186044415", std::uint64_t{17592186044415} << 20, false},  // the largest below 2^64
      {"17592186044416", usual, true},
      {"99999999999999999999999", usual, true},
      {"-1", usual, true},
      {" 1", usual, true},
      {"1 ", usual, true},
      {"1.5", usual, true},
      {"0x10", usual, true},
      {"much", usual, true},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const CacheSettings settings =
        cache_settings(environment_of({{"HOME", "/h"}, {"SAMPAN_CACHE_MAX_MB", c.text}}));
    EXPECT_EQ(settings.max_bytes, c.max_bytes);
    EXPECT_EQ(!settings.warning.empty(), c.warns);
    EXPECT_EQ(settings.folder, "/h/.cache/sampan");
  }
}

TEST(Environment, OfAPrivilegedProcessSaysNothing) {
  EXPECT_EQ(environment_of({{"HOME", "/home/a"}}).value("HOME"), "/home/a");
  EXPECT_EQ(environment_of({{"HOME", "/home/a"}}, /*privileged=*/true).value("HOME"), "");
}

TEST(Environment, OfThisProcessReadsItsVariables) {
  const Environment environment = Environment::of_process();
  EXPECT_FALSE(environment.privileged) << "the tests are not installed set-uid";
  ::setenv("SAMPAN_TEST_VARIABLE", "seen", 1);
  EXPECT_EQ(environment.value("SAMPAN_TEST_VARIABLE"), "seen");
  ::unsetenv("SAMPAN_TEST_VARIABLE");
  EXPECT_EQ(environment.value("SAMPAN_TEST_VARIABLE"), "");
  EXPECT_EQ(Environment().value("PATH"), "") << "no lookup: nothing is set";
}

}  // namespace
}  // namespace sampan::common
