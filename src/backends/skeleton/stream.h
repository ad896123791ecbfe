#pragma once

#include "sampan/plugin/backend.h"

/// Step 6. What the ABI calls a stream: an in-order queue, and the first failure of its work, which
/// every later call returns.
struct sampan_stream {};

namespace sampan::skeleton {

extern const sampan_stream_table_t kStreamTable;

}  // namespace sampan::skeleton
