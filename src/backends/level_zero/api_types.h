#pragma once

#include <cstddef>
#include <cstdint>

/// Our own declarations of the part of Level Zero that the backend uses, so that it builds without
/// the vendor's headers. Values and layouts: oneAPI Level Zero specification 1.4, core API; what
/// came later than 1.0 says so. `tests/unit/level_zero/abi_test.cpp` compares them all with
/// level_zero/ze_api.h where that is installed.
namespace sampan::level_zero::ze {

using Result = std::uint32_t;
using StructureType = std::uint32_t;
using Flags = std::uint32_t;
using Bool = std::uint8_t;

using Driver = struct DriverTag*;
using Device = struct DeviceTag*;
using Context = struct ContextTag*;
using CommandList = struct CommandListTag*;
using EventPool = struct EventPoolTag*;
using Event = struct EventTag*;
using Module = struct ModuleTag*;
using BuildLog = struct BuildLogTag*;
using Kernel = struct KernelTag*;

// Codes that decisions depend on; error.cpp knows the names of the others.
inline constexpr Result kSuccess = 0;
inline constexpr Result kNotReady = 1;
inline constexpr Result kDeviceLost = 0x70000001;
inline constexpr Result kOutOfHostMemory = 0x70000002;
inline constexpr Result kOutOfDeviceMemory = 0x70000003;
inline constexpr Result kModuleBuildFailure = 0x70000004;
inline constexpr Result kUninitialized = 0x78000001;
inline constexpr Result kUnsupportedFeature = 0x78000003;
inline constexpr Result kInvalidArgument = 0x78000004;
inline constexpr Result kUnsupportedSize = 0x78000009;
inline constexpr Result kInvalidNativeBinary = 0x7800000f;
inline constexpr Result kInvalidKernelName = 0x78000011;

inline constexpr StructureType kTypeDriverProperties = 0x1;
inline constexpr StructureType kTypeDeviceComputeProperties = 0x4;
inline constexpr StructureType kTypeDeviceModuleProperties = 0x5;
inline constexpr StructureType kTypeQueueGroupProperties = 0x6;
inline constexpr StructureType kTypeDeviceMemoryProperties = 0x7;
inline constexpr StructureType kTypeMemoryAccessProperties = 0x8;
inline constexpr StructureType kTypeContextDesc = 0xd;
inline constexpr StructureType kTypeQueueDesc = 0xe;
inline constexpr StructureType kTypeEventPoolDesc = 0x10;
inline constexpr StructureType kTypeEventDesc = 0x11;
inline constexpr StructureType kTypeDeviceMemDesc = 0x15;
inline constexpr StructureType kTypeHostMemDesc = 0x16;
inline constexpr StructureType kTypeModuleDesc = 0x1b;
inline constexpr StructureType kTypeKernelDesc = 0x1d;
inline constexpr StructureType kTypeKernelProperties = 0x1e;
inline constexpr StructureType kTypePciProperties = 0x10008;
inline constexpr StructureType kTypeDeviceProperties12 = 0x20006;  // timer in ticks per second

inline constexpr Flags kInitGpuOnly = 1;
inline constexpr Flags kQueueGroupCompute = 1;
inline constexpr Flags kQueueGroupCooperative = 4;
inline constexpr Flags kEventPoolHostVisible = 1;
inline constexpr Flags kEventPoolKernelTimestamp = 4;
inline constexpr Flags kScopeHost = 4;
inline constexpr Flags kModuleFp64 = 2;
inline constexpr Flags kAccessReadWrite = 1;
inline constexpr std::uint32_t kDeviceTypeGpu = 1, kDeviceTypeCpu = 2;
inline constexpr std::uint32_t kModeAsynchronous = 2;
inline constexpr std::uint32_t kPriorityNormal = 0, kPriorityLow = 1, kPriorityHigh = 2;
inline constexpr std::uint32_t kFormatSpirv = 0, kFormatNative = 1;

struct DriverProperties {
  StructureType type = kTypeDriverProperties;
  void* next = nullptr;
  std::uint8_t uuid[16];
  std::uint32_t version;
};

struct ExtensionProperties {
  char name[256];
  std::uint32_t version;
};

struct DeviceProperties {
  StructureType type = kTypeDeviceProperties12;
  void* next = nullptr;
  std::uint32_t device_type;
  std::uint32_t vendor_id;
  std::uint32_t device_id;
  Flags flags;
  std::uint32_t subdevice_id;
  std::uint32_t clock_mhz;
  std::uint64_t max_allocation_bytes;
  std::uint32_t max_hardware_contexts;
  std::uint32_t max_queue_priority;
  std::uint32_t threads_per_eu;
  std::uint32_t simd_width;
  std::uint32_t eus_per_subslice;
  std::uint32_t subslices_per_slice;
  std::uint32_t slices;
  std::uint64_t ticks_per_second;
  std::uint32_t timestamp_bits;
  std::uint32_t kernel_timestamp_bits;
  std::uint8_t uuid[16];
  char name[256];
};

struct ComputeProperties {
  StructureType type = kTypeDeviceComputeProperties;
  void* next = nullptr;
  std::uint32_t max_group_items;
  std::uint32_t max_group[3];
  std::uint32_t max_grid[3];
  std::uint32_t local_memory_bytes;
  std::uint32_t subgroup_size_count;
  std::uint32_t subgroup_sizes[8];
};

struct ModuleProperties {
  StructureType type = kTypeDeviceModuleProperties;
  void* next = nullptr;
  std::uint32_t spirv_version;  // major << 16 | minor
  Flags flags;
  Flags fp16, fp32, fp64;
  std::uint32_t max_argument_bytes;
  std::uint32_t printf_bytes;
  std::uint8_t native_uuid[16];
};

struct QueueGroupProperties {
  StructureType type = kTypeQueueGroupProperties;
  void* next = nullptr;
  Flags flags;
  std::size_t max_pattern_bytes;
  std::uint32_t queues;
};

struct MemoryProperties {
  StructureType type = kTypeDeviceMemoryProperties;
  void* next = nullptr;
  Flags flags;
  std::uint32_t max_clock_rate;
  std::uint32_t bus_width;
  std::uint64_t total_bytes;
  char name[256];
};

struct MemoryAccessProperties {
  StructureType type = kTypeMemoryAccessProperties;
  void* next = nullptr;
  Flags host, device, shared_single, shared_cross, shared_system;
};

struct PciProperties {
  StructureType type = kTypePciProperties;
  void* next = nullptr;
  std::uint32_t domain, bus, device, function;
  std::int32_t generation, lanes;
  std::int64_t bandwidth;
};

struct ContextDesc {
  StructureType type = kTypeContextDesc;
  const void* next = nullptr;
  Flags flags = 0;
};

struct QueueDesc {
  StructureType type = kTypeQueueDesc;
  const void* next = nullptr;
  std::uint32_t ordinal = 0;
  std::uint32_t index = 0;
  Flags flags = 0;
  std::uint32_t mode = kModeAsynchronous;
  std::uint32_t priority = kPriorityNormal;
};

struct EventPoolDesc {
  StructureType type = kTypeEventPoolDesc;
  const void* next = nullptr;
  Flags flags = 0;
  std::uint32_t count = 0;
};

struct EventDesc {
  StructureType type = kTypeEventDesc;
  const void* next = nullptr;
  std::uint32_t index = 0;
  Flags signal = 0;
  Flags wait = 0;
};

struct TimestampData {
  std::uint64_t begin, end;
};
struct TimestampResult {
  TimestampData global, context;
};

struct DeviceMemDesc {
  StructureType type = kTypeDeviceMemDesc;
  const void* next = nullptr;
  Flags flags = 0;
  std::uint32_t ordinal = 0;
};

struct HostMemDesc {
  StructureType type = kTypeHostMemDesc;
  const void* next = nullptr;
  Flags flags = 0;
};

struct ModuleDesc {
  StructureType type = kTypeModuleDesc;
  const void* next = nullptr;
  std::uint32_t format = kFormatSpirv;
  std::size_t code_bytes = 0;
  const std::uint8_t* code = nullptr;
  const char* flags = nullptr;
  const void* constants = nullptr;
};

struct KernelDesc {
  StructureType type = kTypeKernelDesc;
  const void* next = nullptr;
  Flags flags = 0;
  const char* name = nullptr;
};

struct KernelProperties {
  StructureType type = kTypeKernelProperties;
  void* next = nullptr;
  std::uint32_t argument_count;
  std::uint32_t group[3];
  std::uint32_t subgroups;
  std::uint32_t subgroup_size;
  std::uint32_t max_subgroup_size;
  std::uint32_t max_subgroups;
  std::uint32_t local_bytes;
  std::uint32_t private_bytes;
  std::uint32_t spill_bytes;
  std::uint8_t kernel_uuid[16];
  std::uint8_t module_uuid[16];
};

struct CopyRegion {
  std::uint32_t x, y, z, width, height, depth;
};

struct GroupCount {
  std::uint32_t x, y, z;
};

}  // namespace sampan::level_zero::ze
