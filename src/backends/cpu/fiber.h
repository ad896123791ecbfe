// The items of one work-group as fibers on one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "backends/cpu/fiber_switch.h"
#include "dialect/cpu_abi.h"

namespace sampan::cpu {

/// Runs groups of kernels that have barriers: every item is a fiber with a stack of its own, and
/// BARRIER switches to the next item. One thread at a time; kernels are plain code without
/// destructors, so items that can't go on are simply forgotten.
class FiberGroup {
 public:
  static constexpr std::uint32_t kMaxItems = 1024;

  enum class [[nodiscard]] Result{
      done,
      diverged,      ///< some items waited at a barrier that others never reached
      out_of_memory  ///< no room for the stacks
  };

  FiberGroup() = default;
  ~FiberGroup();
  FiberGroup(const FiberGroup&) = delete;
  FiberGroup& operator=(const FiberGroup&) = delete;

  /// Runs all items of the group that `group` describes (its local ids are ignored), at most
  /// kMaxItems of them. The stacks of the largest group so far are kept.
  Result run(sampan_cpu_run_item_fn kernel, const sampan_cpu_item& group,
             const void* const* args) noexcept;

 private:
  struct Fiber {
    FiberContext context;
    sampan_cpu_item item;
    FiberGroup* group = nullptr;
    std::uint32_t index = 0;
    bool resting = false;  // between two groups: `context` goes on with the next item given
    void* stack = nullptr;
  };

  static void fiber_main(void* fiber);
  static void barrier(sampan_cpu_item* item);
  bool reserve(std::uint32_t count) noexcept;
  void give_items(const sampan_cpu_item& group) noexcept;
  void leave(Fiber& fiber) noexcept;

  std::vector<std::unique_ptr<Fiber>> fibers_;
  FiberContext outside_;

  sampan_cpu_run_item_fn kernel_ = nullptr;
  const void* const* args_ = nullptr;
  std::uint32_t count_ = 0;
  std::uint32_t finished_ = 0;  // items that have ended in this round
  bool diverged_ = false;
};

}  // namespace sampan::cpu
