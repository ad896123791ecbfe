#pragma once

#include "sampan/plugin/backend.h"

/// Step 5. What the ABI calls a memory: one block of the driver's. The host pools, so blocks are
/// few and large, and making one may be slow.
struct sampan_memory {};

namespace sampan::skeleton {

extern const sampan_memory_table_t kMemoryTable;

}  // namespace sampan::skeleton
