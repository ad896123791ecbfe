#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "backends/opencl/handle.h"
#include "backends/opencl/launch.h"
#include "backends/opencl/memory.h"
#include "backends/opencl/stream.h"

namespace sampan::opencl {

/// Pinned memory as arguments of one launch, on a device that has no pointer to it.
///
/// OpenCL lets no kernel touch a buffer that is mapped, and pinned memory stays mapped for its
/// life. So the kernel works on a copy in device memory, and the bytes that it changed are written
/// back. Only those: the rest of a block belongs to other streams and to the host, which may change
/// it meanwhile. This costs three passes over the memory, from the first argument to its end.
class PinnedArgs {
 public:
  /// Enqueues the copies for those arguments of `kernel` that it has as `pinned`, and sets them.
  /// Throws Failure.
  PinnedArgs(Stream& stream, KernelInstance& kernel);
  PinnedArgs(const PinnedArgs&) = delete;
  PinnedArgs& operator=(const PinnedArgs&) = delete;

  /// Once, after the launch was enqueued and noted. Throws Failure.
  void write_back();

 private:
  /// The bytes of a memory from `begin_bytes` to its end.
  struct Copy {
    Memory* memory;
    std::uint64_t begin_bytes;
    OwnedMem given;    // as the kernel found them
    OwnedMem working;  // as it leaves them

    [[nodiscard]] std::uint64_t size_bytes() const { return memory->size_bytes() - begin_bytes; }
  };

  /// Found, or made with nothing in it.
  [[nodiscard]] Copy& copy_of(Memory& memory);
  void enqueue_copy(Copy& copy) const;
  static void write_back(Device& device, const Copy& copy);

  Stream& stream_;
  std::shared_ptr<std::vector<Copy>> copies_ = std::make_shared<std::vector<Copy>>();
  std::vector<OwnedMem> views_;  // until the launch holds them
};

}  // namespace sampan::opencl
