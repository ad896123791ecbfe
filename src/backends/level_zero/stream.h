#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "backends/common/worker.h"
#include "backends/level_zero/device.h"
#include "backends/level_zero/launch.h"
#include "backends/level_zero/point.h"
#include "backends/level_zero/progress.h"
#include "sampan/plugin/backend.h"

namespace sampan::level_zero {

/// An immediate command list, kept in order by a barrier between commands. One caller at a time but
/// for `tail`, which any thread may call.
class Stream {
 public:
  /// Throws Failure.
  Stream(Device& device, std::int32_t priority);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  /// Waits for the stream's work.
  ~Stream();

  [[nodiscard]] Device& device() const { return device_; }
  [[nodiscard]] Progress& progress() const { return *progress_; }
  [[nodiscard]] ze::CommandList list() const { return list_; }
  [[nodiscard]] KernelSet& kernels() { return kernels_; }
  [[nodiscard]] Mark mark();

  /// Appends one command behind all others: `append(list)` returns the driver's code, `call` is the
  /// function that it calls. Throws Failure.
  template <typename Append>
  void submit(const char* call, const char* doing, Append&& append) {
    const std::lock_guard lock(mutex_);
    order();
    level_zero::check(append(list_), call, During::kSubmission, doing);
    note();
  }
  /// The same for a launch; failures are the caller's to report.
  template <typename Append>
  [[nodiscard]] ze::Result submit_launch(const sampan_launch_t& launch, const std::string* kernel,
                                         Append&& append) {
    const std::lock_guard lock(mutex_);
    order();
    const ze::Result code = append(list_);
    if (code != ze::kSuccess) [[unlikely]]
      return code;
    mark_.last_sequence = launch.sequence;
    mark_.last_kernel = kernel;
    note();
    return code;
  }

  /// A point that completes with all work so far; the same one as long as nothing is handed over.
  /// Null if nothing ever was. Throws Failure.
  [[nodiscard]] std::shared_ptr<Point> tail();
  /// As above, and never an older one's. Throws Failure.
  [[nodiscard]] std::shared_ptr<Point> new_point();

  /// Work from now on waits for `point`. Throws Failure.
  void wait_for(std::shared_ptr<Point> point);

  /// Runs `task(failed)` on a thread of the stream's after all earlier work, and later work after
  /// it; `failed`: earlier work did. `task` must not throw. Throws Failure.
  void run_on_host(std::function<void(bool failed)> task);

 private:
  void order();
  void note() {
    needs_barrier_ = true;
    ++mark_.submissions;
  }
  [[nodiscard]] std::shared_ptr<Point> make_point_locked();
  void block_on(std::shared_ptr<Point> point);
  void trim();
  [[nodiscard]] common::Worker& worker();

  Device& device_;
  const std::shared_ptr<Progress> progress_;
  ze::CommandList list_ = nullptr;
  std::mutex mutex_;  // guards the list, and what follows
  bool needs_barrier_ = false;
  Mark mark_;
  std::shared_ptr<Point> tail_;
  std::shared_ptr<Point> checkpoint_;  // see trim
  KernelSet kernels_;
  std::unique_ptr<common::Worker> worker_;
};

/// Runs `body` unless the device is lost or the stream has failed.
template <typename Body>
[[nodiscard]] sampan_code_t guarded(Stream& stream, sampan_error_t* error, Body&& body) noexcept {
  return guarded(stream.device(), error, [&] {
    stream.progress().check(stream.mark());
    return body();
  });
}

extern const sampan_stream_table_t kStreamTable;

}  // namespace sampan::level_zero

/// What the ABI calls a stream.
struct sampan_stream final : sampan::level_zero::Stream {
  using Stream::Stream;
};
