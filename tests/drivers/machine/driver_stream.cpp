#include "driver.h"

namespace sampan::emulator::driver {
namespace {

constexpr unsigned kNonBlocking = 1;
constexpr unsigned kBlockingSync = 1, kDisableTiming = 2, kInterprocess = 4;

HandleTable<Stream>& streams() { return Machine::of_library().streams; }
HandleTable<Event>& events() { return Machine::of_library().events; }

/// A word that streams wait for or write.
std::uint32_t* require_word(std::uint64_t address, Held& held) {
  require(address != 0 && address % sizeof(std::uint32_t) == 0, Status::invalid_value);
  const AddressSpace& memory = Machine::of_library().memory;
  if (is_device_address(address)) {
    held = memory.find(address, sizeof(std::uint32_t));
    require(static_cast<bool>(held), Status::invalid_value);
  } else {
    require(memory.is_known_host(address, sizeof(std::uint32_t)), Status::invalid_value);
  }
  return reinterpret_cast<std::uint32_t*>(real(address));
}

bool is_met(std::uint32_t word, std::uint32_t value, unsigned condition) {
  switch (condition) {
    case 0:
      return static_cast<std::int32_t>(word - value) >= 0;
    case 1:
      return word == value;
    default:
      return (word & value) != 0;
  }
}

}  // namespace

Status create_stream(Handle* out, unsigned flags, int priority) {
  Context& current = context();
  require(out != nullptr && (flags & ~kNonBlocking) == 0, Status::invalid_value);
  *out = streams().add(current.create_stream((flags & kNonBlocking) == 0, priority));
  return Status::ok;
}

Status destroy_stream(Handle handle) {
  require_initialized();
  const std::shared_ptr<Stream> stream = remove_handle(streams(), handle);
  stream->context().retire(*stream);
  return stream->context().status();
}

Status synchronize_stream(Handle handle) {
  const std::shared_ptr<Stream> on = stream(handle);
  on->wait(on->pushed());
  return on->context().status();
}

Status query_stream(Handle handle) {
  const std::shared_ptr<Stream> on = stream(handle);
  return on->idle() ? on->context().status() : Status::not_ready;
}

Status wait_event(Handle stream_handle, Handle event) {
  const std::shared_ptr<Stream> on = stream(stream_handle);
  require_handle(events(), event)->hold(*on);
  return Status::ok;
}

Status launch_host_function(Handle stream_handle, void (*function)(void*), void* argument) {
  const std::shared_ptr<Stream> on = stream(stream_handle);
  require(function != nullptr, Status::invalid_value);
  on->context().push(*on, host_callback(function, argument));
  return Status::ok;
}

Status wait_value(Handle stream_handle, std::uint64_t address, std::uint32_t value,
                  unsigned flags) {
  const std::shared_ptr<Stream> on = stream(stream_handle);
  require(flags <= 2, Status::invalid_value);
  Held held;
  std::uint32_t* const word = require_word(address, held);
  Stream* const waiting = on.get();
  on->context().push(*on, {[=] {
    const auto holds = held;
    wait_until([&] {
      return is_met(__atomic_load_n(word, __ATOMIC_ACQUIRE), value, flags) || waiting->aborted() ||
             waiting->context().status() != Status::ok;
    });
  }});
  return Status::ok;
}

Status write_value(Handle stream_handle, std::uint64_t address, std::uint32_t value) {
  const std::shared_ptr<Stream> on = stream(stream_handle);
  Held held;
  std::uint32_t* const word = require_word(address, held);
  on->context().push(*on, {[=] {
    const auto holds = held;
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
  }});
  return Status::ok;
}

Status synchronize_context() {
  Context& current = context();
  current.synchronize();
  return current.status();
}

Status create_event(Handle* out, unsigned flags) {
  Context& current = context();
  require(out != nullptr && (flags & ~(kBlockingSync | kDisableTiming | kInterprocess)) == 0,
          Status::invalid_value);
  require((flags & kInterprocess) == 0, Status::not_supported);
  *out = events().add(std::make_shared<Event>(current, (flags & kDisableTiming) == 0));
  return Status::ok;
}

Status destroy_event(Handle handle) {
  require_initialized();
  return remove_handle(events(), handle)->context().status();
}

Status record_event(Handle event, Handle stream_handle) {
  const std::shared_ptr<Stream> on = stream(stream_handle);
  require_handle(events(), event)->record(*on);
  return Status::ok;
}

Status query_event(Handle handle) {
  context();
  const std::shared_ptr<Event> event = require_handle(events(), handle);
  const auto record = event->last_record();
  if (record != nullptr && !record->reached()) return Status::not_ready;
  return event->context().status();
}

Status synchronize_event(Handle handle) {
  context();
  const std::shared_ptr<Event> event = require_handle(events(), handle);
  if (const auto record = event->last_record()) record->wait();
  return event->context().status();
}

Status elapsed(float* out_ms, Handle begin, Handle end) {
  context();
  require(out_ms != nullptr, Status::invalid_value);
  *out_ms = elapsed_ms(*require_handle(events(), begin), *require_handle(events(), end));
  return Status::ok;
}

}  // namespace sampan::emulator::driver
