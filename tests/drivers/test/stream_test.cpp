// Streams, events, callbacks: what is asynchronous, what is ordered.
#include <atomic>
#include <chrono>
#include <thread>

#include "fixture.h"

namespace sampan::test {
namespace {

/// Keeps a stream busy until it is opened.
struct Gate {
  std::atomic<bool> open{false};
  static void wait(void* gate) {
    while (!static_cast<Gate*>(gate)->open)
      std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
};

class EmulatedStream : public DriverTest {};

TEST_P(EmulatedStream, WorkIsAsynchronousAndInOrder) {
  Gate gate;
  Address word = 0;
  void* pinned = nullptr;
  ASSERT_EQ(f.allocate(&word, 4), kOk);
  ASSERT_EQ(f.host_allocate(&pinned, 4, 0), kOk);
  auto& host = *static_cast<volatile unsigned*>(pinned);
  host = 5;
  ASSERT_EQ(f.host_function(stream, &Gate::wait, &gate), kOk);
  ASSERT_EQ(f.fill32(word, 9, 1, stream), kOk);
  ASSERT_EQ(f.to_host(pinned, word, 4, stream), kOk);
  EXPECT_EQ(f.stream_query(stream), kNotReady);
  EXPECT_EQ(host, 5u);
  gate.open = true;
  EXPECT_EQ(f.stream_wait(stream), kOk);
  EXPECT_EQ(f.stream_query(stream), kOk);
  EXPECT_EQ(host, 9u);
  EXPECT_EQ(f.free(word), kOk);
  EXPECT_EQ(f.host_free(pinned), kOk);
}

// Pageable sources have been read on return, pinned ones are read when the copy's turn comes.
TEST_P(EmulatedStream, PageableSourcesAreStaged) {
  for (const bool pinned : {false, true}) {
    Gate gate;
    unsigned pageable = 1;
    void* locked = nullptr;
    Address word = 0;
    ASSERT_EQ(f.allocate(&word, 4), kOk);
    ASSERT_EQ(f.host_allocate(&locked, 4, 0), kOk);
    unsigned& source = pinned ? *static_cast<unsigned*>(locked) : pageable;
    source = 1;
    ASSERT_EQ(f.host_function(stream, &Gate::wait, &gate), kOk);
    ASSERT_EQ(f.to_device(word, &source, 4, stream), kOk);
    source = 2;
    gate.open = true;
    EXPECT_EQ(download<unsigned>(word, 1)[0], pinned ? 2u : 1u);
    EXPECT_EQ(f.free(word), kOk);
    EXPECT_EQ(f.host_free(locked), kOk);
  }
}

TEST_P(EmulatedStream, EventsOrderStreamsAcrossDevices) {
  Gate gate;
  Handle second = nullptr, event = nullptr;
  ASSERT_EQ(f.event_create(&event, kDisableTiming), kOk);
  ASSERT_EQ(f.host_function(stream, &Gate::wait, &gate), kOk);
  ASSERT_EQ(f.event_record(event, stream), kOk);
  EXPECT_EQ(f.event_query(event), kNotReady);
  ASSERT_EQ(driver.make_current(1), kOk);
  ASSERT_EQ(f.stream_create(&second, kNonBlocking, 0), kOk);
  ASSERT_EQ(f.stream_wait_event(second, event, 0), kOk);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_EQ(f.stream_query(second), kNotReady);
  EXPECT_EQ(f.event_record(event, second), kInvalidHandle) << "of another device";
  gate.open = true;
  EXPECT_EQ(f.stream_wait(second), kOk);
  EXPECT_EQ(f.event_query(event), kOk);
  EXPECT_EQ(f.stream_destroy(second), kOk);
  EXPECT_EQ(f.event_destroy(event), kOk);
}

TEST_P(EmulatedStream, EventsHaveTimes) {
  Handle begin = nullptr, end = nullptr, plain = nullptr;
  float ms = -1;
  ASSERT_EQ(f.event_create(&begin, 0), kOk);
  ASSERT_EQ(f.event_create(&end, 0), kOk);
  ASSERT_EQ(f.event_create(&plain, kDisableTiming), kOk);
  EXPECT_EQ(f.event_query(begin), kOk) << "never recorded: nothing to wait for";
  EXPECT_EQ(f.event_elapsed(&ms, begin, end), kInvalidHandle) << "never recorded";
  ASSERT_EQ(f.event_record(begin, stream), kOk);
  ASSERT_EQ(f.host_function(
                stream, [](void*) { std::this_thread::sleep_for(std::chrono::milliseconds(3)); },
                nullptr),
            kOk);
  ASSERT_EQ(f.event_record(end, stream), kOk);
  ASSERT_EQ(f.event_record(plain, stream), kOk);
  EXPECT_EQ(f.event_elapsed(&ms, begin, end), kNotReady);
  ASSERT_EQ(f.event_wait(plain), kOk);
  EXPECT_EQ(f.event_elapsed(&ms, begin, plain), kInvalidHandle) << "without timing";
  EXPECT_EQ(f.event_elapsed(&ms, begin, end), kOk);
  EXPECT_GE(ms, 3.0f);
  for (const Handle event : {begin, end, plain}) EXPECT_EQ(f.event_destroy(event), kOk);
}

TEST_P(EmulatedStream, DestroyedAndForeignHandlesAreRefused) {
  Handle other = nullptr, event = nullptr;
  ASSERT_EQ(f.stream_create(&other, kNonBlocking, 0), kOk);
  ASSERT_EQ(f.event_create(&event, 0), kOk);
  EXPECT_EQ(f.event_record(other, stream), kInvalidHandle) << "a stream as an event";
  EXPECT_EQ(f.stream_wait(event), kInvalidHandle) << "an event as a stream";
  EXPECT_EQ(f.stream_destroy(other), kOk);
  EXPECT_EQ(f.stream_wait(other), kInvalidHandle);
  EXPECT_EQ(f.stream_destroy(other), kInvalidHandle);
  EXPECT_EQ(f.event_destroy(event), kOk);
  EXPECT_EQ(f.event_query(event), kInvalidHandle);
  EXPECT_EQ(f.stream_create(&other, 8, 0), kInvalidValue) << "no such flag";
}

TEST_P(EmulatedStream, DestructionLetsWorkEnd) {
  Gate gate;
  std::atomic<bool> done{false};
  Handle other = nullptr;
  ASSERT_EQ(f.stream_create(&other, kNonBlocking, 0), kOk);
  ASSERT_EQ(f.host_function(other, &Gate::wait, &gate), kOk);
  ASSERT_EQ(f.host_function(
                other, [](void* flag) { *static_cast<std::atomic<bool>*>(flag) = true; }, &done),
            kOk);
  EXPECT_EQ(f.stream_destroy(other), kOk);
  EXPECT_FALSE(done);
  gate.open = true;
  while (!done) std::this_thread::yield();
}

TEST_P(EmulatedStream, TheDriverRefusesCallsFromCallbacks) {
  struct State {
    Functions* f;
    Result result;
  } state{&f, kOk};
  const auto call = [](void* data) {
    auto& s = *static_cast<State*>(data);
    Address address = 0;
    s.result = s.f->allocate(&address, 4);
  };
  ASSERT_EQ(f.host_function(stream, call, &state), kOk);
  EXPECT_EQ(f.stream_wait(stream), kOk);
  EXPECT_EQ(state.result, driver.is_cuda() ? 800 : kNotSupported);
}

TEST_P(EmulatedStream, BlockingStreamsAndTheNullStreamWaitForEachOther) {
  for (const bool blocking : {true, false}) {
    Gate gate;
    Handle other = nullptr;
    ASSERT_EQ(f.stream_create(&other, blocking ? 0 : kNonBlocking, 0), kOk);
    ASSERT_EQ(f.host_function(nullptr, &Gate::wait, &gate), kOk);
    ASSERT_EQ(f.host_function(
                  other, [](void*) {}, nullptr),
              kOk);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (blocking) {
      EXPECT_EQ(f.stream_query(other), kNotReady);
    } else {
      EXPECT_EQ(f.stream_wait(other), kOk);
    }
    gate.open = true;
    EXPECT_EQ(f.synchronize(), kOk);
    EXPECT_EQ(f.stream_destroy(other), kOk);
  }
}

TEST_P(EmulatedStream, WordsAreWaitedFor) {
  Handle other = nullptr;
  Address word = 0;
  ASSERT_EQ(f.stream_create(&other, kNonBlocking, 0), kOk);
  ASSERT_EQ(f.allocate(&word, 8), kOk);
  ASSERT_EQ(f.fill32(word, 0, 2, stream), kOk);
  ASSERT_EQ(f.stream_wait(stream), kOk);
  EXPECT_EQ(driver.wait_value(other, word + 2, 1), kInvalidValue) << "not aligned";
  ASSERT_EQ(driver.wait_value(other, word, 3), kOk);
  ASSERT_EQ(f.write_value(stream, word, 2, 0), kOk);
  ASSERT_EQ(f.stream_wait(stream), kOk);
  EXPECT_EQ(f.stream_query(other), kNotReady);
  ASSERT_EQ(f.write_value(stream, word, 4, 0), kOk);
  EXPECT_EQ(f.stream_wait(other), kOk);
  EXPECT_EQ(f.stream_destroy(other), kOk);
  EXPECT_EQ(f.free(word), kOk);
}

SAMPAN_ON_BOTH_DRIVERS(EmulatedStream);

}  // namespace
}  // namespace sampan::test
