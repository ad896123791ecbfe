#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "plugin.h"

namespace sampan_test {
namespace {

struct ProbeResult {
  int status = -1;
  std::string output;
};

// Runs the probe with variables like "A=1 B=2"; a probe that hangs is ended after 60 s.
ProbeResult probe(const std::string& environment, const std::string& what) {
  const std::string command =
      "/usr/bin/env " + environment + " /usr/bin/timeout 60 " SAMPAN_CPU_PROBE " " + what + " 2>&1";
  ProbeResult result;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return result;
  char buffer[512];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) result.output += buffer;
  const int status = pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

int count_lines(const std::string& text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

TEST(Process, ExitWithWorkInFlightIsClean) {
  for (int i = 0; i < 5; ++i) {
    const ProbeResult result = probe("", "exit");
    EXPECT_EQ(result.status, 0) << result.output;
    EXPECT_EQ(result.output, "");
  }
}

TEST(Process, AForkedChildIsToldAndTheParentGoesOn) {
  const ProbeResult result = probe("", "fork");
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_NE(result.output.find("forked"), std::string::npos) << result.output;
}

TEST(Process, TheMemoryLimitSimulatesASmallDevice) {
  const ProbeResult result = probe("SAMPAN_CPU_MEMORY_MB=24", "memory");
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_NE(result.output.find("24 blocks, then: out of memory: 1048576 bytes requested, 0 free, "
                               "limit 25165824"),
            std::string::npos)
      << result.output;
  EXPECT_NE(result.output.find("free 0 of 25165824"), std::string::npos) << result.output;
  EXPECT_NE(probe("SAMPAN_CPU_MEMORY_MB=24", "devices").output.find(" 25165824 "),
            std::string::npos);
}

TEST(Process, PackedWeightsCountAsMemoryOfTheDevice) {
  const ProbeResult result = probe("SAMPAN_CPU_MEMORY_MB=24", "packed");
  EXPECT_EQ(result.status, 0) << result.output;
  unsigned long long taken = 0;
  unsigned long long without_room = 1;
  ASSERT_EQ(std::sscanf(result.output.c_str(), "took %llu, then %llu", &taken, &without_room), 2)
      << result.output;
  EXPECT_GE(taken, 1u << 20);
  EXPECT_LT(taken, 2u << 20);
  EXPECT_EQ(without_room, 0u);
}

TEST(Process, CoreListsMakeDevices) {
  const ProbeResult all = probe("", "devices");
  ASSERT_EQ(all.status, 0) << all.output;
  EXPECT_EQ(count_lines(all.output), 1) << all.output;
  const ProbeResult numa = probe("SAMPAN_CPU_DEVICES=numa", "devices");
  EXPECT_EQ(numa.status, 0) << numa.output;
  EXPECT_GE(count_lines(numa.output), 1) << numa.output;
  const ProbeResult one = probe("SAMPAN_CPU_DEVICES=0", "devices");
  EXPECT_EQ(one.output.rfind("0 1 ", 0), 0u) << one.output;
  const ProbeResult twice = probe("'SAMPAN_CPU_DEVICES=0;0'", "devices");
  EXPECT_EQ(count_lines(twice.output), 2) << twice.output;
}

TEST(Process, SettingsThatMakeNoSenseAreNamed) {
  struct Case {
    const char* environment;
    const char* message;
  };
  constexpr Case kCases[] = {
      {"SAMPAN_CPU_DEVICES=some", "neither 'all' nor 'numa'"},
      {"SAMPAN_CPU_DEVICES=3-1", "neither 'all' nor 'numa'"},
      {"'SAMPAN_CPU_DEVICES=0;'", "neither 'all' nor 'numa'"},
      {"SAMPAN_CPU_DEVICES=60000", "names core 60000"},
      {"SAMPAN_CPU_DEVICES=99999999999", "neither 'all' nor 'numa'"},
      {"SAMPAN_CPU_ISA=v9", "SAMPAN_CPU_ISA is 'v9'"},
      {"SAMPAN_CPU_MEMORY_MB=lots", "SAMPAN_CPU_MEMORY_MB is 'lots'"},
      {"SAMPAN_CPU_MEMORY_MB=0", "SAMPAN_CPU_MEMORY_MB is '0'"},
      {"SAMPAN_CPU_MEMORY_MB=99999999999999999999", "SAMPAN_CPU_MEMORY_MB is"},
  };
  for (const Case& c : kCases) {
    const ProbeResult result = probe(c.environment, "devices");
    EXPECT_EQ(result.status, 1) << c.environment;
    EXPECT_NE(result.output.find(c.message), std::string::npos) << result.output;
  }
}

TEST(Process, TheInstructionLevelCanBeLowered) {
  sampan_device_info_t info{};
  info.size = sizeof info;
  ErrorRecord error;
  ASSERT_EQ(SAMPAN_OK, backend().device->describe(0, &info, &error));
  if (std::string(info.isa).rfind("x86-64-", 0) != 0) {
    EXPECT_STREQ(info.isa, "generic");
    return;
  }
  const ProbeResult v2 = probe("SAMPAN_CPU_ISA=v2", "devices");
  EXPECT_NE(v2.output.find(" x86-64-v2 cpu-vw4"), std::string::npos) << v2.output;
  const ProbeResult generic = probe("SAMPAN_CPU_ISA=generic", "devices");
  EXPECT_NE(generic.output.find(" generic cpu-vw4"), std::string::npos) << generic.output;
}

TEST(Process, EveryTileOfTheTableIsBuiltIn) {
  std::vector<std::string> levels = {""};
#if defined(__x86_64__)
  levels.insert(levels.end(), {"SAMPAN_CPU_ISA=v2", "SAMPAN_CPU_ISA=v3", "SAMPAN_CPU_ISA=v4"});
#endif
  for (const std::string& level : levels) {
    const ProbeResult result = probe(level + " PATH=/nonexistent", "builtins");
    // A level above this machine's is refused, as it must be.
    if (result.output.find("but this CPU reaches") != std::string::npos) continue;
    EXPECT_EQ(result.status, 0) << level << ": " << result.output;
  }
}

TEST(Process, WithoutACompilerOneSentenceSaysSo) {
  const ProbeResult none = probe("PATH=/nonexistent SAMPAN_CACHE_MAX_MB=0", "compile");
  EXPECT_EQ(none.output.rfind(std::to_string(SAMPAN_UNSUPPORTED) + " ", 0), 0u) << none.output;
  EXPECT_NE(none.output.find("install g++ or set SAMPAN_CXX"), std::string::npos) << none.output;
  const ProbeResult wrong = probe("SAMPAN_CXX=/nonexistent/cxx", "compile");
  EXPECT_EQ(wrong.output.rfind(std::to_string(SAMPAN_UNSUPPORTED) + " ", 0), 0u) << wrong.output;
  EXPECT_NE(wrong.output.find("'/nonexistent/cxx'"), std::string::npos) << wrong.output;
}

TEST(Process, ACompilerMayBeChosen) {
  const ProbeResult result = probe("SAMPAN_CACHE_MAX_MB=0 SAMPAN_CXX=g++", "compile");
  EXPECT_EQ(result.output.rfind("0 ", 0), 0u) << result.output;
}

}  // namespace
}  // namespace sampan_test
