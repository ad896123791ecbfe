#pragma once

#include <cstddef>
#include <cstdint>

/// Our own declarations of the part of OpenCL that the backend uses, so that it builds without an
/// OpenCL SDK. Values: Khronos OpenCL 3.0 and extension specifications; the extension that
/// defines a value is named beside it. `tests/unit/opencl/abi_test.cpp` compares them all with
/// CL/cl.h and CL/cl_ext.h where those are installed.
namespace sampan::opencl::cl {

using Int = std::int32_t;
using Uint = std::uint32_t;
using Ulong = std::uint64_t;
using Bool = Uint;
using Bitfield = Ulong;
using Property = std::uint64_t;  // an entry of a zero-terminated list of names and values

using Platform = struct PlatformTag*;
using Device = struct DeviceTag*;
using Context = struct ContextTag*;
using Queue = struct QueueTag*;
using Mem = struct MemTag*;
using Program = struct ProgramTag*;
using Kernel = struct KernelTag*;
using Event = struct EventTag*;
using CommandBuffer = struct CommandBufferTag*;
using SyncPoint = Uint;

using ContextNotify = void (*)(const char* text, const void* info, std::size_t info_bytes,
                               void* user);
using ProgramNotify = void (*)(Program program, void* user);

struct BufferRegion {
  std::size_t origin_bytes;
  std::size_t size_bytes;
};

inline constexpr Bool kFalse = 0;
inline constexpr Bool kTrue = 1;

// Codes that decisions depend on; error.cpp knows the names of the others.
inline constexpr Int kSuccess = 0;
inline constexpr Int kDeviceNotFound = -1;
inline constexpr Int kDeviceNotAvailable = -2;
inline constexpr Int kCompilerNotAvailable = -3;
inline constexpr Int kMemObjectAllocationFailure = -4;
inline constexpr Int kOutOfResources = -5;
inline constexpr Int kOutOfHostMemory = -6;
inline constexpr Int kProfilingInfoNotAvailable = -7;
inline constexpr Int kMemCopyOverlap = -8;
inline constexpr Int kBuildProgramFailure = -11;
inline constexpr Int kMisalignedSubBufferOffset = -13;
inline constexpr Int kExecStatusErrorForEventsInWaitList = -14;
inline constexpr Int kCompileProgramFailure = -15;
inline constexpr Int kInvalidValue = -30;
inline constexpr Int kInvalidBinary = -42;
inline constexpr Int kInvalidBuildOptions = -43;
inline constexpr Int kInvalidProgramExecutable = -45;
inline constexpr Int kInvalidKernelName = -46;
inline constexpr Int kInvalidArgIndex = -49;
inline constexpr Int kInvalidArgValue = -50;
inline constexpr Int kInvalidArgSize = -51;
inline constexpr Int kInvalidKernelArgs = -52;
inline constexpr Int kInvalidWorkGroupSize = -54;
inline constexpr Int kInvalidWorkItemSize = -55;
inline constexpr Int kInvalidOperation = -59;
inline constexpr Int kInvalidBufferSize = -61;
inline constexpr Int kPlatformNotFound = -1001;  // cl_khr_icd

inline constexpr Uint kPlatformVersion = 0x0901;
inline constexpr Uint kPlatformName = 0x0902;

inline constexpr Bitfield kDeviceTypeCpu = 1u << 1;
inline constexpr Bitfield kDeviceTypeGpu = 1u << 2;
inline constexpr Bitfield kDeviceTypeCustom = 1u << 4;
inline constexpr Bitfield kDeviceTypeAll = 0xFFFFFFFF;

inline constexpr Uint kDeviceType = 0x1000;
inline constexpr Uint kDeviceMaxComputeUnits = 0x1002;
inline constexpr Uint kDeviceMaxWorkGroupSize = 0x1004;
inline constexpr Uint kDeviceMaxWorkItemSizes = 0x1005;
inline constexpr Uint kDeviceMaxMemAllocSize = 0x1010;
inline constexpr Uint kDeviceMemBaseAddrAlign = 0x1019;  // in bits
inline constexpr Uint kDeviceGlobalMemSize = 0x101F;
inline constexpr Uint kDeviceLocalMemSize = 0x1023;
inline constexpr Uint kDeviceAvailable = 0x1027;
inline constexpr Uint kDeviceCompilerAvailable = 0x1028;
inline constexpr Uint kDeviceName = 0x102B;
inline constexpr Uint kDeviceVendor = 0x102C;
inline constexpr Uint kDriverVersion = 0x102D;
inline constexpr Uint kDeviceVersion = 0x102F;
inline constexpr Uint kDeviceExtensions = 0x1030;
inline constexpr Uint kDeviceDoubleFpConfig = 0x1032;
inline constexpr Uint kDeviceHostUnifiedMemory = 0x1035;
inline constexpr Uint kDeviceSvmCapabilities = 0x1053;
inline constexpr Uint kDeviceIlVersion = 0x105B;
inline constexpr Uint kDeviceExtensionsWithVersion = 0x1060;
inline constexpr Uint kDeviceUuidKhr = 0x106A;                   // cl_khr_device_uuid
inline constexpr Uint kDevicePciBusInfoKhr = 0x410F;             // cl_khr_pci_bus_info
inline constexpr Uint kDeviceComputeCapabilityMajorNv = 0x4000;  // cl_nv_device_attribute_query
inline constexpr Uint kDeviceComputeCapabilityMinorNv = 0x4001;
inline constexpr Uint kDeviceWarpSizeNv = 0x4003;
inline constexpr Uint kDevicePciBusIdNv = 0x4008;
inline constexpr Uint kDevicePciSlotIdNv = 0x4009;
inline constexpr Uint kDevicePciDomainIdNv = 0x400A;
inline constexpr Uint kDeviceTopologyAmd = 0x4037;          // cl_amd_device_attribute_query
inline constexpr Uint kDeviceGlobalFreeMemoryAmd = 0x4039;  // in KiB
inline constexpr Uint kDeviceWavefrontWidthAmd = 0x4043;
inline constexpr Uint kDeviceSubGroupSizesIntel = 0x4108;  // cl_intel_required_subgroup_size
inline constexpr Uint kDeviceDeviceMemCapabilitiesIntel = 0x4191;  // cl_intel_unified_shared_memory
inline constexpr Uint kDeviceHostMemCapabilitiesIntel = 0x4190;
inline constexpr Uint kDeviceCommandBufferCapabilitiesKhr = 0x12A9;  // cl_khr_command_buffer
inline constexpr Uint kDeviceCommandBufferRequiredQueuePropertiesKhr = 0x12AA;

/// Bits of kDeviceSvmCapabilities.
inline constexpr Bitfield kSvmCoarseGrainBuffer = 1u << 0;
inline constexpr Bitfield kSvmFineGrainBuffer = 1u << 1;
inline constexpr Bitfield kSvmFineGrainSystem = 1u << 2;

inline constexpr Property kContextPlatform = 0x1084;

inline constexpr Bitfield kQueueOutOfOrderExecModeEnable = 1u << 0;
inline constexpr Bitfield kQueueProfilingEnable = 1u << 1;
inline constexpr Property kQueueProperties = 0x1093;
inline constexpr Property kQueuePriorityKhr = 0x1096;  // cl_khr_priority_hints
inline constexpr Property kQueuePriorityHighKhr = 1u << 0;
inline constexpr Property kQueuePriorityMedKhr = 1u << 1;
inline constexpr Property kQueuePriorityLowKhr = 1u << 2;

inline constexpr Bitfield kMemReadWrite = 1u << 0;
inline constexpr Bitfield kMemUseHostPtr = 1u << 3;
inline constexpr Bitfield kMemAllocHostPtr = 1u << 4;
inline constexpr Bitfield kMemSvmFineGrainBuffer = 1u << 10;

inline constexpr Bitfield kMapRead = 1u << 0;
inline constexpr Bitfield kMapWrite = 1u << 1;
inline constexpr Uint kBufferCreateTypeRegion = 0x1220;

inline constexpr Uint kProgramBinarySizes = 0x1165;
inline constexpr Uint kProgramBinaries = 0x1166;
inline constexpr Uint kProgramBuildLog = 0x1183;

inline constexpr Uint kKernelNumArgs = 0x1191;
inline constexpr Uint kKernelWorkGroupSize = 0x11B0;
inline constexpr Uint kKernelCompileWorkGroupSize = 0x11B1;
inline constexpr Uint kKernelLocalMemSize = 0x11B2;
inline constexpr Uint kKernelPrivateMemSize = 0x11B4;

inline constexpr Uint kEventCommandExecutionStatus = 0x11D3;
inline constexpr Int kComplete = 0;
inline constexpr Uint kProfilingCommandQueued = 0x1280;
inline constexpr Uint kProfilingCommandEnd = 0x1283;

inline constexpr Property kCommandBufferFlagsKhr = 0x1293;  // cl_khr_command_buffer
inline constexpr Property kCommandBufferSimultaneousUseKhr = 1u << 0;
inline constexpr Bitfield kCommandBufferCapabilitySimultaneousUseKhr = 1u << 2;

/// Answer to kDevicePciBusInfoKhr.
struct PciBusInfo {
  Uint domain, bus, device, function;
};

/// Answer to kDeviceTopologyAmd, for type 1 (PCI Express).
struct TopologyAmd {
  Uint type;
  std::uint8_t unused[17];
  std::uint8_t bus, device, function;
};
inline constexpr Uint kTopologyPcieAmd = 1;

/// An entry of the answer to kDeviceExtensionsWithVersion.
struct NameVersion {
  Uint version;  // 10 bits major, 10 bits minor, 12 bits patch
  char name[64];
};

}  // namespace sampan::opencl::cl
