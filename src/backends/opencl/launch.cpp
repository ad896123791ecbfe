#include "backends/opencl/launch.h"

#include <cstring>

#include "backends/opencl/pinned_args.h"
#include "backends/opencl/stream.h"

namespace sampan::opencl {

KernelInstance::KernelInstance(const Kernel& kernel)
    : program_(kernel.program()),
      name_(kernel.name()),
      extension_(kernel.device().traits().extension),
      kernel_(kernel.make()),
      slots_(kernel.arg_count()) {
  pinned_.reserve(slots_.size());
}

void KernelInstance::set_args(const sampan_arg_t* args, std::uint32_t count) {
  if (count != slots_.size()) [[unlikely]] {
    throw Failure(SAMPAN_INVALID_ARGUMENT, "Kernel '" + *name_ + "' takes " +
                                               std::to_string(slots_.size()) + " arguments, not " +
                                               std::to_string(count));
  }
  pinned_.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    if (args[i].kind == SAMPAN_ARG_VALUE) {
      set_value(i, args[i], slots_[i]);
    } else {
      set_region(i, args[i].u.region, slots_[i]);
    }
  }
}

void KernelInstance::set_value(std::uint32_t index, const sampan_arg_t& arg, Slot& slot) {
  if (slot.kind == Slot::Kind::kValue && slot.size_bytes == arg.size_bytes &&
      std::memcmp(slot.value.data(), arg.u.value, arg.size_bytes) == 0) {
    return;
  }
  slot.kind = Slot::Kind::kUnset;
  const cl::Int code = api().set_kernel_arg(handle(), index, arg.size_bytes, arg.u.value);
  if (code != cl::kSuccess) [[unlikely]] {
    refuse(code, "clSetKernelArg", index);
  }
  slot.kind = Slot::Kind::kValue;
  slot.size_bytes = arg.size_bytes;
  std::memcpy(slot.value.data(), arg.u.value, arg.size_bytes);
}

void KernelInstance::set_region(std::uint32_t index, const sampan_region_t& region, Slot& slot) {
  const std::uint64_t id = region.memory != nullptr ? region.memory->id() : 0;
  if (id != 0 && region.memory->mapped()) [[unlikely]] {
    slot.kind = Slot::Kind::kUnset;
    pinned_.push_back({index, region});
    return;
  }
  if (slot.kind == Slot::Kind::kRegion && slot.memory_id == id &&
      slot.offset_bytes == region.offset_bytes) {
    return;
  }
  slot.kind = Slot::Kind::kUnset;
  pass_region(index, region, slot);
  slot.kind = Slot::Kind::kRegion;
  slot.memory_id = id;
  slot.offset_bytes = region.offset_bytes;
}

void KernelInstance::pass_region(std::uint32_t index, const sampan_region_t& region, Slot& slot) {
  if (region.memory == nullptr) {
    const cl::Int code = api().set_kernel_arg(handle(), index, sizeof(cl::Mem), nullptr);
    if (code != cl::kSuccess) refuse(code, "clSetKernelArg", index);
    return;
  }
  Memory& memory = *region.memory;
  if (memory.pointer() == nullptr) {
    OwnedMem buffer = memory.buffer_at(region.offset_bytes);
    set_buffer(index, buffer.get());
    slot.buffer = std::move(buffer);
    return;
  }
  char* const at = memory.pointer() + region.offset_bytes;
  const bool usm = memory.device().traits().path == MemoryPath::kUsm;
  const cl::Int code = usm ? extension_.set_kernel_arg_mem_pointer(handle(), index, at)
                           : api().set_kernel_arg_svm_pointer(handle(), index, at);
  if (code != cl::kSuccess) {
    refuse(code, usm ? "clSetKernelArgMemPointerINTEL" : "clSetKernelArgSVMPointer", index);
  }
}

void KernelInstance::set_buffer(std::uint32_t index, cl::Mem buffer) {
  const cl::Int code = api().set_kernel_arg(handle(), index, sizeof buffer, &buffer);
  if (code != cl::kSuccess) refuse(code, "clSetKernelArg", index);
}

void KernelInstance::refuse(cl::Int code, const char* call, std::uint32_t index) {
  throw failure_of(code, call, During::kSubmission,
                   "Setting argument " + std::to_string(index) + " of kernel '" + *name_ + "'");
}

KernelInstance& KernelSet::get(const Kernel& kernel) {
  const std::uint64_t epoch = kernel.device().unload_epoch.load(std::memory_order_acquire);
  if (epoch != seen_epoch_) [[unlikely]] {
    last_id_ = 0;
    std::erase_if(instances_, [](const auto& entry) { return entry.second->unloaded(); });
    seen_epoch_ = epoch;
  }
  return kernel.id() == last_id_ ? *last_ : find_or_make(kernel);
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

Range::Range(const sampan_launch_t& launch) : global{}, local{} {
  for (std::size_t d = 0; d < 3; ++d) {
    local[d] = launch.group[d];
    global[d] = local[d] * launch.grid[d];
  }
}

void refuse_launch(cl::Int code, const char* call, const sampan_launch_t& launch) {
  const auto text = [](const std::uint32_t(&size)[3]) {
    return std::to_string(size[0]) + " x " + std::to_string(size[1]) + " x " +
           std::to_string(size[2]);
  };
  Failure failure =
      failure_of(code, call, During::kSubmission,
                 "Launching kernel '" + *launch.kernel->name() + "' on " + text(launch.grid) +
                     " groups of " + text(launch.group) + " items");
  failure.sequence = launch.sequence;
  failure.kernel = *launch.kernel->name();
  throw failure;
}

namespace {

void enqueue(Stream& stream, const KernelInstance& instance, const sampan_launch_t& launch) {
  const Range range(launch);
  const bool traced = stream.progress().traces_launches();
  cl::Event event = nullptr;
  const cl::Int code = api().enqueue_nd_range_kernel(stream.queue(), instance.handle(), 3, nullptr,
                                                     range.global.data(), range.local.data(), 0,
                                                     nullptr, traced ? &event : nullptr);
  if (code != cl::kSuccess) [[unlikely]] {
    refuse_launch(code, "clEnqueueNDRangeKernel", launch);
  }
  if (traced) {
    stream.progress().note_traced_launch(launch.sequence, launch.kernel->name(), OwnedEvent(event));
  } else {
    stream.progress().note_launch(launch.sequence, launch.kernel->name());
  }
}

}  // namespace

void enqueue_launch(Stream& stream, const sampan_launch_t& launch) {
  if (launch.cooperative != 0) {
    throw Failure(SAMPAN_UNSUPPORTED,
                  "OpenCL can't promise that all groups run at once; split the kernel instead");
  }
  KernelInstance& instance = stream.kernels().get(*launch.kernel);
  instance.set_args(launch.args, launch.arg_count);
  if (instance.pinned().empty()) [[likely]] {
    enqueue(stream, instance, launch);
    return;
  }
  PinnedArgs pinned(stream, instance);
  enqueue(stream, instance, launch);
  pinned.write_back();
}

}  // namespace sampan::opencl
