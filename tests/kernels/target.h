// Where a kernel case runs: a device, and the provider that has to implement the operation.
#pragma once

#include <string>

#include "sampan/device.h"

namespace sampan::test {

struct Target {
  Device device;
  std::string provider;  ///< "backend", "portable" or "host", as sampan::ops names them

  /// Whether this is the last resort, which works on another device and allocates.
  [[nodiscard]] bool is_host() const { return provider == "host"; }
};

/// Forces a provider for the plans made while it lives.
class ForcedProvider {
 public:
  explicit ForcedProvider(const std::string& provider);
  ForcedProvider(const ForcedProvider&) = delete;
  ForcedProvider& operator=(const ForcedProvider&) = delete;
  ~ForcedProvider();
};

}  // namespace sampan::test
