#include "backends/cpu/host_memory.h"

#include <algorithm>
#include <string>

#include "backends/cpu/system_files.h"

namespace sampan::cpu {
namespace {

constexpr std::uint64_t kKiB = 1024;

// `limit` and `used` as a control group tells them; "max" and what can't be read limit nothing.
void apply_limit(HostMemory& memory, const std::string& limit_file, const std::string& used_file) {
  const auto limit = leading_number(read_system_file(limit_file));
  if (!limit || *limit >= memory.total_bytes) return;
  const std::uint64_t used = leading_number(read_system_file(used_file)).value_or(0);
  memory.total_bytes = *limit;
  memory.free_bytes = std::min(memory.free_bytes, *limit > used ? *limit - used : 0);
}

}  // namespace

HostMemory look_at_memory(int numa_node) {
  const std::string machine = read_system_file("/proc/meminfo");
  HostMemory memory;
  memory.total_bytes = labelled_number(machine, "MemTotal:").value_or(0) * kKiB;
  memory.free_bytes = labelled_number(machine, "MemAvailable:").value_or(0) * kKiB;
  if (numa_node >= 0) {
    const std::string node =
        read_system_file("/sys/devices/system/node/node" + std::to_string(numa_node) + "/meminfo");
    // Clean file pages of the node can be had as well.
    const std::uint64_t free = labelled_number(node, "MemFree:").value_or(0) +
                               labelled_number(node, "Inactive(file):").value_or(0);
    memory.total_bytes =
        std::min(memory.total_bytes,
                 labelled_number(node, "MemTotal:").value_or(memory.total_bytes / kKiB) * kKiB);
    memory.free_bytes = std::min(memory.free_bytes, free * kKiB);
  }
  apply_limit(memory, control_group_file("memory.max"), control_group_file("memory.current"));
  apply_limit(memory, control_group_v1_file("memory", "memory.limit_in_bytes"),
              control_group_v1_file("memory", "memory.usage_in_bytes"));
  return memory;
}

}  // namespace sampan::cpu
