// Every call into the backend fails once: nothing leaks, hangs or aborts, no result is wrong, and
// the same program works afterwards.
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

// From one device to a neighbour, and from there through the host to one out of reach, and back.
Result run_devices() {
  Result host(kFloats, 4);
  Stream streams[] = {sampan::device("mock:0").create_stream(),
                      sampan::device("mock:1").create_stream(),
                      sampan::device("mock:2").create_stream()};
  Buffer buffers[3];
  for (int i = 0; i < 3; ++i) buffers[i] = streams[i].allocate(kFloats * 4);
  streams[0].copy_from_host(buffers[0].view(DType::f32), std::span<const float>(host));
  const auto hop = [&](int from, int to) {
    Event done = streams[from].device().create_event();
    streams[from].record(done);
    streams[to].wait(done);
    streams[to].copy(buffers[to].view(DType::f32), buffers[from].view(DType::f32));
  };
  hop(0, 1);
  hop(1, 2);
  hop(2, 0);
  streams[0].copy_to_host(std::span(host), buffers[0].view(DType::f32));
  for (Stream& stream : streams) stream.synchronize();
  return host;
}

const Scenario kScenarios[] = {
    {"streams and events", run_streams_and_events},
    {"graph", run_graph},
    {"pool", run_pool},
    {"devices", run_devices},
};

constexpr sampan::ErrorCode kCodes[] = {ErrorCode::driver_error, ErrorCode::out_of_device_memory,
                                        ErrorCode::out_of_host_memory, ErrorCode::internal};

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

TEST_F(fault, each_call_fails_once) {
  std::uint64_t points = 0, noticed = 0;
  for (const Scenario& scenario : kScenarios) {
    const Result expected = scenario.run();
    static_cast<void>(device(0).trim_pool());
    static_cast<void>(device(1).trim_pool());
    static_cast<void>(device(2).trim_pool());
    mock().reset();
    EXPECT_EQ(scenario.run(), expected) << scenario.name;
    const std::uint64_t calls = mock().calls();
    for (const ErrorCode code : kCodes) {
      for (std::uint64_t call = 1; call <= calls && !HasFailure(); ++call) {
        noticed += fail_once(scenario, call, code, expected) ? 1 : 0;
        ++points;
        EXPECT_EQ(scenario.run(), expected) << "afterwards";
      }
    }
  }
  RecordProperty("fault_points", static_cast<int>(points));
  std::printf("%d fault points, %d of them noticed\n", static_cast<int>(points),
              static_cast<int>(noticed));
  EXPECT_GT(noticed, points / 2) << "most calls matter";
}

}  // namespace
}  // namespace sampan_test
