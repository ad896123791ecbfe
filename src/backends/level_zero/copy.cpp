#include "backends/level_zero/copy.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "backends/level_zero/memory.h"
#include "backends/level_zero/stream.h"

namespace sampan::level_zero {
namespace {

constexpr const char* kCopying = "Copying";
constexpr const char* kFilling = "Filling";

char* at(const sampan_region_t& region) { return region.memory->address() + region.offset_bytes; }

// Also to and from memory that the program allocated itself: the driver stages it.
void enqueue_copy(Stream& stream, void* dst, const void* src, std::uint64_t size_bytes) {
  stream.submit("zeCommandListAppendMemoryCopy", kCopying, [&](ze::CommandList list) {
    return api().append_memory_copy(list, dst, src, size_bytes, nullptr, 0, nullptr);
  });
}

// Regions count in 32 bits, and rows may not be longer than their pitch.
bool expressible(const sampan_copy_2d_t& c) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  return std::max({c.dst_pitch_bytes, c.src_pitch_bytes, c.rows}) <= kMost &&
         std::min(c.dst_pitch_bytes, c.src_pitch_bytes) >= c.row_bytes;
}

void enqueue_region(Stream& stream, const sampan_copy_2d_t& c) {
  const ze::CopyRegion region{
      0, 0, 0, static_cast<std::uint32_t>(c.row_bytes), static_cast<std::uint32_t>(c.rows), 1};
  stream.submit("zeCommandListAppendMemoryCopyRegion", "Copying rows", [&](ze::CommandList list) {
    return api().append_memory_copy_region(
        list, at(c.dst), &region, static_cast<std::uint32_t>(c.dst_pitch_bytes), 0, at(c.src),
        &region, static_cast<std::uint32_t>(c.src_pitch_bytes), 0, nullptr, 0, nullptr);
  });
}

void enqueue_fill(Stream& stream, char* dst, const void* pattern, std::uint32_t pattern_bytes,
                  std::uint64_t size_bytes) {
  stream.submit("zeCommandListAppendMemoryFill", kFilling, [&](ze::CommandList list) {
    return api().append_memory_fill(list, dst, pattern, pattern_bytes, size_bytes, nullptr, 0,
                                    nullptr);
  });
}

// One pattern in pieces that the driver takes, then twice as much with each copy.
void fill_by_doubling(Stream& stream, char* dst, const char* pattern, std::uint32_t pattern_bytes,
                      std::uint64_t size_bytes) {
  const auto piece = static_cast<std::uint32_t>(stream.device().facts().max_pattern_bytes);
  for (std::uint32_t done = 0; done < pattern_bytes; done += piece) {
    enqueue_fill(stream, dst + done, pattern + done, piece, piece);
  }
  for (std::uint64_t done = pattern_bytes; done < size_bytes;) {
    const std::uint64_t next = std::min(done, size_bytes - done);
    enqueue_copy(stream, dst + done, dst, next);
    done += next;
  }
}

sampan_code_t can_copy_peer(sampan_device_t* dst, sampan_device_t* src, std::uint32_t* out,
                            sampan_error_t* error) {
  return guarded(*dst, error, [&] {
    ze::Bool can = 0;
    if (dst->context() == src->context()) {
      can = dst->id() == src->id() ? 1 : 0;
      if (can == 0) {
        check(api().device_can_access_peer(dst->id(), src->id(), &can), "zeDeviceCanAccessPeer",
              During::kQuery, "Asking whether devices reach each other");
      }
    }
    *out = can != 0 ? 1 : 0;
  });
}

}  // namespace

sampan_code_t copy(sampan_stream_t* stream, sampan_region_t dst, sampan_region_t src,
                   std::uint64_t size_bytes, sampan_error_t* error) {
  return guarded(*stream, error, [&] { enqueue_copy(*stream, at(dst), at(src), size_bytes); });
}

sampan_code_t copy_2d(sampan_stream_t* stream, const sampan_copy_2d_t* copy,
                      sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    const sampan_copy_2d_t& c = *copy;
    const bool contiguous = c.dst_pitch_bytes == c.row_bytes && c.src_pitch_bytes == c.row_bytes;
    if (contiguous || c.rows == 1) {
      enqueue_copy(*stream, at(c.dst), at(c.src), c.row_bytes * c.rows);
    } else if (expressible(c)) {
      enqueue_region(*stream, c);
    } else {
      for (std::uint64_t row = 0; row < c.rows; ++row) {
        enqueue_copy(*stream, at(c.dst) + row * c.dst_pitch_bytes,
                     at(c.src) + row * c.src_pitch_bytes, c.row_bytes);
      }
    }
  });
}

sampan_code_t copy_to_device(sampan_stream_t* stream, sampan_region_t dst, const void* host,
                             std::uint64_t size_bytes, sampan_error_t* error) {
  return guarded(*stream, error, [&] { enqueue_copy(*stream, at(dst), host, size_bytes); });
}

sampan_code_t copy_to_host(sampan_stream_t* stream, void* host, sampan_region_t src,
                           std::uint64_t size_bytes, sampan_error_t* error) {
  return guarded(*stream, error, [&] { enqueue_copy(*stream, host, at(src), size_bytes); });
}

sampan_code_t fill(sampan_stream_t* stream, sampan_region_t dst, const void* pattern,
                   std::uint32_t pattern_bytes, std::uint64_t size_bytes, sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    const auto* bytes = static_cast<const char*>(pattern);
    // Patterns that repeat themselves are shorter ones.
    while (pattern_bytes > 1 &&
           std::memcmp(bytes, bytes + pattern_bytes / 2, pattern_bytes / 2) == 0) {
      pattern_bytes /= 2;
    }
    if (pattern_bytes <= stream->device().facts().max_pattern_bytes) {
      enqueue_fill(*stream, at(dst), bytes, pattern_bytes, size_bytes);
    } else {
      fill_by_doubling(*stream, at(dst), bytes, pattern_bytes, size_bytes);
    }
  });
}

const sampan_peer_table_t kPeerTable = {
    .size = sizeof(sampan_peer_table_t),
    .reserved = 0,
    .can_copy = can_copy_peer,
    .copy = copy,
};

}  // namespace sampan::level_zero
