#pragma once

#include "sampan/plugin/backend.h"

/// Step 7. What the ABI calls an event: the last point that was recorded, or one that the host
/// signals. Streams that wait for it keep what they need, so it may be destroyed meanwhile.
struct sampan_event {};

namespace sampan::skeleton {

extern const sampan_event_table_t kEventTable;

}  // namespace sampan::skeleton
