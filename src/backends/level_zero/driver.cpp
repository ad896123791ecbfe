#include "backends/level_zero/driver.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "backends/common/host_log.h"
#include "backends/common/text.h"
#include "backends/level_zero/error.h"

namespace sampan::level_zero {
namespace {

constexpr const char* kLooking = "Looking for devices";
// A test driver of Sampan's lists it (tests/drivers/level_zero).
constexpr const char* kEmulatedExtension = "SAMPAN_extension_emulated";

// The lists of Level Zero: how many, then all. `T` may be a structure that names its type.
template <typename T, typename Ask>
std::vector<T> all_of(const char* call, Ask&& ask) {
  std::uint32_t count = 0;
  check(ask(&count, nullptr), call, During::kQuery, kLooking);
  std::vector<T> found(count);
  if (count != 0) check(ask(&count, found.data()), call, During::kQuery, kLooking);
  found.resize(std::min<std::size_t>(count, found.size()));
  return found;
}

bool is_emulated(ze::Driver driver) {
  const auto extensions = all_of<ze::ExtensionProperties>(
      "zeDriverGetExtensionProperties", [&](std::uint32_t* count, ze::ExtensionProperties* out) {
        return api().driver_get_extension_properties(driver, count, out);
      });
  return std::ranges::any_of(extensions, [](const ze::ExtensionProperties& extension) {
    return std::string_view(extension.name) == kEmulatedExtension;
  });
}

// Of the groups that run kernels, the one that fills with the longest patterns.
void choose_queue_group(Facts& facts) {
  const auto groups = all_of<ze::QueueGroupProperties>(
      "zeDeviceGetCommandQueueGroupProperties",
      [&](std::uint32_t* count, ze::QueueGroupProperties* out) {
        return api().device_get_command_queue_group_properties(facts.device, count, out);
      });
  facts.max_pattern_bytes = 0;
  for (std::uint32_t i = 0; i < groups.size(); ++i) {
    const bool computes = (groups[i].flags & ze::kQueueGroupCompute) != 0;
    if (!computes || groups[i].max_pattern_bytes <= facts.max_pattern_bytes) continue;
    facts.queue_ordinal = i;
    facts.max_pattern_bytes = groups[i].max_pattern_bytes;
  }
  if (facts.max_pattern_bytes == 0) {
    throw Failure(SAMPAN_UNSUPPORTED, "it has no queue that runs kernels");
  }
}

void read_memory(Facts& facts) {
  const auto memories = all_of<ze::MemoryProperties>(
      "zeDeviceGetMemoryProperties", [&](std::uint32_t* count, ze::MemoryProperties* out) {
        return api().device_get_memory_properties(facts.device, count, out);
      });
  for (const ze::MemoryProperties& memory : memories) {
    facts.memory_bytes = std::max(facts.memory_bytes, memory.total_bytes);
  }
  ze::MemoryAccessProperties access{};
  check(api().device_get_memory_access_properties(facts.device, &access),
        "zeDeviceGetMemoryAccessProperties", During::kQuery, kLooking);
  facts.reaches_system_memory = (access.shared_system & ze::kAccessReadWrite) != 0;
}

// "1.4.1" of the packed number; drivers pack it as they like, and most like this.
std::string version_text(std::uint32_t packed) {
  return std::to_string(packed >> 24) + "." + std::to_string(packed >> 16 & 0xff) + "." +
         std::to_string(packed & 0xffff);
}

Facts read_facts(ze::Driver driver, ze::Device device) {
  Facts facts;
  facts.driver = driver;
  facts.device = device;
  check(api().device_get_properties(device, &facts.properties), "zeDeviceGetProperties",
        During::kQuery, kLooking);
  check(api().device_get_compute_properties(device, &facts.compute), "zeDeviceGetComputeProperties",
        During::kQuery, kLooking);
  ze::ModuleProperties module{};
  check(api().device_get_module_properties(device, &module), "zeDeviceGetModuleProperties",
        During::kQuery, kLooking);
  facts.f64 = (module.flags & ze::kModuleFp64) != 0;
  choose_queue_group(facts);
  read_memory(facts);
  return facts;
}

void add_devices(ze::Driver driver, std::vector<Facts>& out) {
  ze::DriverProperties properties{};
  check(api().driver_get_properties(driver, &properties), "zeDriverGetProperties", During::kQuery,
        kLooking);
  const bool emulated = is_emulated(driver);
  const ImportApi import = import_api(driver);
  const auto devices =
      all_of<ze::Device>("zeDeviceGet", [&](std::uint32_t* count, ze::Device* list) {
        return api().device_get(driver, count, list);
      });
  for (ze::Device device : devices) {
    try {
      Facts facts = read_facts(driver, device);
      facts.emulated = emulated;
      facts.import = import;
      facts.driver_version = version_text(properties.version);
      out.push_back(std::move(facts));
    } catch (const Failure& failure) {
      common::log(SAMPAN_LOG_WARNING, "A device is left out: " + failure.message);
    }
  }
}

Enumeration enumerate() {
  Enumeration found;
  const auto drivers = all_of<ze::Driver>("zeDriverGet", [](std::uint32_t* count, ze::Driver* out) {
    return api().driver_get(count, out);
  });
  for (ze::Driver driver : drivers) {
    try {
      add_devices(driver, found.devices);
    } catch (const Failure& failure) {
      common::log(SAMPAN_LOG_WARNING, "A driver is left out: " + failure.message);
      found.reason = failure.message;
    }
  }
  if (found.reason.empty()) found.reason = "the Level Zero driver finds no device";
  return found;
}

void describe_pci(const Facts& facts, sampan_device_info_t& info) {
  ze::PciProperties pci{};
  if (api().device_pci_get_properties == nullptr ||
      api().device_pci_get_properties(facts.device, &pci) != ze::kSuccess) {
    return;
  }
  info.pci_known = 1;
  info.pci_domain = pci.domain;
  info.pci_bus = pci.bus;
  info.pci_device = pci.device;
  info.pci_function = pci.function;
}

std::uint32_t kind_of(std::uint32_t type) {
  if (type == ze::kDeviceTypeGpu) return SAMPAN_DEVICE_GPU;
  return type == ze::kDeviceTypeCpu ? SAMPAN_DEVICE_CPU : SAMPAN_DEVICE_ACCELERATOR;
}

// "8086:56a0": code is generated per device.
std::string isa_of(const ze::DeviceProperties& properties) {
  char text[32];
  std::snprintf(text, sizeof text, "%04x:%04x", properties.vendor_id, properties.device_id);
  return text;
}

std::string vendor_of(const Facts& facts) {
  constexpr std::uint32_t kIntel = 0x8086;
  if (facts.emulated) return "Sampan";
  return facts.properties.vendor_id == kIntel ? "Intel(R) Corporation"
                                              : isa_of(facts.properties).substr(0, 4);
}

}  // namespace

const Enumeration& enumeration() {
  static const Enumeration* const kFound = new Enumeration(enumerate());
  return *kFound;
}

sampan_device_info_t describe_device(const Facts& facts) {
  const ze::DeviceProperties& p = facts.properties;
  const ze::ComputeProperties& c = facts.compute;
  sampan_device_info_t info{};
  info.kind = kind_of(p.device_type);
  info.language = SAMPAN_LANGUAGE_OPENCL_C;
  info.features = facts.f64 ? std::uint32_t{SAMPAN_FEATURE_F64} : 0u;
  info.capabilities = SAMPAN_CAP_MEMORY | SAMPAN_CAP_STREAM | SAMPAN_CAP_EVENT | SAMPAN_CAP_MODULE |
                      SAMPAN_CAP_PEER;
  common::copy_text(p.name, info.name, sizeof info.name);
  common::copy_text(vendor_of(facts), info.vendor, sizeof info.vendor);
  common::copy_text("Level Zero " + facts.driver_version, info.driver, sizeof info.driver);
  common::copy_text(isa_of(p), info.isa, sizeof info.isa);
  common::copy_text("opencl-gpu", info.tile_class, sizeof info.tile_class);
  std::ranges::copy(p.uuid, info.uuid);
  describe_pci(facts, info);
  info.emulated = facts.emulated ? 1 : 0;
  info.memory_bytes = facts.memory_bytes;
  info.max_allocation_bytes = std::min(p.max_allocation_bytes, facts.memory_bytes);
  info.offset_alignment_bytes = 1;
  info.local_memory_bytes = c.local_memory_bytes;
  info.compute_units =
      std::max(1u, p.slices * p.subslices_per_slice * std::max(1u, p.eus_per_subslice));
  // The dialect's shuffles need a width that the kernel pins, which it doesn't yet.
  info.subgroup_size = 1;
  info.max_group_items = c.max_group_items;
  std::ranges::copy(c.max_group, info.max_group);
  static constexpr std::uint32_t kMostGroups = 0x7fffffff;  // the dialect counts them in 32 bits
  std::ranges::transform(c.max_grid, info.max_grid,
                         [](std::uint32_t groups) { return std::min(groups, kMostGroups); });
  return info;
}

}  // namespace sampan::level_zero
