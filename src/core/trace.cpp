#include "core/trace.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "core/environment.h"
#include "core/error.h"
#include "core/event.h"
#include "core/log.h"
#include "core/open_device.h"

namespace sampan::core {

struct TraceSpan::Span {
  std::shared_ptr<EventHandle> first, last;
  sampan_stream_t* stream = nullptr;
  std::uint64_t stream_key = 0;
  std::string name, kind;
  std::uint64_t host_begin_ns = 0, host_end_ns = 0;
};

namespace {

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

// After a call that set errno.
std::string cant_write(const std::string& path) {
  return "SAMPAN_TRACE: " + path + " can't be written: " + std::strerror(errno);
}

bool record(const EventHandle& event, sampan_stream_t* stream) {
  ErrorRecord error;
  return event.device()->backend.event.record(event.raw(), stream, error.raw()) == SAMPAN_OK;
}

}  // namespace

/// Writes Chrome's trace format: one row for the calls of the host, one for each stream on its
/// device. https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU (JSON
/// Object Format)
class Trace {
 public:
  Trace(int file, std::string path) : file_(file), path_(std::move(path)) {
    buffer_ = "{\"traceEvents\": [\n";
  }

  void add(std::unique_ptr<TraceSpan::Span> span) {
    const std::lock_guard lock(mutex_);
    pending_.push_back(std::move(span));
    // Spans end in order on a stream; those that are done leave at once, so the list stays short.
    while (!pending_.empty() && write_if_done(*pending_.front(), 0)) pending_.pop_front();
  }

  void finish() {
    const std::lock_guard lock(mutex_);
    constexpr std::uint64_t kPatienceNs = 1'000'000'000;
    for (const auto& span : pending_) write_if_done(*span, kPatienceNs);
    pending_.clear();
    // The last comma needs an element behind it.
    buffer_ +=
        "{\"name\": \"end\", \"ph\": \"i\", \"pid\": 0, \"tid\": 0, \"ts\": 0, \"s\": \"g\"}\n]}\n";
    write_buffer();
    if (file_ >= 0 && ::close(std::exchange(file_, -1)) != 0) report_failure();
  }

 private:
  using Json = nlohmann::ordered_json;

  // Offset of the device's clock to the host's, measured once per device.
  std::int64_t clock_offset_ns(const OpenDevice& device) {
    const auto [it, is_new] = offsets_.try_emplace(&device, 0);
    if (is_new) {
      ErrorRecord error;
      std::uint64_t host = 0, own = 0;
      if (device.backend.device.clock(device.handle(), &host, &own, error.raw()) == SAMPAN_OK) {
        it->second = static_cast<std::int64_t>(host - own);
      }
    }
    return it->second;
  }

  bool write_if_done(const TraceSpan::Span& span, std::uint64_t patience_ns) {
    const OpenDevice& device = *span.last->device();
    const auto& events = device.backend.event;
    ErrorRecord error;
    const auto code = patience_ns == 0 ? events.query(span.last->raw(), error.raw())
                                       : events.wait(span.last->raw(), patience_ns, error.raw());
    if (code == SAMPAN_NOT_READY || code == SAMPAN_TIMEOUT) return false;
    write("host", "calls", span.kind + " " + span.name, span.host_begin_ns,
          span.host_end_ns - span.host_begin_ns);
    std::uint64_t begin = 0, end = 0;
    if (code == SAMPAN_OK &&
        events.timestamp(span.first->raw(), &begin, error.raw()) == SAMPAN_OK &&
        events.timestamp(span.last->raw(), &end, error.raw()) == SAMPAN_OK) {
      const auto offset = static_cast<std::uint64_t>(clock_offset_ns(device));
      write(device.info.id, "stream " + std::to_string(span.stream_key), span.name, begin + offset,
            end - begin);
    }
    return true;
  }

  void write(const std::string& process, const std::string& thread, const std::string& name,
             std::uint64_t begin_ns, std::uint64_t duration_ns) {
    const int pid = number_of(process, "process_name", 0);
    const int tid = number_of(process + "/" + thread, "thread_name", pid);
    put({{"name", name},
         {"ph", "X"},
         {"pid", pid},
         {"tid", tid},
         {"ts", static_cast<double>(begin_ns) * 1e-3},
         {"dur", static_cast<double>(duration_ns) * 1e-3}});
  }

  // Viewers want numbers, and are told the names once. `parent` is a thread's process, or 0.
  int number_of(const std::string& name, const char* kind, int parent) {
    const auto [it, is_new] = numbers_.try_emplace(name, static_cast<int>(numbers_.size()) + 1);
    if (is_new) {
      put({{"name", kind},
           {"ph", "M"},
           {"pid", parent != 0 ? parent : it->second},
           {"tid", parent != 0 ? it->second : 0},
           {"args", {{"name", name.substr(name.find('/') + 1)}}}});
    }
    return it->second;
  }

  void put(const Json& event) {
    if (file_ < 0) return;
    buffer_ += event.dump(-1, ' ', false, Json::error_handler_t::replace) + ",\n";
    constexpr std::size_t kBufferBytes = 64 << 10;
    if (buffer_.size() >= kBufferBytes) write_buffer();
  }

  void write_buffer() {
    for (std::string_view rest = buffer_; file_ >= 0 && !rest.empty();) {
      const ssize_t written = ::write(file_, rest.data(), rest.size());
      if (written > 0) {
        rest.remove_prefix(static_cast<std::size_t>(written));
      } else if (errno != EINTR) {
        report_failure();
        ::close(std::exchange(file_, -1));
      }
    }
    buffer_.clear();
  }

  void report_failure() {
    log(LogLevel::error, "trace", cant_write(path_) + "; the trace ends here");
  }

  std::mutex mutex_;
  int file_;  // -1 once it could not be written
  std::string path_;
  // Our own: a fork of the process must not write the rest of stdio's buffer a second time.
  std::string buffer_;
  std::deque<std::unique_ptr<TraceSpan::Span>> pending_;
  std::map<const OpenDevice*, std::int64_t> offsets_;
  std::map<std::string, int> numbers_;
};

std::atomic<Trace*> TraceSpan::active_{nullptr};

void TraceSpan::begin(const std::shared_ptr<OpenDevice>& device, void* stream,
                      std::uint64_t stream_key, const char* kind, const std::string* name) noexcept
    try {
  auto span = std::make_unique<Span>();
  span->first = std::make_shared<EventHandle>(device, SAMPAN_EVENT_TIMING);
  span->last = std::make_shared<EventHandle>(device, SAMPAN_EVENT_TIMING);
  span->stream = static_cast<sampan_stream_t*>(stream);
  span->stream_key = stream_key;
  span->kind = kind;
  span->name = name != nullptr ? *name : kind;
  if (!record(*span->first, span->stream)) return;
  span->host_begin_ns = now_ns();
  span_ = span.release();
} catch (...) {
  // Out of memory for a trace must not fail the work.
}

void TraceSpan::end() noexcept try {
  std::unique_ptr<Span> span(std::exchange(span_, nullptr));
  span->host_end_ns = now_ns();
  Trace* trace = active_.load(std::memory_order_acquire);
  if (trace != nullptr && record(*span->last, span->stream)) trace->add(std::move(span));
} catch (...) {
}

void start_trace() {
  struct Starter {
    Starter() {
      const std::string path = env("SAMPAN_TRACE");
      if (path.empty()) return;
      const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
      if (file < 0) {
        log(LogLevel::error, "trace", cant_write(path) + "; the program goes on untraced");
        return;
      }
      // Never destroyed: other threads may be adding spans when the process ends.
      static Trace* const trace = new Trace(file, path);
      TraceSpan::active_ = trace;
      std::atexit([] {
        if (TraceSpan::active_.exchange(nullptr) != nullptr) trace->finish();
      });
      // The file belongs to this process; a fork goes on untraced.
      ::pthread_atfork(nullptr, nullptr, [] { TraceSpan::active_ = nullptr; });
    }
  };
  static const Starter starter;
}

}  // namespace sampan::core
