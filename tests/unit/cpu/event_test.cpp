#include <atomic>
#include <chrono>
#include <thread>

#include "plugin.h"

namespace sampan_test {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kMillisecond = 1'000'000;

class EventTest : public testing::Test {
 protected:
  const sampan_event_table_t& events_ = *backend().event;
  const sampan_stream_table_t& streams_ = *backend().stream;
  Device device_ = open_device();
  ErrorRecord error_;

  // Keeps `stream` busy until `event` is signalled.
  Event hold(const Stream& stream) {
    Event event = create_event(device_.get(), SAMPAN_EVENT_SIGNALLED);
    EXPECT_CODE(SAMPAN_OK, streams_.wait_event(stream.get(), event.get(), &error_), error_);
    return event;
  }
  void let_go(const Event& event, sampan_code_t code = SAMPAN_OK) {
    EXPECT_CODE(SAMPAN_OK, events_.signal(event.get(), code, &error_), error_);
  }
};

TEST_F(EventTest, NeverRecordedIsComplete) {
  const Event event = create_event(device_.get(), SAMPAN_EVENT_TIMING);
  const Stream stream = create_stream(device_.get());
  std::uint64_t ns = 0;
  EXPECT_EQ(SAMPAN_OK, events_.query(event.get(), &error_));
  EXPECT_EQ(SAMPAN_OK, events_.wait(event.get(), SAMPAN_WAIT_FOREVER, &error_));
  EXPECT_EQ(SAMPAN_OK, streams_.wait_event(stream.get(), event.get(), &error_));
  EXPECT_EQ(SAMPAN_OK, wait(stream, error_));
  EXPECT_EQ(SAMPAN_NOT_READY, events_.timestamp(event.get(), &ns, &error_));
}

TEST_F(EventTest, IsReachedWhenEarlierWorkIs) {
  const Stream stream = create_stream(device_.get());
  const Event event = create_event(device_.get());
  const Event held = hold(stream);
  ASSERT_EQ(SAMPAN_OK, events_.record(event.get(), stream.get(), &error_));
  EXPECT_EQ(SAMPAN_NOT_READY, events_.query(event.get(), &error_));
  EXPECT_EQ(SAMPAN_TIMEOUT, events_.wait(event.get(), 0, &error_));
  EXPECT_EQ(SAMPAN_TIMEOUT, events_.wait(event.get(), 5 * kMillisecond, &error_));
  let_go(held);
  EXPECT_CODE(SAMPAN_OK, events_.wait(event.get(), SAMPAN_WAIT_FOREVER, &error_), error_);
  EXPECT_EQ(SAMPAN_OK, events_.query(event.get(), &error_));
}

TEST_F(EventTest, RecordingAgainReplacesThePoint) {
  const Stream stream = create_stream(device_.get());
  const Event event = create_event(device_.get());
  ASSERT_EQ(SAMPAN_OK, events_.record(event.get(), stream.get(), &error_));
  ASSERT_EQ(SAMPAN_OK, events_.wait(event.get(), SAMPAN_WAIT_FOREVER, &error_));
  const Event held = hold(stream);
  ASSERT_EQ(SAMPAN_OK, events_.record(event.get(), stream.get(), &error_));
  EXPECT_EQ(SAMPAN_NOT_READY, events_.query(event.get(), &error_));
  let_go(held);
  EXPECT_EQ(SAMPAN_OK, events_.wait(event.get(), SAMPAN_WAIT_FOREVER, &error_));
}

// A wait takes the record that is the latest at the call, whatever is recorded afterwards.
TEST_F(EventTest, AWaitKeepsTheRecordThatItMet) {
  const Stream slow = create_stream(device_.get());
  const Stream fast = create_stream(device_.get());
  const Stream waiting = create_stream(device_.get());
  const Event event = create_event(device_.get());
  const Event held = hold(slow);
  ASSERT_EQ(SAMPAN_OK, events_.record(event.get(), slow.get(), &error_));
  ASSERT_EQ(SAMPAN_OK, streams_.wait_event(waiting.get(), event.get(), &error_));
  ASSERT_EQ(SAMPAN_OK, events_.record(event.get(), fast.get(), &error_));
  ASSERT_EQ(SAMPAN_OK, events_.wait(event.get(), SAMPAN_WAIT_FOREVER, &error_));
  EXPECT_EQ(SAMPAN_TIMEOUT, wait(waiting, error_, 5 * kMillisecond));
  let_go(held);
  EXPECT_CODE(SAMPAN_OK, wait(waiting, error_), error_);
}

TEST_F(EventTest, OrdersTwoStreamsManyTimes) {
  constexpr std::uint32_t kRounds = 300;
  const Module module = load(device_.get(), R"(
KERNEL_FLAT(twice, 1, 1, 1)(GLOBAL u32* y) { *y = *y * 2u; }
KERNEL_FLAT(more, 1, 1, 1)(GLOBAL u32* y) { *y = *y + 3u; }
)",
                             {"twice", "more"});
  sampan_kernel_t* kernels[] = {kernel(module, "twice"), kernel(module, "more")};
  const Memory memory = allocate(device_.get(), 4);
  std::uint32_t expected = 1;
  *host_pointer<std::uint32_t>(memory) = expected;
  const Stream streams[] = {create_stream(device_.get()), create_stream(device_.get())};
  const Event events[] = {create_event(device_.get()), create_event(device_.get())};
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    for (int i = 0; i < 2; ++i) {
      ASSERT_EQ(SAMPAN_OK, streams_.wait_event(streams[i].get(), events[1 - i].get(), &error_));
      ASSERT_EQ(SAMPAN_OK,
                launch(streams[i], kernels[i], {1, 1, 1}, {1, 1, 1}, {region(memory)}, error_));
      ASSERT_EQ(SAMPAN_OK, events_.record(events[i].get(), streams[i].get(), &error_));
    }
    expected = expected * 2 + 3;
  }
  ASSERT_CODE(SAMPAN_OK, wait(streams[1], error_), error_);
  ASSERT_CODE(SAMPAN_OK, wait(streams[0], error_), error_);
  EXPECT_EQ(*host_pointer<std::uint32_t>(memory), expected);
}

TEST_F(EventTest, TimestampsAreOnTheDeviceClockAndGrow) {
  const Stream stream = create_stream(device_.get());
  const Event first = create_event(device_.get(), SAMPAN_EVENT_TIMING);
  const Event second = create_event(device_.get(), SAMPAN_EVENT_TIMING);
  const Event plain = create_event(device_.get());
  std::uint64_t host_ns = 0;
  std::uint64_t before_ns = 0;
  std::uint64_t after_ns = 0;
  std::uint64_t ns[2] = {};
  ASSERT_EQ(SAMPAN_OK, backend().device->clock(device_.get(), &host_ns, &before_ns, &error_));
  ASSERT_EQ(SAMPAN_OK, events_.record(first.get(), stream.get(), &error_));
  ASSERT_EQ(
      SAMPAN_OK,
      streams_.host_function(
          stream.get(), [](void*, std::int32_t) { std::this_thread::sleep_for(milliseconds(3)); },
          nullptr, &error_));
  ASSERT_EQ(SAMPAN_OK, events_.record(second.get(), stream.get(), &error_));
  ASSERT_EQ(SAMPAN_OK, events_.record(plain.get(), stream.get(), &error_));
  ASSERT_EQ(SAMPAN_OK, wait(stream, error_));
  ASSERT_EQ(SAMPAN_OK, backend().device->clock(device_.get(), &host_ns, &after_ns, &error_));
  ASSERT_EQ(SAMPAN_OK, events_.timestamp(first.get(), &ns[0], &error_));
  ASSERT_EQ(SAMPAN_OK, events_.timestamp(second.get(), &ns[1], &error_));
  EXPECT_LE(before_ns, ns[0]);
  EXPECT_LE(ns[0] + 3 * kMillisecond, ns[1]);
  EXPECT_LE(ns[1], after_ns);
  EXPECT_EQ(SAMPAN_UNSUPPORTED, events_.timestamp(plain.get(), &ns[0], &error_));
}

TEST_F(EventTest, ASignalledEventHoldsStreamsAndHostsUntilTheSignal) {
  const Event event = create_event(device_.get(), SAMPAN_EVENT_SIGNALLED);
  const Stream streams[] = {create_stream(device_.get()), create_stream(device_.get())};
  for (const Stream& stream : streams) {
    ASSERT_EQ(SAMPAN_OK, streams_.wait_event(stream.get(), event.get(), &error_));
  }
  EXPECT_EQ(SAMPAN_NOT_READY, events_.query(event.get(), &error_));
  std::thread signaller([&] {
    std::this_thread::sleep_for(milliseconds(3));
    ErrorRecord error;
    EXPECT_EQ(SAMPAN_OK, events_.signal(event.get(), SAMPAN_OK, &error));
  });
  EXPECT_EQ(SAMPAN_OK, events_.wait(event.get(), SAMPAN_WAIT_FOREVER, &error_));
  for (const Stream& stream : streams) EXPECT_CODE(SAMPAN_OK, wait(stream, error_), error_);
  signaller.join();
  EXPECT_EQ(SAMPAN_INVALID_ARGUMENT, events_.signal(event.get(), SAMPAN_OK, &error_));
}

TEST_F(EventTest, AFailingSignalFailsWhoWaits) {
  const Stream stream = create_stream(device_.get());
  const Event held = hold(stream);
  let_go(held, SAMPAN_ILLEGAL_ACCESS);
  EXPECT_EQ(SAMPAN_ILLEGAL_ACCESS, wait(stream, error_));
  EXPECT_EQ(SAMPAN_ILLEGAL_ACCESS, events_.wait(held.get(), SAMPAN_WAIT_FOREVER, &error_));
  const Stream other = create_stream(device_.get());
  EXPECT_CODE(SAMPAN_OK, wait(other, error_), error_);
}

TEST_F(EventTest, DestroyingAnUnsignalledEventFailsWhoWaits) {
  const Stream stream = create_stream(device_.get());
  hold(stream).reset();
  EXPECT_EQ(SAMPAN_INVALID_ARGUMENT, wait(stream, error_));
  EXPECT_NE(error_.message().find("destroyed"), std::string::npos) << error_.message();
}

TEST_F(EventTest, MayBeDestroyedWhileAStreamWaitsForItsRecord) {
  const Stream slow = create_stream(device_.get());
  const Stream waiting = create_stream(device_.get());
  const Event held = hold(slow);
  {
    const Event event = create_event(device_.get());
    ASSERT_EQ(SAMPAN_OK, events_.record(event.get(), slow.get(), &error_));
    ASSERT_EQ(SAMPAN_OK, streams_.wait_event(waiting.get(), event.get(), &error_));
  }
  EXPECT_EQ(SAMPAN_TIMEOUT, wait(waiting, error_, kMillisecond));
  let_go(held);
  EXPECT_CODE(SAMPAN_OK, wait(waiting, error_), error_);
}

// The cause travels along events: kernel, sequence number and all, through two streams.
TEST_F(EventTest, AFailureReachesEveryStreamThatWaits) {
  const Module module = load(device_.get(), R"(
KERNEL(broken, 2, 1, 1)(u32 unused) { if (LID(0) == 0) BARRIER(); }
)",
                             {"broken"});
  const Stream a = create_stream(device_.get());
  const Stream b = create_stream(device_.get());
  const Stream c = create_stream(device_.get());
  const Event first = create_event(device_.get());
  const Event second = create_event(device_.get());
  const Event held = hold(a);
  ASSERT_EQ(SAMPAN_OK,
            launch(a, kernel(module, "broken"), {1, 1, 1}, {2, 1, 1}, {value(0u)}, error_, 9));
  ASSERT_EQ(SAMPAN_OK, events_.record(first.get(), a.get(), &error_));
  ASSERT_EQ(SAMPAN_OK, streams_.wait_event(b.get(), first.get(), &error_));
  ASSERT_EQ(SAMPAN_OK, events_.record(second.get(), b.get(), &error_));
  ASSERT_EQ(SAMPAN_OK, streams_.wait_event(c.get(), second.get(), &error_));
  let_go(held);
  EXPECT_EQ(SAMPAN_LAUNCH_FAILED, wait(c, error_));
  EXPECT_EQ(error_.record.sequence, 9u);
  EXPECT_STREQ(error_.record.kernel, "broken");
  EXPECT_EQ(SAMPAN_LAUNCH_FAILED, events_.query(second.get(), &error_));
  // A failed stream takes no further record, and the event tells why.
  EXPECT_EQ(SAMPAN_LAUNCH_FAILED, events_.record(first.get(), a.get(), &error_));
  EXPECT_EQ(SAMPAN_LAUNCH_FAILED, events_.wait(first.get(), SAMPAN_WAIT_FOREVER, &error_));
}

}  // namespace
}  // namespace sampan_test
