#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/device.h"
#include "core/loader.h"
#include "sampan/device.h"

namespace sampan::core {

/// Every backend of the process, loaded when first asked for and never unloaded. Free-threaded.
class Registry {
 public:
  [[nodiscard]] static Registry& instance();

  /// Devices of every backend, whatever SAMPAN_DEVICES says: the CPU's first, then by backend name.
  [[nodiscard]] std::vector<Device> all_devices();
  /// Devices of one backend; loads no other. Empty if there is none of that name.
  [[nodiscard]] std::vector<Device> devices_of(std::string_view backend);
  /// The devices that SAMPAN_DEVICES leaves, in its order.
  [[nodiscard]] std::vector<Device> visible_devices();
  [[nodiscard]] std::vector<BackendInfo> backends();
  [[nodiscard]] std::vector<std::string> backend_names();

 private:
  struct Slot {
    PluginFile file;
    bool tried = false;
    LoadResult result;
    std::vector<std::shared_ptr<DeviceImpl>> devices;
  };
  Registry();
  void load(Slot& slot);

  std::mutex mutex_;
  std::vector<Slot> slots_;
};

}  // namespace sampan::core
