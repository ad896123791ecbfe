// Launches: checked, their arguments captured, run block after block.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "kernel_abi.h"
#include "module.h"
#include "stream.h"

namespace sampan::emulator {

struct LaunchShape {
  sampan_emulator::Dim3 grid{}, block{};
  unsigned dynamic_bytes = 0;
};

/// The values of a kernel's arguments.
class Arguments {
 public:
  /// Copies them. Throws Refusal{invalid_value} where a pointer is missing.
  Arguments(const Kernel& kernel, void* const* values);

  /// One pointer per argument, valid as long as this object.
  [[nodiscard]] std::vector<void*> pointers();

 private:
  std::vector<std::size_t> offsets_;
  std::vector<std::byte> bytes_;
};

/// Throws Refusal: invalid_value beyond the device's limits or the shared memory that the kernel
/// opted in to, launch_out_of_resources beyond what the kernel was compiled for.
void check_launch(const Kernel& kernel, const LaunchShape& shape);

/// Throws Refusal{cooperative_too_large} where not all blocks fit on the device at once.
void check_cooperative(const Kernel& kernel, const LaunchShape& shape);

/// The work of one launch. When run it throws Refusal{illegal_address} or {launch_failed}, with a
/// report that names kernel, block and thread.
[[nodiscard]] Work launch_work(Stream& stream, std::shared_ptr<Kernel> kernel,
                               const LaunchShape& shape, Arguments arguments);

/// The same for code that runs on a stream already. `stream` ends a launch that is no longer
/// wanted.
void run_launch(const Stream& stream, const Kernel& kernel, const LaunchShape& shape,
                Arguments& arguments);

}  // namespace sampan::emulator
