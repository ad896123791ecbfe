#include "backends/opencl/meminfo.h"

#include <algorithm>
#include <fstream>
#include <string>

#include "backends/opencl/info.h"

namespace sampan::opencl {
namespace {

// 0 where the system doesn't tell.
std::uint64_t available_host_bytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string name, unit; file >> name;) {
    std::uint64_t kib = 0;
    if (!(file >> kib)) break;
    std::getline(file, unit);
    if (name == "MemAvailable:") return kib * 1024;
  }
  return 0;
}

}  // namespace

std::uint64_t free_memory_bytes(const Device& device) {
  const Traits& traits = device.traits();
  const std::uint64_t total = traits.memory_bytes;
  if (traits.has("cl_amd_device_attribute_query")) {
    const auto kib = device_facts<std::size_t>(traits.entry.id, cl::kDeviceGlobalFreeMemoryAmd);
    if (!kib.empty()) return std::min<std::uint64_t>(total, kib[0] * 1024);
  }
  const std::uint64_t ours = device.allocated_bytes.load(std::memory_order_relaxed);
  const std::uint64_t left = total - std::min(total, ours);
  if ((traits.type & cl::kDeviceTypeCpu) == 0) return left;
  const std::uint64_t available = available_host_bytes();
  return available == 0 ? left : std::min(left, available);
}

}  // namespace sampan::opencl
