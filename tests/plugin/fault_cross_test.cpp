// Between devices and between backends: copies by way of the host, and events that a thread of
// Sampan's carries over.
#include <algorithm>
#include <numeric>
#include <thread>

#include "fault_case.h"

namespace sampan_test {
namespace {

std::vector<std::uint8_t> bytes(std::size_t n) {
  std::vector<std::uint8_t> out(n);
  std::uint32_t state = 12345;
  for (auto& byte : out) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return out;
}

struct Route {
  const char *from, *to;
  bool by_reader;  // on a stream of the destination's device, else of the source's
};

constexpr Route kRoutes[] = {
    {"mock:0", "mock:1", true},  {"mock:0", "mock:1", false},  // neighbours
    {"mock:0", "mock:2", true},  {"mock:2", "mock:0", false},  // through pinned memory
    {"mock:0", "cpu", true},     {"mock:0", "cpu", false},     // one side in the host's reach
    {"cpu", "mock:0", true},     {"cpu", "mock:0", false},
    {"mock:0", "other:1", true}, {"other:1", "mock:0", false},  // two backends, neither in reach
};

// Around the size of a chunk (4 MiB), and of three, where both slots are used again.
constexpr std::size_t kSizes[] = {1, 4095, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, (12 << 20) + 13};

void check_route(const Route& route, std::size_t size) {
  SCOPED_TRACE(std::string(route.from) + " to " + route.to +
               (route.by_reader ? ", reader, " : ", writer, ") + std::to_string(size));
  const std::vector<std::uint8_t> data = bytes(size + 7);
  std::vector<std::uint8_t> result(size + 7, 0xee);
  Stream from = sampan::device(route.from).create_stream();
  Stream to = sampan::device(route.to).create_stream();
  // Neither window starts at the beginning or ends at the end.
  const Buffer source = from.allocate(size + 7), target = to.allocate(size + 7);
  from.copy_from_host(source.view(DType::u8), std::span<const std::uint8_t>(data));
  to.copy_from_host(target.view(DType::u8), std::span<const std::uint8_t>(result));
  Event ready = (route.by_reader ? from : to).device().create_event();
  (route.by_reader ? from : to).record(ready);
  Stream& copier = route.by_reader ? to : from;
  copier.wait(ready);
  copier.copy(target.view(DType::u8, {size}, 3), source.view(DType::u8, {size}, 5));
  Event copied = copier.device().create_event();
  copier.record(copied);
  // The source may be overwritten behind the copy, on its own stream.
  from.wait(copied);
  from.fill(source.view(DType::u8), std::uint8_t{0});
  to.wait(copied);
  to.copy_to_host(std::span(result), target.view(DType::u8));
  to.synchronize();
  from.synchronize();
  std::vector<std::uint8_t> expected(3, 0xee);
  expected.insert(expected.end(), data.begin() + 5, data.end() - 2);
  expected.resize(data.size(), 0xee);
  EXPECT_TRUE(result == expected);
}

TEST_F(fault, copies_between_any_two_devices) {
  // Two of the largest, and the third device has 8 MiB otherwise.
  script("memory_bytes=134217728");
  for (const Route& route : kRoutes) {
    for (const std::size_t size : kSizes) {
      finish_within(kForEver, [&] { check_route(route, size); });
    }
  }
}

TEST_F(fault, copies_between_slow_devices) {
  script("memory_bytes=134217728 delay_us=2000");
  script("delay_us=300", "other");
  for (const Route& route : kRoutes) {
    finish_within(kForEver, [&] { check_route(route, (12 << 20) + 13); });
  }
}

TEST_F(fault, copy_from_a_failed_stream_fails) {
  for (const char* to : {"mock:1", "mock:2", "cpu", "other:0"}) {
    SCOPED_TRACE(to);
    Stream from = device(0).create_stream(), reader = sampan::device(to).create_stream();
    const Buffer source = from.allocate(4096), target = reader.allocate(4096);
    from.launch(mock_kernel(device(0), "hang"), {});
    from.launch(mock_kernel(device(0), "fail"), {});
    Event ready = device(0).create_event();
    from.record(ready);
    reader.wait(ready);
    reader.copy(target.view(DType::u8), source.view(DType::u8));
    mock().release_hangs();
    finish_within(kForEver,
                  [&] { expect_error(ErrorCode::launch_failed, [&] { reader.synchronize(); }); });
  }
}

// ---- Events from backend to backend -----------------------------------------------------------

TEST_F(fault, event_of_another_backend_holds_a_stream_up) {
  for (const char* id : {"cpu", "other:0"}) {
    SCOPED_TRACE(id);
    Stream source = device(0).create_stream(), waiting = sampan::device(id).create_stream();
    Event event = device(0).create_event();
    source.launch(mock_kernel(device(0), "hang"), {});
    source.record(event);
    waiting.wait(event);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_FALSE(waiting.ready());
    // What was waited for is the point then; later records don't move it.
    mock().release_hangs();
    source.launch(mock_kernel(device(0), "hang"), {});
    source.record(event);
    finish_within(kForEver, [&] { waiting.synchronize(); });
    EXPECT_FALSE(event.ready());
    mock().release_hangs();
    source.synchronize();
  }
}

TEST_F(fault, event_of_another_backend_brings_its_failure) {
  for (const char* id : {"cpu", "other:0"}) {
    SCOPED_TRACE(id);
    Stream source = device(0).create_stream(), waiting = sampan::device(id).create_stream();
    Event event = device(0).create_event();
    source.launch(mock_kernel(device(0), "hang"), {});
    source.launch(mock_kernel(device(0), "fail"), {});
    source.record(event);
    waiting.wait(event);
    mock().release_hangs();
    finish_within(kForEver,
                  [&] { expect_error(ErrorCode::launch_failed, [&] { waiting.synchronize(); }); });
    Stream next = sampan::device(id).create_stream();
    EXPECT_EQ(values_of(next, floats(next, 4, 5)), std::vector<float>(4, 5));
  }
}

TEST_F(fault, event_dropped_while_others_wait) {
  Stream source = device(0).create_stream();
  Stream waiting = sampan::device("other:0").create_stream();
  {
    Event event = device(0).create_event();
    source.launch(mock_kernel(device(0), "hang"), {});
    source.record(event);
    waiting.wait(event);
  }
  mock().release_hangs();
  finish_within(kForEver, [&] { waiting.synchronize(); });
  source.synchronize();
}

// The call that ends the wait fails: the stream must not wait for ever, but learn of it.
TEST_F(fault, signal_that_fails_ends_the_wait) {
  Stream source = device(0).create_stream();
  Stream waiting = sampan::device("other:0").create_stream();
  Event event = device(0).create_event();
  source.launch(mock_kernel(device(0), "hang"), {});
  source.record(event);
  waiting.wait(event);
  mock("other").reset();
  script("fail_call=1:13", "other");  // the next call into it is the signal
  mock().release_hangs();
  source.synchronize();
  finish_within(kForEver, [] {
    while (mock("other").calls() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  finish_within(kForEver,
                [&] { expect_error(ErrorCode::driver_error, [&] { waiting.synchronize(); }); });
  EXPECT_STREQ(mock("other").call_name(1), "event.signal");
}

// Many at once, in both directions: a ring of streams over three backends.
TEST_F(fault, ring_of_backends) {
  constexpr int kRounds = 60;
  Stream streams[] = {device(0).create_stream(), sampan::device("cpu").create_stream(),
                      sampan::device("other:1").create_stream()};
  Buffer buffers[3];
  for (int i = 0; i < 3; ++i) buffers[i] = floats(streams[i], 256, 0);
  const Kernel kernel = mock_kernel(device(0), "add_one");
  for (int round = 0; round < kRounds; ++round) {
    add_one(streams[0], kernel, buffers[0]);
    for (int i = 0; i < 3; ++i) {
      const int next = (i + 1) % 3;
      Event done = streams[i].device().create_event();
      streams[i].record(done);
      streams[next].wait(done);
      streams[next].copy(buffers[next].view(DType::f32), buffers[i].view(DType::f32));
    }
  }
  finish_within(kForEver, [&] {
    EXPECT_EQ(values_of(streams[0], buffers[0]), std::vector<float>(256, kRounds));
  });
}

}  // namespace
}  // namespace sampan_test
