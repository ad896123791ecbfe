#include "model_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "model_error.h"

namespace sampan::llm {
namespace {

std::string reason(int code) { return std::generic_category().message(code); }

}  // namespace

ModelFile::ModelFile(const std::filesystem::path& path) : name_(path.string()) {
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (descriptor_ < 0) {
    fail(name_, "cannot be opened (", reason(errno), "); check the path given to --model");
  }
  struct stat info {};
  if (::fstat(descriptor_, &info) != 0 || !S_ISREG(info.st_mode)) {
    close();
    fail(name_, "is not a regular file; check the path given to --model");
  }
  size_bytes_ = static_cast<std::uint64_t>(info.st_size);
}

ModelFile::ModelFile(ModelFile&& other) noexcept
    : name_(std::move(other.name_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_bytes_(std::exchange(other.size_bytes_, 0)),
      address_(std::exchange(other.address_, nullptr)) {}

ModelFile& ModelFile::operator=(ModelFile&& other) noexcept {
  ModelFile taken(std::move(other));
  std::swap(name_, taken.name_);
  std::swap(descriptor_, taken.descriptor_);
  std::swap(size_bytes_, taken.size_bytes_);
  std::swap(address_, taken.address_);
  return *this;
}

ModelFile::~ModelFile() { close(); }

void ModelFile::close() noexcept {
  if (address_ != nullptr) ::munmap(address_, size_bytes_);
  if (descriptor_ >= 0) ::close(descriptor_);
  address_ = nullptr;
  descriptor_ = -1;
}

void ModelFile::read(std::uint64_t offset_bytes, std::span<std::byte> out) const {
  while (!out.empty()) {
    // One call moves at most 2 GiB - 4 KiB on Linux; asking for less keeps every count positive.
    const std::size_t wanted = std::min<std::size_t>(out.size(), std::size_t{1} << 30);
    const ssize_t got = ::pread(descriptor_, out.data(), wanted, static_cast<off_t>(offset_bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      fail(name_, "reading at byte ", offset_bytes, " failed (", reason(errno),
           "); check the disk that holds it");
    }
    if (got == 0) {
      fail(name_, "ends at byte ", offset_bytes, " though it had ", size_bytes_,
           " bytes when it was opened; leave the file alone while it is in use");
    }
    offset_bytes += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

simdjson::padded_string ModelFile::read_text(std::uint64_t offset_bytes,
                                             std::uint64_t size_bytes) const {
  simdjson::padded_string text(static_cast<std::size_t>(size_bytes));
  if (text.data() == nullptr) {
    fail(name_, "its ", size_bytes, " bytes of text do not fit in memory; free some memory");
  }
  read(offset_bytes, std::as_writable_bytes(std::span(text.data(), text.size())));
  return text;
}

std::span<const std::byte> ModelFile::map() {
  if (address_ == nullptr && size_bytes_ != 0) {
    void* const address = ::mmap(nullptr, size_bytes_, PROT_READ, MAP_PRIVATE, descriptor_, 0);
    if (address == MAP_FAILED) {
      fail(name_, "its ", size_bytes_, " bytes cannot be mapped (", reason(errno),
           "); raise the limit on address space");
    }
    address_ = address;
  }
  return {static_cast<const std::byte*>(address_), static_cast<std::size_t>(size_bytes_)};
}

simdjson::padded_string read_small_file(const std::filesystem::path& path,
                                        std::uint64_t limit_bytes) {
  const ModelFile file(path);
  if (file.size_bytes() > limit_bytes) {
    fail(file.name(), "has ", file.size_bytes(), " bytes, more than the ", limit_bytes,
         " that such a file may have; fetch it again");
  }
  return file.read_text(0, file.size_bytes());
}

}  // namespace sampan::llm
