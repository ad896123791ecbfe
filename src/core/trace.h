#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace sampan::core {

class EventHandle;
class OpenDevice;
class Trace;
void start_trace();

/// Times one piece of work: made before it is enqueued, ended by its destructor after. Does
/// nothing, at the cost of one load, unless SAMPAN_TRACE is set.
class TraceSpan {
 public:
  /// `stream` is the backend's handle; the caller holds the stream's mutex.
  TraceSpan(const std::shared_ptr<OpenDevice>& device, void* stream, std::uint64_t stream_key,
            const char* kind, const std::string* name) noexcept {
    if (active_.load(std::memory_order_acquire) != nullptr) [[unlikely]] {
      begin(device, stream, stream_key, kind, name);
    }
  }
  TraceSpan(const TraceSpan&) = delete;
  ~TraceSpan() {
    if (span_ != nullptr) [[unlikely]]
      end();
  }

  struct Span;

 private:
  friend class Trace;
  friend void start_trace();
  void begin(const std::shared_ptr<OpenDevice>& device, void* stream, std::uint64_t stream_key,
             const char* kind, const std::string* name) noexcept;
  void end() noexcept;

  static std::atomic<Trace*> active_;
  Span* span_ = nullptr;
};

/// Starts the trace if SAMPAN_TRACE names a file; called when the first device opens, so that the
/// file is completed before the drivers' own exit code runs. A file that can't be written is
/// logged, and the program goes on untraced.
void start_trace();

}  // namespace sampan::core
