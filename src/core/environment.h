#pragma once

#include <string>

namespace sampan::core {

/// Value of an environment variable, empty if unset. Privileged processes (setuid, file
/// capabilities) see none: what others may set must not steer them.
[[nodiscard]] std::string env(const char* name);

/// env() as a switch: set and neither empty nor "0".
[[nodiscard]] bool env_flag(const char* name);

}  // namespace sampan::core
