#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sampan {

enum class LogLevel : std::int32_t { off = 0, error = 1, warning = 2, info = 3, debug = 4 };

/// Takes over the log: `sink` is called from any thread and may not call Sampan. Without a sink,
/// and unless SAMPAN_LOG asks for output on stderr, nothing is written anywhere.
void set_log_sink(
    LogLevel level,
    std::function<void(LogLevel, std::string_view domain, std::string_view message)> sink);

/// One environment variable that Sampan reads.
struct EnvironmentVariable {
  std::string name, meaning, value;
  bool is_set = false;
};
[[nodiscard]] std::vector<EnvironmentVariable> environment();

}  // namespace sampan
