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
using cuda_like::Entry;
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
  Entry<const char*(Result)> get_error_name;  // hipGetErrorName
  Entry<Result(int)> set_device;              // hipSetDevice
  Entry<Result(int* out)> get_device;         // hipGetDevice
  Entry<Result()> reset_device;               // hipDeviceReset, of the current one
  Entry<Result(Address dst, Address src, std::size_t bytes, int kind, DriverStream)>
      copy;  // hipMemcpyAsync
  Entry<Result(Address dst, std::size_t dst_pitch_bytes, Address src, std::size_t src_pitch_bytes,
               std::size_t row_bytes, std::size_t rows, int kind, DriverStream)>
      copy_2d;  // hipMemcpy2DAsync

  // Optional.
  /// The struct changes between releases: `out` is a large buffer that nothing but the name of the
  /// instruction set is looked for in.
  Entry<Result(void* out, int device)>
      get_properties;  // hipGetDevicePropertiesR0600, hipGetDeviceProperties
  Entry<Result(int peer, unsigned flags)> enable_peer;  // hipDeviceEnablePeerAccess
  Entry<Result(Address dst, int dst_device, Address src, int src_device, std::size_t bytes,
               DriverStream)>
      copy_peer;  // hipMemcpyPeerAsync
  Entry<Result(DriverStream, Address, std::uint32_t value, unsigned flags, std::uint32_t mask)>
      wait_value;  // hipStreamWaitValue32
  Entry<Result(DriverNode* out, DriverGraph, const DriverNode* after, std::size_t after_count,
               const KernelNodeParams*)>
      add_kernel;  // hipGraphAddKernelNode
  Entry<Result(DriverNode* out, DriverGraph, const DriverNode* after, std::size_t after_count,
               Address dst, Address src, std::size_t bytes, int kind)>
      add_copy;  // hipGraphAddMemcpyNode1D
  Entry<Result(DriverNode* out, DriverGraph, const DriverNode* after, std::size_t after_count,
               const MemsetParams*)>
      add_fill;  // hipGraphAddMemsetNode
  Entry<Result(DriverExec* out, DriverGraph, DriverNode* out_bad_node, char* log,
               std::size_t log_room)>
      instantiate;  // hipGraphInstantiate
  Entry<Result(DriverExec, DriverNode, const KernelNodeParams*)>
      set_kernel;  // hipGraphExecKernelNodeSetParams
};

/// Filled by vendor.cpp when the driver is opened.
[[nodiscard]] Api& api();

}  // namespace sampan::hip
