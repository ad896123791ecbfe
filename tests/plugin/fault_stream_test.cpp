// Work that fails, or never ends, on one stream: who learns of it, and who goes on.
#include <atomic>
#include <thread>

#include "fault_case.h"

namespace sampan_test {
namespace {

struct Failing {
  const char* name;
  ErrorCode code;
  std::function<std::uint64_t(Stream&)> launch;
  const char* kernel;
};

std::vector<Failing> ways_to_fail() {
  return {
      {"a kernel that fails", ErrorCode::launch_failed,
       [](Stream& stream) { return stream.launch(mock_kernel(stream.device(), "fail"), {}); },
       "fail"},
      {"a kernel that leaves its memory", ErrorCode::illegal_access,
       [](Stream& stream) {
         const Buffer buffer = stream.allocate(64);
         const auto far = static_cast<std::uint32_t>(stream.device().info().memory_bytes);
         return stream.launch(mock_kernel(stream.device(), "add_one"), {}, buffer, far);
       },
       "add_one"},
  };
}

TEST_F(fault, launch_names_its_kernel_and_number) {
  for (const Failing& failing : ways_to_fail()) {
    SCOPED_TRACE(failing.name);
    Stream stream = device(0).create_stream();
    const Kernel kernel = mock_kernel(device(0), "add_one");
    const Buffer buffer = floats(stream, 16, 1);
    add_one(stream, kernel, buffer);
    const std::uint64_t number = failing.launch(stream);
    const ErrorInfo info = expect_error(failing.code, [&] { stream.synchronize(); });
    EXPECT_EQ(info.kernel, failing.kernel);
    EXPECT_EQ(info.sequence, number);
    EXPECT_EQ(info.backend, "mock");
    EXPECT_TRUE(info.sticky);
    EXPECT_FALSE(info.device_lost);
  }
}

TEST_F(fault, later_work_is_rejected_with_the_first_cause) {
  Stream stream = device(0).create_stream();
  const Kernel kernel = mock_kernel(device(0), "add_one");
  const Buffer buffer = floats(stream, 16, 1);
  Event event = device(0).create_event();
  std::vector<float> host(16);
  const std::uint64_t number = stream.launch(mock_kernel(device(0), "fail"), {});
  // A second failure must not hide the first.
  static_cast<void>(
      error_of([&] { static_cast<void>(stream.launch(mock_kernel(device(0), "fail"), {})); }));
  expect_error(ErrorCode::launch_failed, [&] { stream.synchronize(); });
  const std::pair<const char*, std::function<void()>> calls[] = {
      {"launch", [&] { add_one(stream, kernel, buffer); }},
      {"fill", [&] { stream.fill(buffer.view(DType::f32), 2.0f); }},
      {"copy_from_host",
       [&] { stream.copy_from_host(buffer.view(DType::f32), std::span<const float>(host)); }},
      {"copy_to_host", [&] { stream.copy_to_host(std::span(host), buffer.view(DType::f32)); }},
      {"record", [&] { stream.record(event); }},
      {"host_function", [&] { stream.host_function([] {}); }},
      {"flush", [&] { stream.flush(); }},
      {"ready", [&] { static_cast<void>(stream.ready()); }},
      {"synchronize", [&] { stream.synchronize(); }},
      {"synchronize_for", [&] { stream.synchronize_for(std::chrono::seconds(1)); }},
  };
  for (const auto& [name, call] : calls) {
    SCOPED_TRACE(name);
    const ErrorInfo info = expect_error(ErrorCode::launch_failed, call);
    EXPECT_EQ(info.sequence, number);
    EXPECT_EQ(info.kernel, "fail");
  }
}

TEST_F(fault, work_behind_it_is_left_out) {
  Stream stream = device(0).create_stream(), reader = device(0).create_stream();
  const Kernel kernel = mock_kernel(device(0), "add_one");
  const Buffer buffer = floats(stream, 16, 1);
  std::atomic<bool> ran{false};
  // The hang lets everything be enqueued before the failure is known.
  stream.launch(mock_kernel(device(0), "hang"), {});
  stream.launch(mock_kernel(device(0), "fail"), {});
  add_one(stream, kernel, buffer);
  stream.fill(buffer.view(DType::f32), 9.0f);
  stream.host_function([&] { ran = true; });
  mock().release_hangs();
  expect_error(ErrorCode::launch_failed, [&] { stream.synchronize(); });
  EXPECT_EQ(values_of(reader, buffer), std::vector<float>(16, 1));
  EXPECT_FALSE(ran);
}

TEST_F(fault, other_streams_go_on) {
  Stream failing = device(0).create_stream();
  Stream same_device = device(0).create_stream(), other_device = device(1).create_stream();
  failing.launch(mock_kernel(device(0), "fail"), {});
  expect_error(ErrorCode::launch_failed, [&] { failing.synchronize(); });
  for (Stream* stream : {&same_device, &other_device}) {
    const Buffer buffer = floats(*stream, 16, 1);
    add_one(*stream, mock_kernel(stream->device(), "add_one"), buffer);
    EXPECT_EQ(values_of(*stream, buffer), std::vector<float>(16, 2));
  }
  // And a new one, in place of the one that failed.
  failing = device(0).create_stream();
  EXPECT_EQ(values_of(failing, floats(failing, 4, 5)), std::vector<float>(4, 5));
}

// Who waits for the failed stream fails with its cause; who waits for what came before doesn't.
TEST_F(fault, events_carry_the_cause) {
  Stream stream = device(0).create_stream();
  Stream same_device = device(0).create_stream(), other_device = device(1).create_stream();
  Stream before = device(0).create_stream();
  Event reached = device(0).create_event(), failed = device(0).create_event();
  stream.record(reached);
  stream.launch(mock_kernel(device(0), "hang"), {});
  const std::uint64_t number = stream.launch(mock_kernel(device(0), "fail"), {});
  stream.record(failed);
  before.wait(reached);
  same_device.wait(failed);
  other_device.wait(failed);
  mock().release_hangs();
  before.synchronize();
  reached.wait();
  EXPECT_TRUE(reached.ready());
  for (const auto& call : std::vector<std::function<void()>>{
           [&] { failed.wait(); },
           [&] { static_cast<void>(failed.ready()); },
           [&] { same_device.synchronize(); },
           [&] { other_device.synchronize(); },
       }) {
    const ErrorInfo info = expect_error(ErrorCode::launch_failed, call);
    EXPECT_FALSE(info.message.empty());
  }
  const ErrorInfo info = expect_error(ErrorCode::launch_failed, [&] { failed.wait(); });
  EXPECT_EQ(info.kernel, "fail");
  EXPECT_EQ(info.sequence, number);
}

TEST_F(fault, launch_of_a_chosen_number_fails_one_stream) {
  script("fail_launch=3");
  Stream stream = device(0).create_stream();
  const Kernel kernel = mock_kernel(device(0), "add_one");
  const Buffer buffer = floats(stream, 16, 0);
  add_one(stream, kernel, buffer);
  add_one(stream, kernel, buffer);
  const std::uint64_t number = add_one(stream, kernel, buffer);
  const ErrorInfo info = expect_error(ErrorCode::launch_failed, [&] { stream.synchronize(); });
  EXPECT_EQ(info.sequence, number);
  Stream reader = device(0).create_stream();
  EXPECT_EQ(values_of(reader, buffer), std::vector<float>(16, 2)) << "two of three ran";
}

TEST_F(fault, replay_of_a_graph_fails_like_a_launch) {
  Stream stream = device(0).create_stream(), reader = device(0).create_stream();
  const Buffer buffer = floats(stream, 16, 1);
  stream.begin_recording();
  add_one(stream, mock_kernel(device(0), "add_one"), buffer);
  stream.launch(mock_kernel(device(0), "fail"), {});
  add_one(stream, mock_kernel(device(0), "add_one"), buffer);
  const Graph graph = stream.end_recording();
  ASSERT_TRUE(graph.is_native());
  stream.replay(graph);
  expect_error(ErrorCode::launch_failed, [&] { stream.synchronize(); });
  EXPECT_EQ(values_of(reader, buffer), std::vector<float>(16, 2)) << "the nodes before it ran";
}

TEST_F(fault, memory_of_a_failed_stream_is_used_again) {
  const std::uint64_t most = device(2).info().memory_bytes;
  for (int i = 0; i < 20; ++i) {
    Stream stream = device(2).create_stream();
    const Buffer buffer = stream.allocate(most - (64 << 10));
    // The hang lets the fill be enqueued before the failure is known.
    stream.launch(mock_kernel(device(2), "hang"), {});
    stream.launch(mock_kernel(device(2), "fail"), {});
    stream.fill(buffer.view(DType::u8).slice(0, 0, 64), std::uint8_t{1});
    mock().release_hangs();
    expect_error(ErrorCode::launch_failed, [&] { stream.synchronize(); });
  }
}

// ---- Work that never ends ---------------------------------------------------------------------

TEST_F(fault, hang_times_out_and_blocks_nobody_else) {
  Stream stream = device(0).create_stream(), other = device(0).create_stream();
  const Kernel kernel = mock_kernel(device(0), "add_one");
  const Buffer buffer = floats(stream, 16, 1);
  stream.launch(mock_kernel(device(0), "hang"), {});
  add_one(stream, kernel, buffer);
  Event event = device(0).create_event();
  stream.record(event);
  EXPECT_FALSE(stream.ready());
  EXPECT_FALSE(event.ready());
  const auto limit = std::chrono::milliseconds(30);
  EXPECT_FALSE(expect_error(ErrorCode::timeout, [&] { stream.synchronize_for(limit); }).sticky);
  expect_error(ErrorCode::timeout, [&] { event.wait_for(limit); });
  EXPECT_EQ(values_of(other, floats(other, 4, 5)), std::vector<float>(4, 5));
  mock().release_hangs();
  stream.synchronize();
  EXPECT_TRUE(event.ready());
  EXPECT_EQ(values_of(stream, buffer), std::vector<float>(16, 2));
}

// A buffer dropped while work uses it: another stream gets other memory, or waits.
TEST_F(fault, hang_keeps_its_memory) {
  Stream stream = device(2).create_stream(), other = device(2).create_stream();
  const Kernel kernel = mock_kernel(device(2), "add_one");
  const Buffer seen = floats(stream, 1024, 0);
  {
    Buffer dropped = floats(stream, 1024, 1);
    stream.launch(mock_kernel(device(2), "hang"), {});
    add_one(stream, kernel, dropped);
    stream.copy(seen.view(DType::f32), dropped.view(DType::f32));
  }
  const Buffer others = other.allocate(4096);
  other.fill(others.view(DType::f32), 7.0f);
  mock().release_hangs();
  EXPECT_EQ(values_of(stream, seen), std::vector<float>(1024, 2));
  EXPECT_EQ(values_of(other, others), std::vector<float>(1024, 7));
}

// Device::trim_pool waits for work that uses what it gives back.
TEST_F(fault, trim_waits_for_a_hang) {
  Stream stream = device(2).create_stream();
  {
    const Buffer dropped = floats(stream, 1024, 1);
    stream.launch(mock_kernel(device(2), "hang"), {});
    add_one(stream, mock_kernel(device(2), "add_one"), dropped);
  }
  std::thread releaser([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    mock().release_hangs();
  });
  finish_within(kForEver, [] { EXPECT_GT(device(2).trim_pool(), 0u); });
  releaser.join();
}

// A driver that fails to say whether work is done doesn't say that it is.
TEST_F(fault, query_that_fails_frees_nothing) {
  Stream stream = device(2).create_stream();
  {
    const Buffer dropped = floats(stream, 1024, 1);
    stream.launch(mock_kernel(device(2), "hang"), {});
    add_one(stream, mock_kernel(device(2), "add_one"), dropped);
  }
  script("fail_call=1:13");
  std::thread releaser([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    mock().release_hangs();
  });
  finish_within(kForEver, [] { static_cast<void>(device(2).trim_pool()); });
  releaser.join();
  stream.synchronize();
}

TEST_F(fault, streams_end_while_they_hang) {
  std::thread releaser([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    mock().release_hangs();
  });
  finish_within(kForEver, [] {
    Stream stream = device(0).create_stream();
    const Buffer buffer = stream.allocate(64);
    stream.launch(mock_kernel(device(0), "hang"), {});
    stream.fill(buffer.view(DType::u8), std::uint8_t{1});
  });
  releaser.join();
}

}  // namespace
}  // namespace sampan_test
