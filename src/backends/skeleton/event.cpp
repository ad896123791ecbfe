#include "backends/skeleton/event.h"

#include "backends/skeleton/error.h"

namespace sampan::skeleton {
namespace {

sampan_code_t create(sampan_device_t*, uint32_t, sampan_event_t**, sampan_error_t* error) {
  return unsupported(error, "event.create");
}

void destroy(sampan_event_t*) {}

sampan_code_t record(sampan_event_t*, sampan_stream_t*, sampan_error_t* error) {
  return unsupported(error, "event.record");
}

sampan_code_t signal(sampan_event_t*, sampan_code_t, sampan_error_t* error) {
  return unsupported(error, "event.signal");
}

sampan_code_t query(sampan_event_t*, sampan_error_t* error) {
  return unsupported(error, "event.query");
}

sampan_code_t wait(sampan_event_t*, uint64_t, sampan_error_t* error) {
  return unsupported(error, "event.wait");
}

// Nanoseconds on the clock that device.clock reads.
sampan_code_t timestamp(sampan_event_t*, uint64_t*, sampan_error_t* error) {
  return unsupported(error, "event.timestamp");
}

}  // namespace

const sampan_event_table_t kEventTable = {
    .size = sizeof(sampan_event_table_t),
    .reserved = 0,
    .create = create,
    .destroy = destroy,
    .record = record,
    .signal = signal,
    .query = query,
    .wait = wait,
    .timestamp = timestamp,
};

}  // namespace sampan::skeleton
