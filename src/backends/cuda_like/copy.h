#pragma once

#include "backends/cuda_like/stream.h"
#include "sampan/plugin/backend.h"

namespace sampan::cuda_like {

// Functions of sampan_stream_table_t.

sampan_code_t copy(sampan_stream_t* stream, sampan_region_t dst, sampan_region_t src,
                   std::uint64_t size_bytes, sampan_error_t* error);
sampan_code_t copy_2d(sampan_stream_t* stream, const sampan_copy_2d_t* copy, sampan_error_t* error);
sampan_code_t copy_to_device(sampan_stream_t* stream, sampan_region_t dst, const void* host,
                             std::uint64_t size_bytes, sampan_error_t* error);
sampan_code_t copy_to_host(sampan_stream_t* stream, void* host, sampan_region_t src,
                           std::uint64_t size_bytes, sampan_error_t* error);
sampan_code_t fill(sampan_stream_t* stream, sampan_region_t dst, const void* pattern,
                   std::uint32_t pattern_bytes, std::uint64_t size_bytes, sampan_error_t* error);

// Functions of sampan_peer_table_t.

sampan_code_t can_copy_peer(sampan_device_t* dst, sampan_device_t* src, std::uint32_t* out,
                            sampan_error_t* error);
sampan_code_t copy_peer(sampan_stream_t* stream, sampan_region_t dst, sampan_region_t src,
                        std::uint64_t size_bytes, sampan_error_t* error);

/// A fill's pattern in the shortest form that gives the same bytes.
struct Pattern {
  /// `bytes`: 1, 2, 4, 8 or 16.
  Pattern(const void* pattern, std::uint32_t bytes);
  std::uint32_t words[4];  ///< the first `size_bytes` bytes, zeros behind
  std::uint32_t size_bytes;
};

}  // namespace sampan::cuda_like
