#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sampan/device.h"

namespace sampan::core {

[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);

/// The devices that a selector names: all of a backend for "cpu", one for "cpu:0", "uuid=…" and
/// "pci=…" each way to reach that device. Loads only the backends it must. Throws invalid_argument
/// for text that means nothing, not_found if no device fits.
[[nodiscard]] std::vector<Device> matching_devices(std::string_view selector);

}  // namespace sampan::core
