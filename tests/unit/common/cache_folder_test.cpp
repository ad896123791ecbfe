// Making room: the size limit, the order of eviction, stale temporary files.
#include "backends/common/cache_folder.h"

#include <gtest/gtest.h>

#include "backends/common/cache_entry.h"
#include "backends/common/private_folder.h"
#include "cache_test.h"

namespace sampan::common {
namespace {

using testing::entry_name;
using testing::files_in;
using testing::key_of;
using testing::payload_of;
using testing::set_age;
using testing::write_file;

using Found = CacheFolder::Found;

constexpr std::size_t kPayloadBytes = 1000;

class CacheFolderTest : public ::testing::Test {
 protected:
  [[nodiscard]] CacheFolder open(std::uint64_t max_bytes) const {
    OpenedFolder opened = open_private_folder(path_);
    EXPECT_TRUE(opened.fd) << opened.reason;
    return {std::move(opened.fd), path_, max_bytes};
  }
  [[nodiscard]] std::string entry_path(int n) const { return path_ + "/" + entry_name(key_of(n)); }
  [[nodiscard]] bool exists(int n) const { return std::filesystem::exists(entry_path(n)); }

  void store(CacheFolder& folder, int n) const {
    EXPECT_EQ(folder.store(entry_name(key_of(n)), key_of(n).text(), payload_of(n, kPayloadBytes)),
              "");
  }
  [[nodiscard]] Found read(const CacheFolder& folder, int n) const {
    return folder.read(entry_name(key_of(n)), key_of(n).text()).found;
  }
  [[nodiscard]] std::uint64_t total_bytes() const {
    std::uint64_t total = 0;
    for (const auto& item : std::filesystem::directory_iterator(path_)) total += item.file_size();
    return total;
  }

  // All keys of one digit give entries of this size.
  const std::uint64_t entry_bytes_ = encode_entry_head(key_of(0).text(), {}).size() + kPayloadBytes;

 private:
  TempDir temp_ = TempDir::create("sampan-test");
  std::string path_ = temp_.file("cache");
};

TEST_F(CacheFolderTest, TheLeastRecentlyUsedGoFirst) {
  CacheFolder folder = open(8 * entry_bytes_);
  for (int n = 0; n < 8; ++n) {
    store(folder, n);
    set_age(entry_path(n), 1000 - n);
  }
  for (int n = 0; n < 8; ++n) EXPECT_TRUE(exists(n)) << "nothing goes before the limit is passed";
  EXPECT_EQ(read(folder, 0), Found::kEntry);  // the oldest becomes the most recently used
  store(folder, 8);
  // Nine entries, then down to seven eighths of the limit: seven.
  for (const int n : {0, 3, 4, 5, 6, 7, 8}) EXPECT_TRUE(exists(n)) << n;
  for (const int n : {1, 2}) EXPECT_FALSE(exists(n)) << n;
}

TEST_F(CacheFolderTest, AMissDoesNotCountAsUse) {
  CacheFolder folder = open(8 * entry_bytes_);
  store(folder, 0);
  set_age(entry_path(0), 1000);
  const auto used = std::filesystem::last_write_time(entry_path(0));
  EXPECT_EQ(folder.read(entry_name(key_of(0)), "another key").found, Found::kBadEntry);
  EXPECT_EQ(std::filesystem::last_write_time(entry_path(0)), used);
  EXPECT_EQ(read(folder, 0), Found::kEntry);
  EXPECT_GT(std::filesystem::last_write_time(entry_path(0)), used);
}

TEST_F(CacheFolderTest, TheLimitHoldsWhoeverWrote) {
  const std::uint64_t limit_bytes = 40 * entry_bytes_;
  CacheFolder a = open(limit_bytes);
  CacheFolder b = open(limit_bytes);
  for (int n = 0; n < 200; ++n) {
    store(n % 3 == 0 ? a : b, n);
    // Each of the two may be a sixteenth of the limit behind, and one entry.
    ASSERT_LE(total_bytes(), limit_bytes + 2 * (limit_bytes / 16 + entry_bytes_ + 8)) << n;
  }
  EXPECT_TRUE(exists(199));
  EXPECT_GT(total_bytes(), limit_bytes / 2) << "far more was thrown away than needed";
}

TEST_F(CacheFolderTest, TheEntryJustStoredStays) {
  CacheFolder folder = open(entry_bytes_ + 10);
  for (int n = 0; n < 5; ++n) {
    store(folder, n);
    EXPECT_EQ(read(folder, n), Found::kEntry);
    EXPECT_FALSE(exists(n - 1));
  }
}

TEST_F(CacheFolderTest, AnEntryLargerThanTheLimitIsRefused) {
  CacheFolder folder = open(entry_bytes_);
  store(folder, 0);
  const std::string reason =
      folder.store(entry_name(key_of(1)), key_of(1).text(), payload_of(1, kPayloadBytes + 1));
  EXPECT_NE(reason.find("SAMPAN_CACHE_MAX_MB"), std::string::npos) << reason;
  EXPECT_TRUE(exists(0));
  EXPECT_FALSE(exists(1));
  const CacheFolder smaller = open(entry_bytes_ - 1);
  EXPECT_EQ(read(smaller, 0), Found::kNothing) << "sound, but not to be read whole into memory";
}

TEST_F(CacheFolderTest, AHugeSparseFileCostsNothing) {
  CacheFolder folder = open(std::uint64_t{512} << 20);
  store(folder, 0);
  std::filesystem::resize_file(entry_path(0), std::uintmax_t{1} << 40);
  EXPECT_EQ(read(folder, 0), Found::kNothing);
  store(folder, 0);
  EXPECT_EQ(read(folder, 0), Found::kEntry);
}

TEST_F(CacheFolderTest, StaleTemporaryFilesAreSwept) {
  CacheFolder folder = open(std::uint64_t{1} << 20);
  const auto place = [&](const std::string& name, std::int64_t age_s) {
    write_file(folder.path() + "/" + name, "x");
    set_age(folder.path() + "/" + name, age_s);
  };
  place(".tmp.0123456789abcdef", 7200);  // left by a killed writer
  place(".tmp.fedcba9876543210", 60);    // perhaps still being written
  place("notes.txt", 7200);              // not ours
  place(std::string(64, 'g'), 7200);     // neither
  store(folder, 0);
  EXPECT_EQ(files_in(folder.path()),
            (std::set<std::string>{".tmp.fedcba9876543210", "notes.txt", std::string(64, 'g'),
                                   entry_name(key_of(0))}));
}

TEST_F(CacheFolderTest, ReadsWhatAnEarlierOneStoredAndNothingElse) {
  {
    CacheFolder folder = open(std::uint64_t{1} << 20);
    store(folder, 0);
  }
  const CacheFolder folder = open(std::uint64_t{1} << 20);
  const CacheFolder::ReadResult result = folder.read(entry_name(key_of(0)), key_of(0).text());
  EXPECT_EQ(result.found, Found::kEntry);
  EXPECT_EQ(result.payload, payload_of(0, kPayloadBytes));
  EXPECT_EQ(read(folder, 1), Found::kNothing);
  folder.remove(entry_name(key_of(0)));
  EXPECT_EQ(read(folder, 0), Found::kNothing);
}

}  // namespace
}  // namespace sampan::common
