#include "core/validate/audit.h"

#include <dlfcn.h>
#include <execinfo.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "core/buffer.h"
#include "core/environment.h"
#include "core/error.h"
#include "core/log.h"

namespace sampan::core::audit {
namespace {

constexpr int kFrames = 12;

// Destroyed buffers whose address isn't used again yet; each holds some 200 bytes.
constexpr std::size_t kMaxBuried = 16384;

/// How far each other stream's work is known to be complete, at some point of a stream or the host.
/// Lamport's and Mattern's vector clocks; positions count a stream's pieces of work.
using VectorClock = std::unordered_map<StreamKey, std::uint64_t>;

void merge(VectorClock& into, const VectorClock& from) {
  for (const auto& [stream, position] : from) {
    auto& known = into[stream];
    known = std::max(known, position);
  }
}

struct Past {
  StreamKey stream = 0;
  std::uint64_t position = 0;
  Touch touch;
  std::string work;
};

struct BufferRecord {
  std::array<void*, kFrames> frames{};
  int frame_count = 0;
  std::vector<Past> past;  // of each stream and access at most one per range
};

struct State {
  std::mutex mutex;
  std::unordered_map<const BufferImpl*, BufferRecord> buffers;
  std::unordered_map<StreamKey, VectorClock> streams;
  std::unordered_map<const EventHandle*, VectorClock> events;
  VectorClock host;
  std::deque<void*> buried;
};

// Never destroyed: buffers of static lifetime end after main.
State& state() {
  static State* const instance = new State;
  return *instance;
}

// "function+offset in library", innermost first, Sampan's own frames left out.
std::string place_of(const BufferRecord& record) {
  std::string text;
  Dl_info own{};
  ::dladdr(reinterpret_cast<const void*>(&add_buffer), &own);
  int shown = 0;
  for (int i = 0; i < record.frame_count && shown < 3; ++i) {
    Dl_info info{};
    if (::dladdr(record.frames[i], &info) == 0 || info.dli_fbase == own.dli_fbase) continue;
    char line[256];
    std::snprintf(line, sizeof(line), "%s%s+0x%zx", shown++ > 0 ? ", called from " : "",
                  info.dli_fname,
                  static_cast<std::size_t>(static_cast<char*>(record.frames[i]) -
                                           static_cast<char*>(info.dli_fbase)));
    text += line;
  }
  return text.empty() ? "an unknown place" : text;
}

void report_leaks() {
  const std::lock_guard lock(state().mutex);
  for (const auto& [buffer, record] : state().buffers) {
    log(LogLevel::warning, "validate",
        "a buffer of " + std::to_string(buffer->size_bytes()) +
            " bytes was never destroyed; allocated at " + place_of(record));
  }
}

bool overlap(const Touch& a, const Touch& b) {
  return a.begin_bytes < b.end_bytes && b.begin_bytes < a.end_bytes;
}

// Whether the work at `position` of a stream comes before all that follows `clock`.
bool knows(const VectorClock& clock, StreamKey stream, std::uint64_t position) {
  const auto known = clock.find(stream);
  return known != clock.end() && known->second >= position;
}

template <class Condition>
void forget_touches(Condition condition) noexcept {
  for (auto& [buffer, record] : state().buffers) std::erase_if(record.past, condition);
}

void withdraw_locked(StreamKey stream, std::uint64_t position) noexcept {
  forget_touches(
      [=](const Past& past) { return past.stream == stream && past.position == position; });
}

[[noreturn]] void throw_dead() {
  throw_invalid(
      "a view or argument refers to a buffer that was destroyed; keep it until the call, and as "
      "long "
      "as a graph uses it");
}

const char* verb(Access access) { return access == Access::read ? "reads" : "writes"; }

bool start() {
  if (!env_flag("SAMPAN_VALIDATE")) return false;
  std::atexit(report_leaks);
  return true;
}

}  // namespace

const bool kActive = start();

void add_buffer(BufferImpl* buffer) {
  if (!kActive) return;
  BufferRecord record;
  record.frame_count = ::backtrace(record.frames.data(), kFrames);
  const std::lock_guard lock(state().mutex);
  state().buffers[buffer] = std::move(record);
}

void remove_buffer(BufferImpl* buffer) noexcept {
  if (!kActive) return;
  const std::lock_guard lock(state().mutex);
  state().buffers.erase(buffer);
}

void free_buffer(void* bytes) noexcept {
  if (kActive) {
    const std::lock_guard lock(state().mutex);
    auto& buried = state().buried;
    try {
      buried.push_back(bytes);
      if (buried.size() <= kMaxBuried) return;
      bytes = buried.front();
      buried.pop_front();
    } catch (const std::bad_alloc&) {
      // Freed at once, then.
    }
  }
  ::operator delete(bytes);
}

void require_live(const BufferImpl* buffer) {
  if (!kActive || buffer == nullptr) return;
  const std::lock_guard lock(state().mutex);
  if (state().buffers.count(buffer) == 0) throw_dead();
}

void touch(StreamKey stream, std::uint64_t position, const std::string& work, const Touch& now) {
  if (!kActive || now.buffer == nullptr || now.begin_bytes == now.end_bytes) return;
  const std::lock_guard lock(state().mutex);
  VectorClock& clock = state().streams[stream];
  merge(clock, state().host);
  const auto found = state().buffers.find(now.buffer);
  if (found == state().buffers.end()) {
    withdraw_locked(stream, position);
    throw_dead();
  }
  auto& past = found->second.past;
  // What the host has waited for comes before all later work.
  std::erase_if(
      past, [](const Past& other) { return knows(state().host, other.stream, other.position); });
  for (const Past& other : past) {
    const bool ordered = other.stream == stream || knows(clock, other.stream, other.position);
    const bool conflict = other.touch.access == Access::write || now.access == Access::write;
    if (ordered || !conflict || !overlap(other.touch, now)) continue;
    const std::string message =
        "unsynchronised access: " + work + " " + verb(now.access) + " bytes " +
        std::to_string(now.begin_bytes) + " to " + std::to_string(now.end_bytes) +
        " of a buffer that " + other.work + " of another stream (work " +
        std::to_string(other.position) + ") " + verb(other.touch.access) +
        "; record an event there and wait for it here. The buffer was allocated at " +
        place_of(found->second);
    withdraw_locked(stream, position);
    throw_invalid(message);
  }
  // Accesses that everything later on this stream is ordered behind need no longer be remembered.
  std::erase_if(past, [&](const Past& other) {
    return other.stream == stream && other.touch.begin_bytes >= now.begin_bytes &&
           other.touch.end_bytes <= now.end_bytes && other.touch.access <= now.access;
  });
  past.push_back({stream, position, now, work});
}

void withdraw(StreamKey stream, std::uint64_t position) noexcept {
  if (!kActive) return;
  const std::lock_guard lock(state().mutex);
  withdraw_locked(stream, position);
}

void recorded(const EventHandle* event, StreamKey stream, std::uint64_t position) {
  if (!kActive) return;
  const std::lock_guard lock(state().mutex);
  VectorClock& clock = state().streams[stream];
  merge(clock, state().host);
  clock[stream] = position;
  state().events[event] = clock;
}

void waited(StreamKey stream, const EventHandle* event) {
  if (!kActive) return;
  const std::lock_guard lock(state().mutex);
  const auto found = state().events.find(event);
  if (found != state().events.end()) merge(state().streams[stream], found->second);
}

void event_gone(const EventHandle* event) noexcept {
  if (!kActive) return;
  const std::lock_guard lock(state().mutex);
  state().events.erase(event);
}

void synchronized(StreamKey stream, std::uint64_t position) {
  if (!kActive) return;
  const std::lock_guard lock(state().mutex);
  VectorClock& clock = state().streams[stream];
  clock[stream] = std::max(clock[stream], position);
  merge(state().host, clock);
}

void host_waited(const EventHandle* event) {
  if (!kActive) return;
  const std::lock_guard lock(state().mutex);
  const auto found = state().events.find(event);
  if (found != state().events.end()) merge(state().host, found->second);
}

void stream_gone(StreamKey stream) noexcept {
  if (!kActive) return;
  const std::lock_guard lock(state().mutex);
  // Whatever comes later is ordered behind its work, and behind what that waited for.
  const auto found = state().streams.find(stream);
  if (found != state().streams.end()) {
    try {
      merge(state().host, found->second);
    } catch (const std::bad_alloc&) {
      // Less is known to be ordered, then; the stream's own work is forgotten all the same.
    }
    state().streams.erase(found);
  }
  forget_touches([=](const Past& past) { return past.stream == stream; });
  // Nobody asks for it any more.
  state().host.erase(stream);
  for (auto& [key, clock] : state().streams) clock.erase(stream);
  for (auto& [event, clock] : state().events) clock.erase(stream);
}

}  // namespace sampan::core::audit
