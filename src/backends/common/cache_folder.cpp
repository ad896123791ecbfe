#include "backends/common/cache_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <vector>

#include "backends/common/cache_entry.h"
#include "backends/common/file_io.h"
#include "backends/common/text.h"

namespace sampan::common {
namespace {

constexpr std::string_view kTempPrefix = ".tmp.";
// A writer needs milliseconds; a temporary file of this age was left by one that was killed.
constexpr std::int64_t kStaleTempSeconds = 3600;

struct EntryFile {
  std::string name;
  std::uint64_t size_bytes;
  timespec used;
};

bool is_entry_name(std::string_view name) {
  return name.size() == 2 * sizeof(Sha256Digest) &&
         name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool older(const timespec& a, const timespec& b) {
  return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

// Random, not the process id: containers that share the folder have equal ids.
std::string temp_name() {
  std::array<std::byte, 8> random{};
  static_cast<void>(::getentropy(random.data(), random.size()));
  return std::string(kTempPrefix) + hex(random);
}

bool is_own_file(const struct stat& status) {
  return S_ISREG(status.st_mode) && status.st_uid == ::geteuid() &&
         (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

Directory list(int folder) {
  UniqueFd again(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Directory directory(again ? ::fdopendir(again.get()) : nullptr, &::closedir);
  if (directory) static_cast<void>(again.release());
  return directory;
}

}  // namespace

CacheFolder::CacheFolder(UniqueFd folder, std::string path, std::uint64_t max_bytes)
    : folder_(std::move(folder)), path_(std::move(path)), max_bytes_(max_bytes) {}

CacheFolder::ReadResult CacheFolder::read(const std::string& name,
                                          std::string_view key_text) const {
  // O_NONBLOCK: opening a FIFO of that name must not wait for a writer.
  const UniqueFd file(::openat(fd(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  const auto bad = [&](std::string_view what) {
    return ReadResult{Found::kBadEntry, {}, in_quotes(file_path(name)) + " " + std::string(what)};
  };
  if (!file) return errno == ELOOP ? bad("is a symbolic link") : ReadResult{};
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return {};
  if (!is_own_file(status)) return bad("is not a file that only this user can write");
  if (static_cast<std::uint64_t>(status.st_size) > max_bytes_) return {};

  Bytes entry(static_cast<std::size_t>(status.st_size));
  std::size_t read_bytes = 0;
  if (read_up_to(file.get(), entry, read_bytes) != 0) return {};
  const ParsedEntry parsed = parse_entry(ByteView(entry).first(read_bytes), key_text);
  if (parsed.error != EntryError::kNone) return bad(describe(parsed.error));

  constexpr timespec kNow[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
  static_cast<void>(::futimens(file.get(), kNow));  // fails on a read-only file system
  return {Found::kEntry, Bytes(parsed.payload.begin(), parsed.payload.end()), {}};
}

std::string CacheFolder::store(const std::string& name, std::string_view key_text,
                               ByteView payload) {
  const std::string temp = temp_name();
  std::string reason = write_temp(temp, key_text, payload);
  if (reason.empty() && ::renameat(fd(), temp.c_str(), fd(), name.c_str()) != 0) {
    reason = "cannot publish " + in_quotes(file_path(name)) + ": " + errno_text(errno);
    ::unlinkat(fd(), temp.c_str(), 0);
  }
  if (reason.empty()) note_stored(key_text.size() + payload.size(), name);
  return reason;
}

std::string CacheFolder::write_temp(const std::string& temp, std::string_view key_text,
                                    ByteView payload) const {
  const Bytes head = encode_entry_head(key_text, payload);
  if (head.size() > max_bytes_ || payload.size() > max_bytes_ - head.size()) {
    return "an entry of " + std::to_string(head.size() + payload.size()) +
           " bytes is larger than the whole cache may be (" + std::to_string(max_bytes_) +
           " bytes); raise SAMPAN_CACHE_MAX_MB";
  }
  constexpr int kNewFile = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd file(::openat(fd(), temp.c_str(), kNewFile, 0600));
  if (!file) return "cannot create a file in " + in_quotes(path_) + ": " + errno_text(errno);
  int error = write_all(file.get(), head);
  if (error == 0) error = write_all(file.get(), payload);
  const int close_error = close_checked(std::move(file));
  if (error == 0) error = close_error;
  if (error == 0) return {};
  ::unlinkat(fd(), temp.c_str(), 0);
  return "cannot write a file in " + in_quotes(path_) + ": " + errno_text(error);
}

void CacheFolder::remove(const std::string& name) const { ::unlinkat(fd(), name.c_str(), 0); }

void CacheFolder::note_stored(std::uint64_t stored_bytes, const std::string& name) {
  const std::lock_guard guard(sweep_mutex_);
  if (stored_bytes < bytes_until_sweep_) {
    bytes_until_sweep_ -= stored_bytes;
    return;
  }
  const std::uint64_t total_bytes = sweep(name);
  const std::uint64_t room_bytes = total_bytes < max_bytes_ ? max_bytes_ - total_bytes : 0;
  bytes_until_sweep_ = std::min(room_bytes, max_bytes_ / 16);
}

// Removes stale temporary files and, past the limit, the least recently used entries down to
// seven eighths of it, so that not every later store has to. Returns what the entries then hold.
std::uint64_t CacheFolder::sweep(const std::string& keep) const {
  const Directory directory = list(fd());
  if (!directory) return 0;
  const std::int64_t now = std::time(nullptr);
  std::vector<EntryFile> entries;
  std::uint64_t total_bytes = 0;
  while (const dirent* item = ::readdir(directory.get())) {
    const std::string name = item->d_name;
    const bool is_temp = name.starts_with(kTempPrefix);
    struct stat status {};
    if (!is_temp && !is_entry_name(name)) continue;
    if (::fstatat(fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (is_temp) {
      if (now - status.st_mtim.tv_sec > kStaleTempSeconds) remove(name);
      continue;
    }
    entries.push_back({name, static_cast<std::uint64_t>(status.st_size), status.st_mtim});
    total_bytes += entries.back().size_bytes;
  }
  if (total_bytes <= max_bytes_) return total_bytes;
  std::ranges::sort(entries, older, &EntryFile::used);
  for (const EntryFile& entry : entries) {
    if (total_bytes <= max_bytes_ - max_bytes_ / 8) break;
    if (entry.name == keep) continue;
    remove(entry.name);
    total_bytes -= entry.size_bytes;
  }
  return total_bytes;
}

}  // namespace sampan::common
