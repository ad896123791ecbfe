#include "backends/cuda_like/stream.h"

#include <future>
#include <utility>

#include "backends/cuda_like/host_call.h"

namespace sampan::cuda_like {

Stream::Stream(Device& device, std::int32_t priority)
    : device_(device),
      progress_(std::make_shared<Progress>(device.context())),
      host_copies_(std::make_unique<HostCopies>(calls_)) {
  check(api().stream_create, During::kAllocation, "Creating a stream", &handle_, kStreamNonBlocking,
        static_cast<int>(priority));
}

Stream::~Stream() {
  quietly(*device_.context(), [this] {
    try {
      if (!device_.context()->lost()) (void)wait(SAMPAN_WAIT_FOREVER);
    } catch (const Failure& failure) {
      device_.context()->note(failure);  // failed work has ended, too
    }
    if (!device_.context()->lost()) (void)api().stream_synchronize(handle_);
    worker_.reset();
    host_copies_.reset();
    (void)api().stream_destroy(handle_);
  });
  progress_->end();
}

std::shared_ptr<Point> Stream::point(bool timed) {
  const Mark mark = progress_->mark();
  OwnedEvent event(device_.context(), timed);
  check(api().event_record, During::kSubmission, "Marking a point on a stream", event.get(),
        handle_);
  return std::make_shared<Point>(std::move(event), progress_, mark);
}

bool Stream::copies_directly(const void* host, std::uint64_t size_bytes) const {
  return is_pinned(host, size_bytes) || !api().launch_host_function ||
         api().stream_query(handle_) == kSuccess;
}

void Stream::wait_for(std::shared_ptr<Point> point) {
  bool complete = false;
  try {
    complete = point->poll();
  } catch (const Failure& cause) {
    progress_->refuse(cause);
  }
  if (complete) return;
  if (point->by_signal()) {
    block_on(point);
  } else {
    check(api().stream_wait_event, During::kSubmission, "Making a stream wait for an event",
          handle_, point->event(), 0u);
  }
  progress_->note_dependency(std::move(point));
}

// The word in pinned memory keeps no thread of the driver's. Without it, the host function that
// waits keeps the one that runs all host functions of some drivers.
void Stream::block_on(const std::shared_ptr<Point>& signalled) {
  constexpr const char* kDoing = "Making a stream wait for a signal";
  if (device_.facts().wait_value) {
    check(shape().wait_value, During::kSubmission, kDoing, handle_, signalled->word(), 1u);
    return;
  }
  if (!api().launch_host_function) {
    throw Failure(SAMPAN_UNSUPPORTED,
                  "This driver lets no stream wait for the host; update the driver");
  }
  calls_.enqueue(
      handle_, [signalled] { signalled->block(); }, kDoing);
}

common::Worker& Stream::worker() {
  if (worker_ == nullptr) worker_ = std::make_unique<common::Worker>();
  return *worker_;
}

void Stream::host_function(void (*function)(void* context, std::int32_t failed), void* context) {
  const std::shared_ptr<Point> before = point(false);
  auto call = std::make_shared<HostCall>(function, context, progress_);
  if (api().launch_host_function) {
    // The driver runs it unless work before has failed; then the thread does, which waits for the
    // same moment. Posted first, as nothing may fail behind the driver's back.
    auto go = std::make_shared<std::promise<bool>>();
    worker().post([call, before, wanted = go->get_future().share()] {
      if (wanted.get()) call->run_after_failure(*before);
    });
    try {
      calls_.enqueue(
          handle_, [call] { call->run_in_order(); }, "Enqueuing a host function");
    } catch (...) {
      go->set_value(false);
      throw;
    }
    progress_->note_work();
    go->set_value(true);
    return;
  }
  const auto done = std::make_shared<Point>(device_.context());
  block_on(done);
  progress_->note_work();
  worker().post([call, before, done] {
    call->run_after(*before);
    (void)done->signal(nullptr);
  });
}

bool Stream::query() {
  const Mark mark = progress_->mark();
  const Result code = api().stream_query(handle_);
  if (code == kErrorNotReady) return false;
  if (code != kSuccess) {
    throw failure_of(code, api().stream_query.symbol, During::kExecution, "Work on the stream");
  }
  progress_->settle(mark);
  return true;
}

bool Stream::wait(std::uint64_t timeout_ns) {
  if (query()) return true;
  return point(false)->wait(timeout_ns);
}

}  // namespace sampan::cuda_like
