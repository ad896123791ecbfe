#pragma once

#include <string>

#include "sampan/plugin/backend.h"

namespace sampan::common {

/// Remembers the host's table, which lives as long as the process, and the backend's name for the
/// log. Once, from the query.
void set_host(const sampan_host_t* host, const char* domain) noexcept;

/// Gives one sentence to the host's log (SAMPAN_LOG_*). Any thread; nothing before `set_host`.
void log(std::int32_t level, const std::string& message) noexcept;

}  // namespace sampan::common
