#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace sampan::fuzz {

/// A file in memory with the fuzzer's bytes, for code that opens files by path.
class MemoryFile {
 public:
  /// Ends the process if the system gives no file: there is nothing to fuzz then.
  MemoryFile(const std::uint8_t* data, std::size_t size_bytes)
      : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    for (std::size_t written = 0; written < size_bytes;) {
      const ssize_t count = ::write(descriptor_, data + written, size_bytes - written);
      if (count <= 0) std::abort();
      written += static_cast<std::size_t>(count);
    }
    if (descriptor_ < 0) std::abort();
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }

  /// A path that opens the file anew.
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace sampan::fuzz
