#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace sampan_test {

/// A new folder that only this user may enter, removed with what it holds. Files made in it are
/// readable and writable by this user alone, whatever the umask.
class PrivateFolder {
 public:
  PrivateFolder();
  PrivateFolder(const PrivateFolder&) = delete;
  ~PrivateFolder();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Writes a file; returns its path.
  std::filesystem::path write(const std::string& name, std::string_view content) const;
  /// Copies a file; returns the copy's path.
  std::filesystem::path copy(const std::filesystem::path& from, const std::string& name) const;
  /// Makes a folder inside, mode 0700; returns its path.
  std::filesystem::path make_folder(const std::string& name) const;

 private:
  std::filesystem::path path_;
};

}  // namespace sampan_test
