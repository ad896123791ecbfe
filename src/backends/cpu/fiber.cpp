#include "backends/cpu/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

namespace sampan::cpu {
namespace {

// Above SAMPAN_CPU_STACK_BYTES for the frames of this file and of a sanitizer.
constexpr std::size_t kStackBytes = SAMPAN_CPU_STACK_BYTES + (64u << 10);

std::size_t guard_bytes() noexcept {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

// A stack above an inaccessible page; null when out of memory.
void* map_stack() noexcept {
  void* memory = mmap(nullptr, guard_bytes() + kStackBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  // Fails when the process has too many mappings; the stack then does without its guard.
  (void)mprotect(memory, guard_bytes(), PROT_NONE);
  return static_cast<std::byte*>(memory) + guard_bytes();
}

void unmap_stack(void* stack) noexcept {
  if (stack != nullptr) {
    munmap(static_cast<std::byte*>(stack) - guard_bytes(), guard_bytes() + kStackBytes);
  }
}

}  // namespace

FiberGroup::~FiberGroup() {
  for (auto& fiber : fibers_) {
    void* stack = fiber->stack;
    fiber.reset();
    unmap_stack(stack);
  }
}

bool FiberGroup::reserve(std::uint32_t count) noexcept {
  try {
    fibers_.reserve(count);
    while (fibers_.size() < count) {
      auto fiber = std::make_unique<Fiber>();
      fiber->group = this;
      fiber->index = static_cast<std::uint32_t>(fibers_.size());
      fiber->stack = map_stack();
      if (fiber->stack == nullptr) return false;
      fibers_.push_back(std::move(fiber));
    }
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void FiberGroup::give_items(const sampan_cpu_item& group) noexcept {
  std::uint32_t index = 0;
  for (std::uint32_t z = 0; z < group.group_size[2]; ++z) {
    for (std::uint32_t y = 0; y < group.group_size[1]; ++y) {
      for (std::uint32_t x = 0; x < group.group_size[0]; ++x, ++index) {
        Fiber& fiber = *fibers_[index];
        fiber.item = group;
        fiber.item.local_id[0] = x;
        fiber.item.local_id[1] = y;
        fiber.item.local_id[2] = z;
        fiber.item.barrier = &FiberGroup::barrier;
        fiber.item.backend = &fiber;
        if (!fiber.resting) fiber.context.prepare(fiber.stack, kStackBytes, &fiber_main, &fiber);
        fiber.resting = false;
      }
    }
  }
}

FiberGroup::Result FiberGroup::run(sampan_cpu_run_item_fn kernel, const sampan_cpu_item& group,
                                   const void* const* args) noexcept {
  count_ = group.group_size[0] * group.group_size[1] * group.group_size[2];
  if (!reserve(count_)) return Result::out_of_memory;
  kernel_ = kernel;
  args_ = args;
  finished_ = 0;
  diverged_ = false;
  give_items(group);
  FiberContext::switch_to(outside_, fibers_[0]->context);
  return diverged_ ? Result::diverged : Result::done;
}

void FiberGroup::fiber_main(void* argument) {
  Fiber& fiber = *static_cast<Fiber*>(argument);
  FiberGroup& group = *fiber.group;
  for (;;) {
    group.kernel_(&fiber.item, group.args_);
    ++group.finished_;
    fiber.resting = true;
    group.leave(fiber);
  }
}

void FiberGroup::barrier(sampan_cpu_item* item) {
  Fiber& fiber = *static_cast<Fiber*>(item->backend);
  fiber.group->leave(fiber);
}

// Items take turns in order, each up to its next barrier or its end. A round in which some ended
// and others wait is a divergence.
void FiberGroup::leave(Fiber& fiber) noexcept {
  FiberContext* next = &outside_;
  if (fiber.index + 1 < count_) {
    next = &fibers_[fiber.index + 1]->context;
  } else if (finished_ == 0) {
    next = &fibers_[0]->context;
  } else {
    diverged_ = finished_ != count_;
  }
  // A group of one item has nobody to switch to.
  if (next != &fiber.context) FiberContext::switch_to(fiber.context, *next);
}

}  // namespace sampan::cpu
