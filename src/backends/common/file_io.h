#pragma once

#include "backends/common/bytes.h"
#include "backends/common/unique_fd.h"

namespace sampan::common {

/// Writes all of `bytes` at the file's position, going on after signals and short writes.
/// Returns 0, or the errno of the write that failed (ENOSPC where the system wrote nothing and
/// gave no reason); the file then holds an unknown part of `bytes`.
[[nodiscard]] int write_all(int fd, ByteView bytes);

/// Reads from the file's position until `buffer` is full or the file ends.
/// Sets `read_bytes` to what was read; returns 0 or an errno.
[[nodiscard]] int read_up_to(int fd, std::span<std::byte> buffer, std::size_t& read_bytes);

/// Closes and returns 0 or the errno of close: a file system that writes late (NFS, quotas)
/// reports a full disk only here.
[[nodiscard]] int close_checked(UniqueFd fd);

}  // namespace sampan::common
