#include "backends/cpu/transfer.h"

#include <algorithm>
#include <cstring>

#include "backends/cpu/memory.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/stream.h"

namespace sampan::cpu {
namespace {

// Larger transfers are split over the device's threads in pieces of this size: one core of a server
// does not reach its memory's speed.
constexpr std::uint64_t kPieceBytes = std::uint64_t{512} << 10;

// Calls body(offset, bytes) for the pieces of [0, size).
template <typename Body>
void in_pieces(Stream& stream, std::uint64_t size_bytes, Body body) {
  const std::uint64_t pieces = (size_bytes + kPieceBytes - 1) / kPieceBytes;
  parallel_for(stream.device().pool(), stream.worker(), pieces, [&](std::uint64_t i) {
    const std::uint64_t offset = i * kPieceBytes;
    body(offset, std::min(kPieceBytes, size_bytes - offset));
  });
}

struct CopyCommand : Command {
  std::byte* dst;
  const std::byte* src;
  std::uint64_t dst_pitch_bytes, src_pitch_bytes;
  std::uint64_t row_bytes, rows;
};

void run_copy(Stream& stream, Command& raw) {
  const auto& copy = static_cast<CopyCommand&>(raw);
  if (copy.rows == 1) {
    in_pieces(stream, copy.row_bytes, [&](std::uint64_t offset, std::uint64_t bytes) {
      std::memcpy(copy.dst + offset, copy.src + offset, bytes);
    });
    return;
  }
  const std::uint64_t rows_at_once = std::max<std::uint64_t>(1, kPieceBytes / copy.row_bytes);
  const std::uint64_t pieces = (copy.rows + rows_at_once - 1) / rows_at_once;
  parallel_for(stream.device().pool(), stream.worker(), pieces, [&](std::uint64_t piece) {
    const std::uint64_t end = std::min(copy.rows, (piece + 1) * rows_at_once);
    for (std::uint64_t row = piece * rows_at_once; row < end; ++row) {
      std::memcpy(copy.dst + row * copy.dst_pitch_bytes, copy.src + row * copy.src_pitch_bytes,
                  copy.row_bytes);
    }
  });
}

constexpr CommandType kCopy = {run_copy, nullptr, SAMPAN_NODE_COPY, false};

sampan_code_t submit_copy(Stream& stream, std::byte* dst, const std::byte* src,
                          std::uint64_t size_bytes, sampan_error_t* error) {
  return stream.submit<CopyCommand>(kCopy, 0, 0, error, [&](CopyCommand& command) {
    command.dst = dst;
    command.src = src;
    command.row_bytes = size_bytes;
    command.rows = 1;
  });
}

struct FillCommand : Command {
  std::byte* dst;
  std::uint64_t size_bytes;
  std::uint32_t pattern_bytes;
  std::byte pattern[16];
};

void run_fill(Stream& stream, Command& raw) {
  const auto& fill = static_cast<FillCommand&>(raw);
  // A multiple of every pattern's size, so that each block starts with a whole pattern.
  constexpr std::size_t kBlockBytes = 4096;
  std::byte block[kBlockBytes];
  const std::uint64_t block_bytes = std::min<std::uint64_t>(kBlockBytes, fill.size_bytes);
  for (std::uint64_t at = 0; at < block_bytes; at += fill.pattern_bytes) {
    std::memcpy(block + at, fill.pattern, fill.pattern_bytes);
  }
  in_pieces(stream, fill.size_bytes, [&](std::uint64_t offset, std::uint64_t bytes) {
    for (std::uint64_t at = 0; at < bytes; at += kBlockBytes) {
      std::memcpy(fill.dst + offset + at, block, std::min<std::uint64_t>(kBlockBytes, bytes - at));
    }
  });
}

constexpr CommandType kFill = {run_fill, nullptr, SAMPAN_NODE_FILL, false};

}  // namespace

sampan_code_t stream_copy(sampan_stream_t* stream, sampan_region_t dst, sampan_region_t src,
                          std::uint64_t size_bytes, sampan_error_t* error) {
  return submit_copy(*stream, address_of(dst), address_of(src), size_bytes, error);
}

sampan_code_t stream_copy_2d(sampan_stream_t* stream, const sampan_copy_2d_t* copy,
                             sampan_error_t* error) {
  const bool contiguous =
      copy->dst_pitch_bytes == copy->row_bytes && copy->src_pitch_bytes == copy->row_bytes;
  return stream->submit<CopyCommand>(kCopy, 0, 0, error, [&](CopyCommand& command) {
    command.dst = address_of(copy->dst);
    command.src = address_of(copy->src);
    command.dst_pitch_bytes = copy->dst_pitch_bytes;
    command.src_pitch_bytes = copy->src_pitch_bytes;
    command.row_bytes = contiguous ? copy->row_bytes * copy->rows : copy->row_bytes;
    command.rows = contiguous ? 1 : copy->rows;
  });
}

sampan_code_t stream_copy_to_device(sampan_stream_t* stream, sampan_region_t dst, const void* host,
                                    std::uint64_t size_bytes, sampan_error_t* error) {
  return submit_copy(*stream, address_of(dst), static_cast<const std::byte*>(host), size_bytes,
                     error);
}

sampan_code_t stream_copy_to_host(sampan_stream_t* stream, void* host, sampan_region_t src,
                                  std::uint64_t size_bytes, sampan_error_t* error) {
  return submit_copy(*stream, static_cast<std::byte*>(host), address_of(src), size_bytes, error);
}

sampan_code_t stream_fill(sampan_stream_t* stream, sampan_region_t dst, const void* pattern,
                          std::uint32_t pattern_bytes, std::uint64_t size_bytes,
                          sampan_error_t* error) {
  return stream->submit<FillCommand>(kFill, 0, 0, error, [&](FillCommand& command) {
    command.dst = address_of(dst);
    command.size_bytes = size_bytes;
    command.pattern_bytes = pattern_bytes;
    std::memcpy(command.pattern, pattern, pattern_bytes);
  });
}

}  // namespace sampan::cpu
