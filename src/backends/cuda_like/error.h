#pragma once

#include <string>
#include <string_view>

#include "backends/common/failure.h"
#include "backends/cuda_like/driver_api.h"

namespace sampan::cuda_like {

using common::Failure;

/// What the driver was doing when it returned a code; some codes mean different things.
enum class During {
  kQuery,       ///< asking for facts
  kAllocation,  ///< creating an object
  kBuild,       ///< loading code
  kSubmission,  ///< handing over work
  kExecution    ///< waiting for work that was handed over
};

/// True for codes after which nothing works in the context any more, for whoever uses it: a kernel
/// that failed takes its context with it. Such a code comes from any call, whatever that asks for.
[[nodiscard]] bool breaks_context(Result code) noexcept;

/// What the ABI calls `code`.
[[nodiscard]] sampan_code_t meaning_of(Result code, During during) noexcept;

/// The failure that `code`, returned by `call`, stands for. `doing` says what was attempted and
/// starts the message: "Creating a stream".
[[nodiscard]] Failure failure_of(Result code, const char* call, During during,
                                 std::string_view doing);

/// Calls `entry` and throws `failure_of` unless it returns success.
template <typename... Parameters, typename... Arguments>
void check(const Entry<Result(Parameters...)>& entry, During during, std::string_view doing,
           Arguments... arguments) {
  const Result code = entry.function(arguments...);
  if (code != kSuccess) [[unlikely]] {
    throw failure_of(code, entry.symbol, during, doing);
  }
}

}  // namespace sampan::cuda_like
