#include "core/selector.h"

#include <algorithm>
#include <charconv>

#include "core/environment.h"
#include "core/error.h"
#include "core/registry.h"

namespace sampan {
namespace core {
namespace {

constexpr std::string_view kForms =
    "; write auto, a backend (cpu), a device (opencl:0), uuid=… or pci=0000:01:00.0";

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

std::string lower_without(std::string_view text, std::string_view dropped) {
  std::string out;
  for (const char c : text) {
    if (dropped.find(c) != std::string_view::npos) continue;
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

std::string ids_of(const std::vector<Device>& devices) {
  std::string text;
  for (const Device& device : devices) text += (text.empty() ? "" : ", ") + device.id();
  return text.empty() ? "none" : text;
}

[[noreturn]] void throw_not_found(std::string_view selector, const std::vector<Device>& there) {
  throw Error(ErrorCode::not_found, "no device '" + std::string(selector) + "'; there are: " +
                                        ids_of(there) + " (see `sampan devices`)");
}

// A backend without a device: why.
[[noreturn]] void throw_no_device_of(std::string_view backend) {
  for (const BackendInfo& info : Registry::instance().backends()) {
    if (info.name == backend && !info.reason.empty()) {
      throw Error(ErrorCode::not_found, "the backend of '" + std::string(backend) + "' is " +
                                            std::string(to_string(info.status)) + ": " +
                                            info.reason);
    }
  }
  throw_not_found(backend, Registry::instance().all_devices());
}

std::vector<Device> by_identity(std::string_view selector) {
  const std::string wanted = selector.starts_with("uuid=")
                                 ? "uuid:" + lower_without(selector.substr(5), "-")
                                 : "pci:" + lower_without(selector.substr(4), "");
  const std::vector<Device> all = Registry::instance().all_devices();
  std::vector<Device> found;
  for (const Device& device : all) {
    if (device.info().identity == wanted) found.push_back(device);
  }
  if (found.empty()) throw_not_found(selector, all);
  return found;
}

std::vector<Device> by_id(std::string_view selector) {
  const std::size_t colon = selector.find(':');
  const std::string_view backend = selector.substr(0, colon);
  const auto names = Registry::instance().backend_names();
  if (std::find(names.begin(), names.end(), backend) == names.end()) {
    std::string known;
    for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
    throw Error(ErrorCode::not_found, "no backend is named '" + std::string(backend) +
                                          "'; there are: " + known + std::string(kForms));
  }
  const std::vector<Device> all = Registry::instance().devices_of(backend);
  if (all.empty()) throw_no_device_of(backend);
  if (colon == std::string_view::npos) return all;
  const std::string_view digits = selector.substr(colon + 1);
  unsigned ordinal = 0;
  const auto [end, problem] =
      std::from_chars(digits.data(), digits.data() + digits.size(), ordinal);
  if (problem != std::errc{} || end != digits.data() + digits.size()) {
    throw_invalid("'" + std::string(selector) + "' is no device" + std::string(kForms));
  }
  for (const Device& device : all) {
    if (device.impl()->ordinal == ordinal) return {device};
  }
  throw_not_found(selector, Registry::instance().all_devices());
}

Device choose_auto() {
  const std::vector<Device> visible = Registry::instance().visible_devices();
  if (visible.empty()) throw Error(ErrorCode::not_found, "no device at all; see `sampan devices`");
  const auto accelerator = std::find_if(visible.begin(), visible.end(), [](const Device& device) {
    return device.info().kind != DeviceKind::cpu && !device.info().emulated;
  });
  return accelerator != visible.end() ? *accelerator : visible.front();
}

}  // namespace

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (std::string item = trimmed(text.substr(0, end)); !item.empty()) {
      items.push_back(std::move(item));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return items;
}

std::vector<Device> matching_devices(std::string_view selector) {
  if (selector.starts_with("uuid=") || selector.starts_with("pci=")) return by_identity(selector);
  if (selector.empty() || selector.find('=') != std::string_view::npos) {
    throw_invalid("'" + std::string(selector) + "' is no device" + std::string(kForms));
  }
  return by_id(selector);
}

}  // namespace core

Device device(std::string_view selector) {
  const std::string text = core::trimmed(selector);
  if (text == "auto") return core::choose_auto();
  std::vector<Device> found = core::matching_devices(text);
  if (!core::env("SAMPAN_DEVICES").empty()) {
    const std::vector<Device> visible = core::Registry::instance().visible_devices();
    std::erase_if(found, [&](const Device& device) {
      return std::find(visible.begin(), visible.end(), device) == visible.end();
    });
    if (found.empty()) {
      throw Error(ErrorCode::not_found,
                  "SAMPAN_DEVICES hides '" + text + "'; visible are: " + core::ids_of(visible));
    }
  }
  const bool by_identity = text.find('=') != std::string::npos;
  if (by_identity && found.size() > 1) {
    core::throw_invalid("'" + text + "' is reached in several ways: " + core::ids_of(found) +
                        "; name one of them");
  }
  return found.front();
}

}  // namespace sampan
