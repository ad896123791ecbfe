#include "backends/skeleton/stream.h"

#include "backends/skeleton/error.h"

namespace sampan::skeleton {
namespace {

sampan_code_t create(sampan_device_t*, const sampan_stream_options_t*, sampan_stream_t**,
                     sampan_error_t* error) {
  return unsupported(error, "stream.create");
}

// Waits for the stream's work: the host gives memory back right after.
void destroy(sampan_stream_t*) {}

// The hottest call of all: one driver call, no allocation, no event, no lock that another stream
// takes. Keep `launch->sequence` and the kernel's name for the error that may come later.
sampan_code_t launch(sampan_stream_t*, const sampan_launch_t*, sampan_error_t* error) {
  return unsupported(error, "stream.launch");
}

sampan_code_t copy(sampan_stream_t*, sampan_region_t, sampan_region_t, uint64_t,
                   sampan_error_t* error) {
  return unsupported(error, "stream.copy");
}

sampan_code_t copy_2d(sampan_stream_t*, const sampan_copy_2d_t*, sampan_error_t* error) {
  return unsupported(error, "stream.copy_2d");
}

sampan_code_t copy_to_device(sampan_stream_t*, sampan_region_t, const void*, uint64_t,
                             sampan_error_t* error) {
  return unsupported(error, "stream.copy_to_device");
}

sampan_code_t copy_to_host(sampan_stream_t*, void*, sampan_region_t, uint64_t,
                           sampan_error_t* error) {
  return unsupported(error, "stream.copy_to_host");
}

sampan_code_t fill(sampan_stream_t*, sampan_region_t, const void*, uint32_t, uint64_t,
                   sampan_error_t* error) {
  return unsupported(error, "stream.fill");
}

// The event may be of another device, or fail: then this stream fails with the same cause, and
// what waits behind it must not run.
sampan_code_t wait_event(sampan_stream_t*, sampan_event_t*, sampan_error_t* error) {
  return unsupported(error, "stream.wait_event");
}

sampan_code_t host_function(sampan_stream_t*, void (*)(void*, int32_t), void*,
                            sampan_error_t* error) {
  return unsupported(error, "stream.host_function");
}

sampan_code_t flush(sampan_stream_t*, sampan_error_t* error) {
  return unsupported(error, "stream.flush");
}

sampan_code_t query(sampan_stream_t*, sampan_error_t* error) {
  return unsupported(error, "stream.query");
}

// Any thread may call this while the owner goes on handing over work.
sampan_code_t wait(sampan_stream_t*, uint64_t, sampan_error_t* error) {
  return unsupported(error, "stream.wait");
}

sampan_code_t native(sampan_stream_t*, void**, sampan_error_t* error) {
  return unsupported(error, "stream.native");
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

}  // namespace sampan::skeleton
