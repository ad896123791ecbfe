#include "backends/common/code_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <barrier>
#include <stdexcept>
#include <thread>
#include <vector>

#include "backends/common/key_lock.h"
#include "backends/common/private_folder.h"
#include "cache_test.h"

namespace sampan::common {
namespace {

using namespace std::chrono_literals;
using testing::Compiler;
using testing::entry_name;
using testing::files_in;
using testing::key_of;
using testing::payload_of;
using testing::read_file;
using testing::settings_in;
using testing::write_file;

class CodeCacheTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string folder() const { return temp_.file("cache"); }
  [[nodiscard]] std::string entry_path(const CacheKey& key) const {
    return folder() + "/" + entry_name(key);
  }

 private:
  TempDir temp_ = TempDir::create("sampan-test");
};

TEST_F(CodeCacheTest, KeepsEntriesBetweenRuns) {
  for (const std::size_t size_bytes : {std::size_t{1}, std::size_t{4096}, std::size_t{1} << 20}) {
    SCOPED_TRACE(size_bytes);
    const CacheKey key = key_of(static_cast<int>(size_bytes));
    Compiler compiler(payload_of(5, size_bytes));
    for (int run = 0; run < 3; ++run) {
      CodeCache cache(settings_in(folder()));
      EXPECT_EQ(cache.get_or_compile(key, compiler.fn()), payload_of(5, size_bytes));
      EXPECT_EQ(cache.status().hits, run == 0 ? 0u : 1u);
    }
    EXPECT_EQ(compiler.calls(), 1);
  }
}

TEST_F(CodeCacheTest, FilesArePrivateAndNamedByTheKey) {
  CodeCache cache(settings_in(folder()));
  Compiler compiler(payload_of(1, 10));
  EXPECT_EQ(cache.get_or_compile(key_of(1), compiler.fn()), payload_of(1, 10));
  EXPECT_EQ(files_in(folder()), (std::set<std::string>{entry_name(key_of(1)), "lock"}));
  struct stat status {};
  ASSERT_EQ(::stat(folder().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
  for (const std::string& name : files_in(folder())) {
    ASSERT_EQ(::stat((folder() + "/" + name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600u) << name;
  }
  EXPECT_EQ(cache.status().folder, folder());
  EXPECT_EQ(cache.status().memory_only_reason, "");
}

TEST_F(CodeCacheTest, DifferentKeysHaveDifferentCode) {
  CodeCache cache(settings_in(folder()));
  for (int round = 0; round < 2; ++round) {
    for (int n = 0; n < 20; ++n) {
      Compiler compiler(payload_of(n, 100));
      EXPECT_EQ(cache.get_or_compile(key_of(n), compiler.fn()), payload_of(n, 100));
    }
  }
  EXPECT_EQ(cache.status().compiles, 20u);
}

// Damages the entry in many ways; each must be a miss, after which the entry is sound again.
class DamagedEntryTest : public CodeCacheTest {
 protected:
  void expect_rebuilt(const std::string& damaged) {
    write_file(entry_path(key_), damaged);
    const int calls = compiler_.calls();
    ASSERT_EQ(cache_.get_or_compile(key_, compiler_.fn()), code_);
    ASSERT_EQ(compiler_.calls(), calls + 1) << "the damage was not noticed";
    ASSERT_EQ(read_file(entry_path(key_)), sound_);
    ASSERT_EQ(cache_.get_or_compile(key_, compiler_.fn()), code_);
    ASSERT_EQ(compiler_.calls(), calls + 1) << "the entry was not rebuilt";
  }

  void SetUp() override {
    ASSERT_EQ(cache_.get_or_compile(key_, compiler_.fn()), code_);
    sound_ = read_file(entry_path(key_));
    ASSERT_GT(sound_.size(), code_.size());
  }

  const CacheKey key_ = key_of(7);
  const Bytes code_ = payload_of(7, 33);
  Compiler compiler_{code_};
  std::vector<std::string> warnings_;
  CodeCache cache_{settings_in(folder()), [this](const std::string& w) { warnings_.push_back(w); }};
  std::string sound_;
};

TEST_F(DamagedEntryTest, AnyChangedByteIsAMiss) {
  for (std::size_t at = 0; at < sound_.size(); ++at) {
    SCOPED_TRACE(at);
    std::string damaged = sound_;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
    ASSERT_NO_FATAL_FAILURE(expect_rebuilt(damaged));
  }
  EXPECT_EQ(cache_.status().bad_entries, sound_.size());
  ASSERT_EQ(warnings_.size(), 1u) << "one warning for one entry";
  EXPECT_NE(warnings_[0].find(entry_path(key_)), std::string::npos) << warnings_[0];
}

TEST_F(DamagedEntryTest, AnyOtherLengthIsAMiss) {
  for (std::size_t length = 0; length < sound_.size(); ++length) {
    SCOPED_TRACE(length);
    ASSERT_NO_FATAL_FAILURE(expect_rebuilt(sound_.substr(0, length)));
  }
  ASSERT_NO_FATAL_FAILURE(expect_rebuilt(sound_ + '\0'));
  ASSERT_NO_FATAL_FAILURE(expect_rebuilt(sound_ + sound_));
  EXPECT_EQ(cache_.status().bad_entries, sound_.size() + 2);
}

TEST_F(DamagedEntryTest, AnotherKeysEntryIsAMiss) {
  Compiler other(payload_of(8, 33));
  EXPECT_EQ(cache_.get_or_compile(key_of(8), other.fn()), payload_of(8, 33));
  ASSERT_NO_FATAL_FAILURE(expect_rebuilt(read_file(entry_path(key_of(8)))));
  EXPECT_NE(warnings_.at(0).find("belongs to another key"), std::string::npos);
}

TEST_F(DamagedEntryTest, IsRemovedEvenWhereTheRebuildFails) {
  write_file(entry_path(key_), sound_.substr(1));
  const auto fail = []() -> Bytes { throw std::runtime_error("no"); };
  EXPECT_THROW(static_cast<void>(cache_.get_or_compile(key_, fail)), std::runtime_error);
  EXPECT_EQ(files_in(folder()), (std::set<std::string>{"lock"}));
}

TEST_F(DamagedEntryTest, FilesOfAnotherKindAreReplaced) {
  const std::string path = entry_path(key_);
  const std::string elsewhere = folder() + "/elsewhere";
  const struct {
    const char* name;
    std::function<int()> place;
  } kinds[] = {
      {"symbolic link to a sound entry",
       [&] {
         write_file(elsewhere, sound_);
         return ::symlink(elsewhere.c_str(), path.c_str());
       }},
      {"FIFO", [&] { return ::mkfifo(path.c_str(), 0600); }},
      {"sound entry that others may write",
       [&] {
         write_file(path, sound_);
         return ::chmod(path.c_str(), 0622);
       }},
  };
  for (const auto& kind : kinds) {
    SCOPED_TRACE(kind.name);
    const int calls = compiler_.calls();
    ASSERT_EQ(::unlink(path.c_str()), 0);
    ASSERT_EQ(kind.place(), 0);
    EXPECT_EQ(cache_.get_or_compile(key_, compiler_.fn()), code_);
    EXPECT_EQ(compiler_.calls(), calls + 1);
    struct stat status {};
    ASSERT_EQ(::lstat(path.c_str(), &status), 0);
    EXPECT_TRUE(S_ISREG(status.st_mode));
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_EQ(read_file(path), sound_);
  }
}

TEST_F(DamagedEntryTest, AFolderInTheEntrysPlaceLeavesTheCodeInMemory) {
  const std::string path = entry_path(key_);
  ASSERT_EQ(::unlink(path.c_str()), 0);
  ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
  for (int call = 0; call < 3; ++call) {
    EXPECT_EQ(cache_.get_or_compile(key_, compiler_.fn()), code_);
  }
  EXPECT_EQ(compiler_.calls(), 2);
  EXPECT_EQ(cache_.status().store_failures, 1u);
  EXPECT_NE(cache_.status().last_store_failure.find("cannot publish"), std::string::npos);
  EXPECT_EQ(files_in(folder()), (std::set<std::string>{entry_name(key_), "lock"}));
}

TEST_F(CodeCacheTest, FailuresAreNotCached) {
  CodeCache cache(settings_in(folder()));
  const auto fail = []() -> Bytes { throw std::runtime_error("line 3: what is this?"); };
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      static_cast<void>(cache.get_or_compile(key_of(1), fail));
      FAIL() << "the failure was swallowed";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "line 3: what is this?");
    }
    EXPECT_EQ(files_in(folder()), (std::set<std::string>{"lock"}));
  }
  Compiler compiler(payload_of(1, 5));
  EXPECT_EQ(cache.get_or_compile(key_of(1), compiler.fn()), payload_of(1, 5));
  EXPECT_EQ(compiler.calls(), 1);
}

TEST_F(CodeCacheTest, EmptyResultsAreNotKept) {
  CodeCache cache(settings_in(folder()));
  Compiler compiler({});
  EXPECT_TRUE(cache.get_or_compile(key_of(1), compiler.fn()).empty());
  EXPECT_TRUE(cache.get_or_compile(key_of(1), compiler.fn()).empty());
  EXPECT_EQ(compiler.calls(), 2);
}

TEST_F(CodeCacheTest, ACompileMayUseTheCacheForOtherKeys) {
  CodeCache cache(settings_in(folder()));
  Compiler inner(payload_of(2, 50));
  const Bytes code = cache.get_or_compile(key_of(1), [&] {
    Bytes header = cache.get_or_compile(key_of(2), inner.fn());
    header.push_back(std::byte{1});
    return header;
  });
  EXPECT_EQ(code.size(), 51u);
  EXPECT_EQ(cache.status().compiles, 2u);
}

TEST_F(CodeCacheTest, MemoryOnlyServesFromMemoryUpToItsLimit) {
  CacheSettings settings;
  settings.memory_only_reason = "for this test";
  const std::size_t item_bytes = 1000 + key_of(0).text().size();
  settings.memory_max_bytes = 3 * item_bytes;
  CodeCache cache(settings);
  Compiler compiler(payload_of(1, 1000));
  const auto get = [&](int n) {
    EXPECT_EQ(cache.get_or_compile(key_of(n), compiler.fn()), payload_of(1, 1000));
    return compiler.calls();
  };
  EXPECT_EQ(get(0), 1);
  EXPECT_EQ(get(1), 2);
  EXPECT_EQ(get(2), 3);
  EXPECT_EQ(get(0), 3);  // now 1 is the least recently used
  EXPECT_EQ(get(3), 4);
  EXPECT_EQ(get(0), 4);
  EXPECT_EQ(get(2), 4);
  EXPECT_EQ(get(1), 5);
  Compiler large(payload_of(2, 4 * item_bytes));
  EXPECT_EQ(cache.get_or_compile(key_of(9), large.fn()), payload_of(2, 4 * item_bytes));
  EXPECT_EQ(get(1), 5) << "what is too large to keep must not drive the rest out";
  EXPECT_EQ(cache.status().folder, "");
  EXPECT_EQ(cache.status().memory_only_reason, "for this test");
  EXPECT_EQ(cache.status().store_failures, 0u);
}

TEST_F(CodeCacheTest, WarnsOfASettingThatWasNotUnderstood) {
  CacheSettings settings = settings_in(folder());
  settings.warning = "a warning";
  std::vector<std::string> warnings;
  const CodeCache cache(settings, [&](const std::string& w) { warnings.push_back(w); });
  EXPECT_EQ(warnings, std::vector<std::string>{"a warning"});
}

// Many threads ask for few keys at once. Caches on one folder stand for several processes: their
// locks are as foreign to each other (see also cache_process_test.cpp).
void expect_one_compile_per_key(const std::vector<CodeCache*>& caches) {
  constexpr int kThreads = 12;
  constexpr int kKeys = 6;
  std::vector<std::atomic<int>> compiles(kKeys);
  std::atomic<int> wrong = 0;
  std::barrier together(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      CodeCache& cache = *caches[static_cast<std::size_t>(t) % caches.size()];
      for (int n = 0; n < kKeys; ++n) {
        together.arrive_and_wait();
        const Bytes code = cache.get_or_compile(key_of(n), [&] {
          ++compiles[static_cast<std::size_t>(n)];
          std::this_thread::sleep_for(10ms);
          return payload_of(n, 500);
        });
        if (code != payload_of(n, 500)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  for (int n = 0; n < kKeys; ++n) EXPECT_EQ(compiles[static_cast<std::size_t>(n)], 1) << n;
}

TEST_F(CodeCacheTest, ThreadsCompileAKeyOnceOnDisk) {
  CodeCache cache(settings_in(folder()));
  expect_one_compile_per_key({&cache});
}

TEST_F(CodeCacheTest, ThreadsCompileAKeyOnceInMemory) {
  CodeCache cache(CacheSettings{});
  expect_one_compile_per_key({&cache});
}

TEST_F(CodeCacheTest, CachesOnOneFolderCompileAKeyOnce) {
  CodeCache a(settings_in(folder()));
  CodeCache b(settings_in(folder()));
  CodeCache c(settings_in(folder()));
  expect_one_compile_per_key({&a, &b, &c});
}

TEST_F(CodeCacheTest, ThreadsThatWaitedShareTheFailure) {
  CodeCache cache(CacheSettings{});
  constexpr int kThreads = 4;
  std::atomic<int> calls = 0;
  std::atomic<int> failures = 0;
  std::barrier together(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      together.arrive_and_wait();
      try {
        static_cast<void>(cache.get_or_compile(key_of(1), [&]() -> Bytes {
          ++calls;
          std::this_thread::sleep_for(300ms);
          throw std::runtime_error("no");
        }));
      } catch (const std::runtime_error&) {
        ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, kThreads);
  EXPECT_EQ(calls, 1);
}

TEST_F(CodeCacheTest, WaitsForAnotherProcessOnlySoLong) {
  CacheSettings settings = settings_in(folder());
  settings.lock_wait = 100ms;
  CodeCache cache(settings);
  const OpenedFolder opened = open_private_folder(folder());
  ASSERT_TRUE(opened.fd) << opened.reason;
  const KeyLock hung = KeyLock::acquire(opened.fd.get(), cache_key_digest(key_of(1).text()), 0ms);
  ASSERT_TRUE(hung.locked());

  EXPECT_TRUE(KeyLock::acquire(opened.fd.get(), cache_key_digest(key_of(2).text()), 0ms).locked())
      << "each key has a lock of its own";

  Compiler compiler(payload_of(1, 10));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(cache.get_or_compile(key_of(1), compiler.fn()), payload_of(1, 10));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 100ms);
  EXPECT_EQ(compiler.calls(), 1);
}

TEST_F(CodeCacheTest, GoesOnWithoutALockFile) {
  CodeCache cache(settings_in(folder()));
  ASSERT_EQ(::mkdir((folder() + "/lock").c_str(), 0700), 0);
  Compiler compiler(payload_of(1, 10));
  EXPECT_EQ(cache.get_or_compile(key_of(1), compiler.fn()), payload_of(1, 10));
  EXPECT_EQ(cache.get_or_compile(key_of(1), compiler.fn()), payload_of(1, 10));
  EXPECT_EQ(compiler.calls(), 1);
}

TEST_F(CodeCacheTest, ALockOutlivesNeitherItsHolderNorAForkedChild) {
  const OpenedFolder opened = open_private_folder(folder());
  ASSERT_TRUE(opened.fd) << opened.reason;
  const Sha256Digest digest = cache_key_digest("k");
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe(ends), 0);
  pid_t child = -1;
  {
    const KeyLock lock = KeyLock::acquire(opened.fd.get(), digest, 0ms);
    ASSERT_TRUE(lock.locked());
    EXPECT_FALSE(KeyLock::acquire(opened.fd.get(), digest, 0ms).locked());
    child = ::fork();  // inherits the open lock file, and lives on past the lock
    if (child == 0) {
      char c = 0;
      ::_exit(::read(ends[0], &c, 1) == 1 ? 0 : 1);
    }
  }
  EXPECT_TRUE(KeyLock::acquire(opened.fd.get(), digest, 0ms).locked());
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace sampan::common
