#include "backends/opencl/traits.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "backends/common/environment.h"
#include "backends/opencl/info.h"
#include "backends/opencl/text.h"

namespace sampan::opencl {
namespace {

constexpr MemoryPath kPathsByPreference[] = {MemoryPath::kSvm, MemoryPath::kUsm,
                                             MemoryPath::kBuffer};

cl::Bitfield svm_of(const Traits& traits, const Api& functions) {
  if (traits.version < 200 || functions.svm_alloc == nullptr || functions.svm_free == nullptr ||
      functions.set_kernel_arg_svm_pointer == nullptr || functions.enqueue_svm_memcpy == nullptr ||
      functions.enqueue_svm_mem_fill == nullptr) {
    return 0;
  }
  return device_fact<cl::Bitfield>(traits.entry.id, cl::kDeviceSvmCapabilities);
}

bool has_usm(const Traits& traits) {
  const ExtensionApi& e = traits.extension;
  if (!traits.has("cl_intel_unified_shared_memory") || e.host_mem_alloc == nullptr ||
      e.device_mem_alloc == nullptr || e.mem_blocking_free == nullptr ||
      e.set_kernel_arg_mem_pointer == nullptr || e.enqueue_memcpy == nullptr ||
      e.enqueue_mem_fill == nullptr) {
    return false;
  }
  return device_fact<cl::Bitfield>(traits.entry.id, cl::kDeviceDeviceMemCapabilitiesIntel) != 0 &&
         device_fact<cl::Bitfield>(traits.entry.id, cl::kDeviceHostMemCapabilitiesIntel) != 0;
}

bool possible(const Traits& traits, MemoryPath path) {
  switch (path) {
    case MemoryPath::kSvm:
      return (traits.svm & (cl::kSvmCoarseGrainBuffer | cl::kSvmFineGrainBuffer)) != 0;
    case MemoryPath::kUsm:
      return traits.usm;
    case MemoryPath::kBuffer:
      break;
  }
  return true;
}

void choose_path(Traits& traits) {
  const std::string wanted = common::Environment::of_process().value("SAMPAN_OPENCL_MEMORY");
  for (MemoryPath path : kPathsByPreference) {
    if (wanted == name_of(path) && possible(traits, path)) {
      traits.path = path;
      return;
    }
  }
  if (!wanted.empty()) {
    traits.path_error = "SAMPAN_OPENCL_MEMORY asks for '" + wanted +
                        "', which this device doesn't have; unset it, or set it to one of:";
    for (MemoryPath path : kPathsByPreference) {
      if (possible(traits, path)) traits.path_error += std::string(" ") + name_of(path);
    }
  }
  traits.path = *std::ranges::find_if(kPathsByPreference,
                                      [&](MemoryPath path) { return possible(traits, path); });
}

// 0.9.5 added a parameter to the commands; our declarations are those of 0.9.0 to 0.9.4.
bool declared_version(cl::Uint version) {
  const cl::Uint major = version >> 22, minor = (version >> 12) & 0x3FF, patch = version & 0xFFF;
  return major == 0 && minor == 9 && patch <= 4;
}

std::string graphs_refusal(const Traits& traits) {
  constexpr std::string_view kName = "cl_khr_command_buffer";
  if (!traits.has(kName.data())) return "the device lacks cl_khr_command_buffer";
  const auto versions =
      device_facts<cl::NameVersion>(traits.entry.id, cl::kDeviceExtensionsWithVersion);
  const auto found = std::ranges::find_if(
      versions, [&](const cl::NameVersion& entry) { return kName == entry.name; });
  if (found == versions.end()) return "the device doesn't tell its cl_khr_command_buffer version";
  if (!declared_version(found->version)) {
    return "the device has a cl_khr_command_buffer other than 0.9.0 to 0.9.4";
  }
  const ExtensionApi& e = traits.extension;
  if (e.create_command_buffer == nullptr || e.finalize_command_buffer == nullptr ||
      e.release_command_buffer == nullptr || e.enqueue_command_buffer == nullptr ||
      e.command_copy_buffer == nullptr || e.command_fill_buffer == nullptr ||
      e.command_nd_range_kernel == nullptr) {
    return "the driver lacks functions of cl_khr_command_buffer";
  }
  const auto abilities =
      device_fact<cl::Bitfield>(traits.entry.id, cl::kDeviceCommandBufferCapabilitiesKhr);
  if ((abilities & cl::kCommandBufferCapabilitySimultaneousUseKhr) == 0) {
    return "the device's command buffers can't be in flight twice";
  }
  return {};
}

// A platform's version ends with the driver's own: "OpenCL 3.0 PoCL 3.1+debian  Linux, …".
bool takes_failures(const std::string& platform_version) {
  constexpr std::string_view kPocl = " PoCL ";
  constexpr int kFirstSound = 7;
  const std::size_t at = platform_version.find(kPocl);
  if (at == std::string::npos) return true;
  return std::atoi(platform_version.c_str() + at + kPocl.size()) >= kFirstSound;
}

bool cache_binaries(const std::string& platform_name) {
  const std::string wanted = common::Environment::of_process().value("SAMPAN_OPENCL_BINARIES");
  return wanted.empty() ? platform_name != kPoclPlatform : wanted != "0";
}

std::uint32_t vendor_subgroup_size(const Traits& traits) {
  const cl::Device id = traits.entry.id;
  if (traits.has("cl_nv_device_attribute_query")) {
    return device_fact<cl::Uint>(id, cl::kDeviceWarpSizeNv, 1);
  }
  if (traits.has("cl_amd_device_attribute_query")) {
    return device_fact<cl::Uint>(id, cl::kDeviceWavefrontWidthAmd, 1);
  }
  const auto sizes = device_facts<std::size_t>(id, cl::kDeviceSubGroupSizesIntel);
  // The compiler picks a size per kernel; the smallest is what every kernel may count on.
  return sizes.empty() ? 1 : static_cast<std::uint32_t>(*std::ranges::min_element(sizes));
}

// Compilers define the macros of extensions that the device lacks: the host decides.
void choose_compile_options(Traits& traits) {
  traits.compile_options = "-cl-std=CL1.2 -cl-mad-enable";
  const std::uint32_t size = vendor_subgroup_size(traits);
  if (size <= 1) return;
  if (traits.version >= 300 && traits.has("cl_khr_subgroups") &&
      traits.has("cl_khr_subgroup_shuffle")) {
    traits.compile_options = "-cl-std=CL3.0 -cl-mad-enable -DSAMPAN_SUBGROUPS_KHR=1";
    traits.subgroup_size = size;
  } else if (traits.has("cl_intel_subgroups")) {
    traits.compile_options += " -DSAMPAN_SUBGROUPS_INTEL=1";
    traits.subgroup_size = size;
  }
}

}  // namespace

const char* name_of(MemoryPath path) {
  switch (path) {
    case MemoryPath::kSvm:
      return "svm";
    case MemoryPath::kUsm:
      return "usm";
    case MemoryPath::kBuffer:
      break;
  }
  return "buffer";
}

bool Traits::has(const char* extension_name) const { return lists(extensions, extension_name); }

bool Traits::host_access() const {
  return path == MemoryPath::kSvm && unified && (svm & cl::kSvmFineGrainBuffer) != 0;
}

Traits read_traits(const DeviceEntry& entry) {
  Traits traits;
  const cl::Device id = entry.id;
  traits.entry = entry;
  traits.extension = extension_api(entry.platform);
  traits.version =
      std::min(entry.platform_version, parse_version(device_text(id, cl::kDeviceVersion)));
  traits.extensions = device_text(id, cl::kDeviceExtensions);
  traits.type = device_fact<cl::Bitfield>(id, cl::kDeviceType);
  traits.svm = svm_of(traits, api());
  traits.usm = has_usm(traits);
  traits.unified = (traits.type & cl::kDeviceTypeCpu) != 0 ||
                   device_fact<cl::Bool>(id, cl::kDeviceHostUnifiedMemory) != cl::kFalse;
  traits.priorities = traits.version >= 200 && traits.has("cl_khr_priority_hints") &&
                      api().create_command_queue_with_properties != nullptr;
  traits.takes_failures = takes_failures(platform_text(entry.platform, cl::kPlatformVersion));
  traits.cache_binaries = cache_binaries(entry.platform_name);
  traits.why_no_graphs = graphs_refusal(traits);
  traits.native_graphs = traits.why_no_graphs.empty();
  traits.memory_bytes = device_fact<cl::Ulong>(id, cl::kDeviceGlobalMemSize);
  traits.base_alignment_bytes =
      std::max<cl::Uint>(device_fact<cl::Uint>(id, cl::kDeviceMemBaseAddrAlign, 8) / 8, 1);
  choose_path(traits);
  choose_compile_options(traits);
  return traits;
}

}  // namespace sampan::opencl
