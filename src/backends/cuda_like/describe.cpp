#include <algorithm>
#include <cstdio>
#include <cstring>

#include "backends/common/text.h"
#include "backends/cuda_like/device.h"
#include "backends/cuda_like/vendor.h"

namespace sampan::cuda_like {
namespace {

constexpr const char* kDoing = "Describing a device";

int attribute(Ordinal ordinal, int number) {
  int value = 0;
  check(api().device_attribute, During::kQuery, kDoing, &value, number, ordinal);
  return value;
}

// 0 where this driver has no such attribute.
std::uint32_t optional_attribute(Ordinal ordinal, int number) {
  int value = 0;
  if (number < 0 || api().device_attribute(&value, number, ordinal) != kSuccess) return 0;
  return static_cast<std::uint32_t>(std::max(value, 0));
}

std::uint32_t positive_attribute(Ordinal ordinal, int number) {
  return static_cast<std::uint32_t>(std::max(attribute(ordinal, number), 1));
}

void describe_pci(const Facts& facts, sampan_device_info_t& info) {
  char text[32] = "";
  if (api().device_pci_bus_id(text, sizeof text, facts.ordinal) != kSuccess) return;
  unsigned domain = 0, bus = 0, device = 0, function = 0;
  if (std::sscanf(text, "%x:%x:%x.%x", &domain, &bus, &device, &function) < 3) return;
  info.pci_known = 1;
  info.pci_domain = domain;
  info.pci_bus = bus;
  info.pci_device = device;
  info.pci_function = function;
}

void describe_limits(const Facts& facts, sampan_device_info_t& info) {
  const Attributes& numbers = vendor().attributes;
  info.memory_bytes = facts.memory_bytes;
  info.max_allocation_bytes = facts.memory_bytes;
  info.offset_alignment_bytes = 1;
  info.local_memory_bytes = facts.shared_bytes;
  info.compute_units = facts.multiprocessors;
  info.subgroup_size = positive_attribute(facts.ordinal, numbers.warp_size);
  info.max_group_items = positive_attribute(facts.ordinal, numbers.max_group_items);
  for (int d = 0; d < 3; ++d) {
    info.max_group[d] = positive_attribute(facts.ordinal, numbers.max_group[d]);
    info.max_grid[d] = positive_attribute(facts.ordinal, numbers.max_grid[d]);
  }
}

std::uint64_t capabilities() {
  const Shape& s = shape();
  const bool graphs = s.add_kernel && s.add_copy && s.add_fill && s.instantiate && s.set_kernel &&
                      api().graph_create && api().graph_destroy && api().graph_launch &&
                      api().exec_destroy;
  const bool peers = api().can_access_peer && s.copy_peer;
  return SAMPAN_CAP_MEMORY | SAMPAN_CAP_STREAM | SAMPAN_CAP_EVENT | SAMPAN_CAP_MODULE |
         (graphs ? std::uint64_t{SAMPAN_CAP_GRAPH} : 0) |
         (peers ? std::uint64_t{SAMPAN_CAP_PEER} : 0);
}

}  // namespace

Facts read_facts(int index) {
  const Attributes& numbers = vendor().attributes;
  Facts facts;
  check(api().device_get, During::kQuery, kDoing, &facts.ordinal, index);
  const Ordinal id = facts.ordinal;
  facts.capability_major = attribute(id, numbers.capability_major);
  facts.capability_minor = attribute(id, numbers.capability_minor);
  facts.isa = vendor().isa(id, facts.capability_major, facts.capability_minor);
  std::size_t memory_bytes = 0;
  check(api().device_total_memory, During::kQuery, kDoing, &memory_bytes, id);
  facts.memory_bytes = memory_bytes;
  facts.shared_default_bytes = positive_attribute(id, numbers.shared_bytes);
  facts.shared_bytes = std::max<std::uint64_t>(facts.shared_default_bytes,
                                               optional_attribute(id, numbers.shared_optin_bytes));
  facts.max_pitch_bytes = positive_attribute(id, numbers.max_pitch_bytes);
  facts.multiprocessors = positive_attribute(id, numbers.multiprocessors);
  facts.cooperative =
      api().launch_cooperative && optional_attribute(id, numbers.cooperative_launch) != 0;
  facts.wait_value = shape().wait_value &&
                     (numbers.wait_value < 0 || optional_attribute(id, numbers.wait_value) != 0);
  return facts;
}

sampan_device_info_t describe_device(const Facts& facts) {
  sampan_device_info_t info{};
  info.kind = SAMPAN_DEVICE_GPU;
  info.language = vendor().language;  // loading says it where the compiler is missing
  info.features = SAMPAN_FEATURE_SUBGROUPS | SAMPAN_FEATURE_F64;
  info.capabilities = capabilities();
  char name[128] = "";
  check(api().device_name, During::kQuery, kDoing, name, static_cast<int>(sizeof name),
        facts.ordinal);
  name[sizeof name - 1] = '\0';
  common::copy_text(name, info.name, sizeof info.name);
  common::copy_text(vendor().maker, info.vendor, sizeof info.vendor);
  common::copy_text(std::string(vendor().title) + " " + driver().version, info.driver,
                    sizeof info.driver);
  common::copy_text(facts.isa, info.isa, sizeof info.isa);
  common::copy_text(vendor().tile_class, info.tile_class, sizeof info.tile_class);
  common::copy_text("-DSAMPAN_LOCAL_BYTES=" + std::to_string(facts.shared_bytes),
                    info.compile_options, sizeof info.compile_options);
  Uuid uuid{};
  if (api().device_uuid(&uuid, facts.ordinal) == kSuccess) {
    std::ranges::copy(uuid.bytes, info.uuid);
  }
  describe_pci(facts, info);
  info.emulated = driver().emulated ? 1 : 0;
  describe_limits(facts, info);
  return info;
}

}  // namespace sampan::cuda_like
