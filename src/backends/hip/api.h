#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/cuda_like/driver_api.h"

namespace sampan::hip {

using cuda_like::Address;
using cuda_like::DriverExec;
using cuda_like::DriverFunction;
using cuda_like::DriverGraph;
using cuda_like::DriverNode;
using cuda_like::DriverStream;
using cuda_like::Ordinal;
using cuda_like::Result;

inline constexpr int kCopyDefault = 4;  // hipMemcpyDefault

// Both layouts are those of HIP 4.3 to 6, hip_runtime_api.h's names.

struct KernelNodeParams {  // hipKernelNodeParams
  unsigned group[3];
  void** extra;
  DriverFunction function;
  unsigned grid[3];
  void** arguments;
  unsigned shared_bytes;
};

struct MemsetParams {  // hipMemsetParams
  Address dst;
  unsigned element_bytes;
  std::size_t height;
  std::size_t pitch_bytes;
  unsigned value;
  std::size_t width;
};

/// What libamdhip64 alone has; the rest is cuda_like::DriverApi. In the comments: the symbols, the
/// first that is there counts.
struct Api {
  const char* (*get_error_name)(Result);  // hipGetErrorName
  Result (*set_device)(int);              // hipSetDevice
  Result (*get_device)(int* out);         // hipGetDevice
  Result (*reset_device)();               // hipDeviceReset, of the current one
  Result (*copy)(Address dst, Address src, std::size_t bytes, int kind,
                 DriverStream);  // hipMemcpyAsync
  Result (*copy_2d)(Address dst, std::size_t dst_pitch_bytes, Address src,
                    std::size_t src_pitch_bytes, std::size_t row_bytes, std::size_t rows, int kind,
                    DriverStream);  // hipMemcpy2DAsync

  // Optional.
  /// The struct changes between releases: `out` is a large buffer that nothing but the name of the
  /// instruction set is looked for in.
  Result (*get_properties)(void* out,
                           int device);  // hipGetDevicePropertiesR0600, hipGetDeviceProperties
  Result (*enable_peer)(int peer, unsigned flags);  // hipDeviceEnablePeerAccess
  Result (*copy_peer)(Address dst, int dst_device, Address src, int src_device, std::size_t bytes,
                      DriverStream);  // hipMemcpyPeerAsync
  Result (*wait_value)(DriverStream, Address, std::uint32_t value, unsigned flags,
                       std::uint32_t mask);  // hipStreamWaitValue32
  Result (*add_kernel)(DriverNode* out, DriverGraph, const DriverNode* after,
                       std::size_t after_count,
                       const KernelNodeParams*);  // hipGraphAddKernelNode
  Result (*add_copy)(DriverNode* out, DriverGraph, const DriverNode* after, std::size_t after_count,
                     Address dst, Address src, std::size_t bytes,
                     int kind);  // hipGraphAddMemcpyNode1D
  Result (*add_fill)(DriverNode* out, DriverGraph, const DriverNode* after, std::size_t after_count,
                     const MemsetParams*);  // hipGraphAddMemsetNode
  Result (*instantiate)(DriverExec* out, DriverGraph, DriverNode* out_bad_node, char* log,
                        std::size_t log_room);  // hipGraphInstantiate
  Result (*set_kernel)(DriverExec, DriverNode,
                       const KernelNodeParams*);  // hipGraphExecKernelNodeSetParams
};

/// Filled by vendor.cpp when the driver is opened.
[[nodiscard]] Api& api();

}  // namespace sampan::hip
