// The threads of one block as fibers on one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backends/cpu/fiber_switch.h"
#include "kernel_abi.h"
#include "status.h"

namespace sampan::emulator {

/// One block of a launch.
struct BlockTask {
  const sampan_emulator::KernelEntry* kernel = nullptr;
  void* const* arguments = nullptr;
  sampan_emulator::Dim3 block{}, block_size{1, 1, 1}, grid_size{1, 1, 1};
  unsigned warp_size = 32;
  void* dynamic_shared = nullptr;
};

/// Runs blocks, one at a time. Threads take turns: each runs to its next barrier or exchange. Code
/// that faults or waits for ever is left where it is; kernels have no destructors.
class BlockExecutor {
 public:
  static constexpr std::uint32_t kMaxThreads = 1024;

  BlockExecutor() = default;
  ~BlockExecutor();
  BlockExecutor(const BlockExecutor&) = delete;
  BlockExecutor& operator=(const BlockExecutor&) = delete;

  struct Outcome {
    Status status = Status::ok;  ///< illegal_address and launch_failed are what else there is
    std::string detail;          ///< where not ok: which thread and what it did
  };

  /// At most kMaxThreads threads. Throws Refusal{out_of_memory}.
  Outcome run(const BlockTask& task);

 private:
  enum class State : std::uint8_t { done, ready, at_barrier, in_exchange };

  /// The threads of one warp that exchange under one mask. Two sets of values: the lanes of an
  /// exchange may still read while the fastest of them give to the next one.
  struct Exchange {
    std::uint64_t mask = 0;
    std::uint64_t generation = 0;
    std::uint64_t arrived = 0;  // lanes
    sampan_emulator::Lanes lanes[2]{};
  };
  struct Warp {
    std::uint64_t running = 0;  // lanes that have not ended
    std::vector<std::unique_ptr<Exchange>> exchanges;
  };
  struct Fiber {
    cpu::FiberContext context;
    BlockExecutor* executor = nullptr;
    std::uint32_t index = 0;
    bool resting = false;  // between two blocks: `context` goes on with the next one
  };
  friend class TrapScope;
  friend struct FaultTrap;  // executor_trap.cpp

  /// Whose fiber runs on this thread. Initial-exec: a signal handler reads it, also on threads that
  /// never ran a kernel of this library, where the first access would allocate otherwise.
  static constinit thread_local BlockExecutor* running __attribute__((tls_model("initial-exec")));

  static void fiber_main(void* fiber);
  static void barrier();
  static const sampan_emulator::Lanes* exchange(sampan_emulator::Bits64 mask, const void* value,
                                                sampan_emulator::Size bytes);
  [[noreturn]] static void land();

  void reserve(std::uint32_t count);
  void prepare(const BlockTask& task);
  [[nodiscard]] sampan_emulator::Thread& thread_of(std::uint32_t index) const;
  [[nodiscard]] std::byte* stack_of(std::uint32_t index) const;
  [[nodiscard]] Exchange& exchange_of(Warp& warp, std::uint64_t mask);
  bool complete(Warp& warp, std::uint32_t warp_index, Exchange& exchange);
  void open_barrier();
  void end_thread(Fiber& fiber);
  void suspend(Fiber& fiber);
  [[nodiscard]] Outcome stuck() const;
  [[nodiscard]] Outcome fault() const;
  [[nodiscard]] std::string name_of(std::uint32_t index) const;

  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<State> states_;        // of the fibers
  std::vector<std::byte*> regions_;  // of the fibers' stacks, in chunks
  std::vector<Warp> warps_;
  cpu::FiberContext outside_;
  BlockTask task_;
  std::uint32_t count_ = 0;    // threads of the block
  std::uint32_t running_ = 0;  // of them, not ended
  std::uint32_t at_barrier_ = 0;
  std::uint32_t current_ = 0;
  Outcome outcome_;
  bool faulted_ = false;        // the current thread did; what follows says how
  int signal_ = 0;              // of the fault that the current thread committed
  bool in_guard_page_ = false;  // it was the overflow of its stack
};

/// Faults on this thread end the block that the executor runs, instead of the process, between
/// construction and destruction. Other faults go to whoever handled them before.
class TrapScope {
 public:
  explicit TrapScope(BlockExecutor& executor);
  ~TrapScope();
  TrapScope(const TrapScope&) = delete;
  TrapScope& operator=(const TrapScope&) = delete;
};

}  // namespace sampan::emulator
