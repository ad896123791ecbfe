#include "core/registry.h"

#include <algorithm>
#include <utility>

#include "core/environment.h"
#include "core/error.h"
#include "core/log.h"
#include "core/selector.h"

namespace sampan {
namespace core {
namespace {

// The CPU first: it is always there, and the reference of the others.
bool comes_before(const PluginFile& a, const PluginFile& b) {
  return std::pair(a.name != "cpu", a.name) < std::pair(b.name != "cpu", b.name);
}

}  // namespace

Registry& Registry::instance() {
  // Never destroyed: handles of static lifetime end after main.
  static Registry* const registry = new Registry;
  return *registry;
}

Registry::Registry() {
  auto files = find_plugins();
  std::stable_sort(files.begin(), files.end(), comes_before);
  for (PluginFile& file : files) {
    Slot slot;
    slot.file = std::move(file);
    slots_.push_back(std::move(slot));
  }
}

// Loads a backend and lists its devices; a device that can't be described costs only itself.
void Registry::load(Slot& slot) {
  if (slot.tried) return;
  slot.tried = true;
  slot.result = load_plugin(slot.file);
  if (!slot.result.backend) return;
  const Backend& backend = *slot.result.backend;
  ErrorRecord error;
  std::uint32_t count = 0;
  const auto code = backend.device.count(&count, error.raw());
  if (code != SAMPAN_OK) {
    slot.result.info.status =
        code == SAMPAN_NOT_FOUND ? BackendInfo::Status::absent : BackendInfo::Status::refused;
    slot.result.info.reason = to_info(code, error.get(), backend.name).message;
    return;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    ErrorRecord device_error;
    sampan_device_info_t info{};
    info.size = sizeof(info);
    const auto described = backend.device.describe(i, &info, device_error.raw());
    if (described != SAMPAN_OK) {
      log(LogLevel::warning, "registry",
          backend.name + ":" + std::to_string(i) +
              " is left out: " + to_info(described, device_error.get(), backend.name).message);
      continue;
    }
    slot.devices.push_back(std::make_shared<DeviceImpl>(backend, i, info));
  }
}

std::vector<Device> Registry::all_devices() {
  const std::lock_guard lock(mutex_);
  std::vector<Device> result;
  for (Slot& slot : slots_) {
    load(slot);
    for (const auto& device : slot.devices) result.emplace_back(device);
  }
  return result;
}

std::vector<Device> Registry::devices_of(std::string_view backend) {
  const std::lock_guard lock(mutex_);
  std::vector<Device> result;
  for (Slot& slot : slots_) {
    if (slot.file.name != backend || !slot.file.refusal.empty()) continue;
    load(slot);
    for (const auto& device : slot.devices) result.emplace_back(device);
  }
  return result;
}

std::vector<Device> Registry::visible_devices() {
  const std::string list = env("SAMPAN_DEVICES");
  if (list.empty()) return all_devices();
  std::vector<Device> result;
  for (const std::string& item : split(list, ',')) {
    for (Device& device : matching_devices(item)) {
      if (std::find(result.begin(), result.end(), device) == result.end()) {
        result.push_back(std::move(device));
      }
    }
  }
  return result;
}

std::vector<BackendInfo> Registry::backends() {
  const std::lock_guard lock(mutex_);
  std::vector<BackendInfo> result;
  for (Slot& slot : slots_) {
    load(slot);
    result.push_back(slot.result.info);
  }
  return result;
}

std::vector<std::string> Registry::backend_names() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const Slot& slot : slots_) {
    if (slot.file.refusal.empty()) names.push_back(slot.file.name);
  }
  return names;
}

}  // namespace core

std::string_view to_string(BackendInfo::Status status) noexcept {
  switch (status) {
    case BackendInfo::Status::loaded:
      return "loaded";
    case BackendInfo::Status::absent:
      return "absent";
    case BackendInfo::Status::refused:
      return "refused";
  }
  return "unknown";
}

std::vector<Device> devices() { return core::Registry::instance().visible_devices(); }
std::vector<BackendInfo> backends() { return core::Registry::instance().backends(); }

}  // namespace sampan
