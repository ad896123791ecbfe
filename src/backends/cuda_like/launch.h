#pragma once

#include <array>
#include <cstdint>

#include "backends/cuda_like/module.h"
#include "backends/cuda_like/stream.h"
#include "sampan/plugin/backend.h"

namespace sampan::cuda_like {

/// The arguments of a launch as the driver takes them: an array of pointers to values. Lives on the
/// stack; refers to the arguments it was made of.
class Arguments {
 public:
  static constexpr std::uint32_t kMost = 128;

  /// Throws Failure: there are too many.
  Arguments(const Kernel& kernel, const sampan_arg_t* args, std::uint32_t count);
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  [[nodiscard]] void** pointers() { return pointers_.data(); }

 private:
  std::array<void*, kMost> pointers_;  // as far as the kernel has arguments
  std::array<Address, kMost> addresses_;
};

/// One driver call. The context is current. Throws Failure.
void enqueue_launch(Stream& stream, const sampan_launch_t& launch);

}  // namespace sampan::cuda_like
