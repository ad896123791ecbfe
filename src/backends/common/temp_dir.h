#pragma once

#include <string>
#include <string_view>

#include "backends/common/bytes.h"
#include "backends/common/environment.h"

namespace sampan::common {

/// A folder that only this user can enter, removed with all its contents at the end of its life.
/// Movable; a moved-from object owns nothing.
class TempDir {
 public:
  /// Makes `PREFIX.XXXXXX`, mode 0700, in TMPDIR where that is an absolute path, else in /tmp;
  /// a privileged process always uses /tmp.
  /// Throws std::runtime_error naming the place and the cause.
  [[nodiscard]] static TempDir create(std::string_view prefix,
                                      const Environment& environment = Environment::of_process());

  TempDir(TempDir&& other) noexcept;
  TempDir& operator=(TempDir&& other) noexcept;
  /// Removes the folder; symbolic links in it are removed, not followed. Errors are ignored.
  ~TempDir();

  [[nodiscard]] const std::string& path() const { return path_; }

  /// The path of `name` inside the folder, whether or not it exists.
  [[nodiscard]] std::string file(std::string_view name) const;

  /// Writes a new file, mode 0600, and returns its path. `name` is a plain file name.
  /// Throws std::runtime_error naming the file and the cause (it exists, the disk is full).
  std::string write_file(std::string_view name, ByteView contents) const;

 private:
  explicit TempDir(std::string path) : path_(std::move(path)) {}
  void remove() noexcept;

  std::string path_;  // empty: owns nothing
};

}  // namespace sampan::common
