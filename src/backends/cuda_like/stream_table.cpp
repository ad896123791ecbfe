#include <memory>

#include "backends/cuda_like/copy.h"
#include "backends/cuda_like/event.h"
#include "backends/cuda_like/launch.h"
#include "backends/cuda_like/stream.h"

namespace sampan::cuda_like {
namespace {

sampan_code_t create(sampan_device_t* device, const sampan_stream_options_t* options,
                     sampan_stream_t** out, sampan_error_t* error) {
  return guarded(*device->context(), error, [&] {
    const std::int32_t priority = options != nullptr ? options->priority : 0;
    *out = std::make_unique<sampan_stream>(*device, priority).release();
  });
}

void destroy(sampan_stream_t* stream) { dispose(stream); }

sampan_code_t launch(sampan_stream_t* stream, const sampan_launch_t* launch,
                     sampan_error_t* error) {
  return guarded(*stream, error, [&] { enqueue_launch(*stream, *launch); });
}

sampan_code_t wait_event(sampan_stream_t* stream, sampan_event_t* event, sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    if (auto point = event->point()) stream->wait_for(std::move(point));
  });
}

sampan_code_t host_function(sampan_stream_t* stream,
                            void (*function)(void* context, std::int32_t failed), void* context,
                            sampan_error_t* error) {
  return guarded(*stream, error, [&] { stream->host_function(function, context); });
}

// The driver batches nothing that it doesn't hand over by itself.
sampan_code_t flush(sampan_stream_t* stream, sampan_error_t* error) {
  return guarded(*stream, error, [] {});
}

sampan_code_t query(sampan_stream_t* stream, sampan_error_t* error) {
  return guarded(*stream, error, [&]() -> sampan_code_t {
    return stream->query() ? sampan_code_t{SAMPAN_OK} : common::write_not_ready(error);
  });
}

sampan_code_t wait(sampan_stream_t* stream, std::uint64_t timeout_ns, sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    if (stream->wait(timeout_ns)) return;
    throw Failure(SAMPAN_TIMEOUT, "The stream's work didn't complete within " +
                                      std::to_string(timeout_ns) + " ns; it goes on");
  });
}

sampan_code_t native(sampan_stream_t* stream, void** out, sampan_error_t* error) {
  return guarded(error, [&] { *out = stream->handle(); });
}

}  // namespace

const sampan_stream_table_t kStreamTable = {
    .size = sizeof(sampan_stream_table_t),
    .reserved = 0,
    .create = create,
    .destroy = destroy,
    .launch = launch,
    .copy = copy,
    .copy_2d = copy_2d,
    .copy_to_device = copy_to_device,
    .copy_to_host = copy_to_host,
    .fill = fill,
    .wait_event = wait_event,
    .host_function = host_function,
    .flush = flush,
    .query = query,
    .wait = wait,
    .native = native,
};

const sampan_peer_table_t kPeerTable = {
    .size = sizeof(sampan_peer_table_t),
    .reserved = 0,
    .can_copy = can_copy_peer,
    .copy = copy_peer,
};

}  // namespace sampan::cuda_like
