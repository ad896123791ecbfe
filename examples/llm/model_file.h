#pragma once

#include <simdjson.h>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace sampan::llm {

/// A regular file, open for reading. Move-only; all const calls may run on many threads at once.
class ModelFile {
 public:
  /// Opens `path`, following links.
  /// Throws ModelError: there is no such file, it can't be opened, or it isn't a regular file
  /// (a pipe or a device is refused without waiting for it).
  explicit ModelFile(const std::filesystem::path& path);
  ModelFile(ModelFile&& other) noexcept;
  ModelFile& operator=(ModelFile&& other) noexcept;
  ~ModelFile();

  /// The path as it was given, for messages.
  [[nodiscard]] const std::string& name() const { return name_; }

  /// The size when it was opened.
  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }

  /// Reads exactly out.size() bytes at `offset_bytes`. Blocks on the disk.
  /// Throws ModelError: the disk fails, or the file has become shorter.
  void read(std::uint64_t offset_bytes, std::span<std::byte> out) const;

  /// The same as text that simdjson can parse in place. `size_bytes` lies within size_bytes().
  [[nodiscard]] simdjson::padded_string read_text(std::uint64_t offset_bytes,
                                                  std::uint64_t size_bytes) const;

  /// The whole file as read-only memory, mapped by the first call; valid while this object (or the
  /// one that it was moved to) lives. A file that is cut short meanwhile makes a later access
  /// fault. Not to be called by two threads at once. Throws ModelError: it can't be mapped.
  [[nodiscard]] std::span<const std::byte> map();

 private:
  void close() noexcept;

  std::string name_;
  int descriptor_ = -1;
  std::uint64_t size_bytes_ = 0;
  void* address_ = nullptr;
};

/// The whole of a small text file.
/// Throws ModelError as ModelFile does, and if the file is larger than `limit_bytes`.
[[nodiscard]] simdjson::padded_string read_small_file(const std::filesystem::path& path,
                                                      std::uint64_t limit_bytes);

}  // namespace sampan::llm
