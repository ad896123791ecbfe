#include "call.h"
#include "driver.h"

namespace sampan::emulator::driver {
namespace {

std::atomic<bool> initialized{false};

AddressSpace& memory() { return Machine::of_library().memory; }

}  // namespace

Status initialize() {
  require(Machine::of_library().device_count() > 0, Status::no_device);
  remember_process();
  initialized = true;
  return Status::ok;
}

void require_initialized() { require(initialized, Status::not_initialized); }

Context& context() {
  require_initialized();
  Context* const context = current_context();
  require(context != nullptr && context->device().retained(), Status::invalid_context);
  require(context->status() == Status::ok, context->status());
  return *context;
}

std::shared_ptr<Stream> stream(Handle handle) {
  const auto number = reinterpret_cast<std::uint64_t>(handle);
  Context& current = context();
  if (number <= 1) return current.legacy_stream();
  std::shared_ptr<Stream> stream = require_handle(Machine::of_library().streams, handle);
  require(stream->context().status() == Status::ok, stream->context().status());
  return stream;
}

Status memory_info(std::size_t* out_free, std::size_t* out_total) {
  Context& current = context();
  require(out_free != nullptr && out_total != nullptr, Status::invalid_value);
  const std::uint64_t total = current.device().properties().memory_bytes;
  const std::uint64_t room = std::min(total, Control::of_library().memory_limit());
  const std::uint64_t used = memory().used_bytes(current.device().index());
  *out_total = total;
  *out_free = used < room ? room - used : 0;
  return Status::ok;
}

Status allocate(std::uint64_t* out, std::size_t bytes) {
  Context& current = context();
  require(out != nullptr, Status::invalid_value);
  *out = memory().allocate(current, bytes);
  return Status::ok;
}

Status free(std::uint64_t address) {
  require_initialized();
  if (address == 0) return Status::ok;
  const std::shared_ptr<Block> block = memory().start_free(address);
  block->context->synchronize();
  memory().finish_free(block);
  return block->context->status();
}

Status allocate_async(std::uint64_t* out, std::size_t bytes, Handle handle) {
  const std::shared_ptr<Stream> on = stream(handle);
  require(out != nullptr, Status::invalid_value);
  try {
    *out = memory().allocate(on->context(), bytes);
  } catch (const Refusal& refusal) {
    if (refusal.status != Status::out_of_memory) throw;
    on->wait(on->pushed());
    *out = memory().allocate(on->context(), bytes);
  }
  return Status::ok;
}

Status free_async(std::uint64_t address, Handle handle) {
  require_initialized();
  if (address == 0) return Status::ok;
  const auto number = reinterpret_cast<std::uint64_t>(handle);
  const std::shared_ptr<Stream> on = number <= 1
                                         ? context().legacy_stream()
                                         : require_handle(Machine::of_library().streams, handle);
  const std::shared_ptr<Block> block = memory().start_free(address);
  on->context().push(*on, {[block] { memory().finish_free(block); }, true});
  return on->context().status();
}

Status allocate_host(void** out, std::size_t bytes) {
  Context& current = context();
  require(out != nullptr, Status::invalid_value);
  *out = memory().allocate_host(current, bytes);
  return Status::ok;
}

Status free_host(void* pointer) {
  require_initialized();
  if (pointer == nullptr) return Status::ok;
  Context* const current = current_context();
  if (current != nullptr) current->synchronize();
  memory().free_host(pointer);
  return current != nullptr ? current->status() : Status::ok;
}

Status host_device_address(std::uint64_t* out, void* pointer) {
  context();
  require(out != nullptr && memory().is_known_host(address_of(pointer), 1), Status::invalid_value);
  *out = address_of(pointer);
  return Status::ok;
}

Status register_host(void* pointer, std::size_t bytes) {
  memory().register_host(context(), pointer, bytes);
  return Status::ok;
}

Status unregister_host(void* pointer) {
  require_initialized();
  Context* const current = current_context();
  if (current != nullptr) current->synchronize();
  memory().unregister_host(pointer);
  return current != nullptr ? current->status() : Status::ok;
}

Status copy(const Copy& copy, Place dst, Place src, Handle handle) {
  const std::shared_ptr<Stream> on = stream(handle);
  check_copy(copy, dst, src);
  push_copy(*on, copy);
  return on->context().status();
}

Status fill(const Fill& fill, Handle handle) {
  const std::shared_ptr<Stream> on = stream(handle);
  check_fill(fill);
  on->context().push(*on, {[fill] { run_fill(fill); }});
  return Status::ok;
}

}  // namespace sampan::emulator::driver
