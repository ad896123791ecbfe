#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/cuda_like/driver_api.h"

namespace sampan::cuda {

using cuda_like::Address;
using cuda_like::Context;
using cuda_like::DriverExec;
using cuda_like::DriverFunction;
using cuda_like::DriverGraph;
using cuda_like::DriverNode;
using cuda_like::DriverStream;
using cuda_like::Entry;
using cuda_like::Ordinal;
using cuda_like::Result;

// The layouts below have not changed since CUDA 4 (copies) and 10 (graphs); cuda.h's names.

inline constexpr int kMemoryTypeUnified = 4;

struct Memcpy2d {  // CUDA_MEMCPY2D
  std::size_t src_x_bytes, src_y;
  int src_memory_type;
  const void* src_host;
  Address src_device;
  void* src_array;
  std::size_t src_pitch_bytes;
  std::size_t dst_x_bytes, dst_y;
  int dst_memory_type;
  void* dst_host;
  Address dst_device;
  void* dst_array;
  std::size_t dst_pitch_bytes;
  std::size_t width_bytes, height;
};

struct Memcpy3d {  // CUDA_MEMCPY3D
  std::size_t src_x_bytes, src_y, src_z, src_lod;
  int src_memory_type;
  const void* src_host;
  Address src_device;
  void* src_array;
  void* reserved0;
  std::size_t src_pitch_bytes, src_height;
  std::size_t dst_x_bytes, dst_y, dst_z, dst_lod;
  int dst_memory_type;
  void* dst_host;
  Address dst_device;
  void* dst_array;
  void* reserved1;
  std::size_t dst_pitch_bytes, dst_height;
  std::size_t width_bytes, height, depth;
};

/// CUDA_KERNEL_NODE_PARAMS_v2; the first version is its beginning.
struct KernelNodeParams {
  DriverFunction function;
  unsigned grid[3];
  unsigned group[3];
  unsigned shared_bytes;
  void** arguments;
  void** extra;
  void* kernel;
  Context context;
};

struct MemsetNodeParams {  // CUDA_MEMSET_NODE_PARAMS
  Address dst;
  std::size_t pitch_bytes;
  unsigned value;
  unsigned element_bytes;
  std::size_t width, height;
};

/// What libcuda alone has; the rest is cuda_like::DriverApi. In the comments: the symbols, the
/// first that is there counts.
struct Api {
  Entry<Result(Result, const char** out)> get_error_name;  // cuGetErrorName
  Entry<Result(Context* out, Ordinal)> primary_retain;     // cuDevicePrimaryCtxRetain
  Entry<Result(Ordinal)> primary_release;                  // cuDevicePrimaryCtxRelease_v2
  Entry<Result(Ordinal)> primary_reset;                    // cuDevicePrimaryCtxReset_v2
  Entry<Result(Context* out)> get_current;                 // cuCtxGetCurrent
  Entry<Result(Context)> set_current;                      // cuCtxSetCurrent
  Entry<Result(Address dst, Address src, std::size_t bytes, DriverStream)> copy;  // cuMemcpyAsync
  Entry<Result(const Memcpy2d*, DriverStream)> copy_2d;  // cuMemcpy2DAsync_v2

  // Optional.
  Entry<Result(Context peer, unsigned flags)> enable_peer;  // cuCtxEnablePeerAccess
  Entry<Result(Address dst, Context dst_context, Address src, Context src_context,
               std::size_t bytes, DriverStream)>
      copy_peer;  // cuMemcpyPeerAsync
  Entry<Result(DriverStream, Address, std::uint32_t value, unsigned flags)>
      wait_value;  // cuStreamWaitValue32_v2, cuStreamWaitValue32
  Entry<Result(DriverNode* out, DriverGraph, const DriverNode* after, std::size_t after_count,
               const KernelNodeParams*)>
      add_kernel;  // cuGraphAddKernelNode_v2, cuGraphAddKernelNode
  Entry<Result(DriverNode* out, DriverGraph, const DriverNode* after, std::size_t after_count,
               const Memcpy3d*, Context)>
      add_copy;  // cuGraphAddMemcpyNode
  Entry<Result(DriverNode* out, DriverGraph, const DriverNode* after, std::size_t after_count,
               const MemsetNodeParams*, Context)>
      add_fill;  // cuGraphAddMemsetNode
  Entry<Result(DriverExec* out, DriverGraph, unsigned long long flags)>
      instantiate;  // cuGraphInstantiateWithFlags
  Entry<Result(DriverExec, DriverNode, const KernelNodeParams*)>
      set_kernel;  // cuGraphExecKernelNodeSetParams_v2, …Params
};

/// Filled by vendor.cpp when the driver is opened.
[[nodiscard]] Api& api();

}  // namespace sampan::cuda
