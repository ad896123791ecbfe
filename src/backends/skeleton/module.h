#pragma once

#include "sampan/plugin/backend.h"

/// Step 8. What the ABI calls a module and a kernel: loaded code and one entry point of it. Kernels
/// live as long as their module.
struct sampan_module {};
struct sampan_kernel {};

namespace sampan::skeleton {

extern const sampan_module_table_t kModuleTable;

}  // namespace sampan::skeleton
