#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "backends/common/bytes.h"
#include "backends/common/cache_entry.h"
#include "backends/common/cache_folder.h"
#include "backends/common/cache_settings.h"
#include "backends/common/memory_layer.h"

namespace sampan::common {

/// Compiles one key. Throws to report a failure, which is never cached.
using CompileFn = std::function<Bytes()>;

/// Takes one sentence for the log. May be called from any thread that uses the cache.
/// Must not throw.
using WarnFn = std::function<void(const std::string& message)>;

/// What a cache is doing, for `sampan devices`, logs and tests.
struct CacheStatus {
  std::string folder;                ///< where entries are kept; empty: in memory only
  std::string memory_only_reason;    ///< then why, in one sentence
  std::string last_store_failure;    ///< why the latest failed store failed; empty if none did
  std::uint64_t hits = 0;            ///< calls answered without compiling
  std::uint64_t compiles = 0;        ///< compile functions that returned a result
  std::uint64_t bad_entries = 0;     ///< entries on disk found damaged, and rebuilt
  std::uint64_t store_failures = 0;  ///< results that could not be kept on disk
};

/// Compiled code kept on disk between runs, shared by all threads and processes of a user.
///
/// A key is compiled once: threads that ask for it meanwhile share the one result or failure,
/// other processes wait for it (up to CacheSettings::lock_wait) and then read it. Whatever is
/// wrong with the disk, the cache only gets slower: a damaged entry is a miss, a full or read-only
/// folder still serves what it has, a folder that others could write is not used at all.
///
/// Free-threaded. Must outlive the calls made on it. Holds one file descriptor.
class CodeCache {
 public:
  /// Opens the folder, creating it where needed. Never fails: see `status`.
  /// `warn` hears of a setting that was not understood and, once each, of damaged entries.
  explicit CodeCache(const CacheSettings& settings, WarnFn warn = {});

  CodeCache(const CodeCache&) = delete;
  CodeCache& operator=(const CodeCache&) = delete;

  /// The code of `key`: kept, or else what `compile` returns now, which is then kept. An empty
  /// result is returned but not kept.
  ///
  /// Blocks while another thread or process compiles the same key. Rethrows what the compile of
  /// this call, or of the thread that it waited for, threw; the next call compiles again.
  /// `compile` may use this cache for other keys, but not for `key`.
  [[nodiscard]] Bytes get_or_compile(const CacheKey& key, const CompileFn& compile);

  [[nodiscard]] CacheStatus status() const;

 private:
  using Result = std::shared_ptr<const Bytes>;

  /// A key and, where there is a folder to look in, the entry's place there.
  struct Wanted {
    const std::string& key_text;
    std::optional<Sha256Digest> digest;
    std::string name;
  };
  enum class OnBadEntry { kIgnore, kDiscard };

  [[nodiscard]] Wanted wanted(const CacheKey& key) const;
  [[nodiscard]] std::optional<Bytes> find(const Wanted& wanted, OnBadEntry on_bad_entry);
  [[nodiscard]] Bytes find_or_compile_alone(const Wanted& wanted, const CompileFn& compile);
  void keep(const Wanted& wanted, const Bytes& payload);
  [[nodiscard]] std::string store(const Wanted& wanted, const Bytes& payload);
  void discard(const Wanted& wanted, const std::string& reason);
  void land(const Wanted& wanted);
  void count(std::uint64_t CacheStatus::*counter);

  const WarnFn warn_;
  const std::chrono::milliseconds lock_wait_;
  std::unique_ptr<CacheFolder> folder_;  // null: memory only
  MemoryLayer memory_;

  std::mutex flights_mutex_;
  std::unordered_map<std::string_view, std::shared_future<Result>> flights_;  // being compiled

  mutable std::mutex status_mutex_;
  CacheStatus status_;
  std::unordered_set<std::string> warned_;
};

}  // namespace sampan::common
