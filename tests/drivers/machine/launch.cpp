#include "launch.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "context.h"
#include "control.h"
#include "executor.h"
#include "machine.h"

namespace sampan::emulator {
namespace {

constexpr std::size_t kArgumentAlignment = 16;
constexpr std::byte kUnset{0xCD};

/// What runs blocks, with the dynamic shared memory that it used last.
struct Worker {
  BlockExecutor executor;
  std::unique_ptr<GuardedPages> shared;

  [[nodiscard]] GuardedPages& shared_of(std::size_t bytes) {
    if (shared == nullptr || shared->bytes() != bytes)
      shared = std::make_unique<GuardedPages>(bytes);
    return *shared;
  }
};

/// Workers that no launch uses: their stacks are worth keeping.
class WorkerPool {
 public:
  static WorkerPool& of_library() {
    static WorkerPool& pool = *new WorkerPool;
    return pool;
  }
  std::unique_ptr<Worker> take() {
    std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<Worker>();
    auto worker = std::move(idle_.back());
    idle_.pop_back();
    return worker;
  }
  void give_back(std::unique_ptr<Worker> worker) {
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(worker));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Worker>> idle_;
};

[[noreturn]] void fail(const Kernel& kernel, Status status, const std::string& what) {
  Control::of_library().report("kernel " + kernel.name + ": " + what);
  refuse(status);
}

/// A pointer to memory that the device doesn't reach is a fault as soon as the kernel starts, even
/// if the kernel would not use it: stricter than hardware. One past a block's end is allowed.
void check_pointers(const Kernel& kernel, const std::vector<void*>& arguments) {
  const AddressSpace& memory = Machine::of_library().memory;
  for (unsigned i = 0; i < kernel.entry->argument_count; ++i) {
    if (!kernel.entry->arguments[i].is_pointer) continue;
    std::uint64_t address = 0;
    std::memcpy(&address, arguments[i], sizeof address);
    if (address == 0) continue;
    const std::string name = "argument " + std::to_string(i);
    if (!is_device_address(address)) {
      if (memory.is_known_host(address, 1)) continue;
      fail(kernel, Status::illegal_address,
           name + " points to host memory that the device doesn't reach");
    }
    const Held block = memory.find_for_run(address, 1);
    if (!block || kernel.context().reaches(block.device)) continue;
    fail(kernel, Status::illegal_address,
         name + " points to another device's memory, without peer access");
  }
}

/// Waits for as long as kernels of that name hang and somebody still waits for this one.
void hang_if_asked(const Stream& stream, const Kernel& kernel) {
  const Control& control = Control::of_library();
  wait_until([&] {
    return !control.hangs(kernel.name) || stream.aborted() ||
           stream.context().status() != Status::ok;
  });
}

}  // namespace

Arguments::Arguments(const Kernel& kernel, void* const* values) {
  const unsigned count = kernel.entry->argument_count;
  require(count == 0 || values != nullptr, Status::invalid_value);
  std::size_t end = 0;
  for (unsigned i = 0; i < count; ++i) {
    require(values[i] != nullptr, Status::invalid_value);
    offsets_.push_back(end);
    const std::size_t bytes = kernel.entry->arguments[i].bytes;
    end += (bytes + kArgumentAlignment - 1) / kArgumentAlignment * kArgumentAlignment;
  }
  bytes_.resize(end);
  for (unsigned i = 0; i < count; ++i) {
    std::memcpy(bytes_.data() + offsets_[i], values[i], kernel.entry->arguments[i].bytes);
  }
}

std::vector<void*> Arguments::pointers() {
  std::vector<void*> all;
  for (const std::size_t offset : offsets_) all.push_back(bytes_.data() + offset);
  return all;
}

void check_launch(const Kernel& kernel, const LaunchShape& shape) {
  const Properties& device = kernel.context().device().properties();
  const auto& [grid, block, dynamic_bytes] = shape;
  require(grid.x != 0 && grid.y != 0 && grid.z != 0 && block.x != 0 && block.y != 0 && block.z != 0,
          Status::invalid_value);
  require(
      grid.x <= device.max_grid_x && grid.y <= device.max_grid_yz && grid.z <= device.max_grid_yz,
      Status::invalid_value);
  require(block.x <= device.max_threads_per_block && block.y <= device.max_threads_per_block &&
              block.z <= device.max_block_z,
          Status::invalid_value);
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  require(threads <= device.max_threads_per_block, Status::invalid_value);
  require(dynamic_bytes <= kernel.max_dynamic_bytes.load(), Status::invalid_value);
  require(threads <= kernel.max_threads(), Status::launch_out_of_resources);
}

void check_cooperative(const Kernel& kernel, const LaunchShape& shape) {
  const auto& [grid, block, dynamic_bytes] = shape;
  const std::uint64_t blocks = std::uint64_t{grid.x} * grid.y * grid.z;
  const std::uint64_t room =
      std::uint64_t{kernel.occupancy(block.x * block.y * block.z, dynamic_bytes)} *
      kernel.context().device().properties().multiprocessors;
  require(blocks <= room, Status::cooperative_too_large);
}

void run_launch(const Stream& stream, const Kernel& kernel, const LaunchShape& shape,
                Arguments& arguments) {
  hang_if_asked(stream, kernel);
  const std::vector<void*> pointers = arguments.pointers();
  check_pointers(kernel, pointers);
  std::unique_ptr<Worker> worker = WorkerPool::of_library().take();
  GuardedPages& shared = worker->shared_of(shape.dynamic_bytes);
  BlockTask task{kernel.entry, pointers.data(), {},
                 shape.block,  shape.grid,      kernel.context().device().properties().warp_size,
                 shared.data()};
  const std::uint64_t blocks = std::uint64_t{shape.grid.x} * shape.grid.y * shape.grid.z;
  // Blocks come in no order that a kernel may count on.
  const std::uint64_t first = Control::of_library().chance() % blocks;
  BlockExecutor::Outcome outcome;
  for (std::uint64_t i = 0; i < blocks && outcome.status == Status::ok; ++i) {
    if (stream.aborted() || stream.context().status() != Status::ok) break;
    const std::uint64_t block = (first + i) % blocks;
    task.block = {static_cast<unsigned>(block % shape.grid.x),
                  static_cast<unsigned>(block / shape.grid.x % shape.grid.y),
                  static_cast<unsigned>(block / shape.grid.x / shape.grid.y)};
    shared.poison(kUnset);
    kernel.module->poison_static_shared(kUnset);
    outcome = worker->executor.run(task);
  }
  WorkerPool::of_library().give_back(std::move(worker));
  if (outcome.status != Status::ok) fail(kernel, outcome.status, outcome.detail);
}

Work launch_work(Stream& stream, std::shared_ptr<Kernel> kernel, const LaunchShape& shape,
                 Arguments arguments) {
  auto captured = std::make_shared<Arguments>(std::move(arguments));
  return {[&stream, kernel = std::move(kernel), shape, captured] {
    run_launch(stream, *kernel, shape, *captured);
  }};
}

}  // namespace sampan::emulator
