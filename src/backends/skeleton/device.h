#pragma once

#include "sampan/plugin/backend.h"

/// Step 4. What the ABI calls a device: the driver's context and whatever the other handles need of
/// it. The types of all handles are the backend's to define; the host never looks inside.
struct sampan_device {};

namespace sampan::skeleton {

extern const sampan_device_table_t kDeviceTable;

}  // namespace sampan::skeleton
