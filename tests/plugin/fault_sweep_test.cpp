// Every call into the backend fails once: nothing leaks, hangs or aborts, no result is wrong, and
// the same program works afterwards.
#include <array>
#include <cstdio>

#include "fault_case.h"

namespace sampan_test {
namespace {

using Result = std::vector<float>;
constexpr std::size_t kFloats = 1000;

struct Scenario {
  const char* name;
  std::function<Result()> run;
};

// Host memory comes first: it must outlive the streams that still copy to it when a call throws.

Result run_streams_and_events() {
  Result host(kFloats, 1);
  const Device device = sampan::device("mock:0");
  Stream a = device.create_stream(), b = device.create_stream();
  const Kernel kernel = mock_kernel(device, "add_one");
  Event event = device.create_event({.timing = true});
  Event second = device.create_event({.timing = true});
  const Buffer first = a.allocate(kFloats * 4), other = b.allocate(kFloats * 4);
  a.copy_from_host(first.view(DType::f32), std::span<const float>(host));
  a.record(event);
  add_one(a, kernel, first);
  a.record(second);
  b.wait(second);
  b.copy(other.view(DType::f32), first.view(DType::f32));
  b.flush();
  b.copy_to_host(std::span(host), other.view(DType::f32));
  second.wait();
  static_cast<void>(b.ready());
  b.synchronize();
  static_cast<void>(elapsed_ns(event, second));
  return host;
}

Result run_graph() {
  Result host(kFloats, 0);
  const Device device = sampan::device("mock:0");
  Stream stream = device.create_stream();
  const Kernel kernel = mock_kernel(device, "add_one");
  const Buffer a = stream.allocate(kFloats * 4), b = stream.allocate(kFloats * 4);
  stream.begin_recording();
  stream.fill(a.view(DType::f32), 1.0f);
  const auto node = add_one(stream, kernel, a);
  stream.copy(b.view(DType::f32), a.view(DType::f32));
  Graph graph = stream.end_recording();
  stream.replay(graph);
  graph.update(node, a, static_cast<std::uint32_t>(kFloats / 2));
  stream.replay(graph);
  stream.copy_to_host(std::span(host), b.view(DType::f32));
  stream.synchronize();
  return host;
}

Result run_pool() {
  Result host(kFloats, 0);
  const Device device = sampan::device("mock:1");
  Stream a = device.create_stream(), b = device.create_stream();
  for (int round = 0; round < 3; ++round) {
    const Buffer first = a.allocate(kFloats * 4);
    a.fill(first.view(DType::f32), 1.0f + static_cast<float>(round));
    const Buffer large = b.allocate(20 << 20), pinned = b.allocate(64, sampan::MemoryKind::host);
    b.fill(large.view(DType::u8).slice(0, 0, 4096), std::uint8_t{7});
    b.fill(pinned.view(DType::u8), std::uint8_t{7});
    a.copy_to_host(std::span(host), first.view(DType::f32));
    a.synchronize();
    b.synchronize();
  }
  static_cast<void>(device.memory_info());
  static_cast<void>(device.trim_pool());
  return host;
}

// Round a ring of devices, each waiting for the one before.
Result run_ring(const std::array<const char*, 3>& ids) {
  Result host(kFloats, 4);
  std::vector<Stream> streams;
  std::vector<Buffer> buffers;
  for (const char* id : ids) streams.push_back(sampan::device(id).create_stream());
  for (Stream& stream : streams) buffers.push_back(stream.allocate(kFloats * 4));
  streams[0].copy_from_host(buffers[0].view(DType::f32), std::span<const float>(host));
  for (const auto& [from, to] : {std::pair{0u, 1u}, {1u, 2u}, {2u, 0u}}) {
    Event done = streams[from].device().create_event();
    streams[from].record(done);
    streams[to].wait(done);
    streams[to].copy(buffers[to].view(DType::f32), buffers[from].view(DType::f32));
  }
  streams[0].copy_to_host(std::span(host), buffers[0].view(DType::f32));
  for (Stream& stream : streams) stream.synchronize();
  return host;
}

// To a neighbour, from there through the host to a device out of reach, and back.
Result run_devices() { return run_ring({"mock:0", "mock:1", "mock:2"}); }
// Events are carried over by a thread of Sampan's.
Result run_backends() { return run_ring({"mock:0", "other:0", "cpu"}); }

constexpr ErrorCode kCodes[] = {
    ErrorCode::driver_error,       ErrorCode::out_of_device_memory,
    ErrorCode::out_of_host_memory, ErrorCode::internal,
    ErrorCode::invalid_argument,   ErrorCode::unsupported,
    ErrorCode::not_found,          ErrorCode::timeout,
    ErrorCode::launch_failed,
};

// One call fails; returns whether that was noticed.
bool fail_once(const Scenario& scenario, std::uint64_t call, ErrorCode code,
               const Result& expected) {
  mock().reset();
  // Work takes its time, so that much of it is under way when the call fails.
  const std::string words = "delay_us=200 fail_call=" + std::to_string(call) + ":" +
                            std::to_string(static_cast<int>(code));
  EXPECT_EQ(mock().script(words.c_str()), 0);
  std::optional<ErrorInfo> info;
  Result result;
  finish_within(kForEver, [&] { info = error_of([&] { result = scenario.run(); }); });
  const std::string name = mock().call_name(call);
  SCOPED_TRACE(std::string(scenario.name) + ", call " + std::to_string(call) + " (" + name +
               ") fails with " + std::string(to_string(code)));
  if (info) {
    EXPECT_EQ(info->code, code) << info->message;
    EXPECT_FALSE(info->message.empty());
  } else {
    EXPECT_EQ(result, expected);
  }
  EXPECT_STREQ(mock().first_violation(), "");
  mock().reset();
  expect_nothing_alive("mock");
  return info.has_value();
}

void fail_each(const Scenario& scenario) {
  std::uint64_t points = 0, noticed = 0;
  const Result expected = scenario.run();
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(sampan::device("mock:" + std::to_string(i)).trim_pool());
  }
  mock().reset();
  EXPECT_EQ(scenario.run(), expected);
  const std::uint64_t calls = mock().calls();
  for (const ErrorCode code : kCodes) {
    for (std::uint64_t call = 1; call <= calls && !testing::Test::HasFailure(); ++call) {
      noticed += fail_once(scenario, call, code, expected) ? 1 : 0;
      ++points;
      EXPECT_EQ(scenario.run(), expected) << "afterwards";
    }
  }
  std::printf("%d fault points, %d of them noticed\n", static_cast<int>(points),
              static_cast<int>(noticed));
  EXPECT_GT(noticed, points / 2) << "most calls matter";
}

TEST_F(fault, each_call_of_streams_and_events) { fail_each({"streams", run_streams_and_events}); }
TEST_F(fault, each_call_of_a_graph) { fail_each({"graph", run_graph}); }
TEST_F(fault, each_call_of_the_pool) { fail_each({"pool", run_pool}); }
TEST_F(fault, each_call_of_copies_between_devices) { fail_each({"devices", run_devices}); }
TEST_F(fault, each_call_of_copies_between_backends) { fail_each({"backends", run_backends}); }

}  // namespace
}  // namespace sampan_test
