// Which folders the cache trusts, and what it does in those that it cannot use or write.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "backends/common/code_cache.h"
#include "backends/common/private_folder.h"
#include "cache_test.h"
#include "child_process.h"

namespace sampan::common {
namespace {

using testing::Compiler;
using testing::entry_name;
using testing::files_in;
using testing::in_child;
using testing::key_of;
using testing::payload_of;
using testing::Rights;
using testing::settings_in;

constexpr unsigned kOtherUser = 12345;

std::string make_folder(const std::string& path, mode_t mode) {
  ::mkdir(path.c_str(), 0700);
  ::chmod(path.c_str(), mode);  // past the umask
  return path;
}

// The cache must refuse `folder`, say why, and work in memory without leaving a file behind.
void expect_memory_only(const std::string& folder, const std::string& reason) {
  SCOPED_TRACE(folder);
  CodeCache cache(settings_in(folder));
  EXPECT_EQ(cache.status().folder, "");
  EXPECT_NE(cache.status().memory_only_reason.find(reason), std::string::npos)
      << cache.status().memory_only_reason;
  EXPECT_NE(cache.status().memory_only_reason.find("SAMPAN_CACHE_DIR"), std::string::npos)
      << "the way out is missing";
  Compiler compiler(payload_of(1, 10));
  EXPECT_EQ(cache.get_or_compile(key_of(1), compiler.fn()), payload_of(1, 10));
  EXPECT_EQ(cache.get_or_compile(key_of(1), compiler.fn()), payload_of(1, 10));
  EXPECT_EQ(compiler.calls(), 1);
}

TEST(CachePlace, FoldersThatOthersCouldChangeAreRefused) {
  const TempDir temp = TempDir::create("sampan-test");
  for (const mode_t mode : {0777u, 0770u, 0720u, 0702u, 01777u}) {
    const std::string folder = make_folder(temp.file("mode" + std::to_string(mode)), mode);
    expect_memory_only(folder, "may be written by others");
    EXPECT_TRUE(files_in(folder).empty());
  }
  for (const mode_t mode : {0700u, 0750u, 0755u}) {
    const CodeCache cache(settings_in(make_folder(temp.file("ok" + std::to_string(mode)), mode)));
    EXPECT_EQ(cache.status().memory_only_reason, "") << std::oct << mode;
  }
}

TEST(CachePlace, SymbolicLinksAreRefusedHoweverTheyAreWritten) {
  const TempDir temp = TempDir::create("sampan-test");
  const std::string real = make_folder(temp.file("real"), 0700);
  const std::string link = temp.file("link");
  ASSERT_EQ(::symlink(real.c_str(), link.c_str()), 0);
  for (const char* const ending : {"", "/", "//", "/.", "/./", "/x/.."}) {
    expect_memory_only(link + ending, "is a symbolic link");
  }
  ASSERT_EQ(::symlink("/nowhere/at/all", temp.file("dangling").c_str()), 0);
  expect_memory_only(temp.file("dangling"), "is a symbolic link");
  EXPECT_TRUE(files_in(real).empty());
  // Above the last place a link is the user's own affair: /home is one on many machines.
  EXPECT_EQ(CodeCache(settings_in(link + "/below")).status().memory_only_reason, "");
}

TEST(CachePlace, FoldersOfOtherUsersAreRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make a folder of another user";
  const TempDir temp = TempDir::create("sampan-test");
  const std::string folder = make_folder(temp.file("foreign"), 0700);
  ASSERT_EQ(::chown(folder.c_str(), kOtherUser, kOtherUser), 0);
  expect_memory_only(folder, "belongs to user 12345");
  EXPECT_TRUE(files_in(folder).empty());
}

TEST(CachePlace, PlacesThatAreNoFolderAreRefused) {
  const TempDir temp = TempDir::create("sampan-test");
  testing::write_file(temp.file("file"), "text");
  expect_memory_only(temp.file("file"), "is not a folder");
  expect_memory_only(temp.file("file") + "/below", "Not a directory");
  expect_memory_only("relative/path", "is not absolute");
  expect_memory_only("/proc/sampan-cannot-be-made", "cannot create the folder");
}

TEST(CachePlace, MissingFoldersAreCreatedPrivateWithTheirParents) {
  const TempDir temp = TempDir::create("sampan-test");
  const mode_t old_mask = ::umask(0);
  const CodeCache cache(settings_in(temp.file("a/b/c")));
  ::umask(old_mask);
  EXPECT_EQ(cache.status().memory_only_reason, "");
  for (const char* const part : {"a", "a/b", "a/b/c"}) {
    struct stat status {};
    ASSERT_EQ(::stat(temp.file(part).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0700u) << part;
  }
}

TEST(CachePlace, AFolderThatMayNotBeCreatedIsRefused) {
  const TempDir temp = TempDir::create("sampan-test");
  ASSERT_EQ(::chmod(temp.path().c_str(), 0555), 0);
  EXPECT_EQ(in_child(Rights::kOrdinaryUser,
                     [&]() -> std::string {
                       CodeCache cache(settings_in(temp.file("cache")));
                       const std::string reason = cache.status().memory_only_reason;
                       const bool named = reason.find("Permission denied") != std::string::npos;
                       return named ? "" : "reason: " + reason;
                     }),
            "");
}

// One entry is stored; then storing becomes impossible. The entry must still be served, new code
// must be returned and kept in memory, nothing must be left behind, and the reason be given.
std::string check_reads_go_on(const std::string& folder, const std::function<bool()>& forbid,
                              const std::string& reason) {
  Compiler first(payload_of(1, 100));
  {
    CodeCache cache(settings_in(folder));
    static_cast<void>(cache.get_or_compile(key_of(1), first.fn()));
    if (!cache.status().last_store_failure.empty()) return cache.status().last_store_failure;
  }
  if (!forbid()) return "cannot prepare the folder";
  const std::set<std::string> before = files_in(folder);

  std::vector<std::string> warnings;
  CodeCache cache(settings_in(folder), [&](const std::string& w) { warnings.push_back(w); });
  if (cache.status().folder != folder) return cache.status().memory_only_reason;
  Compiler second(payload_of(2, 200'000));
  for (int call = 0; call < 2; ++call) {
    if (cache.get_or_compile(key_of(1), first.fn()) != payload_of(1, 100)) return "wrong old code";
    if (cache.get_or_compile(key_of(2), second.fn()) != payload_of(2, 200'000)) {
      return "wrong new code";
    }
  }
  const CacheStatus status = cache.status();
  if (first.calls() != 1) return "the stored entry was not served";
  if (second.calls() != 1) return "the new code was not kept in memory";
  if (status.store_failures != 1) return "store failures are miscounted";
  if (status.last_store_failure.find(reason) == std::string::npos) {
    return "reason: " + status.last_store_failure;
  }
  if (!warnings.empty()) return "warned: " + warnings[0];
  if (files_in(folder) != before) return "files were left behind";
  return "";
}

TEST(CachePlace, AReadOnlyFolderServesWhatItHas) {
  EXPECT_EQ(in_child(Rights::kOrdinaryUser,
                     [] {
                       const TempDir temp = TempDir::create("sampan-test");
                       const std::string folder = temp.file("cache");
                       const std::string outcome = check_reads_go_on(
                           folder, [&] { return ::chmod(folder.c_str(), 0500) == 0; },
                           "Permission denied");
                       ::chmod(folder.c_str(), 0700);
                       return outcome;
                     }),
            "");
}

TEST(CachePlace, AFileSizeLimitIsAFailedStore) {
  EXPECT_EQ(in_child(Rights::kOwn,
                     [] {
                       const TempDir temp = TempDir::create("sampan-test");
                       return check_reads_go_on(
                           temp.file("cache"),
                           [] {
                             ::signal(SIGXFSZ, SIG_IGN);
                             const rlimit limit = {100'000, 100'000};
                             return ::setrlimit(RLIMIT_FSIZE, &limit) == 0;
                           },
                           "File too large");
                     }),
            "");
}

// Mounts a small file system at `place`, seen by this process and its children only.
bool mount_small_disk(const std::string& place, const char* options) {
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("sampan-test", place.c_str(), "tmpfs", 0, options) == 0;
}

constexpr const char* kNoMount = "mounting is not permitted";

TEST(CachePlace, AFullDiskIsAFailedStore) {
  const TempDir temp = TempDir::create("sampan-test");
  const std::string outcome = in_child(Rights::kOwn, [&]() -> std::string {
    if (!mount_small_disk(temp.path(), "size=128k,mode=700")) return kNoMount;
    // 128 KiB take the first entry and half of the second: a short write, then ENOSPC.
    const std::string reads_go_on = check_reads_go_on(
        temp.file("cache"), [] { return true; }, "No space left on device");
    ::umount2(temp.path().c_str(), MNT_DETACH);
    return reads_go_on;
  });
  if (outcome == kNoMount) GTEST_SKIP() << kNoMount;
  EXPECT_EQ(outcome, "");
}

TEST(CachePlace, AReadOnlyFileSystemServesWhatItHas) {
  const TempDir temp = TempDir::create("sampan-test");
  const std::string outcome = in_child(Rights::kOwn, [&]() -> std::string {
    if (!mount_small_disk(temp.path(), "size=1m,mode=700")) return kNoMount;
    const std::string reads_go_on = check_reads_go_on(
        temp.file("cache"),
        [&] { return ::mount("", temp.path().c_str(), "", MS_REMOUNT | MS_RDONLY, "") == 0; },
        "Read-only file system");
    ::umount2(temp.path().c_str(), MNT_DETACH);
    return reads_go_on;
  });
  if (outcome == kNoMount) GTEST_SKIP() << kNoMount;
  EXPECT_EQ(outcome, "");
}

TEST(CachePlace, AFolderRemovedMeanwhileIsAFailedStore) {
  const TempDir temp = TempDir::create("sampan-test");
  CodeCache cache(settings_in(temp.file("cache")));
  ASSERT_EQ(std::filesystem::remove_all(temp.file("cache")), 1u);
  Compiler compiler(payload_of(1, 10));
  for (int call = 0; call < 2; ++call) {
    EXPECT_EQ(cache.get_or_compile(key_of(1), compiler.fn()), payload_of(1, 10));
  }
  EXPECT_EQ(compiler.calls(), 1);
  EXPECT_NE(cache.status().last_store_failure.find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace sampan::common
