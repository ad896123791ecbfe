#include "executor.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace sampan::emulator {
namespace {

using sampan_emulator::kStackBytes;
using sampan_emulator::Thread;

constexpr auto kFibersPerChunk = static_cast<std::uint32_t>(sampan_emulator::kStacksPerChunk);
constexpr std::size_t kChunkBytes = sampan_emulator::kChunkBytes;
constexpr std::byte kUnset{0xCD};

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

/// A chunk of stacks. The first page of each can't be accessed, so that an overflow is noticed; of
/// the first stack it is the second, behind the threads.
std::byte* map_chunk() {
  void* mapping = mmap(nullptr, 2 * kChunkBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) refuse(Status::out_of_memory);
  auto* const begin = static_cast<std::byte*>(mapping);
  const std::size_t skipped =
      (kChunkBytes - reinterpret_cast<std::uintptr_t>(begin) % kChunkBytes) % kChunkBytes;
  if (skipped != 0) munmap(begin, skipped);
  munmap(begin + skipped + kChunkBytes, kChunkBytes - skipped);
  for (std::size_t i = 0; i < kFibersPerChunk; ++i) {
    // Fails when the process has too many mappings; the stack then does without its guard.
    (void)mprotect(begin + skipped + i * kStackBytes + (i == 0 ? page_bytes() : 0), page_bytes(),
                   PROT_NONE);
  }
  return begin + skipped;
}

}  // namespace

BlockExecutor::~BlockExecutor() {
  fibers_.clear();
  for (std::byte* region : regions_) munmap(region, kChunkBytes);
}

void BlockExecutor::reserve(std::uint32_t count) {
  while (regions_.size() * kFibersPerChunk < count) regions_.push_back(map_chunk());
  while (fibers_.size() < count) {
    auto fiber = std::make_unique<Fiber>();
    fiber->executor = this;
    fiber->index = static_cast<std::uint32_t>(fibers_.size());
    fibers_.push_back(std::move(fiber));
    states_.push_back(State::done);
  }
}

Thread& BlockExecutor::thread_of(std::uint32_t index) const {
  return reinterpret_cast<Thread*>(regions_[index / kFibersPerChunk])[index % kFibersPerChunk];
}

std::byte* BlockExecutor::stack_of(std::uint32_t index) const {
  return regions_[index / kFibersPerChunk] + index % kFibersPerChunk * kStackBytes;
}

void BlockExecutor::prepare(const BlockTask& task) {
  task_ = task;
  const auto& size = task.block_size;
  count_ = running_ = size.x * size.y * size.z;
  at_barrier_ = 0;
  outcome_ = {};
  faulted_ = false;
  reserve(count_);
  warps_.resize((count_ + task.warp_size - 1) / task.warp_size);
  for (Warp& warp : warps_) warp = {};
  for (std::uint32_t i = 0; i < count_; ++i) {
    const std::uint32_t lane = i % task.warp_size, warp = i / task.warp_size;
    warps_[warp].running |= std::uint64_t{1} << lane;
    thread_of(i) = {{i % size.x, i / size.x % size.y, i / size.x / size.y},
                    task.block,
                    size,
                    task.grid_size,
                    lane,
                    warp,
                    task.warp_size,
                    task.dynamic_shared,
                    &BlockExecutor::barrier,
                    &BlockExecutor::exchange};
    Fiber& fiber = *fibers_[i];
    states_[i] = State::ready;
    if (!fiber.resting) {
      // Tops at different offsets: those of all stacks would share one set of the cache.
      const std::size_t unused = i % 64 * 448;
      const std::size_t guard = 2 * page_bytes();
      fiber.context.prepare(stack_of(i) + guard, kStackBytes - guard - unused, &fiber_main, &fiber);
    }
    fiber.resting = false;
  }
}

BlockExecutor::Outcome BlockExecutor::run(const BlockTask& task) {
  prepare(task);
  const TrapScope trap(*this);
  current_ = 0;
  cpu::FiberContext::switch_to(outside_, fibers_[0]->context);
  return faulted_ ? fault() : outcome_;
}

void BlockExecutor::fiber_main(void* argument) {
  Fiber& fiber = *static_cast<Fiber*>(argument);
  BlockExecutor& executor = *fiber.executor;
  for (;;) {
    executor.task_.kernel->run(executor.task_.arguments);
    executor.end_thread(fiber);
  }
}

void BlockExecutor::end_thread(Fiber& fiber) {
  states_[fiber.index] = State::done;
  fiber.resting = true;
  --running_;
  const std::uint32_t index = fiber.index / task_.warp_size;
  Warp& warp = warps_[index];
  warp.running &= ~(std::uint64_t{1} << fiber.index % task_.warp_size);
  for (auto& exchange : warp.exchanges) {
    if (exchange->arrived != 0) complete(warp, index, *exchange);
  }
  if (running_ != 0 && at_barrier_ == running_) open_barrier();
  suspend(fiber);
}

void BlockExecutor::open_barrier() {
  at_barrier_ = 0;
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (states_[i] == State::at_barrier) states_[i] = State::ready;
  }
}

constinit thread_local BlockExecutor* BlockExecutor::running = nullptr;

void BlockExecutor::barrier() {
  BlockExecutor& self = *running;
  Fiber& fiber = *self.fibers_[self.current_];
  if (++self.at_barrier_ == self.running_) {
    self.open_barrier();
    return;
  }
  self.states_[fiber.index] = State::at_barrier;
  self.suspend(fiber);
}

BlockExecutor::Exchange& BlockExecutor::exchange_of(Warp& warp, std::uint64_t mask) {
  for (auto& exchange : warp.exchanges) {
    if (exchange->mask == mask) return *exchange;
  }
  warp.exchanges.push_back(std::make_unique<Exchange>());
  warp.exchanges.back()->mask = mask;
  return *warp.exchanges.back();
}

/// Ends the exchange if all lanes that it waits for are there.
bool BlockExecutor::complete(Warp& warp, std::uint32_t warp_index, Exchange& exchange) {
  const std::uint64_t awaited = exchange.mask & warp.running;
  if ((exchange.arrived & awaited) != awaited) return false;
  exchange.lanes[exchange.generation & 1].present = exchange.arrived;
  const std::uint32_t first = warp_index * task_.warp_size;
  for (std::uint64_t rest = exchange.arrived; rest != 0; rest &= rest - 1) {
    State& state = states_[first + static_cast<std::uint32_t>(std::countr_zero(rest))];
    if (state == State::in_exchange) state = State::ready;
  }
  exchange.arrived = 0;
  ++exchange.generation;
  return true;
}

const sampan_emulator::Lanes* BlockExecutor::exchange(sampan_emulator::Bits64 mask,
                                                      const void* value,
                                                      sampan_emulator::Size bytes) {
  BlockExecutor& self = *running;
  Fiber& fiber = *self.fibers_[self.current_];
  const std::uint32_t warp_index = fiber.index / self.task_.warp_size;
  const std::uint32_t lane = fiber.index % self.task_.warp_size;
  Warp& warp = self.warps_[warp_index];
  Exchange& exchange = self.exchange_of(warp, mask);
  sampan_emulator::Lanes& lanes = exchange.lanes[exchange.generation & 1];
  if (exchange.arrived == 0)
    std::memset(lanes.values, std::to_integer<int>(kUnset), sizeof lanes.values);
  std::memcpy(lanes.values[lane].bytes, value, std::min(bytes, sizeof lanes.values[lane].bytes));
  exchange.arrived |= std::uint64_t{1} << lane;
  if (!self.complete(warp, warp_index, exchange)) {
    self.states_[fiber.index] = State::in_exchange;
    self.suspend(fiber);
  }
  return &lanes;
}

// Goes on with the next thread that can; with the outside where there is none.
void BlockExecutor::suspend(Fiber& fiber) {
  std::uint32_t next = fiber.index;
  for (std::uint32_t i = 0; i < count_; ++i) {
    next = next + 1 == count_ ? 0 : next + 1;
    if (states_[next] != State::ready) continue;
    if (next == fiber.index) return;
    current_ = next;
    cpu::FiberContext::switch_to(fiber.context, fibers_[next]->context);
    return;
  }
  if (running_ != 0) outcome_ = stuck();
  cpu::FiberContext::switch_to(fiber.context, outside_);
}

std::string BlockExecutor::name_of(std::uint32_t index) const {
  const Thread& thread = thread_of(index);
  const auto text = [](const sampan_emulator::Dim3& at) {
    return "(" + std::to_string(at.x) + ", " + std::to_string(at.y) + ", " + std::to_string(at.z) +
           ")";
  };
  return "thread " + text(thread.index) + " of block " + text(thread.block);
}

BlockExecutor::Outcome BlockExecutor::stuck() const {
  std::uint32_t waiting = 0;
  while (states_[waiting] == State::done) ++waiting;
  const bool barrier = states_[waiting] == State::at_barrier;
  return {Status::launch_failed, name_of(waiting) + " waits at a " +
                                     (barrier ? "barrier" : "warp exchange") +
                                     " that others never reach"};
}

}  // namespace sampan::emulator
