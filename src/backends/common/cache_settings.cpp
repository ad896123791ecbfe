#include "backends/common/cache_settings.h"

#include <charconv>
#include <limits>
#include <optional>

#include "backends/common/text.h"

namespace sampan::common {
namespace {

std::optional<std::uint64_t> mebibytes(const std::string& text) {
  std::uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || stop != end) return std::nullopt;
  if (count > std::numeric_limits<std::uint64_t>::max() >> 20) return std::nullopt;
  return count << 20;
}

void choose_limit(const Environment& environment, CacheSettings& settings) {
  const std::string text = environment.value("SAMPAN_CACHE_MAX_MB");
  if (text.empty()) return;
  if (const std::optional<std::uint64_t> limit = mebibytes(text)) {
    settings.max_bytes = *limit;
  } else {
    settings.warning = "SAMPAN_CACHE_MAX_MB is " + in_quotes(text) +
                       ", which is not a whole number of MiB; the limit stays at " +
                       std::to_string(settings.max_bytes >> 20) + " MiB";
  }
}

void choose_folder(const Environment& environment, CacheSettings& settings) {
  const std::string own = environment.value("SAMPAN_CACHE_DIR");
  if (!own.empty()) {
    if (own.front() == '/') {
      settings.folder = own;
    } else {
      settings.memory_only_reason = "SAMPAN_CACHE_DIR is " + in_quotes(own) +
                                    ", which is not an absolute path; write it in full";
    }
    return;
  }
  const std::string xdg = environment.value("XDG_CACHE_HOME");
  const std::string home = environment.value("HOME");
  if (xdg.starts_with('/')) {
    settings.folder = xdg + "/sampan";
  } else if (home.starts_with('/')) {
    settings.folder = home + "/.cache/sampan";
  } else {
    settings.memory_only_reason =
        "neither SAMPAN_CACHE_DIR nor XDG_CACHE_HOME nor HOME names a folder; set SAMPAN_CACHE_DIR "
        "to keep compiled code between runs";
  }
}

}  // namespace

CacheSettings cache_settings(const Environment& environment) {
  CacheSettings settings;
  if (environment.privileged) {
    settings.memory_only_reason =
        "this process runs with more rights than its caller (set-uid or file capabilities), so "
        "paths from the environment are ignored";
    return settings;
  }
  choose_limit(environment, settings);
  if (settings.max_bytes == 0) {
    settings.memory_only_reason = "SAMPAN_CACHE_MAX_MB is 0";
    return settings;
  }
  choose_folder(environment, settings);
  return settings;
}

}  // namespace sampan::common
