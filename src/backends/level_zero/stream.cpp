#include "backends/level_zero/stream.h"

#include <new>
#include <utility>

#include "backends/level_zero/copy.h"
#include "backends/level_zero/event.h"

namespace sampan::level_zero {
namespace {

constexpr const char* kMarking = "Marking a point on a stream";
constexpr const char* kBlocking = "Making a stream wait";
constexpr std::size_t kManyDependencies = 64;

sampan_code_t create(sampan_device_t* device, const sampan_stream_options_t* options,
                     sampan_stream_t** out, sampan_error_t* error) {
  return guarded(*device, error, [&] {
    const std::int32_t priority = options != nullptr ? options->priority : 0;
    *out = std::make_unique<sampan_stream>(*device, priority).release();
  });
}

void destroy(sampan_stream_t* stream) { delete stream; }

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
  return guarded(*stream, error, [&] {
    stream->run_on_host([function, context](bool failed) { function(context, failed ? 1 : 0); });
  });
}

// Immediate lists hand over by themselves.
sampan_code_t flush(sampan_stream_t* stream, sampan_error_t* error) {
  return guarded(*stream, error, [] {});
}

sampan_code_t query(sampan_stream_t* stream, sampan_error_t* error) {
  return guarded(*stream, error, [&]() -> sampan_code_t {
    const auto tail = stream->tail();
    return tail == nullptr || tail->poll() ? sampan_code_t{SAMPAN_OK}
                                           : common::write_not_ready(error);
  });
}

sampan_code_t wait(sampan_stream_t* stream, std::uint64_t timeout_ns, sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    const auto tail = stream->tail();
    if (tail == nullptr || tail->wait(timeout_ns)) return;
    throw Failure(SAMPAN_TIMEOUT, "The stream's work didn't complete within " +
                                      std::to_string(timeout_ns) + " ns; it goes on");
  });
}

sampan_code_t native(sampan_stream_t* stream, void** out, sampan_error_t* error) {
  return guarded(*stream, error, [&] { *out = stream->list(); });
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

namespace {

std::uint32_t level_of(std::int32_t priority) {
  if (priority == 0) return ze::kPriorityNormal;
  return priority < 0 ? ze::kPriorityHigh : ze::kPriorityLow;
}

void open(Point& gate) noexcept {
  try {
    (void)gate.signal(nullptr);
  } catch (const std::exception&) {
    // The device is lost; nobody waits any more.
  }
}

}  // namespace

Stream::Stream(Device& device, std::int32_t priority)
    : device_(device), progress_(std::make_shared<Progress>(device.health())) {
  ze::QueueDesc desc;
  desc.ordinal = device.facts().queue_ordinal;
  desc.priority = level_of(priority);
  level_zero::check(api().list_create_immediate(device.context(), device.id(), &desc, &list_),
                    "zeCommandListCreateImmediate", During::kAllocation, "Creating a stream");
}

Stream::~Stream() {
  try {
    if (const auto last = tail()) last->drain();
  } catch (const std::exception&) {
    // The driver takes no more work.
  }
  worker_.reset();
  kernels_.clear();
  (void)api().list_destroy(list_);
  progress_->end();
}

Mark Stream::mark() {
  const std::lock_guard lock(mutex_);
  return mark_;
}

// Level Zero promises no order between the commands of a list.
void Stream::order() {
  if (!needs_barrier_) return;
  level_zero::check(api().append_barrier(list_, nullptr, 0, nullptr), "zeCommandListAppendBarrier",
                    During::kSubmission, "Ordering a stream");
  needs_barrier_ = false;
}

std::shared_ptr<Point> Stream::make_point_locked() {
  auto point = std::make_shared<Point>(OwnedEvent(device_.health()->context()), progress_, mark_);
  const ze::Result code = api().append_barrier(list_, point->event(), 0, nullptr);
  if (code != ze::kSuccess) {
    (void)api().event_host_signal(point->event());  // so that it can be used again
    throw failure_of(code, "zeCommandListAppendBarrier", During::kSubmission, kMarking);
  }
  needs_barrier_ = false;
  return point;
}

std::shared_ptr<Point> Stream::tail() {
  const std::lock_guard lock(mutex_);
  if (mark_.submissions == 0) return nullptr;
  if (tail_ == nullptr || tail_->submissions() != mark_.submissions) tail_ = make_point_locked();
  return tail_;
}

std::shared_ptr<Point> Stream::new_point() {
  const std::lock_guard lock(mutex_);
  return make_point_locked();
}

common::Worker& Stream::worker() {
  if (worker_ == nullptr) worker_ = std::make_unique<common::Worker>();
  return *worker_;
}

// The point is kept until the stream has passed it.
void Stream::block_on(std::shared_ptr<Point> point) {
  {
    const std::lock_guard lock(mutex_);
    ze::Event event = point->event();
    progress_->add_dependency(std::move(point), mark_);
    ++mark_.submissions;
    const ze::Result code = api().append_barrier(list_, nullptr, 1, &event);
    level_zero::check(code, "zeCommandListAppendBarrier", During::kSubmission, kBlocking);
    needs_barrier_ = false;
  }
  trim();
}

// A stream that nobody waits for would otherwise keep all points that it ever waited for.
void Stream::trim() {
  if (progress_->dependencies() < kManyDependencies) return;
  if (checkpoint_ != nullptr && !checkpoint_->poll()) return;
  checkpoint_ = tail();
}

void Stream::wait_for(std::shared_ptr<Point> point) {
  bool complete = false;
  try {
    complete = point->poll();
  } catch (const Failure& cause) {
    Mark before;
    {
      const std::lock_guard lock(mutex_);
      before = mark_;
      ++mark_.submissions;
    }
    progress_->refuse(cause, before);
  }
  if (complete) return;
  if (point->context() == device_.health()->context().get()) {
    block_on(std::move(point));
    return;
  }
  // Events don't cross contexts: a thread waits for the one and signals another.
  const auto gate = std::make_shared<Point>(OwnedEvent(device_.health()->context()));
  common::Worker& thread = worker();
  try {
    block_on(gate);
    thread.post([gate, point = std::move(point)] {
      try {
        (void)point->wait(SAMPAN_WAIT_FOREVER);
        open(*gate);
      } catch (const Failure& cause) {
        try {
          (void)gate->signal(&cause);
        } catch (const std::exception&) {
          // The device is lost; nobody waits any more.
        }
      }
    });
  } catch (const std::exception&) {
    open(*gate);  // nobody else will, and its event must come back
    throw;
  }
}

void Stream::run_on_host(std::function<void(bool failed)> task) {
  const std::shared_ptr<Point> before = tail();
  const auto gate = std::make_shared<Point>(OwnedEvent(device_.health()->context()));
  std::function<void()> in_order = [gate, before, task = std::move(task), progress = progress_,
                                    at = mark()] {
    bool failed = false;
    try {
      if (before != nullptr) (void)before->wait(SAMPAN_WAIT_FOREVER);
    } catch (const Failure& cause) {
      failed = true;
      progress->note_failure(cause, at);
    }
    task(failed);
    open(*gate);
  };
  common::Worker& thread = worker();
  try {
    block_on(gate);
    thread.post(std::move(in_order));
  } catch (const std::exception&) {
    open(*gate);  // nobody else will, and its event must come back
    throw;
  }
}

}  // namespace sampan::level_zero
