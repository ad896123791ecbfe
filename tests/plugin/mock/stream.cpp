#include <chrono>
#include <cstring>
#include <limits>
#include <utility>

#include "mock.h"

namespace mock {
namespace {

using Table = sampan_stream_table_t;
using Outcome = std::optional<Failure>;

// ---- The worker: one thread per stream ---------------------------------------------------------

// Runs the oldest command; the lock is given up meanwhile.
void run_front(sampan_stream_t& stream, std::unique_lock<std::mutex>& lock) {
  Command command = std::move(stream.queue.front());
  stream.queue.pop_front();
  sampan_device_t& device = *stream.device;
  if (!stream.failure && device.is_lost) stream.failure = lost(device);
  const std::optional<Failure> earlier = stream.failure;
  const std::uint64_t delay_us = state().faults.delay_us;
  lock.unlock();
  sampan_interval_t interval{sizeof(interval), command.node_kind, command.sequence,
                             device_now_ns(device), 0};
  if (!earlier && delay_us != 0) std::this_thread::sleep_for(std::chrono::microseconds(delay_us));
  const Outcome outcome = command.run(earlier ? &*earlier : nullptr);
  interval.end_ns = device_now_ns(device);
  lock.lock();
  if (!stream.failure && outcome) {
    stream.failure = outcome;
    stream.failure->sequence = command.sequence;
    stream.failure->kernel = command.kernel;
  }
  if (stream.sink != nullptr && !earlier && command.node_kind != 0) {
    stream.sink(stream.sink_context, &interval);
  }
  for (sampan_memory_t* memory : command.uses) --memory->in_flight;
  ++stream.completed;
  state().changed.notify_all();
}

void run_stream(sampan_stream_t* stream) {
  std::unique_lock lock(state().mutex);
  for (;;) {
    state().changed.wait(lock, [&] { return stream->stop || !stream->queue.empty(); });
    if (stream->queue.empty()) return;
    run_front(*stream, lock);
  }
}

// ---- The table ---------------------------------------------------------------------------------

sampan_code_t create(sampan_device_t* device, const sampan_stream_options_t*, sampan_stream_t** out,
                     sampan_error_t* error) {
  return call("stream.create", device, error, [&](auto&) {
    auto* stream = make_child<sampan_stream_t>(SAMPAN_MOCK_LIVE_STREAMS, device);
    stream->worker = std::thread(run_stream, stream);
    *out = stream;
    return SAMPAN_OK;
  });
}

void destroy(sampan_stream_t* stream) {
  {
    const std::lock_guard lock(state().mutex);
    stream->stop = true;
    state().changed.notify_all();
  }
  stream->worker.join();
  const std::lock_guard lock(state().mutex);
  drop_child(SAMPAN_MOCK_LIVE_STREAMS, stream);
}

// A call that enqueues what `make()` returns.
template <class Make>
sampan_code_t submit(const char* name, sampan_stream_t* stream, sampan_error_t* error, Make make) {
  return call(name, stream->device, error, [&](auto&) -> sampan_code_t {
    if (stream->failure) return report(error, *stream->failure);
    return enqueue(*stream, make(), error);
  });
}

// Faults asked for by the number of a launch on its stream replace what the launch does.
void apply_launch_faults(sampan_stream_t& stream, Command& command) {
  Faults& faults = state().faults;
  const std::uint64_t number = ++stream.launches;
  if (faults.fail_launch == number) {
    faults.fail_launch = 0;
    command.run = work([]() -> Outcome {
      return Failure{SAMPAN_LAUNCH_FAILED, 0, {}, "the mock was told to fail this launch"};
    });
  } else if (faults.hang_launch == number) {
    faults.hang_launch = 0;
    const std::uint64_t generation = state().hangs_released;
    sampan_device_t* device = stream.device;
    command.run = work([generation, device, run = command.run]() -> Outcome {
      std::unique_lock lock(state().mutex);
      state().changed.wait(lock,
                           [&] { return state().hangs_released != generation || device->is_lost; });
      if (device->is_lost) return lost(*device);
      lock.unlock();
      return run(nullptr);
    });
  }
}

sampan_code_t launch(sampan_stream_t* stream, const sampan_launch_t* launch,
                     sampan_error_t* error) {
  if (launch->cooperative != 0) {
    return call("stream.launch", stream->device, error, [&](auto&) {
      return fail(error, SAMPAN_UNSUPPORTED, "the mock has no cooperative launches");
    });
  }
  return submit("stream.launch", stream, error, [&] {
    Command command = launch_command(*stream->device, *launch);
    apply_launch_faults(*stream, command);
    return command;
  });
}

sampan_code_t copy(sampan_stream_t* stream, sampan_region_t dst, sampan_region_t src,
                   std::uint64_t size_bytes, sampan_error_t* error) {
  return submit("stream.copy", stream, error, [&] {
    std::byte* to = bytes_of(dst, size_bytes, stream->device);
    const std::byte* from = bytes_of(src, size_bytes, stream->device);
    return Command{SAMPAN_NODE_COPY, 0, {}, {dst.memory, src.memory}, sure_work([=] {
                     std::memcpy(to, from, size_bytes);
                   })};
  });
}

sampan_code_t copy_2d(sampan_stream_t* stream, const sampan_copy_2d_t* copy,
                      sampan_error_t* error) {
  return submit("stream.copy_2d", stream, error, [&] {
    const sampan_copy_2d_t c = *copy;
    if (c.dst_pitch_bytes < c.row_bytes || c.src_pitch_bytes < c.row_bytes) {
      violation("stream.copy_2d with a pitch below the row");
    }
    std::byte* to = bytes_of(c.dst, c.dst_pitch_bytes * (c.rows - 1) + c.row_bytes, stream->device);
    const std::byte* from =
        bytes_of(c.src, c.src_pitch_bytes * (c.rows - 1) + c.row_bytes, stream->device);
    return Command{SAMPAN_NODE_COPY, 0, {}, {c.dst.memory, c.src.memory}, sure_work([=] {
                     for (std::uint64_t row = 0; row < c.rows; ++row) {
                       std::memcpy(to + row * c.dst_pitch_bytes, from + row * c.src_pitch_bytes,
                                   c.row_bytes);
                     }
                   })};
  });
}

sampan_code_t copy_to_device(sampan_stream_t* stream, sampan_region_t dst, const void* host,
                             std::uint64_t size_bytes, sampan_error_t* error) {
  return submit("stream.copy_to_device", stream, error, [&] {
    std::byte* to = bytes_of(dst, size_bytes, stream->device);
    return Command{SAMPAN_NODE_COPY, 0, {}, {dst.memory}, sure_work([=] {
                     std::memcpy(to, host, size_bytes);
                   })};
  });
}

sampan_code_t copy_to_host(sampan_stream_t* stream, void* host, sampan_region_t src,
                           std::uint64_t size_bytes, sampan_error_t* error) {
  return submit("stream.copy_to_host", stream, error, [&] {
    const std::byte* from = bytes_of(src, size_bytes, stream->device);
    return Command{SAMPAN_NODE_COPY, 0, {}, {src.memory}, sure_work([=] {
                     std::memcpy(host, from, size_bytes);
                   })};
  });
}

sampan_code_t fill(sampan_stream_t* stream, sampan_region_t dst, const void* pattern,
                   std::uint32_t pattern_bytes, std::uint64_t size_bytes, sampan_error_t* error) {
  return submit("stream.fill", stream, error, [&] {
    if (size_bytes % pattern_bytes != 0 || dst.offset_bytes % pattern_bytes != 0) {
      violation("stream.fill of a size or offset that is no multiple of the pattern");
    }
    std::byte* to = bytes_of(dst, size_bytes, stream->device);
    std::vector<std::byte> bytes(pattern_bytes);
    std::memcpy(bytes.data(), pattern, pattern_bytes);
    return Command{SAMPAN_NODE_FILL, 0, {}, {dst.memory}, sure_work([=] {
                     repeat_pattern(to, size_bytes, bytes.data(), pattern_bytes);
                   })};
  });
}

sampan_code_t wait_event(sampan_stream_t* stream, sampan_event_t* event, sampan_error_t* error) {
  return submit("stream.wait_event", stream, error, [&] {
    const std::shared_ptr<Point> point = event->point;
    const sampan_device_t* device = stream->device;
    return Command{0, 0, {}, {}, work([point, device]() -> Outcome {
                     std::unique_lock lock(state().mutex);
                     state().changed.wait(lock, [&] { return point->done || device->is_lost; });
                     return point->done ? point->failure : lost(*device);
                   })};
  });
}

sampan_code_t host_function(sampan_stream_t* stream,
                            void (*function)(void* context, std::int32_t failed), void* context,
                            sampan_error_t* error) {
  return submit("stream.host_function", stream, error, [&] {
    return Command{0, 0, {}, {}, [=](const Failure* earlier) -> Outcome {
                     function(context, earlier != nullptr ? 1 : 0);
                     return std::nullopt;
                   }};
  });
}

sampan_code_t flush(sampan_stream_t* stream, sampan_error_t* error) {
  return call("stream.flush", stream->device, error, [&](auto&) -> sampan_code_t {
    return stream->failure ? report(error, *stream->failure) : SAMPAN_OK;
  });
}

sampan_code_t query(sampan_stream_t* stream, sampan_error_t* error) {
  const auto body = [&](auto&) -> sampan_code_t {
    // Also a failed stream is ready only once its worker has let go of what was enqueued.
    if (stream->completed != stream->submitted) {
      return fail(error, SAMPAN_NOT_READY, "work of the stream is still running");
    }
    if (stream->failure) return report(error, *stream->failure);
    return stream->device->is_lost ? report_lost(error, *stream->device) : SAMPAN_OK;
  };
  return call("stream.query", stream->device, error, body, IfLost::go_on);
}

sampan_code_t wait(sampan_stream_t* stream, std::uint64_t timeout_ns, sampan_error_t* error) {
  const auto body = [&](std::unique_lock<std::mutex>& lock) -> sampan_code_t {
    const std::uint64_t target = stream->submitted;
    const auto code = wait_until(
        lock, timeout_ns, [&] { return stream->completed >= target; }, error);
    if (code != SAMPAN_OK) return code;
    if (stream->failure) return report(error, *stream->failure);
    return stream->device->is_lost ? report_lost(error, *stream->device) : SAMPAN_OK;
  };
  return call("stream.wait", stream->device, error, body, IfLost::go_on);
}

sampan_code_t native(sampan_stream_t* stream, void** out, sampan_error_t* error) {
  return call("stream.native", stream->device, error, [&](auto&) {
    *out = stream;
    return SAMPAN_OK;
  });
}

}  // namespace

sampan_code_t enqueue(sampan_stream_t& stream, Command command, sampan_error_t*) {
  for (sampan_memory_t* memory : command.uses) ++memory->in_flight;
  stream.queue.push_back(std::move(command));
  ++stream.submitted;
  state().changed.notify_all();
  return SAMPAN_OK;
}

sampan_code_t wait_until(std::unique_lock<std::mutex>& lock, std::uint64_t timeout_ns,
                         const std::function<bool()>& ended, sampan_error_t* error) {
  // An end in the far future overflows the clock's type.
  constexpr std::uint64_t kLongestNs = 1ull << 60;
  if (timeout_ns > kLongestNs) {
    state().changed.wait(lock, ended);
    return SAMPAN_OK;
  }
  if (state().changed.wait_for(lock, std::chrono::nanoseconds(timeout_ns), ended)) return SAMPAN_OK;
  return fail(error, SAMPAN_TIMEOUT, "the work went on for longer than %llu ns",
              static_cast<unsigned long long>(timeout_ns));
}

const Table kStreamTable = {
    sizeof(Table), 0,    create,     destroy,       launch, copy,  copy_2d, copy_to_device,
    copy_to_host,  fill, wait_event, host_function, flush,  query, wait,    native,
};

}  // namespace mock
