#pragma once

#include <string_view>

#include "sampan/log.h"

namespace sampan::core {

/// Hands a message to the sink, or to stderr if SAMPAN_LOG asks for its level. Costs one load of an
/// atomic otherwise.
void log(LogLevel level, std::string_view domain, std::string_view message) noexcept;

/// True if log() at this level would go anywhere; for messages that cost something to build.
[[nodiscard]] bool log_enabled(LogLevel level) noexcept;

}  // namespace sampan::core
