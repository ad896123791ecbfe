#include "backends/opencl/stream.h"

#include <new>
#include <unordered_set>
#include <utility>
#include <vector>

#include "backends/opencl/copy.h"
#include "backends/opencl/event.h"

namespace sampan::opencl {
namespace {

sampan_code_t create(sampan_device_t* device, const sampan_stream_options_t* options,
                     sampan_stream_t** out, sampan_error_t* error) {
  return guarded(*device, error, [&] {
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
    if (auto point = event->point()) stream->wait_for(event->device(), std::move(point));
  });
}

sampan_code_t host_function(sampan_stream_t* stream,
                            void (*function)(void* context, std::int32_t failed), void* context,
                            sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    stream->run_on_host([function, context](bool failed) { function(context, failed ? 1 : 0); });
  });
}

sampan_code_t flush(sampan_stream_t* stream, sampan_error_t* error) {
  return guarded(*stream, error, [&] {
    check(api().flush(stream->queue()), "clFlush", During::kSubmission, "Flushing a stream");
  });
}

sampan_code_t query(sampan_stream_t* stream, sampan_error_t* error) {
  return guarded(*stream, error, [&]() -> sampan_code_t {
    const auto tail = stream->tail();
    return tail == nullptr || tail->poll() ? sampan_code_t{SAMPAN_OK} : write_not_ready(error);
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
  return guarded(*stream, error, [&] {
    stream->profile();  // the handle must stay good when a timed event comes
    *out = stream->queue();
  });
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

// Waits without end. False if the point failed, or if the driver can't tell: then
// `on_failure(cause)` has run.
template <typename OnFailure>
bool reached(Point* point, OnFailure&& on_failure) noexcept {
  if (point == nullptr) return true;
  try {
    (void)point->wait(SAMPAN_WAIT_FOREVER);
    return true;
  } catch (const Failure& cause) {
    on_failure(cause);
  } catch (...) {
    on_failure(Failure(SAMPAN_OUT_OF_HOST_MEMORY, "No host memory to wait for an event"));
  }
  return false;
}

void wait_quietly(const std::shared_ptr<Point>& point) noexcept {
  (void)reached(point.get(), [](const Failure&) {});
}

// A process that ends doesn't wait for ever for work that nobody will set going.
constexpr std::uint64_t kExitPatienceNs = 10'000'000'000;

struct Live {
  std::mutex mutex;
  std::unordered_set<Stream*> streams;
};

// Never destroyed: streams of static lifetime end after main.
Live& live() {
  static Live* const instance = new Live;
  return *instance;
}

}  // namespace

Stream::Stream(Device& device, std::int32_t priority)
    : device_(device),
      priority_(priority),
      progress_(std::make_shared<Progress>()),
      queue_(device.make_queue(false, priority)) {
  const std::lock_guard lock(live().mutex);
  live().streams.insert(this);
}

Stream::~Stream() {
  {
    const std::lock_guard lock(live().mutex);
    live().streams.erase(this);
  }
  wait_quietly(tail_quietly());
  worker_.reset();
  std::shared_ptr<Point> before;
  if (progress_->stranded(&before) && !device_.traits().takes_failures) {
    wait_quietly(before);
  } else {
    (void)api().finish(queue());
  }
  progress_->end();
}

void Stream::wait_for_all() noexcept {
  std::vector<std::shared_ptr<Point>> tails;
  try {
    const std::lock_guard lock(live().mutex);
    for (Stream* stream : live().streams) tails.push_back(stream->tail_quietly());
  } catch (const std::bad_alloc&) {
    // Those that were found, then.
  }
  for (const auto& tail : tails) {
    try {
      if (tail != nullptr) (void)tail->wait(kExitPatienceNs);
    } catch (const Failure&) {
      // Ended as well; there is nobody left to tell.
    }
  }
}

std::shared_ptr<Point> Stream::tail_quietly() noexcept {
  try {
    return tail();
  } catch (const std::exception&) {
    return nullptr;  // the driver takes no more work
  }
}

std::shared_ptr<Point> Stream::make_point_locked() {
  const Mark mark = progress_->mark();
  cl::Event marker = nullptr;
  opencl::check(api().enqueue_marker_with_wait_list(queue(), 0, nullptr, &marker),
                "clEnqueueMarkerWithWaitList", During::kSubmission, "Marking a point on a stream");
  auto point = std::make_shared<Point>(OwnedEvent(marker), progress_, mark);
  // Another queue or thread may wait for it, and commands that only lie in a queue never run.
  opencl::check(api().flush(queue()), "clFlush", During::kSubmission, "Flushing a stream");
  return point;
}

std::shared_ptr<Point> Stream::tail() {
  const std::lock_guard lock(queue_mutex_);
  const std::uint64_t submissions = progress_->mark().submissions;
  if (submissions == 0) return nullptr;
  if (tail_ == nullptr || tail_->submissions() != submissions) tail_ = make_point_locked();
  return tail_;
}

std::shared_ptr<Point> Stream::timed_point() {
  profile();
  const std::lock_guard lock(queue_mutex_);
  return make_point_locked();
}

void Stream::profile() {
  if (profiled_) return;
  OwnedQueue profiled = device_.make_queue(true, priority_);
  const std::lock_guard lock(queue_mutex_);
  if (progress_->mark().submissions != 0) {
    const auto before = make_point_locked();
    const cl::Event event = before->event();
    opencl::check(api().enqueue_barrier_with_wait_list(profiled.get(), 1, &event, nullptr),
                  "clEnqueueBarrierWithWaitList", During::kSubmission,
                  "Going over to a queue that profiles");
  }
  queue_ = std::move(profiled);
  profiled_ = true;
}

void Stream::enqueue_barrier(cl::Event gate, const char* doing) {
  opencl::check(api().enqueue_barrier_with_wait_list(queue(), 1, &gate, nullptr),
                "clEnqueueBarrierWithWaitList", During::kSubmission, doing);
}

Worker& Stream::worker() {
  if (worker_ == nullptr) worker_ = std::make_unique<Worker>();
  return *worker_;
}

namespace {

// A user event that lets a stream go on.
class Gate {
 public:
  explicit Gate(const Device& device) : takes_failures_(device.traits().takes_failures) {
    cl::Int code = cl::kSuccess;
    event_ = OwnedEvent(api().create_user_event(device.context(), &code));
    check(code, "clCreateUserEvent", During::kAllocation, "Making an event");
  }

  [[nodiscard]] cl::Event event() const { return event_.get(); }

  void open() { (void)api().set_user_event_status(event(), cl::kComplete); }

  /// Whoever waits for it must have been told, as the driver may not hear of it.
  void fail() {
    if (takes_failures_) {
      (void)api().set_user_event_status(event(), cl::kExecStatusErrorForEventsInWaitList);
    } else {
      event_.leak();
    }
  }

 private:
  OwnedEvent event_;
  const bool takes_failures_;
};

}  // namespace

void Stream::wait_for(const Device& owner, std::shared_ptr<Point> point) {
  try {
    if (point->poll()) return;
  } catch (const Failure& cause) {
    progress_->refuse(cause);
  }
  auto before = device_.traits().takes_failures ? nullptr : tail();
  if (&owner == &device_) {
    enqueue_barrier(point->event_to_wait_for(), "Making a stream wait for an event");
  } else {
    relay(point);
  }
  progress_->note_dependency(std::move(point), std::move(before));
}

// Events don't cross contexts: a thread waits for the one and completes another.
void Stream::relay(const std::shared_ptr<Point>& point) {
  auto gate = std::make_shared<Gate>(device_);
  std::function<void()> task = [gate, point] {
    if (reached(point.get(), [](const Failure&) {})) {
      gate->open();
    } else {
      gate->fail();
    }
  };
  Worker& thread = worker();
  enqueue_barrier(gate->event(), "Making a stream wait for another device's event");
  try {
    thread.post(std::move(task));
  } catch (const std::bad_alloc&) {
    gate->open();
    progress_->refuse(Failure(SAMPAN_OUT_OF_HOST_MEMORY, "No host memory to wait for an event"));
  }
}

void Stream::run_on_host(std::function<void(bool failed)> task) {
  const std::shared_ptr<Point> before = tail();
  auto gate = std::make_shared<Gate>(device_);
  // Not through clSetEventCallback, which may not block and which PoCL 3.1 leaves out for work
  // that failed. Opening the gate after a failure lets nothing run: the failure lies before it.
  std::function<void()> in_order = [gate, before, task = std::move(task), progress = progress_,
                                    mark = progress_->mark()] {
    const bool sound =
        reached(before.get(), [&](const Failure& cause) { progress->note_failure(cause, mark); });
    task(!sound);
    gate->open();
  };
  Worker& thread = worker();
  enqueue_barrier(gate->event(), "Enqueuing work of the host");
  progress_->note_work();
  try {
    thread.post(std::move(in_order));
  } catch (const std::bad_alloc&) {
    gate->open();
    throw;
  }
}

}  // namespace sampan::opencl
