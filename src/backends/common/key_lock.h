#pragma once

#include <chrono>

#include "backends/common/sha256.h"
#include "backends/common/unique_fd.h"

namespace sampan::common {

/// Holds one key of a cache folder against all other threads and processes.
///
/// The lock is one byte range of the folder's single lock file, at an offset taken from the key's
/// digest: every key has its own lock, and no file is ever unlinked under a waiter. It belongs to
/// the open file (Linux fcntl(2), F_OFD_SETLK), so the kernel drops it however the process ends.
class [[nodiscard]] KeyLock {
 public:
  /// Waits up to `wait` for the lock. Never fails: without a usable lock file (read-only folder,
  /// a network file system without locks) or past `wait` it returns unlocked, and the caller goes
  /// on at the price of compiling something twice.
  static KeyLock acquire(int folder_fd, const Sha256Digest& key, std::chrono::milliseconds wait);

  KeyLock(KeyLock&&) = default;
  KeyLock& operator=(KeyLock&&) = delete;
  ~KeyLock();

  [[nodiscard]] bool locked() const { return static_cast<bool>(file_); }

 private:
  KeyLock(UniqueFd file, long long offset) : file_(std::move(file)), offset_(offset) {}

  UniqueFd file_;  // empty: not locked
  long long offset_ = 0;
};

}  // namespace sampan::common
