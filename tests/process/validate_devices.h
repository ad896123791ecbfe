#pragma once

#include <string>
#include <vector>

namespace sampan_test {

/// Two devices and what to call them in a test's name. `near` and `far` may be the same.
struct DevicePair {
  std::string name, near, far;
};

/// One device alone, two of one backend, two of two backends, each way round: as far as this
/// machine has them. The CPU backend is made to show one core as two devices.
[[nodiscard]] const std::vector<DevicePair>& device_pairs();

/// The devices that are both of a pair.
[[nodiscard]] std::vector<std::string> single_devices();

/// Starts this program anew with SAMPAN_VALIDATE=1, which the library reads when it is loaded, and
/// with two CPU devices, unless it runs so already.
void require_validation(char** words);

}  // namespace sampan_test
