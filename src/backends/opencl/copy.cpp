#include "backends/opencl/copy.h"

#include <array>
#include <cstring>

#include "backends/opencl/memory.h"
#include "backends/opencl/stream.h"

namespace sampan::opencl {
namespace {

constexpr const char* kCopying = "Copying";

/// A region, with what commands need of it.
struct Place {
  explicit Place(const sampan_region_t& region)
      : memory(*region.memory), offset_bytes(region.offset_bytes) {}

  /// Only where the memory has an address.
  [[nodiscard]] char* address() const { return memory.address() + offset_bytes; }
  /// The host alone reaches it.
  [[nodiscard]] bool mapped() const { return memory.mapped(); }

  Memory& memory;
  std::uint64_t offset_bytes;
};

void enqueue_memcpy(const Stream& stream, void* dst, const void* src, std::uint64_t size_bytes) {
  const Traits& traits = stream.device().traits();
  if (traits.path == MemoryPath::kUsm) {
    check(traits.extension.enqueue_memcpy(stream.queue(), cl::kFalse, dst, src, size_bytes, 0,
                                          nullptr, nullptr),
          "clEnqueueMemcpyINTEL", During::kSubmission, kCopying);
  } else {
    check(api().enqueue_svm_memcpy(stream.queue(), cl::kFalse, dst, src, size_bytes, 0, nullptr,
                                   nullptr),
          "clEnqueueSVMMemcpy", During::kSubmission, kCopying);
  }
}

void write_buffer(const Stream& stream, const Place& dst, const void* host,
                  std::uint64_t size_bytes) {
  check(api().enqueue_write_buffer(stream.queue(), dst.memory.buffer(), cl::kFalse,
                                   dst.offset_bytes, size_bytes, host, 0, nullptr, nullptr),
        "clEnqueueWriteBuffer", During::kSubmission, kCopying);
}

void read_buffer(const Stream& stream, void* host, const Place& src, std::uint64_t size_bytes) {
  check(api().enqueue_read_buffer(stream.queue(), src.memory.buffer(), cl::kFalse, src.offset_bytes,
                                  size_bytes, host, 0, nullptr, nullptr),
        "clEnqueueReadBuffer", During::kSubmission, kCopying);
}

/// Rows of bytes between two addresses of the host's.
struct HostRows {
  char* dst;
  const char* src;
  std::uint64_t row_bytes, rows, dst_pitch_bytes, src_pitch_bytes;
};

void copy_on_host(Stream& stream, const HostRows& c) {
  stream.run_on_host([c](bool failed) {
    for (std::uint64_t row = 0; row < c.rows && !failed; ++row) {
      std::memcpy(c.dst + row * c.dst_pitch_bytes, c.src + row * c.src_pitch_bytes, c.row_bytes);
    }
  });
}

void copy_on_host(Stream& stream, void* dst, const void* src, std::uint64_t size_bytes) {
  copy_on_host(stream,
               {static_cast<char*>(dst), static_cast<const char*>(src), size_bytes, 1, 0, 0});
}

// Mapped memory is a host address: reading and writing from there is what drivers make fast.
void enqueue_copy(Stream& stream, const Place& dst, const Place& src, std::uint64_t size_bytes) {
  if (dst.mapped() && src.mapped()) {
    copy_on_host(stream, dst.address(), src.address(), size_bytes);
  } else if (dst.memory.pointer() != nullptr || src.memory.pointer() != nullptr) {
    enqueue_memcpy(stream, dst.address(), src.address(), size_bytes);
  } else if (src.mapped()) {
    write_buffer(stream, dst, src.address(), size_bytes);
  } else if (dst.mapped()) {
    read_buffer(stream, dst.address(), src, size_bytes);
  } else {
    check(api().enqueue_copy_buffer(stream.queue(), src.memory.buffer(), dst.memory.buffer(),
                                    src.offset_bytes, dst.offset_bytes, size_bytes, 0, nullptr,
                                    nullptr),
          "clEnqueueCopyBuffer", During::kSubmission, kCopying);
  }
}

using Origin = std::array<std::size_t, 3>;

// Where a byte lies in rows of `pitch` bytes.
Origin origin_at(std::uint64_t offset_bytes, std::uint64_t pitch_bytes) {
  return {offset_bytes % pitch_bytes, offset_bytes / pitch_bytes, 0};
}

/// One side of a rectangular copy: inside a buffer, or from an address of the host's.
struct Side {
  cl::Mem buffer;
  char* host;  // null: a buffer
  Origin origin;
  std::size_t pitch_bytes;
};

// A row must fit between two pitches, seen from the place where it starts; else the rectangle
// can't be told to the driver.
bool expressible(const Side& side, std::uint64_t row_bytes) {
  return side.origin[0] + row_bytes <= side.pitch_bytes;
}

Side side_of(const Place& place, std::uint64_t pitch_bytes) {
  Memory& memory = place.memory;
  if (memory.mapped()) return {nullptr, place.address(), {0, 0, 0}, pitch_bytes};
  return {memory.as_buffer(), nullptr, origin_at(place.offset_bytes, pitch_bytes), pitch_bytes};
}

cl::Int enqueue_rect(cl::Queue queue, const Side& dst, const Side& src, const Origin& region) {
  if (src.host != nullptr) {
    return api().enqueue_write_buffer_rect(queue, dst.buffer, cl::kFalse, dst.origin.data(),
                                           src.origin.data(), region.data(), dst.pitch_bytes, 0,
                                           src.pitch_bytes, 0, src.host, 0, nullptr, nullptr);
  }
  if (dst.host != nullptr) {
    return api().enqueue_read_buffer_rect(queue, src.buffer, cl::kFalse, src.origin.data(),
                                          dst.origin.data(), region.data(), src.pitch_bytes, 0,
                                          dst.pitch_bytes, 0, dst.host, 0, nullptr, nullptr);
  }
  return api().enqueue_copy_buffer_rect(queue, src.buffer, dst.buffer, src.origin.data(),
                                        dst.origin.data(), region.data(), src.pitch_bytes, 0,
                                        dst.pitch_bytes, 0, 0, nullptr, nullptr);
}

// The bytes from the first to the last of a rectangle, seen as a buffer object of their own.
OwnedMem part_of(const sampan_region_t& region, std::uint64_t pitch_bytes,
                 const sampan_copy_2d_t& c) {
  return region.memory->alias_part(region.offset_bytes, (c.rows - 1) * pitch_bytes + c.row_bytes);
}

// One buffer object has one pitch, says the specification. Where the two differ, each side gets an
// object of its own. (Not a sub-buffer: PoCL 3.1 crashes on two of one buffer in one command.)
bool split(const sampan_copy_2d_t& c, Side& dst, Side& src, std::array<OwnedMem, 2>& parts) {
  const auto end = [&](const sampan_region_t& region, std::uint64_t pitch_bytes) {
    return region.offset_bytes + (c.rows - 1) * pitch_bytes + c.row_bytes;
  };
  const bool disjoint = end(c.dst, c.dst_pitch_bytes) <= c.src.offset_bytes ||
                        end(c.src, c.src_pitch_bytes) <= c.dst.offset_bytes;
  if (!disjoint) return false;
  parts = {part_of(c.dst, c.dst_pitch_bytes, c), part_of(c.src, c.src_pitch_bytes, c)};
  dst.buffer = parts[0].get();
  src.buffer = parts[1].get();
  dst.origin = src.origin = {0, 0, 0};
  return dst.buffer != nullptr && src.buffer != nullptr;
}

// False where one command can't do it: no buffer over these bytes, or rows that wrap around the
// pitch, or interleaved rows of one memory, which some drivers take for an overlap.
bool try_rect(const Stream& stream, const sampan_copy_2d_t& c) {
  Side dst = side_of(Place(c.dst), c.dst_pitch_bytes);
  Side src = side_of(Place(c.src), c.src_pitch_bytes);
  const bool reachable = (dst.buffer != nullptr) != (dst.host != nullptr) &&
                         (src.buffer != nullptr) != (src.host != nullptr);
  if (!reachable) return false;
  std::array<OwnedMem, 2> parts;
  const bool one_buffer = dst.buffer == src.buffer && dst.pitch_bytes != src.pitch_bytes;
  if (one_buffer && !split(c, dst, src, parts)) return false;
  if (!expressible(dst, c.row_bytes) || !expressible(src, c.row_bytes)) return false;
  const cl::Int code = enqueue_rect(stream.queue(), dst, src, {c.row_bytes, c.rows, 1});
  if (code == cl::kMemCopyOverlap) return false;
  check(code, "clEnqueue…BufferRect", During::kSubmission, "Copying rows");
  return true;
}

void enqueue_rows(Stream& stream, const sampan_copy_2d_t& c) {
  Place dst(c.dst);
  Place src(c.src);
  for (std::uint64_t row = 0; row < c.rows; ++row) {
    enqueue_copy(stream, dst, src, c.row_bytes);
    dst.offset_bytes += c.dst_pitch_bytes;
    src.offset_bytes += c.src_pitch_bytes;
  }
}

void fill_on_host(Stream& stream, char* dst, const void* pattern, std::uint32_t pattern_bytes,
                  std::uint64_t size_bytes) {
  std::array<char, 16> kept{};
  std::memcpy(kept.data(), pattern, pattern_bytes);
  stream.run_on_host([=](bool failed) {
    for (std::uint64_t at = 0; at < size_bytes && !failed; at += pattern_bytes) {
      std::memcpy(dst + at, kept.data(), pattern_bytes);
    }
  });
}

void enqueue_fill(Stream& stream, const Place& dst, const void* pattern,
                  std::uint32_t pattern_bytes, std::uint64_t size_bytes) {
  constexpr const char* kFilling = "Filling";
  const Traits& traits = stream.device().traits();
  if (dst.mapped()) {
    fill_on_host(stream, dst.address(), pattern, pattern_bytes, size_bytes);
  } else if (dst.memory.pointer() == nullptr) {
    check(api().enqueue_fill_buffer(stream.queue(), dst.memory.buffer(), pattern, pattern_bytes,
                                    dst.offset_bytes, size_bytes, 0, nullptr, nullptr),
          "clEnqueueFillBuffer", During::kSubmission, kFilling);
  } else if (traits.path == MemoryPath::kUsm) {
    check(traits.extension.enqueue_mem_fill(stream.queue(), dst.address(), pattern, pattern_bytes,
                                            size_bytes, 0, nullptr, nullptr),
          "clEnqueueMemFillINTEL", During::kSubmission, kFilling);
  } else {
    check(api().enqueue_svm_mem_fill(stream.queue(), dst.address(), pattern, pattern_bytes,
                                     size_bytes, 0, nullptr, nullptr),
          "clEnqueueSVMMemFill", During::kSubmission, kFilling);
  }
}

}  // namespace

sampan_code_t copy(sampan_stream_t* stream, sampan_region_t dst, sampan_region_t src,
                   std::uint64_t size_bytes, sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    enqueue_copy(*stream, Place(dst), Place(src), size_bytes);
    stream->progress().note_work();
  });
}

sampan_code_t copy_2d(sampan_stream_t* stream, const sampan_copy_2d_t* copy,
                      sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    const bool contiguous =
        copy->dst_pitch_bytes == copy->row_bytes && copy->src_pitch_bytes == copy->row_bytes;
    if (contiguous || copy->rows == 1) {
      enqueue_copy(*stream, Place(copy->dst), Place(copy->src), copy->row_bytes * copy->rows);
    } else if (const Place dst(copy->dst), src(copy->src); dst.mapped() && src.mapped()) {
      copy_on_host(*stream, {dst.address(), src.address(), copy->row_bytes, copy->rows,
                             copy->dst_pitch_bytes, copy->src_pitch_bytes});
    } else if (!try_rect(*stream, *copy)) {
      enqueue_rows(*stream, *copy);
    }
    stream->progress().note_work();
  });
}

sampan_code_t copy_to_device(sampan_stream_t* stream, sampan_region_t dst, const void* host,
                             std::uint64_t size_bytes, sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    const Place to(dst);
    if (to.mapped()) {
      copy_on_host(*stream, to.address(), host, size_bytes);
    } else if (to.memory.pointer() != nullptr) {
      enqueue_memcpy(*stream, to.address(), host, size_bytes);
    } else {
      write_buffer(*stream, to, host, size_bytes);
    }
    stream->progress().note_work();
  });
}

sampan_code_t copy_to_host(sampan_stream_t* stream, void* host, sampan_region_t src,
                           std::uint64_t size_bytes, sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    const Place from(src);
    if (from.mapped()) {
      copy_on_host(*stream, host, from.address(), size_bytes);
    } else if (from.memory.pointer() != nullptr) {
      enqueue_memcpy(*stream, host, from.address(), size_bytes);
    } else {
      read_buffer(*stream, host, from, size_bytes);
    }
    stream->progress().note_work();
  });
}

sampan_code_t fill(sampan_stream_t* stream, sampan_region_t dst, const void* pattern,
                   std::uint32_t pattern_bytes, std::uint64_t size_bytes, sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    enqueue_fill(*stream, Place(dst), pattern, pattern_bytes, size_bytes);
    stream->progress().note_work();
  });
}

}  // namespace sampan::opencl
