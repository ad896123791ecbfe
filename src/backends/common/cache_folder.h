#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "backends/common/bytes.h"
#include "backends/common/unique_fd.h"

namespace sampan::common {

/// The entries of one cache folder on disk. Free-threaded; any number of processes may share the
/// folder, each entry being published whole by rename and checked whole at every read.
///
/// Nothing is flushed to the medium: after a power loss an entry may be gone or torn, which its
/// digest shows, and it is compiled again.
class CacheFolder {
 public:
  /// `folder` is an open private folder (see private_folder.h), `path` its name in messages.
  /// `max_bytes` limits the sum of the entries' sizes, and each entry.
  CacheFolder(UniqueFd folder, std::string path, std::uint64_t max_bytes);

  enum class Found { kEntry, kNothing, kBadEntry };
  struct ReadResult {
    Found found = Found::kNothing;
    Bytes payload;       ///< of kEntry
    std::string reason;  ///< of kBadEntry: one sentence naming the file
  };

  /// Reads and checks the entry `name` of a key; a hit becomes the most recently used entry.
  /// What cannot be opened or read is nothing; what was read and is not the key's sound entry,
  /// or is not an unshared file of this user, is bad. Throws only std::bad_alloc and sha256's.
  [[nodiscard]] ReadResult read(const std::string& name, std::string_view key_text) const;

  /// Publishes an entry in place of any other of that name, then makes room if the limit is
  /// passed (by up to a sixteenth for each process that writes) by removing the least recently
  /// used. Returns why nothing was published, or an empty string. Throws as `read`.
  [[nodiscard]] std::string store(const std::string& name, std::string_view key_text,
                                  ByteView payload);

  /// Removes an entry; a failure changes nothing, as a bad entry stays a miss.
  void remove(const std::string& name) const;

  [[nodiscard]] int fd() const { return folder_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  [[nodiscard]] std::string file_path(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] std::string write_temp(const std::string& temp, std::string_view key_text,
                                       ByteView payload) const;
  void note_stored(std::uint64_t stored_bytes, const std::string& name);
  [[nodiscard]] std::uint64_t sweep(const std::string& keep) const;

  UniqueFd folder_;
  std::string path_;
  std::uint64_t max_bytes_;
  std::mutex sweep_mutex_;
  std::uint64_t bytes_until_sweep_ = 0;
};

}  // namespace sampan::common
