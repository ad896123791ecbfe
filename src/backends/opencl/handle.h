#pragma once

#include <utility>

#include "backends/opencl/api.h"

namespace sampan::opencl {

/// Owns one reference to a driver's object and gives it back when it ends.
template <typename Handle, cl::Int (*Api::*kRelease)(Handle)>
class Owned {
 public:
  Owned() = default;
  explicit Owned(Handle handle) : handle_(handle) {}
  Owned(Owned&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Owned& operator=(Owned&& other) noexcept {
    const Owned old(std::exchange(handle_, std::exchange(other.handle_, nullptr)));
    return *this;
  }
  ~Owned() {
    if (handle_ != nullptr) (api().*kRelease)(handle_);
  }

  /// Keeps the reference for ever.
  void leak() { handle_ = nullptr; }

  [[nodiscard]] Handle get() const { return handle_; }
  [[nodiscard]] explicit operator bool() const { return handle_ != nullptr; }

 private:
  Handle handle_ = nullptr;
};

using OwnedContext = Owned<cl::Context, &Api::release_context>;
using OwnedQueue = Owned<cl::Queue, &Api::release_command_queue>;
using OwnedMem = Owned<cl::Mem, &Api::release_mem_object>;
using OwnedProgram = Owned<cl::Program, &Api::release_program>;
using OwnedKernel = Owned<cl::Kernel, &Api::release_kernel>;
using OwnedEvent = Owned<cl::Event, &Api::release_event>;

}  // namespace sampan::opencl
