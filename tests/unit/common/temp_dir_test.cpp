#include "backends/common/temp_dir.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <utility>

#include "cache_test.h"
#include "child_process.h"

namespace sampan::common {
namespace {

using testing::in_child;
using testing::Rights;

Environment with_tmpdir(std::string place, bool privileged = false) {
  return {.privileged = privileged, .lookup = [place](const char*) { return place.c_str(); }};
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(TempDir, IsPrivateAndRemovedWithItsContents) {
  const TempDir outer = TempDir::create("sampan-test");
  const std::string kept = outer.write_file("kept", bytes_of("x"));
  std::string path;
  {
    const TempDir temp = TempDir::create("inner", with_tmpdir(outer.path()));
    path = temp.path();
    EXPECT_TRUE(path.starts_with(outer.path() + "/inner.")) << path;
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0700u);
    const std::string file = temp.write_file("source.cpp", bytes_of("int x;\n"));
    EXPECT_EQ(file, path + "/source.cpp");
    EXPECT_EQ(testing::read_file(file), "int x;\n");
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600u);
    std::filesystem::create_directories(temp.file("a/b"));
    ASSERT_EQ(::symlink(outer.path().c_str(), temp.file("link").c_str()), 0);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(std::filesystem::exists(kept)) << "a symbolic link was followed";
}

TEST(TempDir, MovesItsOwnership) {
  std::optional<TempDir> first = TempDir::create("sampan-test");
  const std::string first_path = first->path();
  TempDir second = std::move(*first);
  first.reset();
  EXPECT_TRUE(std::filesystem::exists(first_path));
  TempDir third = TempDir::create("sampan-test");
  const std::string third_path = third.path();
  third = std::move(second);
  EXPECT_FALSE(std::filesystem::exists(third_path));
  EXPECT_EQ(third.path(), first_path);
}

TEST(TempDir, IgnoresPlacesThatItShouldNotTrust) {
  const TempDir outer = TempDir::create("sampan-test");
  for (const Environment& environment :
       {with_tmpdir(outer.path(), /*privileged=*/true), with_tmpdir("relative"), with_tmpdir("")}) {
    const TempDir temp = TempDir::create("sampan-test", environment);
    EXPECT_EQ(std::filesystem::path(temp.path()).parent_path(), "/tmp");
  }
}

TEST(TempDir, NamesPlaceAndCauseOfAFailure) {
  const std::string message = message_of(
      [] { static_cast<void>(TempDir::create("sampan-test", with_tmpdir("/nowhere/at/all"))); });
  EXPECT_EQ(message,
            "cannot create a temporary folder in '/nowhere/at/all': No such file or directory; set "
            "TMPDIR to a folder with free space");

  const TempDir temp = TempDir::create("sampan-test");
  const std::string file = temp.write_file("once", bytes_of("1"));
  EXPECT_EQ(message_of([&] { temp.write_file("once", bytes_of("2")); }),
            "cannot write the temporary file '" + file +
                "': File exists; set TMPDIR to a folder with free space");
  EXPECT_EQ(testing::read_file(file), "1");
}

TEST(TempDir, NoticesAShortWrite) {
  EXPECT_EQ(in_child(Rights::kOwn,
                     [] {
                       const TempDir temp = TempDir::create("sampan-test");
                       ::signal(SIGXFSZ, SIG_IGN);
                       const rlimit limit = {1000, 1000};
                       ::setrlimit(RLIMIT_FSIZE, &limit);
                       const std::string message =
                           message_of([&] { temp.write_file("big", Bytes(1001)); });
                       temp.write_file("small", Bytes(1000));
                       const bool named = message.find("File too large") != std::string::npos;
                       return named ? "" : message;
                     }),
            "");
}

}  // namespace
}  // namespace sampan::common
