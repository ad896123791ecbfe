#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "core/graph.h"
#include "core/memory/pool.h"
#include "core/validate/audit.h"
#include "sampan/stream.h"

namespace sampan::core {

class ErrorRecord;
class EventHandle;
class EventImpl;
class OpenDevice;

/// What stands behind a Stream. Every call takes the stream's own mutex: the public contract asks
/// for one caller at a time, but the pool and copies between devices come in from other threads.
/// Arguments have been checked by core/validate before.
class StreamImpl : public std::enable_shared_from_this<StreamImpl> {
 public:
  [[nodiscard]] static std::shared_ptr<StreamImpl> create(std::shared_ptr<OpenDevice> device,
                                                          const StreamOptions& options);
  explicit StreamImpl(std::shared_ptr<OpenDevice> device) noexcept;
  StreamImpl(const StreamImpl&) = delete;
  ~StreamImpl();

  [[nodiscard]] const std::shared_ptr<OpenDevice>& device() const noexcept { return device_; }
  [[nodiscard]] sampan_stream_t* handle() const noexcept { return handle_; }
  [[nodiscard]] StreamKey key() const noexcept { return key_; }
  /// Number of pieces of work given to the stream so far.
  [[nodiscard]] std::uint64_t position() const noexcept {
    return position_.load(std::memory_order_acquire);
  }
  /// True if everything up to `position` is known to have completed; never blocks.
  [[nodiscard]] bool completed(std::uint64_t position) noexcept;

  std::uint64_t launch(const Kernel& kernel, const LaunchConfig& config, std::span<const Arg> args);
  void copy(const View& dst, const View& src, std::uint64_t size_bytes);
  void copy_2d(BufferImpl& dst, BufferImpl& src, const Stream::Copy2d& area);
  void copy_peer(const View& dst, const View& src, std::uint64_t size_bytes);
  void copy_from_host(BufferImpl& dst, std::uint64_t offset_bytes, std::span<const std::byte> host);
  void copy_to_host(std::span<std::byte> host, BufferImpl& src, std::uint64_t offset_bytes);
  void fill(const View& dst, std::span<const std::byte> pattern, std::uint64_t size_bytes);
  std::uint64_t run_op(const std::shared_ptr<OpHandle>& op, std::span<const Arg> args,
                       const View& workspace);
  void record(EventImpl& event);
  void wait(const std::shared_ptr<EventHandle>& event);
  void host_function(std::function<void()> function);
  void flush();
  [[nodiscard]] bool ready();
  void wait_on_host(std::uint64_t timeout_ns);

  void begin_recording();
  [[nodiscard]] std::shared_ptr<GraphImpl> end_recording();
  void replay(GraphImpl& graph);

  /// Remembers for the pool, and checks under SAMPAN_VALIDATE, that the work enqueued next uses
  /// memory; for memory of another device, of which that work itself doesn't know.
  void use(const View& view, audit::Access access, const char* work);

  /// Orders `later` behind everything given to this stream so far.
  void order_before(StreamImpl& later);

  /// A stream of Sampan's own on another device, for the far side of this stream's copies. It lives
  /// as long as this one: ending it would wait for its work, and so for what this stream waits for.
  [[nodiscard]] StreamImpl& transfer_stream(OpenDevice& device);

 private:
  friend class GraphImpl;

  [[nodiscard]] std::unique_lock<std::mutex> begin_work(bool allowed_while_recording);
  /// Each remembers the use for the pool and, under SAMPAN_VALIDATE, checks its order.
  void use(const Arg& arg, audit::Access access, const std::string& work);
  void use(BufferImpl& buffer, std::uint64_t begin_bytes, std::uint64_t size_bytes,
           audit::Access access, const char* work);
  void use_args(const KernelImpl& kernel, std::span<const Arg> args);
  void use_node(const RecordedNode& node);
  void use_args(const OpHandle& op, std::span<const Arg> args);
  void advance() noexcept { position_.fetch_add(1, std::memory_order_release); }
  /// Ends a call that enqueues work: counts it, or throws why it was refused.
  void finish_work(sampan_code_t code, ErrorRecord& error);
  void complete_up_to(std::uint64_t position) noexcept;
  void enqueue(const RecordedNode& node, std::uint64_t sequence);
  std::uint64_t submit(RecordedNode&& node);

  std::shared_ptr<OpenDevice> device_;
  sampan_stream_t* handle_ = nullptr;
  StreamKey key_ = 0;
  std::mutex mutex_;
  std::atomic<std::uint64_t> position_{0};
  std::atomic<std::uint64_t> completed_{0};
  std::unique_ptr<std::vector<RecordedNode>> recording_;
  std::shared_ptr<EventImpl> order_event_;  // for order_before
  std::vector<std::shared_ptr<StreamImpl>> transfers_;
};

}  // namespace sampan::core
