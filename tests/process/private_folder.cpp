#include "private_folder.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace sampan_test {
namespace {

namespace fs = std::filesystem;

constexpr auto kFileRights = fs::perms::owner_read | fs::perms::owner_write;

}  // namespace

PrivateFolder::PrivateFolder() {
  std::string pattern = (fs::temp_directory_path() / "sampan-test.XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = pattern;
}

PrivateFolder::~PrivateFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path PrivateFolder::write(const std::string& name, std::string_view content) const {
  const fs::path file = path_ / name;
  std::ofstream out(file, std::ios::binary);
  out << content;
  out.close();
  if (!out) throw std::runtime_error("can't write " + file.string());
  fs::permissions(file, kFileRights);
  return file;
}

fs::path PrivateFolder::copy(const fs::path& from, const std::string& name) const {
  const fs::path file = path_ / name;
  fs::copy_file(from, file);
  fs::permissions(file, kFileRights);
  return file;
}

fs::path PrivateFolder::make_folder(const std::string& name) const {
  const fs::path folder = path_ / name;
  fs::create_directory(folder);
  fs::permissions(folder, fs::perms::owner_all);
  return folder;
}

}  // namespace sampan_test
