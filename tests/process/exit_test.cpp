// A process may end at any point, in any order, and fork; devices may be opened and closed for
// ever.
#include <gtest/gtest.h>

#include <cstdio>

#include "private_folder.h"
#include "probe_program.h"

namespace sampan_test {
namespace {

using Parameters = std::tuple<std::string, std::string>;  // device, scenario

class Exit : public testing::TestWithParam<Parameters> {};

// Under a sanitizer a report, a leak's too, gives another exit code and a text.
TEST_P(Exit, IsCleanAndSilent) {
  const auto& [device, scenario] = GetParam();
  // At first a driver still compiles at the exit; later it finds everything in the caches.
  const PrivateFolder caches;
  const std::string sampan_cache = caches.make_folder("sampan"),
                    pocl_cache = caches.make_folder("pocl");
  for (int i = 0; i < 3; ++i) {
    const Outcome outcome = run_probe(
        scenario, device, {{"SAMPAN_CACHE_DIR", sampan_cache}, {"POCL_CACHE_DIR", pocl_cache}});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
    EXPECT_EQ(outcome.out, "ok\n");
    EXPECT_EQ(outcome.err, "");
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Exit,
    testing::Combine(testing::ValuesIn(probed_devices()),
                     testing::Values("static_objects", "reversed_static_objects", "exit_within",
                                     "quick_exit_within", "exit_beside_threads",
                                     "exit_beside_host_function", "fork_with_open_device",
                                     "fork_and_leave")),
    [](const auto& test) {
      return backend_of(std::get<0>(test.param)) + "_" + std::get<1>(test.param);
    });

class OpenClose : public testing::TestWithParam<std::string> {};

// What is left over grows with the number of cycles: one object of 64 bytes in each would be seen.
// Under AddressSanitizer freed memory is kept for a while; there the leak check at the exit looks.
TEST_P(OpenClose, AThousandTimesLeavesNothingBehind) {
  const Outcome outcome = run_probe("open_close", GetParam());
  ASSERT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.err, "");
  long threads = -1, files = -1, bytes_per_cycle = -1;
  ASSERT_EQ(std::sscanf(outcome.out.c_str(), "threads %ld files %ld bytes_per_cycle %ld", &threads,
                        &files, &bytes_per_cycle),
            3)
      << outcome.out;
  EXPECT_LE(threads, 0) << outcome.out;
  EXPECT_LE(files, 0) << outcome.out;
  if (!SAMPAN_TEST_SANITIZED) {
    EXPECT_LT(bytes_per_cycle, 64) << outcome.out;
  }
}

INSTANTIATE_TEST_SUITE_P(All, OpenClose, testing::ValuesIn(probed_devices()),
                         [](const auto& test) { return backend_of(test.param); });

// ---- SAMPAN_VALIDATE at the exit
// ------------------------------------------------------------------

TEST(LeakReport, NamesTheBufferAndWhereItWasAllocated) {
  const Outcome outcome = run_probe("leak_buffer", "cpu", {{"SAMPAN_VALIDATE", "1"}});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("a buffer of 12345 bytes was never destroyed; allocated at "),
            std::string::npos)
      << outcome.err;
  EXPECT_NE(outcome.err.find("sampan_process_probe+0x"), std::string::npos) << outcome.err;
}

TEST(LeakReport, IsSilentWithoutLeaksAndWhenOff) {
  for (const char* scenario : {"static_objects", "reversed_static_objects"}) {
    const Outcome outcome = run_probe(scenario, "cpu", {{"SAMPAN_VALIDATE", "1"}});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
    EXPECT_EQ(outcome.err, "") << scenario;
  }
  for (const char* off : {"0", ""}) {
    EXPECT_EQ(run_probe("leak_buffer", "cpu", {{"SAMPAN_VALIDATE", off}}).err, "");
  }
}

}  // namespace
}  // namespace sampan_test
