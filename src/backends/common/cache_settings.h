#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "backends/common/environment.h"

namespace sampan::common {

/// Where compiled code is kept, and how much of it.
struct CacheSettings {
  /// Absolute path of the folder; empty to keep compiled code in memory only.
  std::string folder;
  /// Where `folder` is empty, one sentence saying why and how to change it.
  std::string memory_only_reason;
  /// Where a variable could not be understood, one sentence saying what was done instead.
  std::string warning;
  /// Limit on the sum of the entries' file sizes; also on a single entry.
  std::uint64_t max_bytes = std::uint64_t{512} << 20;
  /// Limit on what is held in memory: all of it without a folder, else what could not be stored.
  std::uint64_t memory_max_bytes = std::uint64_t{64} << 20;
  /// How long to wait for another process that compiles the same key before compiling it here
  /// as well: a compiler that hangs there must not hang every other process.
  std::chrono::milliseconds lock_wait = std::chrono::minutes(5);
};

/// The settings that the environment asks for:
///   SAMPAN_CACHE_DIR     the folder itself, an absolute path; else
///   XDG_CACHE_HOME       `sampan` inside it, where it is an absolute path (XDG base directory
///                        specification 0.8: relative ones are ignored); else
///   HOME                 `.cache/sampan` inside it; else memory only
///   SAMPAN_CACHE_MAX_MB  the limit in MiB, a whole number; 0 means memory only
/// A privileged process obeys none of them and caches in memory only.
[[nodiscard]] CacheSettings cache_settings(const Environment& environment);

}  // namespace sampan::common
