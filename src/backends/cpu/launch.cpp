#include "backends/cpu/launch.h"

#include <cinttypes>
#include <cstring>

#include "backends/cpu/kernel.h"
#include "backends/cpu/memory.h"
#include "backends/cpu/stream.h"

namespace sampan::cpu {
namespace {

// Launches below this many nanoseconds run on one thread: waking or only calling another costs as
// much as it takes off.
constexpr std::uint64_t kAloneNs = 5'000;

// A launch's groups are dealt out in so many portions per thread, against uneven groups.
constexpr std::uint64_t kPortionsPerThread = 16;

struct LaunchCommand : Command {
  Kernel* kernel;
  std::uint32_t grid[3];
  std::uint32_t arg_count;
  std::uint64_t group_count;

  // args[i] points to the value of argument i, further on in the record.
  [[nodiscard]] const void** args() { return reinterpret_cast<const void**>(this + 1); }
};

// One launch while it runs; lives on the stack of the thread that leads it.
struct RunningLaunch {
  const sampan_cpu_kernel& code;
  const std::uint32_t (&grid)[3];
  const void* const* args;
  std::uint64_t group_count;
  std::uint64_t portion;
  const Worker& leader;
  std::atomic<std::uint64_t> next_group{0};
  std::atomic<FiberGroup::Result> result{FiberGroup::Result::done};
  std::uint64_t leader_groups = 0;  // written by the leader alone
};

FiberGroup::Result run_with_barriers(RunningLaunch& launch, std::uint64_t first, std::uint64_t end,
                                     void* local_memory, Worker& worker) {
  sampan_cpu_item group{};
  for (int d = 0; d < 3; ++d) {
    group.group_count[d] = launch.grid[d];
    group.group_size[d] = launch.code.group_size[d];
  }
  group.local_memory = local_memory;
  for (std::uint64_t g = first; g < end; ++g) {
    group.group_id[0] = static_cast<std::uint32_t>(g % launch.grid[0]);
    group.group_id[1] = static_cast<std::uint32_t>(g / launch.grid[0] % launch.grid[1]);
    group.group_id[2] = static_cast<std::uint32_t>(g / launch.grid[0] / launch.grid[1]);
    const auto result = worker.fibers().run(launch.code.run_item, group, launch.args);
    if (result != FiberGroup::Result::done) return result;
  }
  return FiberGroup::Result::done;
}

FiberGroup::Result run_range(RunningLaunch& launch, std::uint64_t first, std::uint64_t end,
                             Worker& worker) {
  void* local_memory = nullptr;
  if (launch.code.flat == 0) {
    local_memory = worker.local_memory();
    if (local_memory == nullptr) return FiberGroup::Result::out_of_memory;
  }
  if (launch.code.run_groups == nullptr) {
    return run_with_barriers(launch, first, end, local_memory, worker);
  }
  launch.code.run_groups(launch.grid, first, end, local_memory, launch.args);
  return FiberGroup::Result::done;
}

// Takes portions until there are none left; runs on every thread that shares the launch.
void run_portions(void* context, Worker& worker) {
  auto& launch = *static_cast<RunningLaunch*>(context);
  std::uint64_t groups = 0;
  while (launch.result.load(std::memory_order_relaxed) == FiberGroup::Result::done) {
    const std::uint64_t first =
        launch.next_group.fetch_add(launch.portion, std::memory_order_relaxed);
    if (first >= launch.group_count) break;
    const std::uint64_t end = std::min(first + launch.portion, launch.group_count);
    const auto result = run_range(launch, first, end, worker);
    if (result != FiberGroup::Result::done) {
      launch.result.store(result, std::memory_order_relaxed);
    }
    groups += end - first;
  }
  if (&worker == &launch.leader) launch.leader_groups = groups;
}

// Runs a launch that was cheap the last time on this thread, as far as kAloneNs go; what is left
// after that is shared.
void run_alone_first(RunningLaunch& launch, Worker& self, std::uint64_t start_ns) {
  const std::uint64_t step = launch.group_count / 4 + 1;
  std::uint64_t first = 0;
  while (first < launch.group_count) {
    const std::uint64_t end = std::min(first + step, launch.group_count);
    const auto result = run_range(launch, first, end, self);
    launch.result.store(result, std::memory_order_relaxed);
    first = end;
    if (result != FiberGroup::Result::done || now_ns() - start_ns > kAloneNs) break;
  }
  launch.next_group.store(first, std::memory_order_relaxed);
}

void run_shared(RunningLaunch& launch, Kernel& kernel, ThreadPool& pool, Worker& self) {
  const std::uint64_t cost_ps = kernel.group_cost_ps.load(std::memory_order_relaxed);
  std::uint64_t start_ns = now_ns();
  if (cost_ps != 0 && cost_ps < kAloneNs * 1000 / launch.group_count) {
    run_alone_first(launch, self, start_ns);
    launch.leader_groups = launch.next_group.load(std::memory_order_relaxed);
  }
  if (launch.next_group.load(std::memory_order_relaxed) < launch.group_count) {
    start_ns = now_ns();
    launch.portion =
        std::max<std::uint64_t>(1, launch.group_count / (pool.threads() * kPortionsPerThread));
    pool.run(run_portions, &launch, self);
  }
  const std::uint64_t spent_ps = (now_ns() - start_ns) * 1000;
  kernel.group_cost_ps.store(
      std::max<std::uint64_t>(1, spent_ps / std::max<std::uint64_t>(1, launch.leader_groups)),
      std::memory_order_relaxed);
}

Failure launch_failure(const LaunchCommand& command, FiberGroup::Result result) {
  const char* name = command.kernel->code->name;
  Failure failure;
  failure.sequence = command.sequence;
  copy_text(failure.kernel, name);
  if (result == FiberGroup::Result::diverged) {
    failure.code = SAMPAN_LAUNCH_FAILED;
    std::snprintf(failure.message, sizeof failure.message,
                  "kernel '%s' (launch %" PRIu64
                  ") failed: some items of a group waited at a BARRIER that others never reached; "
                  "call it on every path of the kernel",
                  name, command.sequence);
  } else {
    failure.code = SAMPAN_OUT_OF_HOST_MEMORY;
    std::snprintf(failure.message, sizeof failure.message,
                  "kernel '%s' (launch %" PRIu64
                  ") failed: no memory for its local memory and stacks; free some",
                  name, command.sequence);
  }
  return failure;
}

void run_launch(Stream& stream, Command& raw) {
  auto& command = static_cast<LaunchCommand&>(raw);
  Worker& self = stream.worker();
  ThreadPool& pool = stream.device().pool();
  RunningLaunch launch{.code = *command.kernel->code,
                       .grid = command.grid,
                       .args = command.args(),
                       .group_count = command.group_count,
                       .portion = command.group_count,
                       .leader = self};
  if (command.group_count == 1 || pool.threads() == 1) {
    launch.result.store(run_range(launch, 0, command.group_count, self), std::memory_order_relaxed);
  } else {
    run_shared(launch, *command.kernel, pool, self);
  }
  const auto result = launch.result.load(std::memory_order_relaxed);
  if (result != FiberGroup::Result::done) stream.fail_with(launch_failure(command, result));
}

constexpr CommandType kLaunch = {run_launch, nullptr, SAMPAN_NODE_LAUNCH, false};

// Bytes that the value of an argument takes in a record.
constexpr std::size_t slot_bytes(const sampan_arg_t& arg) {
  return arg.kind == SAMPAN_ARG_VALUE && arg.size_bytes > 8 ? 16 : 8;
}

sampan_code_t check_args(const sampan_cpu_kernel& code, const sampan_launch_t& launch,
                         sampan_error_t* error) {
  if (launch.arg_count != code.arg_count) {
    return fail(error, SAMPAN_INVALID_ARGUMENT, "kernel '%s' takes %u arguments, not %u", code.name,
                code.arg_count, launch.arg_count);
  }
  for (std::uint32_t i = 0; i < launch.arg_count; ++i) {
    const sampan_arg_t& arg = launch.args[i];
    const std::uint32_t bytes = arg.kind == SAMPAN_ARG_VALUE ? arg.size_bytes : 0;
    if (bytes == code.arg_bytes[i]) continue;
    if (code.arg_bytes[i] == 0) {
      return fail(error, SAMPAN_INVALID_ARGUMENT,
                  "argument %u of kernel '%s' is a buffer, but a value of %u bytes was given", i,
                  code.name, bytes);
    }
    return fail(error, SAMPAN_INVALID_ARGUMENT,
                "argument %u of kernel '%s' is a value of %u bytes, but %s was given", i, code.name,
                code.arg_bytes[i], bytes == 0 ? "a buffer" : "one of another size");
  }
  return SAMPAN_OK;
}

sampan_code_t check_shape(const sampan_cpu_kernel& code, const sampan_launch_t& launch,
                          sampan_error_t* error) {
  const std::uint32_t* want = code.group_size;
  const std::uint32_t* have = launch.group;
  if (want[0] != have[0] || want[1] != have[1] || want[2] != have[2]) {
    return fail(error, SAMPAN_INVALID_ARGUMENT,
                "kernel '%s' was compiled for groups of %u x %u x %u items, not %u x %u x %u",
                code.name, want[0], want[1], want[2], have[0], have[1], have[2]);
  }
  if (launch.cooperative != 0 &&
      std::uint64_t{launch.grid[0]} * launch.grid[1] * launch.grid[2] != 1) {
    return fail(
        error, SAMPAN_UNSUPPORTED,
        "a CPU runs the groups of a launch one after the other, so that they can't wait for "
        "each other; launch kernel '%s' with one group, or split it",
        code.name);
  }
  return SAMPAN_OK;
}

void fill_args(LaunchCommand& record, const sampan_launch_t& launch) {
  const void** pointers = record.args();
  auto* slot = reinterpret_cast<std::byte*>(pointers + launch.arg_count);
  for (std::uint32_t i = 0; i < launch.arg_count; ++i) {
    const sampan_arg_t& arg = launch.args[i];
    pointers[i] = slot;
    if (arg.kind == SAMPAN_ARG_REGION) {
      const void* address = address_of(arg.u.region);
      std::memcpy(slot, &address, sizeof address);
    } else {
      std::memcpy(slot, arg.u.value, slot_bytes(arg));
    }
    slot += slot_bytes(arg);
  }
}

}  // namespace

sampan_code_t stream_launch(sampan_stream_t* stream, const sampan_launch_t* launch,
                            sampan_error_t* error) {
  Kernel& kernel = *launch->kernel;
  if (const auto code = check_args(*kernel.code, *launch, error); code != SAMPAN_OK) return code;
  if (const auto code = check_shape(*kernel.code, *launch, error); code != SAMPAN_OK) return code;
  std::size_t extra_bytes = launch->arg_count * sizeof(void*);
  for (std::uint32_t i = 0; i < launch->arg_count; ++i) extra_bytes += slot_bytes(launch->args[i]);
  return stream->submit<LaunchCommand>(
      kLaunch, launch->sequence, extra_bytes, error, [&](LaunchCommand& record) {
        record.kernel = &kernel;
        std::memcpy(record.grid, launch->grid, sizeof record.grid);
        record.arg_count = launch->arg_count;
        record.group_count = std::uint64_t{launch->grid[0]} * launch->grid[1] * launch->grid[2];
        fill_args(record, *launch);
      });
}

}  // namespace sampan::cpu
