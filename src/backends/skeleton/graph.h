#pragma once

#include "sampan/plugin/backend.h"

/// Step 9, optional. What the ABI calls a graph: nodes that the driver replays by itself. Without
/// this group the host replays.
struct sampan_graph {};

namespace sampan::skeleton {

extern const sampan_graph_table_t kGraphTable;

}  // namespace sampan::skeleton
