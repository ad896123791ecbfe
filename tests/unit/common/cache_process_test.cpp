// The cache under many processes, some of which are killed at random moments.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include "backends/common/code_cache.h"
#include "cache_test.h"

namespace sampan::common {
namespace {

using namespace std::chrono_literals;
using testing::files_in;
using testing::key_of;
using testing::payload_of;
using testing::read_file;
using testing::settings_in;

constexpr int kProcesses = 8;
constexpr int kThreads = 3;
constexpr int kKeys = 32;
constexpr int kWrongCode = 9;

// From one byte to several pages, so that writers are killed in the midst of a write too.
Bytes code_of(int n) { return payload_of(n, static_cast<std::size_t>(n * n * 97 + 1)); }

// One byte per finished compile, appended whole whatever the number of writers.
void log_compile(const std::string& log, int n) {
  const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const char c = static_cast<char>('0' + n);
  if (::write(fd, &c, 1) != 1) std::abort();
  ::close(fd);
}

// Asks for random keys from several threads until `calls` are made. Ends the process at wrong code.
void work(const CacheSettings& settings, const std::string& log, unsigned seed, int calls) {
  CodeCache cache(settings);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(seed * kThreads + t);
      for (int call = 0; call < calls; ++call) {
        const int n = static_cast<int>(random() % kKeys);
        const Bytes code = cache.get_or_compile(key_of(n), [&] {
          std::this_thread::sleep_for(2ms);
          log_compile(log, n);
          return code_of(n);
        });
        if (code != code_of(n)) ::_exit(kWrongCode);
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

pid_t start_worker(const CacheSettings& settings, const std::string& log, unsigned seed,
                   int calls) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    work(settings, log, seed, calls);
    ::_exit(0);
  }
  return pid;
}

// True for exit status 0, or, where `may_be_killed`, for an end by SIGKILL.
bool ended_well(pid_t pid, bool may_be_killed) {
  int status = -1;
  if (::waitpid(pid, &status, 0) != pid) return false;
  return status == 0 || (may_be_killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(CacheProcesses, CompileAKeyOnce) {
  const TempDir temp = TempDir::create("sampan-test");
  const std::string log = temp.file("log");
  std::vector<pid_t> workers;
  for (unsigned p = 0; p < kProcesses; ++p) {
    workers.push_back(start_worker(settings_in(temp.file("cache")), log, p, 200));
  }
  for (const pid_t pid : workers) EXPECT_TRUE(ended_well(pid, /*may_be_killed=*/false));
  std::string compiled = read_file(log);
  std::ranges::sort(compiled);
  std::string each_once;
  for (int n = 0; n < kKeys; ++n) each_once += static_cast<char>('0' + n);
  EXPECT_EQ(compiled, each_once);
}

// Kills random workers at random moments for as long as asked and at least so many times; returns
// how many of them had ended otherwise before.
int kill_workers(const CacheSettings& settings, const std::string& log,
                 std::chrono::milliseconds duration, int least_kills) {
  std::mt19937 random(1);
  unsigned seed = 0;
  int kills = 0;
  int failures = 0;
  std::vector<pid_t> workers(kProcesses);
  for (pid_t& pid : workers) pid = start_worker(settings, log, seed++, 1'000'000);
  const auto end = std::chrono::steady_clock::now() + duration;
  while (kills < least_kills || std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 12'000));
    pid_t& victim = workers[random() % kProcesses];
    ::kill(victim, SIGKILL);
    if (!ended_well(victim, /*may_be_killed=*/true)) ++failures;
    ++kills;
    victim = start_worker(settings, log, seed++, 1'000'000);
  }
  for (const pid_t pid : workers) {
    ::kill(pid, SIGKILL);
    if (!ended_well(pid, /*may_be_killed=*/true)) ++failures;
  }
  ::testing::Test::RecordProperty("kills", kills);
  return failures;
}

struct KillCase {
  const char* name;
  std::uint64_t max_bytes;
};

class KilledProcesses : public ::testing::TestWithParam<KillCase> {};

TEST_P(KilledProcesses, NeverLeaveWrongCode) {
  const bool is_long = std::getenv("SAMPAN_TEST_LONG") != nullptr;
  const TempDir temp = TempDir::create("sampan-test");
  const std::string log = temp.file("log");
  CacheSettings settings = settings_in(temp.file("cache"));
  settings.max_bytes = GetParam().max_bytes;

  EXPECT_EQ(kill_workers(settings, log, is_long ? 60s : 2s, is_long ? 1000 : 10), 0)
      << "a worker saw wrong code or crashed";

  // Whatever the killed ones left, every key is served, no entry is bad, and no lock is held.
  settings.lock_wait = 60s;
  std::vector<std::string> warnings;
  CodeCache cache(settings, [&](const std::string& w) { warnings.push_back(w); });
  const auto start = std::chrono::steady_clock::now();
  for (int n = 0; n < kKeys; ++n) {
    EXPECT_EQ(cache.get_or_compile(key_of(n), [&] { return code_of(n); }), code_of(n));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
  EXPECT_EQ(warnings, std::vector<std::string>());
}

// Without eviction the entries are compiled in the first moments and then only read; with a limit
// below what all entries hold, writing and evicting go on all the time.
INSTANTIATE_TEST_SUITE_P(Limits, KilledProcesses,
                         ::testing::Values(KillCase{"Roomy", std::uint64_t{512} << 20},
                                           KillCase{"Evicting", std::uint64_t{300} << 10}),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace sampan::common
