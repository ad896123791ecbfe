#include <utility>

#include "mock.h"

namespace mock {
namespace {

using Table = sampan_event_table_t;

void complete(Point& point, std::optional<Failure> failure, const sampan_device_t& device) {
  point.done = true;
  point.failure = std::move(failure);
  point.timestamp_ns = device_now_ns(device);
  state().changed.notify_all();
}

sampan_code_t create(sampan_device_t* device, std::uint32_t flags, sampan_event_t** out,
                     sampan_error_t* error) {
  return call("event.create", device, error, [&](auto&) {
    auto* event = make_child<sampan_event_t>(SAMPAN_MOCK_LIVE_EVENTS, device);
    event->flags = flags;
    event->point = std::make_shared<Point>();
    // Never recorded counts as complete; never signalled doesn't.
    event->point->done = (flags & SAMPAN_EVENT_SIGNALLED) == 0;
    *out = event;
    return SAMPAN_OK;
  });
}

void destroy(sampan_event_t* event) {
  const std::lock_guard lock(state().mutex);
  const bool is_orphan = (event->flags & SAMPAN_EVENT_SIGNALLED) != 0 && !event->point->done;
  if (is_orphan) {
    complete(*event->point,
             Failure{SAMPAN_INTERNAL, 0, {}, "the event was destroyed before it was signalled"},
             *event->device);
  }
  drop_child(SAMPAN_MOCK_LIVE_EVENTS, event);
}

sampan_code_t record(sampan_event_t* event, sampan_stream_t* stream, sampan_error_t* error) {
  return call("event.record", stream->device, error, [&](auto&) -> sampan_code_t {
    if ((event->flags & SAMPAN_EVENT_SIGNALLED) != 0)
      violation("event.record of a SIGNALLED event");
    if (stream->failure) return report(error, *stream->failure);
    const auto point = std::make_shared<Point>();
    sampan_device_t* device = stream->device;
    Command command;
    command.run = [point, device](const Failure* earlier) -> std::optional<Failure> {
      const std::lock_guard lock(state().mutex);
      complete(*point, earlier != nullptr ? std::optional(*earlier) : std::nullopt, *device);
      return std::nullopt;
    };
    event->point = point;
    return enqueue(*stream, std::move(command), error);
  });
}

sampan_code_t signal(sampan_event_t* event, sampan_code_t code, sampan_error_t* error) {
  return call("event.signal", event->device, error, [&](auto&) {
    if ((event->flags & SAMPAN_EVENT_SIGNALLED) == 0) violation("event.signal of a recorded event");
    if (event->point->done) violation("event.signal of an event that is complete");
    std::optional<Failure> failure;
    if (code != SAMPAN_OK) {
      failure = Failure{code, 0, {}, "work of another backend that was waited for failed"};
    }
    complete(*event->point, std::move(failure), *event->device);
    return SAMPAN_OK;
  });
}

// What is known of a point that is done, or of one that can't be any more.
sampan_code_t ending(const sampan_event_t& event, const Point& point, sampan_error_t* error) {
  if (point.failure) return report(error, *point.failure);
  return point.done ? SAMPAN_OK : report_lost(error, *event.device);
}

sampan_code_t query(sampan_event_t* event, sampan_error_t* error) {
  const auto body = [&](auto&) -> sampan_code_t {
    const bool is_orphan = (event->flags & SAMPAN_EVENT_SIGNALLED) != 0 && event->device->is_lost;
    if (!event->point->done && !is_orphan) {
      return fail(error, SAMPAN_NOT_READY, "the event has not been reached");
    }
    return ending(*event, *event->point, error);
  };
  return call("event.query", event->device, error, body, IfLost::go_on);
}

sampan_code_t wait(sampan_event_t* event, std::uint64_t timeout_ns, sampan_error_t* error) {
  const auto body = [&](std::unique_lock<std::mutex>& lock) -> sampan_code_t {
    const std::shared_ptr<Point> point = event->point;
    // The worker of a lost device ends what was recorded; nobody ends what was to be signalled.
    const bool signalled = (event->flags & SAMPAN_EVENT_SIGNALLED) != 0;
    const auto ended = [&] { return point->done || (signalled && event->device->is_lost); };
    const auto code = wait_until(lock, timeout_ns, ended, error);
    return code != SAMPAN_OK ? code : ending(*event, *point, error);
  };
  return call("event.wait", event->device, error, body, IfLost::go_on);
}

sampan_code_t timestamp(sampan_event_t* event, std::uint64_t* out_ns, sampan_error_t* error) {
  return call("event.timestamp", event->device, error, [&](auto&) -> sampan_code_t {
    if ((event->flags & SAMPAN_EVENT_TIMING) == 0) {
      return fail(error, SAMPAN_UNSUPPORTED, "the event was created without timing");
    }
    if (!event->point->done || event->point->timestamp_ns == 0) {
      return fail(error, SAMPAN_NOT_READY, "the event has not been reached");
    }
    *out_ns = event->point->timestamp_ns;
    return SAMPAN_OK;
  });
}

}  // namespace

const Table kEventTable = {sizeof(Table), 0,     create, destroy,  record,
                           signal,        query, wait,   timestamp};

}  // namespace mock
