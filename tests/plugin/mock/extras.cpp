// The small groups: peer, profile, telemetry, ops.
#include <cstdio>
#include <cstring>

#include "mock.h"

// y = a + b over rows of f32 without holes: the one operation that the mock has.
struct sampan_op_plan {
  sampan_device_t* device = nullptr;
  std::uint64_t elems = 0;
};

namespace mock {
namespace {

// ---- Peer: devices 0 and 1 reach each other, the others go through the host ---------------------

sampan_code_t can_copy(sampan_device_t* dst, sampan_device_t* src, std::uint32_t* out,
                       sampan_error_t* error) {
  return call("peer.can_copy", dst, error, [&](auto&) {
    *out = dst->ordinal < 2 && src->ordinal < 2 ? 1 : 0;
    return SAMPAN_OK;
  });
}

sampan_code_t copy_peer(sampan_stream_t* stream, sampan_region_t dst, sampan_region_t src,
                        std::uint64_t size_bytes, sampan_error_t* error) {
  return call("peer.copy", stream->device, error, [&](auto&) -> sampan_code_t {
    if (stream->failure) return report(error, *stream->failure);
    if (dst.memory->device != stream->device) violation("peer.copy on a stream of the source");
    std::byte* to = bytes_of(dst, size_bytes, nullptr);
    const std::byte* from = bytes_of(src, size_bytes, nullptr);
    Command command;
    command.node_kind = SAMPAN_NODE_COPY;
    command.uses = {dst.memory, src.memory};
    command.run = sure_work([=] { std::memcpy(to, from, size_bytes); });
    return enqueue(*stream, std::move(command), error);
  });
}

// ---- Profile
// -------------------------------------------------------------------------------------

sampan_code_t begin(sampan_stream_t* stream,
                    void (*sink)(void* context, const sampan_interval_t* interval), void* context,
                    sampan_error_t* error) {
  return call("profile.begin", stream->device, error, [&](auto&) {
    stream->sink = sink;
    stream->sink_context = context;
    return SAMPAN_OK;
  });
}

sampan_code_t end(sampan_stream_t* stream, sampan_error_t* error) {
  const auto body = [&](std::unique_lock<std::mutex>& lock) {
    const std::uint64_t target = stream->submitted;
    const auto code = wait_until(
        lock, SAMPAN_WAIT_FOREVER, [&] { return stream->completed >= target; }, error);
    stream->sink = nullptr;
    return code;
  };
  return call("profile.end", stream->device, error, body, IfLost::go_on);
}

// ---- Telemetry
// -----------------------------------------------------------------------------------

sampan_code_t read_sensors(sampan_device_t* device, sampan_telemetry_t* out,
                           sampan_error_t* error) {
  return call("telemetry.read", device, error, [&](auto&) {
    sampan_telemetry_t figures{};
    figures.size = out->size;
    figures.valid = SAMPAN_TELEMETRY_POWER | SAMPAN_TELEMETRY_TEMPERATURE;
    figures.power_mw = 12'500;
    figures.temperature_mc = 41'000;
    std::snprintf(figures.source, sizeof(figures.source), "mock");
    *out = figures;
    return SAMPAN_OK;
  });
}

// ---- Ops
// -----------------------------------------------------------------------------------------

sampan_code_t plan(sampan_device_t* device, std::uint32_t op, const void* desc,
                   sampan_op_plan_t** out, std::uint64_t* out_workspace_bytes,
                   sampan_error_t* error) {
  return call("ops.plan", device, error, [&](auto&) -> sampan_code_t {
    const auto* row = static_cast<const sampan_row_desc_t*>(desc);
    const bool suits = op == SAMPAN_OP_ROW && row->kind == SAMPAN_ROW_ADD &&
                       row->type == SAMPAN_F32 && row->x_stride == row->cols &&
                       row->x2_stride == row->cols && row->y_stride == row->cols;
    if (!suits) {
      return fail(error, SAMPAN_UNSUPPORTED, "the mock only adds dense rows of f32");
    }
    auto* made = make_child<sampan_op_plan_t>(SAMPAN_MOCK_LIVE_PLANS, device);
    made->elems = row->rows * row->cols;
    *out = made;
    *out_workspace_bytes = 0;
    return SAMPAN_OK;
  });
}

void destroy(sampan_op_plan_t* plan) {
  const std::lock_guard lock(state().mutex);
  drop_child(SAMPAN_MOCK_LIVE_PLANS, plan);
}

sampan_code_t run(sampan_op_plan_t* plan, sampan_stream_t* stream, const sampan_arg_t* args,
                  std::uint32_t arg_count, sampan_region_t, std::uint64_t sequence,
                  sampan_error_t* error) {
  return call("ops.run", stream->device, error, [&](auto&) -> sampan_code_t {
    if (stream->failure) return report(error, *stream->failure);
    if (arg_count != 3) violation("ops.run with a wrong argument count");
    const std::uint64_t n = plan->elems;
    const auto floats = [&](std::size_t i) {
      return reinterpret_cast<float*>(bytes_of(args[i].u.region, n * sizeof(float), plan->device));
    };
    const float* a = floats(0);
    const float* b = floats(1);
    float* y = floats(2);
    Command command;
    command.node_kind = SAMPAN_NODE_LAUNCH;
    command.sequence = sequence;
    command.kernel = "add rows";
    for (int i = 0; i < 3; ++i) command.uses.push_back(args[i].u.region.memory);
    command.run = sure_work([=] {
      for (std::uint64_t i = 0; i < n; ++i) y[i] = a[i] + b[i];
    });
    return enqueue(*stream, std::move(command), error);
  });
}

const char* name(sampan_op_plan_t*) { return "mock add rows"; }

}  // namespace

const sampan_peer_table_t kPeerTable = {sizeof(sampan_peer_table_t), 0, can_copy, copy_peer};
const sampan_profile_table_t kProfileTable = {sizeof(sampan_profile_table_t), 0, begin, end};
const sampan_telemetry_table_t kTelemetryTable = {sizeof(sampan_telemetry_table_t), 0,
                                                  read_sensors};
const sampan_ops_table_t kOpsTable = {sizeof(sampan_ops_table_t), 0, plan, destroy, run, name};

}  // namespace mock
