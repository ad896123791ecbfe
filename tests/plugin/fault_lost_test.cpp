// A device that is lost: everybody who waits learns of it soon, nobody else is touched, and it can
// be opened again.
#include <thread>

#include "fault_case.h"

namespace sampan_test {
namespace {

using Clock = std::chrono::steady_clock;

// A thread that waits; says when it came back and with what.
class Waiter {
 public:
  Waiter(const char* name, std::function<void()> wait)
      : name_(name), result_(std::async(std::launch::async, [wait = std::move(wait)] {
          const auto info = error_of(wait);
          return std::pair(info, Clock::now());
        })) {}

  void expect_lost(Clock::time_point lost_at) {
    SCOPED_TRACE(name_);
    if (result_.wait_until(lost_at + kForEver) != std::future_status::ready) {
      std::fprintf(stderr, "%s hangs\n", name_);
      std::abort();
    }
    const auto [info, ended_at] = result_.get();
    EXPECT_LT(ended_at - lost_at, kSoon);
    ASSERT_TRUE(info) << "nothing was thrown";
    EXPECT_EQ(info->code, ErrorCode::device_lost) << info->message;
  }

 private:
  const char* name_;
  std::future<std::pair<std::optional<ErrorInfo>, Clock::time_point>> result_;
};

void expect_works(const Device& device) {
  Stream stream = device.create_stream();
  const Buffer buffer = floats(stream, 16, 3);
  EXPECT_EQ(values_of(stream, buffer), std::vector<float>(16, 3)) << device.id();
}

TEST_F(fault, lost_device_wakes_every_waiter) {
  Stream hanging = device(0).create_stream(), behind = device(0).create_stream();
  Stream neighbour = device(1).create_stream();
  Stream foreign = sampan::device("other:0").create_stream();
  Event event = device(0).create_event();
  hanging.launch(mock_kernel(device(0), "hang"), {});
  hanging.record(event);
  behind.wait(event);
  neighbour.wait(event);
  foreign.wait(event);
  std::vector<Waiter> waiters;
  waiters.reserve(6);
  waiters.emplace_back("the stream that hangs", [&] { hanging.synchronize(); });
  waiters.emplace_back("a wait with a limit",
                       [&] { hanging.synchronize_for(std::chrono::minutes(10)); });
  waiters.emplace_back("its event", [&] { event.wait(); });
  waiters.emplace_back("a stream of the device", [&] { behind.synchronize(); });
  waiters.emplace_back("a stream of another device", [&] { neighbour.synchronize(); });
  waiters.emplace_back("a stream of another backend", [&] { foreign.synchronize(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const auto lost_at = Clock::now();
  mock().lose_device(0);
  for (Waiter& waiter : waiters) waiter.expect_lost(lost_at);
  expect_works(device(1));
  expect_works(device(2));
  expect_works(sampan::device("other:0"));
}

// Every call on what belonged to the lost device, and after its reopening on what is left of it.
TEST_F(fault, lost_device_refuses_all_calls) {
  Stream stream = device(0).create_stream();
  const Kernel kernel = mock_kernel(device(0), "add_one");
  const Buffer buffer = floats(stream, 16, 1);
  Event event = device(0).create_event();
  stream.record(event);
  stream.synchronize();
  const std::pair<const char*, std::function<void()>> calls[] = {
      {"launch", [&] { add_one(stream, kernel, buffer); }},
      {"fill", [&] { stream.fill(buffer.view(DType::f32), 2.0f); }},
      {"copy_to_host", [&] { static_cast<void>(values_of(stream, buffer)); }},
      {"record", [&] { stream.record(event); }},
      {"wait", [&] { stream.wait(event); }},
      {"synchronize", [&] { stream.synchronize(); }},
  };
  const auto expect_all_lost = [&](const char* when) {
    for (const auto& [name, call] : calls) {
      SCOPED_TRACE(std::string(name) + " " + when);
      EXPECT_TRUE(expect_error(ErrorCode::device_lost, call).device_lost);
    }
  };
  mock().lose_device(0);
  expect_all_lost("while lost");
  expect_error(ErrorCode::device_lost, [] { static_cast<void>(device(0).create_stream()); });
  expect_error(ErrorCode::device_lost, [] { static_cast<void>(device(0).memory_info()); });
  device(0).reopen();
  expect_works(device(0));
  expect_all_lost("after reopening");
  // New handles don't mix with old ones.
  Stream fresh = device(0).create_stream();
  expect_error(ErrorCode::device_lost, [&] { fresh.fill(buffer.view(DType::f32), 1.0f); });
  expect_error(ErrorCode::device_lost, [&] { fresh.wait(event); });
  expect_error(ErrorCode::device_lost, [&] { add_one(fresh, kernel, floats(fresh, 1, 0)); });
  expect_works(device(0));
}

TEST_F(fault, lost_device_lets_go_in_any_order) {
  for (int order = 0; order < 6; ++order) {
    SCOPED_TRACE(order);
    std::optional<Stream> stream(device(0).create_stream());
    std::optional<Kernel> kernel(mock_kernel(device(0), "add_one"));
    std::optional<Buffer> buffer(floats(*stream, 16, 1));
    std::optional<Event> event(device(0).create_event());
    stream->launch(mock_kernel(device(0), "hang"), {});
    add_one(*stream, *kernel, *buffer);
    stream->record(*event);
    mock().lose_device(0);
    const std::function<void()> drops[] = {[&] { stream.reset(); }, [&] { kernel.reset(); },
                                           [&] { buffer.reset(); }, [&] { event.reset(); },
                                           [&] { device(0).reopen(); }};
    finish_within(kForEver, [&] {
      for (std::size_t i = 0; i < std::size(drops); ++i) {
        drops[(i + static_cast<std::size_t>(order)) % std::size(drops)]();
      }
    });
    expect_works(device(0));
  }
}

// One small program over device 0, watched by device 1 and another backend.
void run_program() {
  std::vector<float> host(1024, 1);
  Stream stream = sampan::device("mock:0").create_stream(),
         second = sampan::device("mock:0").create_stream();
  const Kernel kernel = mock_kernel(sampan::device("mock:0"), "add_one");
  const Buffer a = stream.allocate(4096), b = second.allocate(4096);
  Event event = sampan::device("mock:0").create_event();
  stream.copy_from_host(a.view(DType::f32), std::span<const float>(host));
  add_one(stream, kernel, a);
  stream.record(event);
  second.wait(event);
  second.copy(b.view(DType::f32), a.view(DType::f32));
  add_one(second, kernel, b);
  second.copy_to_host(std::span(host), b.view(DType::f32));
  stream.synchronize();
  second.synchronize();
  EXPECT_EQ(host, std::vector<float>(1024, 3));
}

TEST_F(fault, device_lost_at_each_call) {
  run_program();
  mock().reset();
  run_program();
  const std::uint64_t calls = mock().calls();
  ASSERT_GT(calls, 12u);
  for (std::uint64_t call = 1; call <= calls; ++call) {
    mock().reset();
    script("lose_call=" + std::to_string(call));
    const auto start = Clock::now();
    std::optional<ErrorInfo> info;
    finish_within(kForEver, [&] { info = error_of(run_program); });
    SCOPED_TRACE("call " + std::to_string(call) + ", " + mock().call_name(call));
    EXPECT_LT(Clock::now() - start, kSoon);
    // Opening and describing concern no open device: nothing is lost then.
    EXPECT_TRUE(!info || info->code == ErrorCode::device_lost) << info->message;
    EXPECT_STREQ(mock().first_violation(), "");
    expect_works(device(1));
    if (info) {
      expect_error(ErrorCode::device_lost, [] { static_cast<void>(device(0).memory_info()); });
      device(0).reopen();
    }
    expect_works(device(0));
  }
}

}  // namespace
}  // namespace sampan_test
