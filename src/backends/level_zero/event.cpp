#include "backends/level_zero/event.h"

#include "backends/level_zero/stream.h"

namespace sampan::level_zero {
namespace {

sampan_code_t create(sampan_device_t* device, std::uint32_t flags, sampan_event_t** out,
                     sampan_error_t* error) {
  return guarded(*device, error,
                 [&] { *out = std::make_unique<sampan_event>(*device, flags).release(); });
}

void destroy(sampan_event_t* event) { delete event; }

sampan_code_t record(sampan_event_t* event, sampan_stream_t* stream, sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    if (event->signalled_by_host()) {
      throw Failure(SAMPAN_INVALID_ARGUMENT,
                    "This event is completed by signal; record another one on the stream");
    }
    event->record(event->timed() ? stream->new_point() : stream->tail());
  });
}

sampan_code_t signal(sampan_event_t* event, sampan_code_t code, sampan_error_t* error) {
  return common::guarded(error, [&] { event->signal(code); });
}

sampan_code_t query(sampan_event_t* event, sampan_error_t* error) {
  return guarded(event->device(), error, [&]() -> sampan_code_t {
    const auto point = event->point();
    return point == nullptr || point->poll() ? sampan_code_t{SAMPAN_OK}
                                             : common::write_not_ready(error);
  });
}

sampan_code_t wait(sampan_event_t* event, std::uint64_t timeout_ns, sampan_error_t* error) {
  return guarded(event->device(), error, [&] {
    const auto point = event->point();
    if (point == nullptr || point->wait(timeout_ns)) return;
    throw Failure(SAMPAN_TIMEOUT, "The event wasn't reached within " + std::to_string(timeout_ns) +
                                      " ns; its work goes on");
  });
}

sampan_code_t timestamp(sampan_event_t* event, std::uint64_t* out_ns, sampan_error_t* error) {
  return guarded(event->device(), error, [&]() -> sampan_code_t {
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
  if (signalled_by_host()) {
    point_ = std::make_shared<Point>(OwnedEvent(device.health()->context()));
  }
}

Event::~Event() {
  if (!signalled_by_host()) return;
  try {
    const Failure never(SAMPAN_INVALID_ARGUMENT,
                        "An event was destroyed that streams wait for and that nobody had "
                        "signalled; signal it first");
    (void)point_->signal(&never);
  } catch (const std::exception&) {
    // The driver refuses; there is nobody to tell.
  }
}

std::shared_ptr<Point> Event::point() const {
  const std::lock_guard lock(mutex_);
  return point_;
}

void Event::record(std::shared_ptr<Point> point) {
  const std::uint64_t now_ns = host_clock_ns();
  const std::lock_guard lock(mutex_);
  point_.swap(point);
  host_ns_ = now_ns;
}

void Event::signal(sampan_code_t code) {
  if (!signalled_by_host()) {
    throw Failure(SAMPAN_INVALID_ARGUMENT,
                  "Only events made with the flag SIGNALLED can be signalled");
  }
  const std::uint64_t now_ns = timed() ? device_.clock().read().device_ns : 0;
  {
    const std::lock_guard lock(mutex_);
    if (host_ns_ == 0) host_ns_ = now_ns;
  }
  Failure cause(code, "The event was signalled as failed (code " + std::to_string(code) + ")");
  cause.flags = SAMPAN_ERROR_STICKY;
  if (!point_->signal(code == SAMPAN_OK ? nullptr : &cause)) {
    throw Failure(SAMPAN_INVALID_ARGUMENT, "The event was signalled before");
  }
}

bool Event::timestamp(std::uint64_t* out_ns) const {
  if (!timed()) {
    throw Failure(SAMPAN_UNSUPPORTED, "The event takes no time; make it with the flag TIMING");
  }
  std::shared_ptr<Point> reached;
  std::uint64_t host_ns = 0;
  {
    const std::lock_guard lock(mutex_);
    reached = point_;
    host_ns = host_ns_;
  }
  if (reached == nullptr || !reached->poll()) return false;
  *out_ns = signalled_by_host() ? host_ns : device_.clock().kernel_ns(reached->stamp(), host_ns);
  return true;
}

}  // namespace sampan::level_zero
