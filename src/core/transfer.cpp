#include "core/transfer.h"

#include <algorithm>
#include <array>
#include <memory>

#include "core/buffer.h"
#include "core/error.h"
#include "core/event.h"
#include "core/open_device.h"
#include "core/stream.h"

namespace sampan::core {
namespace {

// Two chunks in flight hide reading behind writing; 4 MiB is far above the size where a copy's
// fixed cost shows (some 40 us per round trip on a virtual machine) and small beside any model.
constexpr std::uint64_t kChunkBytes = 4ull << 20;

std::shared_ptr<EventHandle> record(StreamImpl& stream) {
  EventImpl event(stream.device(), 0);
  stream.record(event);
  return event.current();
}

void copy_chunks(StreamImpl& from, const View& src, StreamImpl& to, const View& dst,
                 std::uint64_t size_bytes) {
  struct Slot {
    std::unique_ptr<BufferImpl> staging;
    std::shared_ptr<EventHandle> written;  // the slot may be filled again behind it
  };
  std::array<Slot, 2> slots;
  for (std::uint64_t done = 0, i = 0; done < size_bytes; ++i) {
    const std::uint64_t chunk = std::min(kChunkBytes, size_bytes - done);
    Slot& slot = slots[i % slots.size()];
    if (!slot.staging) {
      slot.staging = from.device()->allocate(chunk, MemoryKind::host, &from);
    }
    auto* host = static_cast<std::byte*>(slot.staging->host_data());
    if (slot.written) from.wait(slot.written);
    // The staging memory is the reader's; the writer uses it, too, until `written`. Noted first:
    // the next call may fail with the copy before it under way.
    slot.staging->note_use(to.key());
    slot.staging->note_use(from.key());
    from.copy_to_host({host, chunk}, *src.impl(), src.offset_bytes() + done);
    to.wait(record(from));
    to.copy_from_host(*dst.impl(), dst.offset_bytes() + done, {host, chunk});
    slot.written = record(to);
    done += chunk;
  }
}

}  // namespace

void copy_between_devices(StreamImpl& stream, const View& dst, const View& src,
                          std::uint64_t size_bytes) {
  OpenDevice& to_device = *dst.impl()->device();
  OpenDevice& from_device = *src.impl()->device();
  to_device.require_current();
  from_device.require_current();
  const bool writes = stream.device().get() == &to_device;
  if (!writes && stream.device().get() != &from_device) {
    throw_invalid("a copy from " + from_device.info.id + " to " + to_device.info.id +
                  " needs a stream of one of the two, not of " + stream.device()->info.id);
  }

  if (&to_device.backend == &from_device.backend && writes &&
      (to_device.backend.capabilities & SAMPAN_CAP_PEER) != 0) {
    std::uint32_t direct = 0;
    ErrorRecord error;
    check(to_device.backend.peer.can_copy(to_device.handle(), from_device.handle(), &direct,
                                          error.raw()),
          error, to_device.backend.name);
    if (direct != 0) return stream.copy_peer(dst, src, size_bytes);
  }

  // One side within reach of the host: the other side's stream copies straight.
  if (writes) {
    if (const void* host = src.impl()->host_data()) {
      const auto* first = static_cast<const std::byte*>(host) + src.offset_bytes();
      stream.use(src, audit::Access::read, "copy");
      return stream.copy_from_host(*dst.impl(), dst.offset_bytes(), {first, size_bytes});
    }
  } else if (void* host = dst.impl()->host_data()) {
    auto* first = static_cast<std::byte*>(host) + dst.offset_bytes();
    stream.use(dst, audit::Access::write, "copy");
    return stream.copy_to_host({first, size_bytes}, *src.impl(), src.offset_bytes());
  }

  StreamImpl& other = stream.transfer_stream(writes ? from_device : to_device);
  other.wait(record(stream));
  if (writes) {
    copy_chunks(other, src, stream, dst, size_bytes);
  } else {
    copy_chunks(stream, src, other, dst, size_bytes);
  }
  stream.wait(record(other));
}

}  // namespace sampan::core
