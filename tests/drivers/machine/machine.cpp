#include "machine.h"

#include <charconv>
#include <cstdlib>
#include <cstring>

namespace sampan::emulator {

Machine& Machine::of_library() {
  static Machine& machine = *new Machine;
  return machine;
}

Machine::Machine() {
  int index = 0;
  for (Properties& properties : devices_of_face()) {
    properties.memory_bytes = std::uint64_t{setting("SAMPAN_EMU_MEMORY_MB", 2048)} << 20;
    Device& device = devices_.emplace_back(index++, std::move(properties));
    context_handles_.push_back(contexts.add({std::shared_ptr<void>(), &device.context()}));
  }
  Control::of_library().on_fail([](int code) {
    if (Context* const context = current_context()) context->fail(static_cast<Status>(code));
  });
  Control::of_library().on_lose([this](int device, int code) {
    if (device < device_count())
      devices_[static_cast<std::size_t>(device)].context().fail(static_cast<Status>(code));
  });
}

Device& Machine::device(int index) {
  require(index >= 0 && index < device_count(), Status::invalid_device);
  return devices_[static_cast<std::size_t>(index)];
}

void Machine::forget(Context& context) {
  const auto is_mine = [&](const auto& object) { return &object.context() == &context; };
  streams.remove_if(is_mine);
  events.remove_if(is_mine);
  execs.remove_if(is_mine);
  functions.remove_if(is_mine);
  modules.remove_if(is_mine);
  memory.release_all(context);
}

unsigned setting(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  if (text == nullptr) return otherwise;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
  return error == std::errc() && *end == '\0' ? value : otherwise;
}

}  // namespace sampan::emulator
