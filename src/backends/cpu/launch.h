// Launching a kernel on a stream.
#pragma once

#include "sampan/plugin/backend.h"

namespace sampan::cpu {

/// The stream table's launch. Arguments are copied into the stream's queue. INVALID_ARGUMENT where
/// the arguments or the group are not those that the kernel was compiled for.
sampan_code_t stream_launch(sampan_stream_t* stream, const sampan_launch_t* launch,
                            sampan_error_t* error);

}  // namespace sampan::cpu
