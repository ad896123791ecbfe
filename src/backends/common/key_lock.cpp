#include "backends/common/key_lock.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <thread>

namespace sampan::common {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kLockFile = "lock";
constexpr std::chrono::milliseconds kFirstPause(1);
constexpr std::chrono::milliseconds kLongestPause(20);

// 62 bits: the range's end must still be a file offset.
long long lock_offset(const Sha256Digest& key) {
  long long offset = 0;
  for (const std::byte b : std::span(key).first<8>()) {
    offset = ((offset & 0x3fffffffffffff) << 8) | std::to_integer<long long>(b);
  }
  return offset;
}

// Returns 0 or an errno.
int try_lock(int file, long long offset, short type) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = offset;
  range.l_len = 1;
  while (::fcntl(file, F_OFD_SETLK, &range) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace

KeyLock KeyLock::acquire(int folder_fd, const Sha256Digest& key, std::chrono::milliseconds wait) {
  // Opened anew each time: the lock belongs to the open file, which a forked child would share.
  UniqueFd file(::openat(folder_fd, kLockFile, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return {UniqueFd(), 0};
  const long long offset = lock_offset(key);
  const Clock::time_point deadline = Clock::now() + wait;
  // Polled, since a blocking fcntl has no time limit.
  for (auto pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
    const int error = try_lock(file.get(), offset, F_WRLCK);
    if (error == 0) return {std::move(file), offset};
    if ((error != EAGAIN && error != EACCES) || Clock::now() >= deadline) return {UniqueFd(), 0};
    std::this_thread::sleep_for(pause);
  }
}

KeyLock::~KeyLock() {
  // Closing is not enough where a child forked meanwhile still has the file open.
  if (file_) static_cast<void>(try_lock(file_.get(), offset_, F_UNLCK));
}

}  // namespace sampan::common
