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
  Result (*get_error_name)(Result, const char** out);  // cuGetErrorName
  Result (*primary_retain)(Context* out, Ordinal);     // cuDevicePrimaryCtxRetain
  Result (*primary_release)(Ordinal);                  // cuDevicePrimaryCtxRelease_v2
  Result (*primary_reset)(Ordinal);                    // cuDevicePrimaryCtxReset_v2
  Result (*get_current)(Context* out);                 // cuCtxGetCurrent
  Result (*set_current)(Context);                      // cuCtxSetCurrent
  Result (*copy)(Address dst, Address src, std::size_t bytes, DriverStream);  // cuMemcpyAsync
  Result (*copy_2d)(const Memcpy2d*, DriverStream);                           // cuMemcpy2DAsync_v2

  // Optional.
  Result (*enable_peer)(Context peer, unsigned flags);  // cuCtxEnablePeerAccess
  Result (*copy_peer)(Address dst, Context dst_context, Address src, Context src_context,
                      std::size_t bytes, DriverStream);  // cuMemcpyPeerAsync
  Result (*wait_value)(DriverStream, Address, std::uint32_t value,
                       unsigned flags);  // cuStreamWaitValue32_v2, cuStreamWaitValue32
  Result (*add_kernel)(DriverNode* out, DriverGraph, const DriverNode* after,
                       std::size_t after_count,
                       const KernelNodeParams*);  // cuGraphAddKernelNode_v2, cuGraphAddKernelNode
  Result (*add_copy)(DriverNode* out, DriverGraph, const DriverNode* after, std::size_t after_count,
                     const Memcpy3d*, Context);  // cuGraphAddMemcpyNode
  Result (*add_fill)(DriverNode* out, DriverGraph, const DriverNode* after, std::size_t after_count,
                     const MemsetNodeParams*, Context);  // cuGraphAddMemsetNode
  Result (*instantiate)(DriverExec* out, DriverGraph,
                        unsigned long long flags);  // cuGraphInstantiateWithFlags
  Result (*set_kernel)(DriverExec, DriverNode,
                       const KernelNodeParams*);  // cuGraphExecKernelNodeSetParams_v2, …Params
};

/// Filled by vendor.cpp when the driver is opened.
[[nodiscard]] Api& api();

}  // namespace sampan::cuda
