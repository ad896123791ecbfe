// The HIP API's types under its own names: the layouts of HIP 4.3 to 6, hipDeviceProp_t that of 5.
// Where HIP's headers are installed, one build target compiles this face against them instead
// (SAMPAN_EMU_VENDOR_HEADERS), so that the compiler checks every signature.
#pragma once

#if defined(SAMPAN_EMU_VENDOR_HEADERS)
#ifndef __HIP_PLATFORM_AMD__
#define __HIP_PLATFORM_AMD__ 1
#endif
#include <hip/hip_runtime_api.h>
#include <hip/hiprtc.h>
// The rest is plain C types.
using hipFunctionAttribute = hipFunction_attribute;
#else

#include <cstddef>
#include <cstdint>

enum hipError_t : int { hipSuccess = 0 };
enum hipDeviceAttribute_t : int {};
enum hipFunction_attribute : int {};
using hipFunctionAttribute = hipFunction_attribute;
enum hipJitOption : int {};
enum hipMemcpyKind : int {
  hipMemcpyHostToHost = 0,
  hipMemcpyHostToDevice = 1,
  hipMemcpyDeviceToHost = 2,
  hipMemcpyDeviceToDevice = 3,
  hipMemcpyDefault = 4,
};
using hipDevice_t = int;
using hipDeviceptr_t = void*;
using hipStream_t = struct ihipStream_t*;
using hipEvent_t = struct ihipEvent_t*;
using hipModule_t = struct ihipModule_t*;
using hipFunction_t = struct ihipModuleSymbol_t*;
using hipGraph_t = struct ihipGraph*;
using hipGraphNode_t = struct hipGraphNode*;
using hipGraphExec_t = struct hipGraphExec*;
using hipHostFn_t = void (*)(void* userData);
struct hipUUID {
  char bytes[16];
};
struct dim3 {
  std::uint32_t x, y, z;
};

struct hipKernelNodeParams {
  dim3 blockDim;
  void** extra;
  void* func;
  dim3 gridDim;
  void** kernelParams;
  unsigned sharedMemBytes;
};

struct hipMemsetParams {
  void* dst;
  unsigned elementSize;
  std::size_t height, pitch;
  unsigned value;
  std::size_t width;
};

struct hipHostNodeParams {
  hipHostFn_t fn;
  void* userData;
};

/// Only the members that are filled have names.
struct hipDeviceProp_t {
  char name[256];
  std::size_t totalGlobalMem, sharedMemPerBlock;
  int regsPerBlock, warpSize, maxThreadsPerBlock;
  int unnamed0[28];
  char gcnArchName[256];
  int unnamed1[35];
};

enum hiprtcResult : int {};
using hiprtcProgram = struct _hiprtcProgram*;

#endif
