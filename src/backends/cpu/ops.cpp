// The ops group of the plug-in ABI: plans of the native kernels, run on streams.
#include <cinttypes>

#include "backends/cpu/memory.h"
#include "backends/cpu/op_plan.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/stream.h"

struct sampan_op_plan {
  sampan::cpu::Device& device;
  std::unique_ptr<sampan::cpu::OpPlan> plan;
};

namespace sampan::cpu {
namespace {

struct OpCommand : Command {
  OpPlan* plan;
  OpArgs args;
  std::byte* workspace;
};

// The native kernels' view of a stream's threads.
struct StreamThreads {
  ThreadPool& pool;
  Worker& self;

  static void run(void* context, std::uint32_t task_count,
                  void (*task)(void* arg, std::uint32_t index), void* arg) {
    const auto& threads = *static_cast<const StreamThreads*>(context);
    parallel_for(threads.pool, threads.self, task_count,
                 [&](std::uint64_t i) { task(arg, static_cast<std::uint32_t>(i)); });
  }
};

void run_op(Stream& stream, Command& raw) {
  const auto& command = static_cast<const OpCommand&>(raw);
  StreamThreads threads{stream.device().pool(), stream.worker()};
  const native::Parallel parallel{StreamThreads::run, &threads, threads.pool.threads()};
  if (command.plan->run(command.args, parallel, command.workspace) == native::Status::ok) return;
  Failure failure;
  failure.code = SAMPAN_LAUNCH_FAILED;
  failure.sequence = command.sequence;
  copy_text(failure.kernel, command.plan->name.c_str());
  std::snprintf(failure.message, sizeof failure.message,
                "%s (launch %" PRIu64
                ") refused its arguments: a buffer is missing or a length is beyond the plan's",
                command.plan->name.c_str(), command.sequence);
  stream.fail_with(failure);
}

constexpr CommandType kOp = {run_op, nullptr, SAMPAN_NODE_LAUNCH, false};

std::byte* aligned_workspace(const sampan_region_t& region) {
  constexpr std::uintptr_t kMask = native::kWorkspaceAlignmentBytes - 1;
  const auto address = reinterpret_cast<std::uintptr_t>(address_of(region));
  return reinterpret_cast<std::byte*>((address + kMask) & ~kMask);
}

sampan_code_t ops_plan(sampan_device_t* device, std::uint32_t op, const void* desc,
                       sampan_op_plan_t** out, std::uint64_t* out_workspace_bytes,
                       sampan_error_t* error) {
  return guarded(error, [&] {
    if (const auto code = device->check(error); code != SAMPAN_OK) return code;
    std::string reason;
    auto plan = make_op_plan(*device, op, desc, reason);
    if (!plan) return fail(error, SAMPAN_UNSUPPORTED, "%s", reason.c_str());
    // Room to align it, as a region may start anywhere.
    const std::uint64_t bytes = plan->workspace_bytes;
    *out = new sampan_op_plan{*device, std::move(plan)};
    *out_workspace_bytes = bytes == 0 ? 0 : bytes + native::kWorkspaceAlignmentBytes;
    return sampan_code_t{SAMPAN_OK};
  });
}

void ops_destroy(sampan_op_plan_t* plan) {
  plan->device.retire(std::move(plan->plan));
  delete plan;
}

sampan_code_t ops_run(sampan_op_plan_t* plan, sampan_stream_t* stream, const sampan_arg_t* args,
                      std::uint32_t arg_count, sampan_region_t workspace, std::uint64_t sequence,
                      sampan_error_t* error) {
  if (arg_count > OpArgs::kMax) {
    return fail(error, SAMPAN_INVALID_ARGUMENT, "%s takes at most %u arguments, not %u",
                plan->plan->name.c_str(), OpArgs::kMax, arg_count);
  }
  return stream->submit<OpCommand>(kOp, sequence, 0, error, [&](OpCommand& command) {
    command.plan = plan->plan.get();
    command.args = {};
    for (std::uint32_t i = 0; i < arg_count; ++i) {
      if (args[i].kind == SAMPAN_ARG_REGION) {
        command.args.buffers[i] = address_of(args[i].u.region);
      } else {
        std::memcpy(&command.args.value, args[i].u.value, sizeof command.args.value);
      }
    }
    command.workspace = aligned_workspace(workspace);
  });
}

const char* ops_name(sampan_op_plan_t* plan) { return plan->plan->name.c_str(); }

}  // namespace

const sampan_ops_table_t kOpsTable = {
    .size = sizeof(sampan_ops_table_t),
    .reserved = 0,
    .plan = ops_plan,
    .destroy = ops_destroy,
    .run = ops_run,
    .name = ops_name,
};

}  // namespace sampan::cpu
