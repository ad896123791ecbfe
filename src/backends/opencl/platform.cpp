#include "backends/opencl/platform.h"

#include <charconv>
#include <string_view>

#include "backends/opencl/error.h"
#include "backends/opencl/host.h"
#include "backends/opencl/info.h"

namespace sampan::opencl {
namespace {

std::string trimmed(std::string text) {
  constexpr std::string_view kBlanks(" \t\r\n\0", 5);
  text.resize(text.find_last_not_of(kBlanks) + 1);
  text.erase(0, text.find_first_not_of(kBlanks));
  return text;
}

std::vector<cl::Platform> platforms() {
  cl::Uint count = 0;
  const cl::Int code = api().get_platform_ids(0, nullptr, &count);
  if (code == cl::kPlatformNotFound) return {};
  check(code, "clGetPlatformIDs", During::kQuery, "Listing the OpenCL platforms");
  std::vector<cl::Platform> found(count);
  if (count > 0) {
    check(api().get_platform_ids(count, found.data(), nullptr), "clGetPlatformIDs", During::kQuery,
          "Listing the OpenCL platforms");
  }
  return found;
}

std::vector<cl::Device> devices_of(cl::Platform platform, const std::string& name) {
  cl::Uint count = 0;
  const cl::Int code = api().get_device_ids(platform, cl::kDeviceTypeAll, 0, nullptr, &count);
  if (code == cl::kDeviceNotFound) return {};
  const std::string doing = "Listing the devices of the OpenCL platform '" + name + "'";
  check(code, "clGetDeviceIDs", During::kQuery, doing);
  std::vector<cl::Device> found(count);
  if (count > 0) {
    check(api().get_device_ids(platform, cl::kDeviceTypeAll, count, found.data(), nullptr),
          "clGetDeviceIDs", During::kQuery, doing);
  }
  return found;
}

bool usable(cl::Device device, const std::string& platform_name) {
  const auto type = device_fact<cl::Bitfield>(device, cl::kDeviceType);
  if ((type & cl::kDeviceTypeCustom) != 0) return false;
  if (device_fact<cl::Bool>(device, cl::kDeviceAvailable, cl::kTrue) != cl::kFalse) return true;
  log(SAMPAN_LOG_WARNING, "The device '" + device_text(device, cl::kDeviceName) +
                              "' of the OpenCL platform '" + platform_name +
                              "' says that it is not available; left out");
  return false;
}

void add_devices(cl::Platform platform, std::vector<DeviceEntry>& out) {
  const std::string name = platform_text(platform, cl::kPlatformName);
  const unsigned version = parse_version(platform_text(platform, cl::kPlatformVersion));
  if (version < 120) {
    log(SAMPAN_LOG_WARNING,
        "The OpenCL platform '" + name + "' is older than OpenCL 1.2; left out");
    return;
  }
  for (cl::Device device : devices_of(platform, name)) {
    if (usable(device, name)) out.push_back({platform, device, name, version});
  }
}

Enumeration enumerate() {
  Enumeration found;
  if (!loader().error.empty()) {
    found.reason = loader().error;
    return found;
  }
  try {
    for (cl::Platform platform : platforms()) {
      try {
        add_devices(platform, found.devices);
      } catch (const Failure& failure) {
        log(SAMPAN_LOG_WARNING, failure.message);
        found.reason = failure.message;
      }
    }
  } catch (const Failure& failure) {
    found.reason = failure.message;
  }
  if (found.devices.empty() && found.reason.empty()) {
    found.reason =
        "The OpenCL loader finds no device; install a driver for the hardware (Debian: "
        "pocl-opencl-icd for any CPU, intel-opencl-icd, mesa-opencl-icd, nvidia-opencl-icd)";
  }
  return found;
}

}  // namespace

std::string device_text(cl::Device device, cl::Uint name) {
  const auto text = device_facts<char>(device, name);
  return trimmed({text.begin(), text.end()});
}

std::string platform_text(cl::Platform platform, cl::Uint name) {
  std::size_t bytes = 0;
  if (api().get_platform_info(platform, name, 0, nullptr, &bytes) != cl::kSuccess) return {};
  std::string text(bytes, '\0');
  if (api().get_platform_info(platform, name, bytes, text.data(), nullptr) != cl::kSuccess) {
    return {};
  }
  return trimmed(std::move(text));
}

unsigned parse_version(const std::string& text) {
  constexpr std::string_view kPrefix = "OpenCL ";
  if (!text.starts_with(kPrefix)) return 0;
  const char* const end = text.data() + text.size();
  unsigned major = 0;
  unsigned minor = 0;
  const auto dot = std::from_chars(text.data() + kPrefix.size(), end, major);
  if (dot.ec != std::errc{} || dot.ptr == end || *dot.ptr != '.') return 0;
  const auto last = std::from_chars(dot.ptr + 1, end, minor);
  if (last.ec != std::errc{} || major > 99 || minor > 9) return 0;
  return major * 100 + minor * 10;
}

const Enumeration& enumeration() {
  // Never destroyed: see loader().
  static const Enumeration* const kFound = new Enumeration(enumerate());
  return *kFound;
}

}  // namespace sampan::opencl
