#pragma once

#include <memory>
#include <mutex>

#include "core/backend.h"
#include "sampan/device.h"

namespace sampan::core {

class OpenDevice;

/// One device as the registry knows it; opened when first needed. Lives until the process ends.
class DeviceImpl : public std::enable_shared_from_this<DeviceImpl> {
 public:
  DeviceImpl(const Backend& backend, std::uint32_t ordinal, const sampan_device_info_t& raw_info);

  const Backend& backend;
  const std::uint32_t ordinal;
  const sampan_device_info_t raw_info;
  const DeviceInfo info;

  /// The open device, opening it if need be.
  [[nodiscard]] std::shared_ptr<OpenDevice> open();
  /// Retires the open device, if any, and opens it anew.
  void reopen();

 private:
  std::mutex mutex_;
  std::shared_ptr<OpenDevice> open_;
};

/// The public handle of an open device.
[[nodiscard]] Device device_of(const OpenDevice& device);

}  // namespace sampan::core
