#include "backends/cpu/event.h"

#include "backends/cpu/stream.h"

namespace sampan::cpu {

void EventPoint::reach(const Failure* failure, std::uint64_t timestamp_ns) noexcept {
  timestamp_ns_ = timestamp_ns;
  if (failure != nullptr) failure_ = *failure;
  state_.store(failure == nullptr ? kDone : kFailed, std::memory_order_seq_cst);
  spot_.notify();
}

bool EventPoint::wait(std::uint64_t deadline_ns, std::uint64_t spin_ns) noexcept {
  const auto done = [this] { return reached(); };
  if (done()) return true;
  const std::uint64_t now = deadline_ns == kNever ? 0 : now_ns();
  if (deadline_ns <= now) return done();
  return spin_until(done, std::min(spin_ns, deadline_ns - now)) ||
         spot_.park_until(done, deadline_ns);
}

Event::Event(Device& device, std::uint32_t flags) : device_(device), flags_(flags) {
  if ((flags & SAMPAN_EVENT_SIGNALLED) != 0) latest_ = EventPointRef(new EventPoint);
}

Event::~Event() {
  if ((flags_ & SAMPAN_EVENT_SIGNALLED) == 0 || latest_->reached()) return;
  Failure failure;
  failure.code = SAMPAN_INVALID_ARGUMENT;
  copy_text(failure.message,
            "an event was destroyed before it was signalled, so what waited for it can't run; "
            "signal events before destroying them");
  latest_->reach(&failure, now_ns());
}

EventPointRef Event::renew() {
  const std::lock_guard lock(mutex_);
  if (latest_ && latest_->unshared()) {
    latest_->reset();
  } else {
    latest_ = EventPointRef(new EventPoint);
  }
  return EventPointRef(latest_->retain());
}

bool Event::signal(const Failure* failure) noexcept {
  const std::lock_guard lock(mutex_);
  if (latest_->reached()) return false;
  latest_->reach(failure, now_ns());
  return true;
}

EventPointRef Event::latest() const noexcept {
  const std::lock_guard lock(mutex_);
  return latest_ ? EventPointRef(latest_->retain()) : EventPointRef();
}

namespace {

struct PointCommand : Command {
  EventPoint* point;  // one reference
  bool timing;
};

void run_record(Stream& stream, Command& raw) {
  const auto& command = static_cast<PointCommand&>(raw);
  command.point->reach(stream.failure(), command.timing ? now_ns() : 0);
  command.point->release();
}

void run_wait(Stream& stream, Command& raw) {
  EventPoint& point = *static_cast<PointCommand&>(raw).point;
  if (!point.reached()) {
    const Stream::Stall stall(stream);
    (void)point.wait(kNever, stream.device().spin_ns());
  }
  if (const Failure* failure = point.failure()) stream.fail_with(*failure);
  point.release();
}

void drop_wait(Stream&, Command& raw) { static_cast<PointCommand&>(raw).point->release(); }

// A point is also reached where its stream has failed.
constexpr CommandType kRecord = {run_record, run_record, 0, false};
constexpr CommandType kWait = {run_wait, drop_wait, 0, true};

sampan_code_t submit_point(Stream& stream, const CommandType& type, EventPointRef& point,
                           bool timing, sampan_error_t* error) {
  return stream.submit<PointCommand>(type, 0, 0, error, [&](PointCommand& command) {
    command.point = point.detach();
    command.timing = timing;
  });
}

sampan_code_t event_create(sampan_device_t* device, std::uint32_t flags, sampan_event_t** out,
                           sampan_error_t* error) {
  return guarded(error, [&] {
    if (const auto code = device->check(error); code != SAMPAN_OK) return code;
    *out = new sampan_event(*device, flags);
    return sampan_code_t{SAMPAN_OK};
  });
}

void event_destroy(sampan_event_t* event) { delete event; }

sampan_code_t event_record(sampan_event_t* event, sampan_stream_t* stream, sampan_error_t* error) {
  return guarded(error, [&] {
    if (const auto code = event->device().check(error); code != SAMPAN_OK) return code;
    EventPointRef point = event->renew();
    const auto code = submit_point(*stream, kRecord, point, event->timing(), error);
    if (code == SAMPAN_OK) return code;
    // Nothing will reach the point: those who wait for the event get the cause.
    Failure failure;
    failure.code = code;
    failure.sequence = error->sequence;
    copy_text(failure.kernel, error->kernel);
    copy_text(failure.message, error->message);
    point->reach(&failure, now_ns());
    return code;
  });
}

sampan_code_t event_signal(sampan_event_t* event, sampan_code_t code, sampan_error_t* error) {
  if (const auto lost = event->device().check(error); lost != SAMPAN_OK) return lost;
  Failure failure;
  failure.code = code;
  copy_text(failure.message,
            "an event that this work waited for was signalled with a failure; its own stream or "
            "device has the cause");
  if (event->signal(code == SAMPAN_OK ? nullptr : &failure)) return SAMPAN_OK;
  return fail(error, SAMPAN_INVALID_ARGUMENT,
              "the event has been signalled already; create a new one for the next signal");
}

sampan_code_t outcome(const EventPoint& point, sampan_error_t* error) {
  const Failure* failure = point.failure();
  return failure == nullptr ? sampan_code_t{SAMPAN_OK} : report(error, *failure);
}

sampan_code_t event_query(sampan_event_t* event, sampan_error_t* error) {
  if (const auto code = event->device().check(error); code != SAMPAN_OK) return code;
  const EventPointRef point = event->latest();
  if (!point) return SAMPAN_OK;
  if (point->reached()) return outcome(*point.get(), error);
  return fail(error, SAMPAN_NOT_READY, "the event has not been reached");
}

sampan_code_t event_wait(sampan_event_t* event, std::uint64_t timeout_ns, sampan_error_t* error) {
  if (const auto code = event->device().check(error); code != SAMPAN_OK) return code;
  const EventPointRef point = event->latest();
  if (!point) return SAMPAN_OK;
  const std::uint64_t deadline_ns = timeout_ns == 0 ? 0 : deadline_after(timeout_ns);
  if (!point->wait(deadline_ns, event->device().spin_ns())) {
    return fail(error, SAMPAN_TIMEOUT,
                "the event was not reached within %llu ns; the work goes on, wait again for it",
                static_cast<unsigned long long>(timeout_ns));
  }
  return outcome(*point.get(), error);
}

sampan_code_t event_timestamp(sampan_event_t* event, std::uint64_t* out_ns, sampan_error_t* error) {
  if (!event->timing()) {
    return fail(error, SAMPAN_UNSUPPORTED,
                "the event takes no timestamp; create it with SAMPAN_EVENT_TIMING");
  }
  if (const auto code = event->device().check(error); code != SAMPAN_OK) return code;
  const EventPointRef point = event->latest();
  if (!point || !point->reached()) {
    return fail(error, SAMPAN_NOT_READY, "the event has not been reached");
  }
  if (const auto code = outcome(*point.get(), error); code != SAMPAN_OK) return code;
  *out_ns = point->timestamp_ns();
  return SAMPAN_OK;
}

}  // namespace

sampan_code_t stream_wait_event(sampan_stream_t* stream, sampan_event_t* event,
                                sampan_error_t* error) {
  if (const auto code = stream->check(error); code != SAMPAN_OK) return code;
  EventPointRef point = event->latest();
  if (!point) return SAMPAN_OK;
  return submit_point(*stream, kWait, point, false, error);
}

const sampan_event_table_t kEventTable = {
    .size = sizeof(sampan_event_table_t),
    .reserved = 0,
    .create = event_create,
    .destroy = event_destroy,
    .record = event_record,
    .signal = event_signal,
    .query = event_query,
    .wait = event_wait,
    .timestamp = event_timestamp,
};

}  // namespace sampan::cpu
