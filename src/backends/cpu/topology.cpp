#include "backends/cpu/topology.h"

#include <hwloc.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

#include "backends/cpu/system_files.h"

namespace sampan::cpu {
namespace {

struct TopologyDelete {
  void operator()(hwloc_topology* topology) const { hwloc_topology_destroy(topology); }
};
struct BitmapDelete {
  void operator()(hwloc_bitmap_s* bitmap) const { hwloc_bitmap_free(bitmap); }
};
using Topology = std::unique_ptr<hwloc_topology, TopologyDelete>;
using Bitmap = std::unique_ptr<hwloc_bitmap_s, BitmapDelete>;

Bitmap new_bitmap() {
  Bitmap bitmap(hwloc_bitmap_alloc());
  if (!bitmap) throw std::bad_alloc();
  return bitmap;
}

Topology load_topology() {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return nullptr;
  Topology topology(raw);
  if (hwloc_topology_load(raw) != 0) return nullptr;
  return topology;
}

// The processors that this process may run on, affinity mask included.
Bitmap usable_processors(hwloc_topology_t topology) {
  Bitmap set = new_bitmap();
  hwloc_const_bitmap_t allowed = hwloc_topology_get_allowed_cpuset(topology);
  if (hwloc_get_cpubind(topology, set.get(), HWLOC_CPUBIND_PROCESS) != 0) {
    hwloc_bitmap_copy(set.get(), allowed);
  }
  hwloc_bitmap_and(set.get(), set.get(), allowed);
  return set;
}

std::vector<unsigned> to_list(hwloc_const_bitmap_t set) {
  std::vector<unsigned> list;
  for (int i = hwloc_bitmap_first(set); i >= 0; i = hwloc_bitmap_next(set, i)) {
    list.push_back(static_cast<unsigned>(i));
  }
  return list;
}

// Physical cores with at least one processor in the set; its processors where hwloc sees no cores.
unsigned count_cores(hwloc_topology_t topology, hwloc_const_bitmap_t set) {
  unsigned cores = 0;
  hwloc_obj_t core = nullptr;
  while ((core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core)) != nullptr) {
    if (hwloc_bitmap_intersects(core->cpuset, set)) ++cores;
  }
  return cores > 0 ? cores : static_cast<unsigned>(std::max(1, hwloc_bitmap_weight(set)));
}

DevicePlace whole_machine(hwloc_topology_t topology, hwloc_const_bitmap_t usable) {
  DevicePlace place;
  place.threads = count_cores(topology, usable);
  place.memory_bytes = hwloc_get_root_obj(topology)->total_memory;
  return place;
}

std::vector<DevicePlace> numa_nodes(hwloc_topology_t topology, hwloc_const_bitmap_t usable) {
  std::vector<DevicePlace> places;
  hwloc_obj_t node = nullptr;
  while ((node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node)) != nullptr) {
    const Bitmap set = new_bitmap();
    hwloc_bitmap_and(set.get(), node->cpuset, usable);
    if (hwloc_bitmap_iszero(set.get())) continue;  // memory without cores
    DevicePlace place;
    place.cores = to_list(set.get());
    place.threads = count_cores(topology, set.get());
    place.numa_node = static_cast<int>(node->os_index);
    place.memory_bytes = node->attr->numanode.local_memory;
    places.push_back(std::move(place));
  }
  return places;
}

// Sets `error` and returns nothing for a list that isn't one, or names a core that isn't there.
std::vector<DevicePlace> listed(hwloc_topology_t topology, hwloc_const_bitmap_t usable,
                                std::string_view lists, std::string& error) {
  std::vector<DevicePlace> places;
  while (true) {
    const std::size_t end = std::min(lists.find(';'), lists.size());
    DevicePlace place;
    place.cores = parse_core_list(lists.substr(0, end));
    for (const unsigned core : place.cores) {
      if (!hwloc_bitmap_isset(usable, core)) {
        error = "SAMPAN_CPU_DEVICES names core " + std::to_string(core) +
                ", which this process may not use; its cores are listed by 'taskset -pc $$'";
        return {};
      }
    }
    if (place.cores.empty()) {
      error =
          "SAMPAN_CPU_DEVICES is neither 'all' nor 'numa' nor core lists like '0-1;2-3'; set it to "
          "one "
          "of them";
      return {};
    }
    place.threads = static_cast<unsigned>(place.cores.size());
    place.memory_bytes = hwloc_get_root_obj(topology)->total_memory;
    places.push_back(std::move(place));
    if (end == lists.size()) return places;
    lists.remove_prefix(end + 1);
  }
}

std::string root_info(hwloc_topology_t topology, const char* name) {
  hwloc_obj_t package = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, 0);
  const char* value = package != nullptr ? hwloc_obj_get_info_by_name(package, name) : nullptr;
  return value != nullptr ? value : "";
}

std::optional<unsigned> parse_number(std::string_view& text) {
  unsigned value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

}  // namespace

std::vector<unsigned> parse_core_list(std::string_view list) {
  constexpr unsigned kMaxCore = 1u << 16;
  std::vector<unsigned> cores;
  while (true) {
    const std::optional<unsigned> first = parse_number(list);
    if (!first) return {};
    std::optional<unsigned> last = first;
    if (list.starts_with('-')) {
      list.remove_prefix(1);
      last = parse_number(list);
    }
    if (!last || *last < *first || *last > kMaxCore) return {};
    for (unsigned core = *first; core <= *last; ++core) cores.push_back(core);
    if (list.empty()) break;
    if (!list.starts_with(',')) return {};
    list.remove_prefix(1);
  }
  std::sort(cores.begin(), cores.end());
  cores.erase(std::unique(cores.begin(), cores.end()), cores.end());
  return cores;
}

unsigned parse_cpu_quota(std::string_view cpu_max) {
  const std::optional<unsigned> quota_us = parse_number(cpu_max);
  if (!quota_us || !cpu_max.starts_with(' ')) return 0;
  cpu_max.remove_prefix(1);
  const std::optional<unsigned> period_us = parse_number(cpu_max);
  if (!period_us || *period_us == 0) return 0;
  return std::max(1u, *quota_us / *period_us + (*quota_us % *period_us != 0 ? 1u : 0u));
}

Machine look_at_machine(const common::Environment& environment) {
  Machine machine;
  const Topology topology = load_topology();
  if (!topology) {
    machine.error = "hwloc could not read the machine's topology; check that /sys is mounted";
    return machine;
  }
  const Bitmap usable = usable_processors(topology.get());
  machine.usable_cores = static_cast<unsigned>(std::max(1, hwloc_bitmap_weight(usable.get())));
  machine.cpu_name = root_info(topology.get(), "CPUModel");
  machine.cpu_vendor = root_info(topology.get(), "CPUVendor");

  const std::string choice = environment.value("SAMPAN_CPU_DEVICES");
  if (choice.empty() || choice == "all") {
    machine.devices = {whole_machine(topology.get(), usable.get())};
  } else if (choice == "numa") {
    machine.devices = numa_nodes(topology.get(), usable.get());
  } else {
    machine.devices = listed(topology.get(), usable.get(), choice, machine.error);
  }
  const unsigned quota = parse_cpu_quota(read_system_file(control_group_file("cpu.max")));
  for (DevicePlace& place : machine.devices) {
    if (quota > 0) place.threads = std::min(place.threads, quota);
  }
  return machine;
}

}  // namespace sampan::cpu
