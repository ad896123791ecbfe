#pragma once

#include <cstdint>
#include <string>

#include "core/memory/pool.h"

namespace sampan::core {

class BufferImpl;
class EventHandle;

/// What SAMPAN_VALIDATE=1 adds to the checks that always run: handles that were destroyed, buffers
/// that leak, work of different streams that touches the same memory without an event between.
/// Every function is one load and nothing else while it is off.
namespace audit {

enum class Access : std::uint8_t { read, write };

/// Bytes [begin, end) of a buffer, touched by a piece of work.
struct Touch {
  BufferImpl* buffer = nullptr;
  std::uint64_t begin_bytes = 0, end_bytes = 0;
  Access access = Access::read;
};

extern const bool kActive;

void add_buffer(BufferImpl* buffer);
void remove_buffer(BufferImpl* buffer) noexcept;
/// Frees a destroyed BufferImpl's own bytes; while validation is on not at once, lest a new buffer
/// take the address and a stale view pass for a view of it.
void free_buffer(void* bytes) noexcept;
/// Throws invalid_argument if the buffer was destroyed.
void require_live(const BufferImpl* buffer);

/// Work `position` of a stream touches memory. Throws invalid_argument, naming both pieces of work,
/// if another stream's access to the same bytes, one of the two writing, is not ordered before it.
void touch(StreamKey stream, std::uint64_t position, const std::string& work, const Touch& touch);
/// Forgets what work `position` touches: it was refused and will not run.
void withdraw(StreamKey stream, std::uint64_t position) noexcept;

/// The order that events, waits and the host make.
void recorded(const EventHandle* event, StreamKey stream, std::uint64_t position);
void waited(StreamKey stream, const EventHandle* event);
void event_gone(const EventHandle* event) noexcept;
void synchronized(StreamKey stream, std::uint64_t position);
void host_waited(const EventHandle* event);
/// The stream was destroyed, which waited for its work.
void stream_gone(StreamKey stream) noexcept;

}  // namespace audit
}  // namespace sampan::core
