#pragma once

#include <string>
#include <string_view>

#include "backends/common/failure.h"
#include "backends/level_zero/api_types.h"

namespace sampan::level_zero {

using common::Failure;

/// What the driver was doing when it returned a code; some codes mean different things.
enum class During {
  kQuery,       ///< asking for facts
  kAllocation,  ///< creating an object
  kBuild,       ///< loading code
  kSubmission,  ///< handing over work: nothing was appended
  kExecution    ///< waiting for work that was handed over
};

/// "ZE_RESULT_ERROR_DEVICE_LOST", or the number of a code that no specification has.
[[nodiscard]] std::string code_name(ze::Result code);

/// The failure that `code`, returned by `call`, stands for. `doing` says what was attempted and
/// starts the message: "Creating a stream".
[[nodiscard]] Failure failure_of(ze::Result code, const char* call, During during,
                                 std::string_view doing);

/// Throws `failure_of` unless `code` is success.
inline void check(ze::Result code, const char* call, During during, std::string_view doing) {
  if (code != ze::kSuccess) [[unlikely]] {
    throw failure_of(code, call, during, doing);
  }
}

}  // namespace sampan::level_zero
