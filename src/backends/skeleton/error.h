#pragma once

#include "sampan/plugin/backend.h"

namespace sampan::skeleton {

/// Step 3. The one place that turns the driver's codes into ours. Keep what the driver said (code,
/// call), say the cause and the way out in one sentence, and tell apart what callers treat apart:
/// device memory from host memory, a failed launch from a lost device, an error that may pass
/// (RETRYABLE) from one that stays (STICKY).
///
/// Fills `error` and returns `code`.
sampan_code_t report(sampan_error_t* error, sampan_code_t code, const char* message);

/// What every function of the skeleton answers. `what` names it: "stream.launch".
sampan_code_t unsupported(sampan_error_t* error, const char* what);

}  // namespace sampan::skeleton
