#include "backends/common/file_io.h"

#include <cerrno>

namespace sampan::common {

int write_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    if (written == 0) return ENOSPC;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

int read_up_to(int fd, std::span<std::byte> buffer, std::size_t& read_bytes) {
  read_bytes = 0;
  while (read_bytes < buffer.size()) {
    const ssize_t got = ::read(fd, buffer.data() + read_bytes, buffer.size() - read_bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) break;
    read_bytes += static_cast<std::size_t>(got);
  }
  return 0;
}

int close_checked(UniqueFd fd) {
  if (::close(fd.release()) == 0) return 0;
  return errno == EINTR ? 0 : errno;  // Linux closes the descriptor even when interrupted
}

}  // namespace sampan::common
