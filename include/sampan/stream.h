#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>

#include "sampan/buffer.h"
#include "sampan/event.h"
#include "sampan/graph.h"
#include "sampan/launch.h"
#include "sampan/module.h"

namespace sampan {

class Device;
namespace core {
class StreamImpl;
}

struct StreamOptions {
  int priority = 0;  ///< lower runs first, where the driver knows priorities
};

/// An in-order queue of work on one device; move-only.
///
/// Order     Work runs in the order in which it was enqueued and sees what earlier work wrote. Work
/// of
///           different streams is unordered, except through events.
/// Blocking  Calls enqueue and return; only `synchronize` and the destructor wait.
/// Lifetime  Device memory may be dropped as soon as the call returned (see Buffer). Host memory
///           handed to `copy` must live until the copy has run.
/// Failure   Work that fails leaves the stream failed: `synchronize` and every later call throw the
///           first cause, with the kernel's name and sequence number. Other streams go on.
/// Threads   One caller at a time; `ready`, `synchronize` from any thread.
///
/// Errors of every enqueuing call: invalid_argument (a handle of another device, a window outside
/// its buffer, sizes that disagree), the failure of the stream, out_of_host_memory, device_lost.
class Stream {
 public:
  Stream() noexcept = default;
  explicit Stream(std::shared_ptr<core::StreamImpl> impl) noexcept;
  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&&) noexcept = default;
  ~Stream() = default;

  [[nodiscard]] explicit operator bool() const noexcept { return impl_ != nullptr; }
  [[nodiscard]] Device device() const;

  /// Runs `kernel` over `config.grid` groups; returns the launch's sequence number on this stream,
  /// or, while recording, its index in the graph. A grid with a zero extent does nothing.
  template <class... Args>
  std::uint64_t launch(const Kernel& kernel, const LaunchConfig& config, const Args&... args) {
    if constexpr (sizeof...(Args) == 0) {
      return launch_span(kernel, config, {});
    } else {
      const Arg array[] = {Arg(args)...};
      return launch_span(kernel, config, array);
    }
  }
  std::uint64_t launch_span(const Kernel& kernel, const LaunchConfig& config,
                            std::span<const Arg> args);

  /// Memory that belongs to this stream: usable by work enqueued from now on, returned in stream
  /// order. out_of_device_memory says requested, free and limit, after the pool has been trimmed
  /// and the allocation retried.
  [[nodiscard]] Buffer allocate(std::uint64_t size_bytes, MemoryKind kind = MemoryKind::device);

  /// Copies the elements of `src` to `dst`: same dtype and shape; both dense, or both rank 2 with
  /// dense rows. Windows on the same device may not overlap. Between devices of any two backends,
  /// too: this stream's device must be that of `dst` or of `src`; the other side's earlier work is
  /// not waited for (use events).
  void copy(const View& dst, const View& src);
  /// From and to host memory; `host` holds exactly the elements of the view, dense. It may not
  /// overlap memory that the view's buffer stands on (`Device::register_host`).
  void copy_from_host(const View& dst, std::span<const std::byte> host);
  void copy_to_host(std::span<std::byte> host, const View& src);
  template <class T>
  void copy_from_host(const View& dst, std::span<const T> host) {
    copy_from_host(dst, std::as_bytes(host));
  }
  template <class T>
  void copy_to_host(std::span<T> host, const View& src) {
    copy_to_host(std::as_writable_bytes(host), src);
  }
  /// Rows of bytes between two pitched areas (pitches at least row_bytes).
  struct Copy2d {
    std::uint64_t dst_offset_bytes = 0, dst_pitch_bytes = 0;
    std::uint64_t src_offset_bytes = 0, src_pitch_bytes = 0;
    std::uint64_t row_bytes = 0, rows = 0;
  };
  void copy_2d(const Buffer& dst, const Buffer& src, const Copy2d& area);
  /// Repeats `pattern` (1, 2, 4, 8 or 16 bytes) over a dense view whose size is a multiple of it.
  void fill(const View& dst, std::span<const std::byte> pattern);
  template <class T>
  requires std::is_arithmetic_v<T>
  void fill(const View& dst, T value) {
    fill(dst, std::as_bytes(std::span<const T, 1>(&value, 1)));
  }

  /// Sets `event` (of this device) to the point reached so far.
  void record(Event& event);
  /// Later work waits for `event`, of any stream, device or backend. If the event's work failed,
  /// this stream fails with its cause.
  void wait(const Event& event);
  /// Runs `function` on a thread of the library's after all earlier work. It may not call Sampan.
  void host_function(std::function<void()> function);
  void flush();

  /// True once all work so far has completed. Throws its failure.
  [[nodiscard]] bool ready() const;
  /// Blocks until then; throws its failure; `timeout` if the time passes first. Whatever else it
  /// throws, no work uses the caller's host memory any more.
  void synchronize() const;
  void synchronize_for(std::chrono::nanoseconds limit) const;

  /// From here to `end_recording` nothing runs: launches, copies and fills become nodes of a graph.
  /// Buffers used by a graph must outlive it. While recording, only these may be called.
  void begin_recording();
  [[nodiscard]] Graph end_recording();
  /// Replays a graph recorded on a stream of the same device.
  void replay(const Graph& graph);

  /// The driver's queue: cl_command_queue, CUstream. unsupported where there is none.
  [[nodiscard]] void* native() const;
  [[nodiscard]] core::StreamImpl* impl() const noexcept { return impl_.get(); }

 private:
  std::shared_ptr<core::StreamImpl> impl_;
};

}  // namespace sampan
