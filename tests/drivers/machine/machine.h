// All devices of one emulated library and everything that the program has a handle to.
#pragma once

#include <deque>

#include "context.h"
#include "event.h"
#include "graph.h"
#include "handle_table.h"
#include "memory.h"
#include "module.h"

namespace sampan::emulator {

/// Free-threaded. Each emulated library has one, which lives for ever: the program may end while
/// streams still work.
class Machine {
 public:
  static Machine& of_library();

  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  [[nodiscard]] int device_count() const { return static_cast<int>(devices_.size()); }
  /// Throws Refusal{invalid_device}.
  Device& device(int index);

  [[nodiscard]] void* context_handle(const Device& device) const {
    return context_handles_[static_cast<std::size_t>(device.index())];
  }

  /// Ends every handle and all memory of a context.
  void forget(Context& context);

  AddressSpace memory;
  HandleTable<Context> contexts{Kind::context};
  HandleTable<Stream> streams{Kind::stream};
  HandleTable<Event> events{Kind::event};
  HandleTable<Module> modules{Kind::module};
  HandleTable<Kernel> functions{Kind::function};
  HandleTable<Graph> graphs{Kind::graph};
  HandleTable<Node> nodes{Kind::node};
  HandleTable<Exec> execs{Kind::exec};

 private:
  Machine();

  std::deque<Device> devices_;
  std::vector<void*> context_handles_;
};

/// The devices that the face has; it reads their environment variables. Defined by each face.
[[nodiscard]] std::vector<Properties> devices_of_face();

/// The value of an environment variable, or `otherwise` where it is unset or not a number.
[[nodiscard]] unsigned setting(const char* name, unsigned otherwise);

/// The object behind a handle; throws Refusal{invalid_handle} for any other value.
template <typename T>
[[nodiscard]] std::shared_ptr<T> require_handle(const HandleTable<T>& table, const void* handle) {
  std::shared_ptr<T> object = table.find(handle);
  require(object != nullptr, Status::invalid_handle);
  return object;
}

/// Ends a handle; throws as require_handle.
template <typename T>
std::shared_ptr<T> remove_handle(HandleTable<T>& table, const void* handle) {
  std::shared_ptr<T> object = table.remove(handle);
  require(object != nullptr, Status::invalid_handle);
  return object;
}

}  // namespace sampan::emulator
