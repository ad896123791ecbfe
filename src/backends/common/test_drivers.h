#pragma once

#include <string>

#include "backends/common/environment.h"

namespace sampan::common {

/// The folder of emulated drivers that SAMPAN_TEST_DRIVERS asks for: what it says, or, where it is
/// 1, `drivers` beside the folder of the plug-in that calls. Empty where it is not set.
[[nodiscard]] std::string test_drivers_folder(
    const Environment& environment = Environment::of_process());

}  // namespace sampan::common
