#include "backends/common/private_folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "backends/common/text.h"

namespace sampan::common {
namespace {

constexpr mode_t kPrivate = 0700;

// A trailing slash or dot would make open follow a symbolic link in spite of O_NOFOLLOW.
std::string without_trailing_slash(const std::string& path) {
  const std::filesystem::path plain = std::filesystem::path(path).lexically_normal();
  return plain.has_filename() ? plain.string() : plain.parent_path().string();
}

// Returns 0 or an errno. A part that exists is fine, whatever it is: opening it will tell.
int create_with_parents(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), kPrivate) != 0 && errno != EEXIST) {
      const int error = errno;
      // On a read-only file system, mkdir of a folder that exists may say EROFS.
      if (::access(part.c_str(), F_OK) != 0) return error;
    }
    if (slash == std::string::npos) return 0;
  }
}

int open_folder(const std::string& path) {
  return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

std::string reason_not_opened(const std::string& path, int error) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    if (S_ISLNK(status.st_mode)) return "the folder " + in_quotes(path) + " is a symbolic link";
    if (!S_ISDIR(status.st_mode)) return in_quotes(path) + " is not a folder";
  }
  return "cannot open the folder " + in_quotes(path) + ": " + errno_text(error);
}

std::string reason_not_private(const std::string& path, int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    return "cannot examine the folder " + in_quotes(path) + ": " + errno_text(errno);
  }
  if (status.st_uid != ::geteuid()) {
    return "the folder " + in_quotes(path) + " belongs to user " + std::to_string(status.st_uid) +
           ", not to user " + std::to_string(::geteuid());
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return "the folder " + in_quotes(path) + " may be written by others; run chmod 700 on it";
  }
  return {};
}

}  // namespace

OpenedFolder open_private_folder(const std::string& path) {
  if (!path.starts_with('/')) return {{}, "the path " + in_quotes(path) + " is not absolute"};
  const std::string plain = without_trailing_slash(path);
  UniqueFd fd(open_folder(plain));
  if (!fd && errno == ENOENT) {
    if (const int error = create_with_parents(plain); error != 0) {
      return {{}, "cannot create the folder " + in_quotes(plain) + ": " + errno_text(error)};
    }
    fd = UniqueFd(open_folder(plain));
  }
  if (!fd) return {{}, reason_not_opened(plain, errno)};
  std::string reason = reason_not_private(plain, fd.get());
  if (!reason.empty()) return {{}, std::move(reason)};
  return {std::move(fd), {}};
}

}  // namespace sampan::common
