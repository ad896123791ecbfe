#include "backends/cuda_like/event.h"

#include "backends/cuda_like/stream.h"

namespace sampan::cuda_like {
namespace {

sampan_code_t create(sampan_device_t* device, std::uint32_t flags, sampan_event_t** out,
                     sampan_error_t* error) {
  return guarded(*device->context(), error,
                 [&] { *out = std::make_unique<sampan_event>(*device, flags).release(); });
}

void destroy(sampan_event_t* event) { dispose(event); }

sampan_code_t record(sampan_event_t* event, sampan_stream_t* stream, sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    if (event->signalled_by_host()) {
      throw Failure(SAMPAN_INVALID_ARGUMENT,
                    "This event is completed by signal; record another one on the stream");
    }
    auto base = event->timed() ? event->device().time_base() : nullptr;
    event->record(stream->point(event->timed()), std::move(base));
  });
}

sampan_code_t signal(sampan_event_t* event, sampan_code_t code, sampan_error_t* error) {
  return guarded(error, [&] { event->signal(code); });
}

sampan_code_t query(sampan_event_t* event, sampan_error_t* error) {
  return guarded(error, [&]() -> sampan_code_t {
    const auto point = event->point();
    return point == nullptr || point->poll() ? sampan_code_t{SAMPAN_OK}
                                             : common::write_not_ready(error);
  });
}

sampan_code_t wait(sampan_event_t* event, std::uint64_t timeout_ns, sampan_error_t* error) {
  return guarded(error, [&] {
    const auto point = event->point();
    if (point == nullptr || point->wait(timeout_ns)) return;
    throw Failure(SAMPAN_TIMEOUT, "The event wasn't reached within " + std::to_string(timeout_ns) +
                                      " ns; its work goes on");
  });
}

sampan_code_t timestamp(sampan_event_t* event, std::uint64_t* out_ns, sampan_error_t* error) {
  return guarded(*event->device().context(), error, [&]() -> sampan_code_t {
    return event->timestamp(out_ns) ? sampan_code_t{SAMPAN_OK} : common::write_not_ready(error);
  });
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

Event::Event(Device& device, std::uint32_t flags) : device_(device), flags_(flags) {
  if (signalled_by_host()) point_ = std::make_shared<Point>(device.context());
}

Event::~Event() {
  if (!signalled_by_host()) return;
  try {
    const Failure never(SAMPAN_LAUNCH_FAILED, "The event was destroyed before it was signalled");
    (void)point_->signal(&never);
  } catch (const std::bad_alloc&) {
    (void)point_->signal(nullptr);
  }
}

std::shared_ptr<Point> Event::point() const {
  const std::lock_guard lock(mutex_);
  return point_;
}

void Event::record(std::shared_ptr<Point> point, std::shared_ptr<TimeBase> base) {
  const std::lock_guard lock(mutex_);
  point_ = std::move(point);
  base_ = std::move(base);
}

void Event::signal(sampan_code_t code) {
  if (!signalled_by_host()) {
    throw Failure(SAMPAN_INVALID_ARGUMENT, "Only an event made for signals can be signalled");
  }
  const Failure failure(code, "The event that was waited for has failed");
  {
    const std::lock_guard lock(mutex_);
    if (signalled_ns_ == 0) signalled_ns_ = host_clock_ns();
  }
  if (!point_->signal(code != SAMPAN_OK ? &failure : nullptr)) {
    throw Failure(SAMPAN_INVALID_ARGUMENT, "The event was signalled before");
  }
}

bool Event::timestamp(std::uint64_t* out_ns) const {
  if (!timed()) {
    throw Failure(SAMPAN_UNSUPPORTED,
                  "This event takes no time; create it with SAMPAN_EVENT_TIMING");
  }
  std::shared_ptr<Point> point;
  std::shared_ptr<TimeBase> base;
  {
    const std::lock_guard lock(mutex_);
    point = point_;
    base = base_;
    if (signalled_by_host()) *out_ns = signalled_ns_;
  }
  if (point == nullptr || !point->poll()) return false;
  if (signalled_by_host()) return true;
  const auto ns = device_.time_of(*base, point->event());
  if (ns) *out_ns = *ns;
  return ns.has_value();
}

}  // namespace sampan::cuda_like
