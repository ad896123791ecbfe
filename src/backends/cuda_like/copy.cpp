#include "backends/cuda_like/copy.h"

#include <algorithm>
#include <cstring>

#include "backends/cuda_like/memory.h"

namespace sampan::cuda_like {
namespace {

constexpr const char* kCopying = "Copying";
constexpr const char* kFilling = "Filling";

Address at(const sampan_region_t& region) { return region.memory->address() + region.offset_bytes; }

void enqueue_copy(const Stream& stream, Address dst, Address src, std::uint64_t size_bytes) {
  check(shape().copy, During::kSubmission, kCopying, dst, src, static_cast<std::size_t>(size_bytes),
        stream.handle());
}

// Rows may lie closer than they are long, or farther apart than the driver takes.
bool expressible(const sampan_copy_2d_t& c, std::uint64_t max_pitch_bytes) {
  return std::min(c.dst_pitch_bytes, c.src_pitch_bytes) >= c.row_bytes &&
         std::max(c.dst_pitch_bytes, c.src_pitch_bytes) <= max_pitch_bytes;
}

void enqueue_rows(const Stream& stream, const sampan_copy_2d_t& c) {
  for (std::uint64_t row = 0; row < c.rows; ++row) {
    enqueue_copy(stream, at(c.dst) + row * c.dst_pitch_bytes, at(c.src) + row * c.src_pitch_bytes,
                 c.row_bytes);
  }
}

void enqueue_fill(const Stream& stream, Address dst, const Pattern& pattern,
                  std::uint64_t size_bytes) {
  const DriverStream handle = stream.handle();
  const std::uint32_t value = pattern.words[0];
  const std::size_t count = size_bytes / pattern.size_bytes;
  switch (pattern.size_bytes) {
    case 1:
      check(api().fill8, During::kSubmission, kFilling, dst, static_cast<unsigned char>(value),
            count, handle);
      return;
    case 2:
      check(api().fill16, During::kSubmission, kFilling, dst, static_cast<unsigned short>(value),
            count, handle);
      return;
    case 4:
      check(api().fill32, During::kSubmission, kFilling, dst, value, count, handle);
      return;
    default:
      break;
  }
  // One pattern word by word, then twice as much with each copy: the driver has no longer fills.
  for (std::uint32_t word = 0; word < pattern.size_bytes / 4; ++word) {
    check(api().fill32, During::kSubmission, kFilling, dst + 4 * word, pattern.words[word],
          std::size_t{1}, handle);
  }
  for (std::uint64_t done = pattern.size_bytes; done < size_bytes;) {
    const std::uint64_t next = std::min(done, size_bytes - done);
    enqueue_copy(stream, dst + done, dst, next);
    done += next;
  }
}

}  // namespace

Pattern::Pattern(const void* pattern, std::uint32_t bytes) : words{}, size_bytes(bytes) {
  unsigned char all[16] = {};
  std::memcpy(all, pattern, bytes);
  while (size_bytes > 1 && std::memcmp(all, all + size_bytes / 2, size_bytes / 2) == 0) {
    size_bytes /= 2;
  }
  std::memcpy(words, all, size_bytes);
}

sampan_code_t copy(sampan_stream_t* stream, sampan_region_t dst, sampan_region_t src,
                   std::uint64_t size_bytes, sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    enqueue_copy(*stream, at(dst), at(src), size_bytes);
    stream->progress().note_work();
  });
}

sampan_code_t copy_2d(sampan_stream_t* stream, const sampan_copy_2d_t* copy,
                      sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    const sampan_copy_2d_t& c = *copy;
    const bool contiguous = c.dst_pitch_bytes == c.row_bytes && c.src_pitch_bytes == c.row_bytes;
    if (contiguous || c.rows == 1) {
      enqueue_copy(*stream, at(c.dst), at(c.src), c.row_bytes * c.rows);
    } else if (expressible(c, stream->device().facts().max_pitch_bytes)) {
      const Copy2d rows{at(c.dst),         at(c.src),   c.dst_pitch_bytes,
                        c.src_pitch_bytes, c.row_bytes, c.rows};
      check(shape().copy_2d, During::kSubmission, "Copying rows", rows, stream->handle());
    } else {
      enqueue_rows(*stream, c);
    }
    stream->progress().note_work();
  });
}

sampan_code_t copy_to_device(sampan_stream_t* stream, sampan_region_t dst, const void* host,
                             std::uint64_t size_bytes, sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    if (!stream->copies_directly(host, size_bytes)) {
      stream->host_copies().to_device(stream->handle(), at(dst), host, size_bytes);
    } else if (dst.memory->host() != nullptr) {
      enqueue_copy(*stream, at(dst), reinterpret_cast<Address>(host), size_bytes);
    } else {
      check(api().copy_to_device, During::kSubmission, kCopying, at(dst), host,
            static_cast<std::size_t>(size_bytes), stream->handle());
    }
    stream->progress().note_work();
  });
}

sampan_code_t copy_to_host(sampan_stream_t* stream, void* host, sampan_region_t src,
                           std::uint64_t size_bytes, sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    if (!stream->copies_directly(host, size_bytes)) {
      stream->host_copies().to_host(stream->handle(), host, at(src), size_bytes);
    } else if (src.memory->host() != nullptr) {
      enqueue_copy(*stream, reinterpret_cast<Address>(host), at(src), size_bytes);
    } else {
      check(api().copy_to_host, During::kSubmission, kCopying, host, at(src),
            static_cast<std::size_t>(size_bytes), stream->handle());
    }
    stream->progress().note_work();
  });
}

sampan_code_t fill(sampan_stream_t* stream, sampan_region_t dst, const void* pattern,
                   std::uint32_t pattern_bytes, std::uint64_t size_bytes, sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    enqueue_fill(*stream, at(dst), Pattern(pattern, pattern_bytes), size_bytes);
    stream->progress().note_work();
  });
}

sampan_code_t can_copy_peer(sampan_device_t* dst, sampan_device_t* src, std::uint32_t* out,
                            sampan_error_t* error) {
  return guarded(*dst->context(), error, [&] {
    int can = dst->facts().ordinal == src->facts().ordinal ? 1 : 0;
    if (can == 0) {
      check(api().can_access_peer, During::kQuery, "Asking whether devices reach each other", &can,
            dst->facts().ordinal, src->facts().ordinal);
    }
    *out = can != 0 ? 1 : 0;
  });
}

sampan_code_t copy_peer(sampan_stream_t* stream, sampan_region_t dst, sampan_region_t src,
                        std::uint64_t size_bytes, sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    Device& mine = stream->device();
    const Device& theirs = src.memory->device();
    mine.enable_peer(theirs);
    check(shape().copy_peer, During::kSubmission, "Copying from another device", at(dst),
          mine.context()->handle(), at(src), theirs.context()->handle(),
          static_cast<std::size_t>(size_bytes), stream->handle());
    stream->progress().note_work();
  });
}

}  // namespace sampan::cuda_like
