#include <algorithm>
#include <limits>

#include "backends/opencl/info.h"
#include "backends/opencl/memory.h"
#include "backends/opencl/text.h"
#include "backends/opencl/traits.h"

namespace sampan::opencl {
namespace {

// A simulator that says it is everything counts as a GPU, whose kernels have more to check.
std::uint32_t kind_of(const Traits& traits) {
  if ((traits.type & cl::kDeviceTypeGpu) != 0) return SAMPAN_DEVICE_GPU;
  return (traits.type & cl::kDeviceTypeCpu) != 0 ? SAMPAN_DEVICE_CPU : SAMPAN_DEVICE_ACCELERATOR;
}

std::string driver_of(const Traits& traits) {
  const std::string& platform = traits.entry.platform_name;
  const bool pocl = platform == kPoclPlatform;
  return (pocl ? "PoCL" : platform) + " " + device_text(traits.entry.id, cl::kDriverVersion);
}

// NVIDIA's compiler targets a compute capability, AMD's the name of the device; other drivers
// don't say what they generate, and then only the device's own name tells binaries apart.
std::string isa_of(const Traits& traits) {
  const cl::Device id = traits.entry.id;
  if (traits.has("cl_nv_device_attribute_query")) {
    return "sm_" + std::to_string(device_fact<cl::Uint>(id, cl::kDeviceComputeCapabilityMajorNv)) +
           std::to_string(device_fact<cl::Uint>(id, cl::kDeviceComputeCapabilityMinorNv));
  }
  return device_text(id, cl::kDeviceName);
}

constexpr cl::Uint kUnknown = std::numeric_limits<cl::Uint>::max();

void set_pci(sampan_device_info_t& info, cl::PciBusInfo pci) {
  if (pci.bus == kUnknown) return;
  info.pci_known = 1;
  info.pci_domain = pci.domain;
  info.pci_bus = pci.bus;
  info.pci_device = pci.device;
  info.pci_function = pci.function;
}

void describe_pci(const Traits& traits, sampan_device_info_t& info) {
  const cl::Device id = traits.entry.id;
  if (traits.has("cl_khr_pci_bus_info")) {
    set_pci(info, device_fact<cl::PciBusInfo>(id, cl::kDevicePciBusInfoKhr, {0, kUnknown, 0, 0}));
  } else if (traits.has("cl_nv_device_attribute_query")) {
    const auto slot = device_fact<cl::Uint>(id, cl::kDevicePciSlotIdNv);
    set_pci(info,
            {device_fact<cl::Uint>(id, cl::kDevicePciDomainIdNv),
             device_fact<cl::Uint>(id, cl::kDevicePciBusIdNv, kUnknown), slot >> 3, slot & 7});
  } else if (traits.has("cl_amd_device_attribute_query")) {
    const auto at = device_fact<cl::TopologyAmd>(id, cl::kDeviceTopologyAmd);
    if (at.type == cl::kTopologyPcieAmd) set_pci(info, {0, at.bus, at.device, at.function});
  }
}

void describe_uuid(const Traits& traits, sampan_device_info_t& info) {
  if (!traits.has("cl_khr_device_uuid")) return;
  struct Uuid {
    std::uint8_t bytes[16];
  };
  const auto uuid = device_fact<Uuid>(traits.entry.id, cl::kDeviceUuidKhr);
  std::ranges::copy(uuid.bytes, info.uuid);
}

void describe_limits(const Traits& traits, sampan_device_info_t& info) {
  const cl::Device id = traits.entry.id;
  info.memory_bytes = traits.memory_bytes;
  const bool by_pointer = traits.path != MemoryPath::kBuffer;
  const auto largest = device_fact<cl::Ulong>(id, cl::kDeviceMaxMemAllocSize);
  info.max_allocation_bytes = by_pointer ? largest - Memory::kAlignmentSlackBytes : largest;
  info.offset_alignment_bytes = by_pointer ? 1 : traits.base_alignment_bytes;
  info.local_memory_bytes = device_fact<cl::Ulong>(id, cl::kDeviceLocalMemSize);
  info.compute_units = device_fact<cl::Uint>(id, cl::kDeviceMaxComputeUnits, 1);
  info.subgroup_size = traits.subgroup_size;
  info.max_group_items =
      static_cast<std::uint32_t>(device_fact<std::size_t>(id, cl::kDeviceMaxWorkGroupSize, 1));
  const auto sizes = device_facts<std::size_t>(id, cl::kDeviceMaxWorkItemSizes);
  for (std::size_t d = 0; d < 3; ++d) {
    info.max_group[d] = d < sizes.size() ? static_cast<std::uint32_t>(sizes[d]) : 1;
    // OpenCL bounds only the number of items, by size_t; the dialect counts groups in 32 bits.
    info.max_grid[d] = std::numeric_limits<std::int32_t>::max();
  }
}

}  // namespace

std::uint64_t capabilities_of(const Traits& traits) {
  const std::uint64_t always =
      SAMPAN_CAP_MEMORY | SAMPAN_CAP_STREAM | SAMPAN_CAP_EVENT | SAMPAN_CAP_MODULE;
  return traits.native_graphs ? always | SAMPAN_CAP_GRAPH : always;
}

sampan_device_info_t describe_device(const Traits& traits) {
  const cl::Device id = traits.entry.id;
  sampan_device_info_t info{};
  info.kind = kind_of(traits);
  const bool compiles = device_fact<cl::Bool>(id, cl::kDeviceCompilerAvailable, cl::kTrue) != 0;
  info.language = compiles ? SAMPAN_LANGUAGE_OPENCL_C : SAMPAN_LANGUAGE_NONE;
  if (traits.host_access()) info.features |= SAMPAN_FEATURE_HOST_ACCESS;
  if (traits.subgroup_size > 1) info.features |= SAMPAN_FEATURE_SUBGROUPS;
  if (device_fact<cl::Bitfield>(id, cl::kDeviceDoubleFpConfig) != 0) {
    info.features |= SAMPAN_FEATURE_F64;
  }
  info.capabilities = capabilities_of(traits);
  copy_text(device_text(id, cl::kDeviceName), info.name, sizeof info.name);
  copy_text(device_text(id, cl::kDeviceVendor), info.vendor, sizeof info.vendor);
  copy_text(driver_of(traits), info.driver, sizeof info.driver);
  copy_text(isa_of(traits), info.isa, sizeof info.isa);
  copy_text(info.kind == SAMPAN_DEVICE_CPU ? "opencl-cpu" : "opencl-gpu", info.tile_class,
            sizeof info.tile_class);
  copy_text(traits.compile_options, info.compile_options, sizeof info.compile_options);
  describe_uuid(traits, info);
  describe_pci(traits, info);
  info.emulated = traits.entry.platform_name == "Oclgrind" ? 1 : 0;
  describe_limits(traits, info);
  return info;
}

}  // namespace sampan::opencl
