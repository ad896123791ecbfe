#include "backends/level_zero/launch.h"

#include <algorithm>
#include <cstring>

#include "backends/level_zero/memory.h"
#include "backends/level_zero/stream.h"

namespace sampan::level_zero {

KernelInstance::KernelInstance(const Kernel& kernel)
    : program_(kernel.program()),
      name_(kernel.name()),
      kernel_(kernel.make()),
      slots_(kernel.arg_count()) {}

void KernelInstance::set_args(const sampan_arg_t* args, std::uint32_t count) {
  if (count != slots_.size()) [[unlikely]] {
    throw Failure(SAMPAN_INVALID_ARGUMENT, "Kernel '" + *name_ + "' takes " +
                                               std::to_string(slots_.size()) + " arguments, not " +
                                               std::to_string(count));
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    if (args[i].kind == SAMPAN_ARG_VALUE) {
      set(i, args[i].u.value, args[i].size_bytes);
      continue;
    }
    const sampan_region_t& region = args[i].u.region;
    const void* const pointer =
        region.memory != nullptr ? region.memory->address() + region.offset_bytes : nullptr;
    set(i, &pointer, sizeof pointer);
  }
}

void KernelInstance::set(std::uint32_t index, const void* value, std::uint32_t size_bytes) {
  Slot& slot = slots_[index];
  if (slot.size_bytes == size_bytes && std::memcmp(slot.value.data(), value, size_bytes) == 0) {
    return;
  }
  slot.size_bytes = 0;
  const ze::Result code = api().kernel_set_argument_value(handle(), index, size_bytes, value);
  if (code != ze::kSuccess) [[unlikely]] {
    throw failure_of(code, "zeKernelSetArgumentValue", During::kSubmission,
                     "Setting argument " + std::to_string(index) + " of kernel '" + *name_ + "'");
  }
  slot.size_bytes = size_bytes;
  std::memcpy(slot.value.data(), value, size_bytes);
}

void KernelInstance::set_group(const std::uint32_t (&group)[3]) {
  if (std::ranges::equal(group, group_)) [[likely]]
    return;
  group_ = {};
  const ze::Result code = api().kernel_set_group_size(handle(), group[0], group[1], group[2]);
  if (code != ze::kSuccess) {
    throw failure_of(code, "zeKernelSetGroupSize", During::kSubmission,
                     "Setting the group size of kernel '" + *name_ + "'");
  }
  std::ranges::copy(group, group_.begin());
}

KernelInstance& KernelSet::get(const Kernel& kernel, std::uint64_t submitted,
                               std::uint64_t settled) {
  const std::uint64_t epoch = kernel.device().unload_epoch.load(std::memory_order_acquire);
  if (epoch != seen_epoch_) [[unlikely]] {
    retire(submitted);
    seen_epoch_ = epoch;
  }
  if (!retired_.empty()) [[unlikely]] {
    std::erase_if(retired_, [&](const auto& entry) { return entry.first <= settled; });
  }
  return kernel.id() == last_id_ ? *last_ : find_or_make(kernel);
}

// Launches of an unloaded module may still be on their way.
void KernelSet::retire(std::uint64_t submitted) {
  last_id_ = 0;
  for (auto it = instances_.begin(); it != instances_.end();) {
    if (it->second->unloaded()) {
      retired_.emplace_back(submitted, std::move(it->second));
      it = instances_.erase(it);
    } else {
      ++it;
    }
  }
}

KernelInstance& KernelSet::find_or_make(const Kernel& kernel) {
  auto found = instances_.find(kernel.id());
  if (found == instances_.end()) {
    found = instances_.emplace(kernel.id(), std::make_unique<KernelInstance>(kernel)).first;
  }
  last_id_ = kernel.id();
  last_ = found->second.get();
  return *last_;
}

void KernelSet::clear() {
  last_id_ = 0;
  instances_.clear();
  retired_.clear();
}

namespace {

std::string text_of(const std::uint32_t (&size)[3]) {
  return std::to_string(size[0]) + " x " + std::to_string(size[1]) + " x " +
         std::to_string(size[2]);
}

}  // namespace

void enqueue_launch(Stream& stream, const sampan_launch_t& launch) {
  if (launch.cooperative != 0) {
    throw Failure(SAMPAN_UNSUPPORTED,
                  "The Level Zero backend has no cooperative launches; split the kernel instead");
  }
  const Kernel& kernel = *launch.kernel;
  KernelInstance& instance =
      stream.kernels().get(kernel, stream.mark().submissions, stream.progress().settled());
  instance.set_args(launch.args, launch.arg_count);
  instance.set_group(launch.group);
  const ze::GroupCount groups{launch.grid[0], launch.grid[1], launch.grid[2]};
  const ze::Result code = stream.submit_launch(launch, kernel.name(), [&](ze::CommandList list) {
    return api().append_launch_kernel(list, instance.handle(), &groups, nullptr, 0, nullptr);
  });
  if (code == ze::kSuccess) [[likely]]
    return;
  Failure failure =
      failure_of(code, "zeCommandListAppendLaunchKernel", During::kSubmission,
                 "Launching kernel '" + *kernel.name() + "' on " + text_of(launch.grid) +
                     " groups of " + text_of(launch.group) + " items");
  failure.sequence = launch.sequence;
  failure.kernel = *kernel.name();
  throw failure;
}

}  // namespace sampan::level_zero
