#include "backends/common/subprocess.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "backends/common/temp_dir.h"
#include "backends/common/text.h"
#include "cache_test.h"
#include "child_process.h"

namespace sampan::common {
namespace {

using namespace std::chrono_literals;
using testing::in_child;
using testing::Rights;

// The shell is here as a program under test; the arguments of run_process never pass through one.
ProcessResult run_script(const std::string& script, std::chrono::milliseconds timeout = 60s) {
  return run_process({.argv = {"/bin/sh", "-c", script}, .timeout = timeout});
}

TEST(Subprocess, CollectsBothOutputsInOrder) {
  const ProcessResult result = run_script("echo one; echo two >&2; echo three");
  EXPECT_TRUE(result.succeeded);
  EXPECT_TRUE(result.started);
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_EQ(result.signal, 0);
  EXPECT_EQ(result.output, "one\ntwo\nthree\n");
  EXPECT_EQ(result.dropped_output_bytes, 0u);
  EXPECT_EQ(result.explanation, "'/bin/sh' ended with exit status 0");
}

TEST(Subprocess, ExplainsHowItEnded) {
  const ProcessResult failed = run_script("echo why; exit 3");
  EXPECT_FALSE(failed.succeeded);
  EXPECT_TRUE(failed.started);
  EXPECT_EQ(failed.exit_status, 3);
  EXPECT_EQ(failed.output, "why\n");
  EXPECT_EQ(failed.explanation, "'/bin/sh' ended with exit status 3");

  const ProcessResult killed = run_script("kill -SEGV $$");
  EXPECT_FALSE(killed.succeeded);
  EXPECT_EQ(killed.exit_status, -1);
  EXPECT_EQ(killed.signal, SIGSEGV);
  EXPECT_EQ(killed.explanation, "'/bin/sh' was ended by signal 11 (Segmentation fault)");
}

TEST(Subprocess, ReportsWhatCannotBeStarted) {
  // A PATH with a folder that this user may not enter would give another reason.
  const char* const old_path = std::getenv("PATH");
  const std::string saved_path = old_path != nullptr ? old_path : "";
  ::setenv("PATH", "/usr/bin:/bin", 1);
  const TempDir temp = TempDir::create("sampan-test");
  const std::string text_file = temp.write_file("text", bytes_of("no program"));
  const struct {
    std::vector<std::string> argv;
    std::string explanation;
  } cases[] = {
      {{"sampan-no-such-program"},
       "cannot start 'sampan-no-such-program': No such file or directory"},
      {{"/nowhere/cc"}, "cannot start '/nowhere/cc': No such file or directory"},
      {{text_file}, "cannot start '" + text_file + "': Permission denied"},
      {{}, "no program was named"},
      {{""}, "no program was named"},
      {{"true", std::string("a\0b", 3)}, "an argument of 'true' holds a null byte"},
  };
  for (const auto& c : cases) {
    const ProcessResult result = run_process({.argv = c.argv});
    EXPECT_FALSE(result.succeeded);
    EXPECT_FALSE(result.started);
    EXPECT_EQ(result.exit_status, -1);
    EXPECT_EQ(result.explanation, c.explanation);
  }
  ::setenv("PATH", saved_path.c_str(), 1);
}

TEST(Subprocess, PassesArgumentsByteForByte) {
  const std::vector<std::string> arguments = {"",   " ",          "two words", "'",
                                              "\"", "$(echo no)", "`echo no`", "a;b|c&d>e",
                                              "*",  "\\",         "\n",        "\xff"};
  std::vector<std::string> argv = {"printf", "[%s]"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  std::string expected;
  for (const std::string& argument : arguments) expected += "[" + argument + "]";
  EXPECT_EQ(run_process({.argv = argv}).output, expected);
}

TEST(Subprocess, StopsAtTheTimeLimitWithAllItsGroup) {
  const TempDir temp = TempDir::create("sampan-test");
  const auto start = std::chrono::steady_clock::now();
  const ProcessResult result =
      run_script("sleep 100 & echo $! > " + temp.file("pid") + "; echo begun; wait", 500ms);
  const auto taken = std::chrono::steady_clock::now() - start;
  EXPECT_TRUE(result.timed_out);
  EXPECT_FALSE(result.succeeded);
  EXPECT_EQ(result.exit_status, -1);
  EXPECT_EQ(result.output, "begun\n");
  EXPECT_EQ(result.explanation, "'/bin/sh' ran past its limit of 500 ms and was stopped");
  EXPECT_GE(taken, 500ms);
  EXPECT_LT(taken, 50s);
  // The background process is killed too; until init collects it, it is a zombie.
  const pid_t background = std::stoi(testing::read_file(temp.file("pid")));
  std::string state;
  for (int attempt = 0; attempt < 100; ++attempt) {
    state = testing::read_file("/proc/" + std::to_string(background) + "/stat");
    if (state.empty() || state.find(") Z") != std::string::npos) break;
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_TRUE(state.empty() || state.find(") Z") != std::string::npos) << state;
}

TEST(Subprocess, StopsOneThatIgnoresSignalsAndWritesWithoutEnd) {
  const ProcessResult result = run_process({.argv = {"/bin/sh", "-c", "trap '' TERM INT HUP; yes"},
                                            .timeout = 300ms,
                                            .max_output_bytes = 10});
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.output, "y\ny\ny\ny\ny\n");
  EXPECT_GT(result.dropped_output_bytes, 0u);
}

TEST(Subprocess, KeepsTheStartOfABigOutputAndCountsTheRest) {
  constexpr std::size_t kWritten = 5'000'003;
  for (const std::size_t limit : {std::size_t{0}, std::size_t{1}, std::size_t{65536},
                                  std::size_t{65537}, kWritten, kWritten + 1}) {
    SCOPED_TRACE(limit);
    const ProcessResult result = run_process(
        {.argv = {"/bin/sh", "-c", "head -c 5000003 /dev/zero"}, .max_output_bytes = limit});
    EXPECT_TRUE(result.succeeded) << result.explanation;
    EXPECT_EQ(result.output.size(), std::min(limit, kWritten));
    EXPECT_EQ(result.output.size() + result.dropped_output_bytes, kWritten);
  }
}

TEST(Subprocess, DoesNotWaitForWhatItLeavesBehind) {
  const auto start = std::chrono::steady_clock::now();
  const ProcessResult result = run_script("sleep 20 & echo done");
  EXPECT_TRUE(result.succeeded) << result.explanation;
  EXPECT_EQ(result.output, "done\n");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 15s);
}

TEST(Subprocess, WaitsForOneThatClosesItsOutput) {
  const ProcessResult result = run_script("exec >&- 2>&-; sleep 0.3; exit 4");
  EXPECT_EQ(result.exit_status, 4);
}

TEST(Subprocess, GivesCleanSurroundings) {
  // An empty stdin, and no file of ours, even one that was opened without O_CLOEXEC.
  const int leaked = ::open("/dev/null", O_RDONLY);
  ASSERT_GT(leaked, 2);
  EXPECT_EQ(run_process({.argv = {"cat"}}).output, "");
  EXPECT_EQ(run_script("ls /proc/$$/fd; true").output, "0\n1\n2\n");
  ::close(leaked);

  ::setenv("SAMPAN_TEST_VARIABLE", "passed on", 1);
  EXPECT_EQ(run_script("echo $SAMPAN_TEST_VARIABLE").output, "passed on\n");
  ::unsetenv("SAMPAN_TEST_VARIABLE");
}

// A hexadecimal line of /proc/self/status, as the child sees itself.
std::uint64_t signals_of_child(const std::string& field) {
  const std::string line = run_script("grep ^" + field + ": /proc/self/status").output;
  return std::stoull(line.substr(field.size() + 1), nullptr, 16);
}

TEST(Subprocess, ResetsSignals) {
  EXPECT_EQ(in_child(Rights::kOwn,
                     []() -> std::string {
                       // The C library keeps 32 and 33 for itself and ignores them in children.
                       constexpr std::uint64_t kReserved = std::uint64_t{3} << 31;
                       ::signal(SIGPIPE, SIG_IGN);
                       sigset_t all;
                       sigfillset(&all);
                       ::sigprocmask(SIG_BLOCK, &all, nullptr);
                       if (signals_of_child("SigBlk") != 0) return "signals stay blocked";
                       if ((signals_of_child("SigIgn") & ~kReserved) != 0) {
                         return "signals stay ignored";
                       }
                       return "";
                     }),
            "");
}

TEST(Subprocess, WorksWithTheStandardDescriptorsClosed) {
  for (const std::vector<int>& closed :
       {std::vector<int>{0}, std::vector<int>{1}, std::vector<int>{0, 1, 2}}) {
    EXPECT_EQ(in_child(Rights::kOwn,
                       [&]() -> std::string {
                         for (const int fd : closed) ::close(fd);
                         const ProcessResult result = run_script("echo out; echo err >&2; cat");
                         return result.output == "out\nerr\n"
                                    ? ""
                                    : "got: " + result.output + result.explanation;
                       }),
              "");
  }
}

TEST(Subprocess, SaysThatTheStatusIsLostWhereSigchldIsIgnored) {
  EXPECT_EQ(in_child(Rights::kOwn,
                     []() -> std::string {
                       ::signal(SIGCHLD, SIG_IGN);
                       const ProcessResult result = run_script("echo out");
                       const bool told = !result.succeeded && result.output == "out\n" &&
                                         result.explanation.find("SIGCHLD") != std::string::npos;
                       return told ? "" : result.explanation;
                     }),
            "");
}

std::size_t open_descriptors() { return testing::files_in("/proc/self/fd").size(); }

TEST(Subprocess, RunsFromManyThreadsAndLeaksNoDescriptor) {
  const std::size_t before = open_descriptors();
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int n = 0; n < 10; ++n) {
        const std::string text = std::to_string(t) + ":" + std::to_string(n);
        if (run_process({.argv = {"echo", text}}).output != text + "\n") ++wrong;
        if (run_process({.argv = {"sampan-no-such-program"}}).started) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace sampan::common
