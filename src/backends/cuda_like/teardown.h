#pragma once

#include "backends/common/failure.h"
#include "backends/common/fork.h"

namespace sampan::cuda_like {

/// Starts watching for forks and for the process's exit. Once, after the driver was initialised:
/// what is registered here runs before the driver's own exit code.
void watch_process();

/// Throws Failure (device_lost): the driver's threads aren't in this process.
[[noreturn]] void throw_fork();

/// Whether objects must be left as they are instead of destroyed: the driver isn't there any more.
[[nodiscard]] bool is_driver_gone() noexcept;

/// Deletes an object of the ABI where the driver is there.
template <typename Object>
void dispose(Object* object) noexcept {
  if (!is_driver_gone()) delete object;
}

/// The outer layer of every function of the ABI: see common::guarded. Refuses forks.
template <typename Body>
[[nodiscard]] sampan_code_t guarded(sampan_error_t* error, Body&& body) noexcept {
  return common::guarded(error, [&] {
    if (common::fork_count() != 0) [[unlikely]]
      throw_fork();
    return body();
  });
}

}  // namespace sampan::cuda_like
