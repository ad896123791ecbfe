#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "backends/common/code_cache.h"
#include "backends/common/temp_dir.h"
#include "backends/common/text.h"

/// What the cache tests share: keys, payloads and a look at the files of a cache folder.
namespace sampan::common::testing {

inline CacheSettings settings_in(const std::string& folder) {
  CacheSettings settings;
  settings.folder = folder;
  return settings;
}

inline CacheKey key_of(int number) {
  return CacheKey().add("source", "kernel " + std::to_string(number)).add("options", "fast");
}

inline std::string entry_name(const CacheKey& key) { return hex(cache_key_digest(key.text())); }

/// Bytes that differ between any two numbers or sizes.
inline Bytes payload_of(int number, std::size_t size_bytes) {
  Bytes payload(size_bytes);
  for (std::size_t i = 0; i < size_bytes; ++i) {
    payload[i] = static_cast<std::byte>(static_cast<std::size_t>(number) * 31 + i * 7 + i / 256);
  }
  return payload;
}

inline std::set<std::string> files_in(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& item : std::filesystem::directory_iterator(folder)) {
    names.insert(item.path().filename().string());
  }
  return names;
}

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream contents;
  contents << in.rdbuf();
  return contents.str();
}

inline void write_file(const std::string& path, const std::string& contents) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << contents;
  ::chmod(path.c_str(), 0600);
}

/// Sets when a file was last used, in seconds before now.
inline void set_age(const std::string& path, std::int64_t age_s) {
  const timespec then = {std::time(nullptr) - age_s, 0};
  const timespec both[2] = {then, then};
  ::utimensat(AT_FDCWD, path.c_str(), both, 0);
}

/// A compile function that counts its calls.
class Compiler {
 public:
  explicit Compiler(Bytes result) : result_(std::move(result)) {}
  CompileFn fn() {
    return [this] {
      ++calls_;
      return result_;
    };
  }
  [[nodiscard]] int calls() const { return calls_; }

 private:
  Bytes result_;
  std::atomic<int> calls_ = 0;
};

}  // namespace sampan::common::testing
