#pragma once

#include <cstdint>
#include <string>

#include "backends/opencl/api.h"
#include "backends/opencl/platform.h"
#include "sampan/plugin/backend.h"

namespace sampan::opencl {

/// CL_PLATFORM_NAME of PoCL, whose ways need care in a few places.
inline constexpr const char* kPoclPlatform = "Portable Computing Language";

/// How memory of the kind DEVICE is made, and what a region becomes as a kernel argument.
enum class MemoryPath {
  kSvm,    ///< shared virtual memory (OpenCL 2.0): a pointer, any offset
  kUsm,    ///< cl_intel_unified_shared_memory: a pointer, any offset
  kBuffer  ///< cl_mem: a sub-buffer per offset, which must be aligned
};

/// "svm", "usm" or "buffer": the values of SAMPAN_OPENCL_MEMORY.
[[nodiscard]] const char* name_of(MemoryPath path);

/// What the code of the backend needs to know about a device; asked for once.
struct Traits {
  DeviceEntry entry;
  ExtensionApi extension{};
  unsigned version = 0;  ///< the lower of the platform's and the device's: 120, 300 …
  std::string extensions;
  cl::Bitfield type = 0;
  cl::Bitfield svm = 0;  ///< kSvm…; 0 where the loader lacks the functions, too
  bool usm = false;
  bool unified = false;  ///< the device works in the host's memory
  bool priorities = false;
  /// The driver lives through a user event that fails. PoCL before 7.0 aborts the process: it frees
  /// a command whose event nobody holds and then locks it (pocl_update_event_failed).
  bool takes_failures = true;
  /// The driver's binaries go to Sampan's code cache. Not with PoCL, which keeps finished kernels
  /// on disk itself: asking it for a binary compiles each kernel once more than needed, and the
  /// first launch of a kernel loaded from one compiles again (3.1, 2026-11-22: 0.22 s more to load
  /// and as much to launch for a small kernel, 10 s for a large one). SAMPAN_OPENCL_BINARIES=1 or 0
  /// overrides.
  bool cache_binaries = true;
  bool native_graphs = false;
  std::string why_no_graphs;  ///< where `native_graphs` is false, one sentence
  std::uint64_t memory_bytes = 0;
  std::uint64_t base_alignment_bytes = 0;  ///< of sub-buffers
  MemoryPath path = MemoryPath::kBuffer;
  std::string path_error;  ///< why the path that SAMPAN_OPENCL_MEMORY asks for isn't possible
  std::string compile_options;
  std::uint32_t subgroup_size = 1;

  [[nodiscard]] bool has(const char* extension_name) const;
  /// Device memory is fine-grained SVM in memory that is the host's anyway.
  [[nodiscard]] bool host_access() const;
};

[[nodiscard]] Traits read_traits(const DeviceEntry& entry);

/// What the ABI's `describe` answers, complete but for `size`.
[[nodiscard]] sampan_device_info_t describe_device(const Traits& traits);

/// What SAMPAN_CAP_* the plug-in has, and this device with it.
[[nodiscard]] std::uint64_t capabilities_of(const Traits& traits);

}  // namespace sampan::opencl
