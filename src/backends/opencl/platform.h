#pragma once

#include <string>
#include <vector>

#include "backends/opencl/api_types.h"

namespace sampan::opencl {

/// One device of one platform, as found on this machine.
struct DeviceEntry {
  cl::Platform platform;
  cl::Device id;
  std::string platform_name;
  unsigned platform_version = 0;  ///< 120, 300 …
};

/// All devices of all platforms.
struct Enumeration {
  std::vector<DeviceEntry> devices;
  std::string reason;  ///< where there are none: why, and what to install, in one sentence
};

/// Looks at the first call, since drivers list their platforms once per process. A platform that
/// fails is logged and left out; so are devices that take no programs of ours (CUSTOM) or say that
/// they are not available. The order is the driver's. Free-threaded.
[[nodiscard]] const Enumeration& enumeration();

}  // namespace sampan::opencl
