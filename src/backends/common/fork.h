// Noticing that the process is a fork: only the forking thread lives on in it.
#pragma once

#include <cstdint>

namespace sampan::common {

/// Starts counting; call once, before anything else of this header.
void watch_forks() noexcept;

/// How many forks lie between the process that loaded the plug-in and this one. Costs a load.
[[nodiscard]] std::uint32_t fork_count() noexcept;

}  // namespace sampan::common
