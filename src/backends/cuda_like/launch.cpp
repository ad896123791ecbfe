#include "backends/cuda_like/launch.h"

#include <string>

#include "backends/common/text.h"
#include "backends/cuda_like/memory.h"

namespace sampan::cuda_like {
namespace {

// What a kernel of unknown arguments reads beyond those given.
alignas(16) constinit const unsigned char kZeros[4096] = {};

std::string launching(const Kernel& kernel) {
  return "Launching kernel " + common::in_quotes(*kernel.name());
}

// How many groups of this launch the device holds at once.
void check_resident(const Kernel& kernel, const sampan_launch_t& launch, unsigned local_bytes) {
  const Facts& facts = kernel.device().facts();
  if (!facts.cooperative) {
    throw Failure(SAMPAN_UNSUPPORTED, "This device or driver has no cooperative launches");
  }
  if (!api().occupancy) return;
  int per_unit = 0;
  const auto items = static_cast<int>(launch.group[0] * launch.group[1] * launch.group[2]);
  check(api().occupancy, During::kQuery, launching(kernel), &per_unit, kernel.function(), items,
        static_cast<std::size_t>(local_bytes));
  const std::uint64_t room = static_cast<std::uint64_t>(per_unit) * facts.multiprocessors;
  const std::uint64_t groups = std::uint64_t{launch.grid[0]} * launch.grid[1] * launch.grid[2];
  if (groups <= room) return;
  throw Failure(SAMPAN_UNSUPPORTED, launching(kernel) + " with " + std::to_string(groups) +
                                        " groups at once isn't possible: the device holds " +
                                        std::to_string(room));
}

[[noreturn]] void fail(Result code, const char* call, const Kernel& kernel,
                       const sampan_launch_t& launch) {
  Failure failure = failure_of(code, call, During::kSubmission, launching(kernel));
  if (!breaks_context(code)) {
    failure.kernel = *kernel.name();
    failure.sequence = launch.sequence;
  }
  throw failure;
}

}  // namespace

Arguments::Arguments(const Kernel& kernel, const sampan_arg_t* args, std::uint32_t count) {
  if (count > kMost) {
    throw Failure(SAMPAN_INVALID_ARGUMENT, launching(kernel) + " with " + std::to_string(count) +
                                               " arguments isn't possible; the limit is " +
                                               std::to_string(kMost));
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const sampan_arg_t& arg = args[i];
    if (arg.kind == SAMPAN_ARG_VALUE) {
      pointers_[i] = const_cast<std::uint8_t*>(arg.u.value);
      continue;
    }
    const sampan_region_t& region = arg.u.region;
    addresses_[i] = region.memory != nullptr ? region.memory->address() + region.offset_bytes : 0;
    pointers_[i] = &addresses_[i];
  }
  if (kernel.of_dialect()) return;
  // The driver reads as many as the kernel has, which it doesn't tell.
  for (std::uint32_t i = count; i < kMost; ++i) pointers_[i] = const_cast<unsigned char*>(kZeros);
}

void enqueue_launch(Stream& stream, const sampan_launch_t& launch) {
  Kernel& kernel = *launch.kernel;
  Arguments arguments(kernel, launch.args, launch.arg_count);
  const unsigned local_bytes = kernel.local_bytes(launch.local_bytes);
  const std::uint32_t* const grid = launch.grid;
  const std::uint32_t* const group = launch.group;
  if (launch.cooperative == 0) [[likely]] {
    const Result code =
        api().launch(kernel.function(), grid[0], grid[1], grid[2], group[0], group[1], group[2],
                     local_bytes, stream.handle(), arguments.pointers(), nullptr);
    if (code != kSuccess) [[unlikely]]
      fail(code, api().launch.symbol, kernel, launch);
  } else {
    check_resident(kernel, launch, local_bytes);
    const Result code =
        api().launch_cooperative(kernel.function(), grid[0], grid[1], grid[2], group[0], group[1],
                                 group[2], local_bytes, stream.handle(), arguments.pointers());
    if (code != kSuccess) fail(code, api().launch_cooperative.symbol, kernel, launch);
  }
  Progress& progress = stream.progress();
  progress.note_launch(launch.sequence, kernel.name());
  const Word& completed = progress.completed_word();
  if (completed.host != nullptr) [[unlikely]] {
    check(api().stream_write_value, During::kSubmission, launching(kernel), stream.handle(),
          completed.address, static_cast<std::uint32_t>(progress.mark().launches), 0u);
  }
}

}  // namespace sampan::cuda_like
