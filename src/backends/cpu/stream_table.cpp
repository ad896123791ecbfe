// The stream, profile and peer groups of the plug-in ABI.
#include "backends/cpu/event.h"
#include "backends/cpu/launch.h"
#include "backends/cpu/stream.h"
#include "backends/cpu/transfer.h"

namespace sampan::cpu {
namespace {

struct HostFunctionCommand : Command {
  void (*function)(void* context, std::int32_t failed);
  void* context;
};

void run_host_function(Stream& stream, Command& raw) {
  const auto& command = static_cast<HostFunctionCommand&>(raw);
  const Stream::Stall stall(stream);
  command.function(command.context, stream.failure() == nullptr ? 0 : 1);
}

constexpr CommandType kHostFunction = {run_host_function, run_host_function, 0, true};

struct ProfileCommand : Command {
  ProfileSink sink;
};

void run_profile(Stream& stream, Command& raw) {
  stream.set_profile(static_cast<ProfileCommand&>(raw).sink);
}

constexpr CommandType kProfile = {run_profile, run_profile, 0, false};

sampan_code_t submit_profile(Stream& stream, const ProfileSink& sink, sampan_error_t* error) {
  return stream.submit<ProfileCommand>(kProfile, 0, 0, error,
                                       [&](ProfileCommand& command) { command.sink = sink; });
}

sampan_code_t stream_create(sampan_device_t* device, const sampan_stream_options_t*,
                            sampan_stream_t** out, sampan_error_t* error) {
  return guarded(error, [&] {
    if (const auto code = device->check(error); code != SAMPAN_OK) return code;
    *out = new sampan_stream(*device);
    return sampan_code_t{SAMPAN_OK};
  });
}

void stream_destroy(sampan_stream_t* stream) { delete stream; }

sampan_code_t stream_host_function(sampan_stream_t* stream,
                                   void (*function)(void* context, std::int32_t failed),
                                   void* context, sampan_error_t* error) {
  return stream->submit<HostFunctionCommand>(kHostFunction, 0, 0, error,
                                             [&](HostFunctionCommand& command) {
                                               command.function = function;
                                               command.context = context;
                                             });
}

// Work starts when it is submitted.
sampan_code_t stream_flush(sampan_stream_t* stream, sampan_error_t* error) {
  return stream->check(error);
}

sampan_code_t stream_query(sampan_stream_t* stream, sampan_error_t* error) {
  return stream->query(error);
}

sampan_code_t stream_wait(sampan_stream_t* stream, std::uint64_t timeout_ns,
                          sampan_error_t* error) {
  return stream->wait(timeout_ns, error);
}

sampan_code_t stream_native(sampan_stream_t*, void**, sampan_error_t* error) {
  return fail(error, SAMPAN_UNSUPPORTED, "a CPU stream has no driver handle");
}

sampan_code_t profile_begin(sampan_stream_t* stream,
                            void (*sink)(void* context, const sampan_interval_t* interval),
                            void* context, sampan_error_t* error) {
  return submit_profile(*stream, {sink, context}, error);
}

sampan_code_t profile_end(sampan_stream_t* stream, sampan_error_t* error) {
  const auto code = submit_profile(*stream, {}, error);
  // On a failed stream, too: nothing runs after this.
  const auto waited = stream->wait(SAMPAN_WAIT_FOREVER, error);
  return code != SAMPAN_OK ? code : waited;
}

// All devices of this backend share the machine's memory.
sampan_code_t peer_can_copy(sampan_device_t*, sampan_device_t*, std::uint32_t* out,
                            sampan_error_t*) {
  *out = 1;
  return SAMPAN_OK;
}

}  // namespace

const sampan_stream_table_t kStreamTable = {
    .size = sizeof(sampan_stream_table_t),
    .reserved = 0,
    .create = stream_create,
    .destroy = stream_destroy,
    .launch = stream_launch,
    .copy = stream_copy,
    .copy_2d = stream_copy_2d,
    .copy_to_device = stream_copy_to_device,
    .copy_to_host = stream_copy_to_host,
    .fill = stream_fill,
    .wait_event = stream_wait_event,
    .host_function = stream_host_function,
    .flush = stream_flush,
    .query = stream_query,
    .wait = stream_wait,
    .native = stream_native,
};

const sampan_profile_table_t kProfileTable = {
    .size = sizeof(sampan_profile_table_t),
    .reserved = 0,
    .begin = profile_begin,
    .end = profile_end,
};

const sampan_peer_table_t kPeerTable = {
    .size = sizeof(sampan_peer_table_t),
    .reserved = 0,
    .can_copy = peer_can_copy,
    .copy = stream_copy,
};

}  // namespace sampan::cpu
