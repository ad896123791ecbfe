#include "backends/common/temp_dir.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "backends/common/file_io.h"
#include "backends/common/text.h"

namespace sampan::common {

TempDir TempDir::create(std::string_view prefix, const Environment& environment) {
  std::string place = environment.value("TMPDIR");
  if (!place.starts_with('/')) place = "/tmp";
  std::string path = place + "/" + std::string(prefix) + ".XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    throw std::runtime_error("cannot create a temporary folder in " + in_quotes(place) + ": " +
                             errno_text(errno) + "; set TMPDIR to a folder with free space");
  }
  return TempDir(std::move(path));
}

TempDir::TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  if (this != &other) {
    remove();
    path_ = std::exchange(other.path_, {});
  }
  return *this;
}

TempDir::~TempDir() { remove(); }

std::string TempDir::file(std::string_view name) const { return path_ + "/" + std::string(name); }

std::string TempDir::write_file(std::string_view name, ByteView contents) const {
  std::string path = file(name);
  constexpr int kNewFile = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd fd(::open(path.c_str(), kNewFile, 0600));
  int error = fd ? write_all(fd.get(), contents) : errno;
  if (fd) {
    const int close_error = close_checked(std::move(fd));
    if (error == 0) error = close_error;
  }
  if (error != 0) {
    throw std::runtime_error("cannot write the temporary file " + in_quotes(path) + ": " +
                             errno_text(error) + "; set TMPDIR to a folder with free space");
  }
  return path;
}

void TempDir::remove() noexcept {
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
  path_.clear();
}

}  // namespace sampan::common
