#pragma once

#include <cstdint>
#include <memory>

#include "backends/common/worker.h"
#include "backends/cuda_like/device.h"
#include "backends/cuda_like/driver_calls.h"
#include "backends/cuda_like/host_copy.h"
#include "backends/cuda_like/point.h"
#include "backends/cuda_like/progress.h"
#include "sampan/plugin/backend.h"

namespace sampan::cuda_like {

/// An in-order queue. One caller at a time but for `point`, `query` and `wait`, which any thread
/// may call.
class Stream {
 public:
  /// The context is current. Throws Failure.
  Stream(Device& device, std::int32_t priority);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  /// Waits for the stream's work.
  ~Stream();

  [[nodiscard]] Device& device() const { return device_; }
  [[nodiscard]] Progress& progress() const { return *progress_; }
  [[nodiscard]] DriverStream handle() const { return handle_; }
  [[nodiscard]] HostCopies& host_copies() { return *host_copies_; }

  // In all below the context is current. They throw Failure.

  /// A point that completes with all work so far.
  [[nodiscard]] std::shared_ptr<Point> point(bool timed);
  /// Whether the driver copies from and to `host` by itself, in order and without holding up the
  /// caller: the memory is pinned, or there is no work to wait for.
  [[nodiscard]] bool copies_directly(const void* host, std::uint64_t size_bytes) const;
  /// Work from now on waits for `point`.
  void wait_for(std::shared_ptr<Point> point);
  /// See sampan_stream_table_t.
  void host_function(void (*function)(void* context, std::int32_t failed), void* context);
  /// True if all work is done. Throws the failure of the stream.
  [[nodiscard]] bool query();
  /// False after `timeout_ns`.
  [[nodiscard]] bool wait(std::uint64_t timeout_ns);

 private:
  void block_on(const std::shared_ptr<Point>& signalled);
  [[nodiscard]] common::Worker& worker();

  Device& device_;
  const std::shared_ptr<Progress> progress_;
  DriverStream handle_ = nullptr;
  DriverCalls calls_;
  std::unique_ptr<HostCopies> host_copies_;
  std::unique_ptr<common::Worker> worker_;
};

/// Runs `body` with the context current unless the stream has failed or the device is lost. A code
/// of the driver's that breaks the context becomes the stream's first failure.
template <typename Body>
[[nodiscard]] sampan_code_t guarded(Stream& stream, sampan_error_t* error, Body&& body) noexcept {
  return guarded(error, [&] {
    OpenContext& context = *stream.device().context();
    Progress& progress = stream.progress();
    progress.check();
    context.check_alive();
    try {
      const Current current(context.handle());
      return body();
    } catch (const Failure& failure) {
      if (breaks_context(static_cast<Result>(failure.driver_code))) {
        progress.blame(failure, progress.mark());
      }
      throw;
    }
  });
}

extern const sampan_stream_table_t kStreamTable;
extern const sampan_peer_table_t kPeerTable;

}  // namespace sampan::cuda_like

/// What the ABI calls a stream.
struct sampan_stream final : sampan::cuda_like::Stream {
  using Stream::Stream;
};
