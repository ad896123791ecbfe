#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "backends/opencl/device.h"
#include "backends/opencl/handle.h"
#include "backends/opencl/launch.h"
#include "backends/opencl/point.h"
#include "backends/opencl/progress.h"
#include "backends/opencl/worker.h"
#include "sampan/plugin/backend.h"

namespace sampan::opencl {

class Event;

/// An in-order queue. One caller at a time but for `tail`, which any thread may call.
///
/// Queues start without profiling, which slows some drivers down launch by launch; the first
/// timed event, and the native handle, change to a queue that profiles. (PoCL 3.1 on 2 cores,
/// 2026-11-22: no difference, 0.45 us per enqueue either way.)
class Stream {
 public:
  /// Throws Failure.
  Stream(Device& device, std::int32_t priority);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  /// Waits for the stream's work. What the driver can't be told to drop stays with it: work behind
  /// an event that failed, where it doesn't take failures.
  ~Stream();

  /// Waits for the work of every stream there is, up to ten seconds for each. Any thread.
  static void wait_for_all() noexcept;

  [[nodiscard]] Device& device() const { return device_; }
  [[nodiscard]] Progress& progress() const { return *progress_; }
  [[nodiscard]] cl::Queue queue() const { return queue_.get(); }
  [[nodiscard]] KernelSet& kernels() { return kernels_; }

  [[nodiscard]] bool profiled() const { return profiled_; }

  /// Throws the loss of the device or the failure of the stream.
  void check() const {
    device_.check_alive();
    progress_->check();
  }

  /// A point that completes with all work so far; the same one as long as nothing is handed over.
  /// Null if nothing ever was. Flushes.
  [[nodiscard]] std::shared_ptr<Point> tail();

  /// As above, with a timestamp, and never an older one's.
  [[nodiscard]] std::shared_ptr<Point> timed_point();

  /// Goes over to a queue that profiles, in order.
  void profile();

  /// Work from now on waits for `point`, made by `owner`.
  void wait_for(const Device& owner, std::shared_ptr<Point> point);

  /// Runs `task(failed)` on a thread of the stream's after all earlier work, and later work after
  /// it; `failed`: earlier work did. `task` must not throw. Throws Failure.
  void run_on_host(std::function<void(bool failed)> task);

 private:
  [[nodiscard]] std::shared_ptr<Point> make_point_locked();
  [[nodiscard]] std::shared_ptr<Point> tail_quietly() noexcept;
  void enqueue_barrier(cl::Event gate, const char* doing);
  void relay(const std::shared_ptr<Point>& point);
  [[nodiscard]] Worker& worker();

  Device& device_;
  const std::int32_t priority_;
  const std::shared_ptr<Progress> progress_;
  std::mutex queue_mutex_;  // guards tail_, and queue_ against `tail` of other threads
  OwnedQueue queue_;
  bool profiled_ = false;
  std::shared_ptr<Point> tail_;
  KernelSet kernels_;
  std::unique_ptr<Worker> worker_;
};

/// Runs `body` unless the device is lost or the stream has failed; a failure of an earlier work
/// found meanwhile counts as well.
template <typename Body>
[[nodiscard]] sampan_code_t guarded(Stream& stream, sampan_error_t* error, Body&& body) noexcept {
  return guarded(stream.device(), error, [&] {
    stream.progress().check();
    return body();
  });
}

extern const sampan_stream_table_t kStreamTable;

}  // namespace sampan::opencl

/// What the ABI calls a stream.
struct sampan_stream final : sampan::opencl::Stream {
  using Stream::Stream;
};
