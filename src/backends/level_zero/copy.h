#pragma once

#include <cstdint>

#include "sampan/plugin/backend.h"

namespace sampan::level_zero {

// See sampan_stream_table_t.
sampan_code_t copy(sampan_stream_t* stream, sampan_region_t dst, sampan_region_t src,
                   std::uint64_t size_bytes, sampan_error_t* error);
sampan_code_t copy_2d(sampan_stream_t* stream, const sampan_copy_2d_t* copy, sampan_error_t* error);
sampan_code_t copy_to_device(sampan_stream_t* stream, sampan_region_t dst, const void* host,
                             std::uint64_t size_bytes, sampan_error_t* error);
sampan_code_t copy_to_host(sampan_stream_t* stream, void* host, sampan_region_t src,
                           std::uint64_t size_bytes, sampan_error_t* error);
sampan_code_t fill(sampan_stream_t* stream, sampan_region_t dst, const void* pattern,
                   std::uint32_t pattern_bytes, std::uint64_t size_bytes, sampan_error_t* error);

extern const sampan_peer_table_t kPeerTable;

}  // namespace sampan::level_zero
