// A backend without hardware: complete, asynchronous, and able to fail on demand. Its devices say
// that they are emulated. Only the plug-in ABI is included, so that it also builds from an
// installed tree.
//
// One lock and one condition variable guard everything but the work itself, which runs on one
// thread per stream: a test driver has to be right, not fast.
#pragma once

#include <condition_variable>
#include <cstdarg>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "mock_control.h"
#include "sampan/plugin/backend.h"

namespace mock {

constexpr std::uint64_t kAlignmentBytes = 256;
constexpr std::uint32_t kMaxDevices = 8;

/// Why work failed. The first one on a stream is kept and handed to all who wait.
struct Failure {
  sampan_code_t code = SAMPAN_OK;
  std::uint64_t sequence = 0;
  std::string kernel, message;
};

/// What the script asked for; numbers count from 1, 0 asks for nothing.
struct Faults {
  std::uint64_t fail_call = 0;
  sampan_code_t fail_code = SAMPAN_DRIVER_ERROR;
  std::uint64_t lose_call = 0;
  std::uint64_t fail_launch = 0;
  std::uint64_t hang_launch = 0;
  std::uint64_t delay_us = 0;
  std::uint64_t memory_bytes = 0;  ///< device memory there is; 0: each device's own size
};

/// Everything that outlives a call. Never destroyed: exit may come in any order.
struct State {
  std::mutex mutex;
  std::condition_variable changed;
  const sampan_host_t* host = nullptr;
  Faults faults;
  std::uint64_t calls = 0;
  std::vector<const char*> call_names;
  std::uint64_t hangs_released = 0;  ///< generation: a hang ends when it grows
  std::uint64_t live[SAMPAN_MOCK_LIVE_KINDS] = {};
  std::string first_violation;
  std::uint32_t device_count = 3;
  bool host_access = false;
  sampan_device_t* open[kMaxDevices] = {};
};
State& state();

/// Fills `error`, with the flags that belong to the code, and returns the code.
[[gnu::format(printf, 3, 4)]] sampan_code_t fail(sampan_error_t* error, sampan_code_t code,
                                                 const char* format, ...);
sampan_code_t report(sampan_error_t* error, const Failure& failure);
sampan_code_t report_lost(sampan_error_t* error, const sampan_device_t& device);
Failure lost(const sampan_device_t& device);

/// Notes that the host broke the ABI's contract; the tests look at the first one. Lock held.
void violation(const std::string& what);

/// Counts the call and carries out the fault that was asked for at this number. Lock held.
sampan_code_t count_call(const char* name, sampan_device_t* device, sampan_error_t* error);

enum class IfLost { refuse, go_on };

/// Common to every function that returns a code: takes the lock, counts, fails on demand, answers
/// for a lost device, and lets nothing be thrown. `body(lock)` returns the code.
template <class Body>
sampan_code_t call(const char* name, sampan_device_t* device, sampan_error_t* error, Body body,
                   IfLost if_lost = IfLost::refuse) noexcept;

/// Reads "key=value …"; empty if all was understood, else the first word that wasn't.
std::string read_script(const std::string& text);

// ---- What stands behind the handles ------------------------------------------------------------

/// Completion of a point on a stream; shared by the event, the stream that reaches it and those
/// that wait.
struct Point {
  bool done = false;
  std::optional<Failure> failure;
  std::uint64_t timestamp_ns = 0;
};

struct Command {
  std::uint32_t node_kind = 0;  ///< SAMPAN_NODE_* for the profile, 0 for what isn't work
  std::uint64_t sequence = 0;
  std::string kernel;
  std::vector<sampan_memory_t*> uses;
  /// Runs without the lock. `earlier` is set if the stream has failed: nothing may be touched then.
  std::function<std::optional<Failure>(const Failure* earlier)> run;
};

/// Work that is left out on a failed stream.
template <class Body>
auto work(Body body) {
  return [body](const Failure* earlier) -> std::optional<Failure> {
    if (earlier != nullptr) return std::nullopt;
    return body();
  };
}
/// Work that can't fail.
template <class Body>
auto sure_work(Body body) {
  return work([body]() -> std::optional<Failure> {
    body();
    return std::nullopt;
  });
}

/// Appends to the stream, or returns its failure. Lock held.
sampan_code_t enqueue(sampan_stream_t& stream, Command command, sampan_error_t* error);

/// Start of a region that must lie in `device` (null: any device); notes a violation if it doesn't.
std::byte* bytes_of(const sampan_region_t& region, std::uint64_t size_bytes,
                    const sampan_device_t* device);
void repeat_pattern(std::byte* to, std::uint64_t size_bytes, const void* pattern,
                    std::uint32_t pattern_bytes);
/// A launch as a command; notes a violation if its arguments don't fit the kernel. Lock held.
Command launch_command(sampan_device_t& device, const sampan_launch_t& launch);
/// Waits as wait() of streams and events does; `ended` is asked under the lock.
sampan_code_t wait_until(std::unique_lock<std::mutex>& lock, std::uint64_t timeout_ns,
                         const std::function<bool()>& ended, sampan_error_t* error);
std::uint64_t host_now_ns();
std::uint64_t device_now_ns(const sampan_device_t& device);
std::uint64_t memory_bytes_of(std::uint32_t ordinal);

extern const sampan_device_table_t kDeviceTable;
extern const sampan_memory_table_t kMemoryTable;
extern const sampan_stream_table_t kStreamTable;
extern const sampan_event_table_t kEventTable;
extern const sampan_module_table_t kModuleTable;
extern const sampan_graph_table_t kGraphTable;
extern const sampan_peer_table_t kPeerTable;
extern const sampan_profile_table_t kProfileTable;
extern const sampan_telemetry_table_t kTelemetryTable;
extern const sampan_ops_table_t kOpsTable;

}  // namespace mock

struct sampan_device {
  std::uint32_t ordinal = 0;
  bool is_lost = false;
  std::uint64_t used_bytes = 0;
  std::uint64_t children = 0;
};

struct sampan_memory {
  sampan_device_t* device = nullptr;
  std::uint32_t kind = SAMPAN_MEMORY_DEVICE;
  std::byte* host = nullptr;
  std::uint64_t size_bytes = 0;
  bool is_foreign = false;
  std::uint64_t in_flight = 0;
};

struct sampan_stream {
  sampan_device_t* device = nullptr;
  std::deque<mock::Command> queue;
  std::uint64_t submitted = 0, completed = 0, launches = 0;
  bool stop = false;
  std::optional<mock::Failure> failure;
  void (*sink)(void* context, const sampan_interval_t* interval) = nullptr;
  void* sink_context = nullptr;
  std::thread worker;
};

struct sampan_event {
  sampan_device_t* device = nullptr;
  std::uint32_t flags = 0;
  std::shared_ptr<mock::Point> point;
};

namespace mock {

template <class Body>
sampan_code_t call(const char* name, sampan_device_t* device, sampan_error_t* error, Body body,
                   IfLost if_lost) noexcept {
  try {
    std::unique_lock lock(state().mutex);
    if (const auto code = count_call(name, device, error); code != SAMPAN_OK) return code;
    if (device != nullptr && device->is_lost && if_lost == IfLost::refuse) {
      return report_lost(error, *device);
    }
    return body(lock);
  } catch (const std::bad_alloc&) {
    return fail(error, SAMPAN_OUT_OF_HOST_MEMORY, "the mock is out of host memory");
  } catch (const std::exception& exception) {
    return fail(error, SAMPAN_INTERNAL, "the mock failed: %s", exception.what());
  }
}

/// Makes a child of `device` and counts it. Lock held.
template <class T>
T* make_child(std::uint32_t kind, sampan_device_t* device) {
  auto* object = new T();
  object->device = device;
  ++device->children;
  ++state().live[kind];
  return object;
}
/// Lock held.
template <class T>
void drop_child(std::uint32_t kind, T* object) {
  --object->device->children;
  --state().live[kind];
  delete object;
}

}  // namespace mock
