// Events: on the host, across streams, devices and backends; device time.
#include <atomic>
#include <chrono>
#include <thread>

#include "conformance.h"
#include "threads.h"

namespace sampan::conformance {
namespace {

using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""ns;

LaunchConfig one_item() { return {}; }

void add_host(CaseList& cases) {
  cases.add("Event", "NeverRecordedIsComplete", [] {
    const Event event = device().create_event();
    EXPECT_TRUE(event);
    EXPECT_EQ(event.device(), device());
    EXPECT_TRUE(event.ready());
    event.wait();
    event.wait_for(0ns);
    Stream stream = device().create_stream();
    stream.wait(event);
    stream.synchronize();
  });
  cases.add("Event", "IsReadyOnceTheWorkIsDone", [] {
    Stream stream = device().create_stream();
    Event event = device().create_event();
    Gate gate(stream);
    stream.record(event);
    EXPECT_FALSE(event.ready());
    gate.open();
    event.wait();
    EXPECT_TRUE(event.ready());
  });
  cases.add("Event", "BecomesReadyWithoutWaiting", [] {
    Stream stream = device().create_stream();
    Event event = device().create_event();
    const Buffer buffer = stream.allocate(64);
    stream.fill(buffer.view(DType::u8), std::uint8_t{1});
    stream.record(event);
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!event.ready()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "it never becomes ready";
      std::this_thread::yield();
    }
  });
  cases.add("Event", "DoesNotWaitForLaterWork", [] {
    Stream stream = device().create_stream();
    Event event = device().create_event();
    stream.record(event);
    Gate gate(stream);
    event.wait_for(30s);
    EXPECT_FALSE(stream.ready());
  });
  for (const auto& [name, limit] : {std::pair<const char*, std::chrono::nanoseconds>{"Negative", -1s},
                                    {"Zero", 0ns},
                                    {"Short", 20ms}}) {
    cases.add("Event", std::string("WaitTimesOut/") + name, [limit = limit] {
      Stream stream = device().create_stream();
      Event event = device().create_event();
      Gate gate(stream);
      stream.record(event);
      const auto begin = std::chrono::steady_clock::now();
      expect_error(ErrorCode::timeout, [&] { event.wait_for(limit); });
      EXPECT_GE(std::chrono::steady_clock::now() - begin, limit);
      gate.open();
      event.wait_for(1min);
    });
  }
  cases.add("Event", "ManyThreadsWaitForOne", [] {
    Stream stream = device().create_stream();
    Event event = device().create_event();
    std::atomic<int> done{0};
    Gate gate(stream);
    stream.record(event);
    {
      Threads threads;
      for (int i = 0; i < 8; ++i) {
        threads.start([&] {
          event.wait();
          ++done;
        });
      }
      std::this_thread::sleep_for(20ms);
      EXPECT_EQ(done, 0);
      gate.open();
      threads.join();
    }
    EXPECT_EQ(done, 8);
  });
  cases.add("Event", "EmptyOneIsRefused", [] {
    Event none;
    Stream stream = device().create_stream();
    expect_error(ErrorCode::invalid_argument, [&] { none.wait(); });
    expect_error(ErrorCode::invalid_argument, [&] { none.wait_for(1ns); });
    expect_error(ErrorCode::invalid_argument, [&] { static_cast<void>(none.ready()); });
    expect_error(ErrorCode::invalid_argument, [&] { static_cast<void>(none.timestamp_ns()); });
    expect_error(ErrorCode::invalid_argument, [&] { stream.record(none); });
    expect_error(ErrorCode::invalid_argument, [&] { stream.wait(none); });
  });
}

void add_streams(CaseList& cases) {
  cases.add("Event", "OrdersTwoStreams", [] {
    Stream first = device().create_stream(), second = device().create_stream();
    const Buffer data = device().allocate(4096), copy = device().allocate(4096);
    Event written = device().create_event();
    Gate gate(first);
    first.fill(data.view(DType::u8), std::uint8_t{6});
    first.record(written);
    second.wait(written);
    second.copy(copy.view(DType::u8), data.view(DType::u8));
    EXPECT_FALSE(second.ready());
    gate.open();
    EXPECT_EQ(download<std::uint8_t>(second, copy), std::vector<std::uint8_t>(4096, 6));
  });
  cases.add("Event", "OrdersAChainOfStreams", [] {
    std::vector<Stream> streams;
    for (int i = 0; i < 20; ++i) streams.push_back(device().create_stream());
    const Buffer data = device().allocate(4);
    Gate gate(streams[0]);
    streams[0].fill(data.view(DType::u32), 1u);
    std::uint32_t expected = 1;
    for (std::uint32_t i = 0; i < 20; ++i) {
      streams[i].launch(helper_kernel("advance"), items64(1), 1u, 3u, i, data);
      expected = expected * 3 + i;
      if (i == 19) break;
      Event passed = device().create_event();  // dropped while the next stream waits for it
      streams[i].record(passed);
      streams[i + 1].wait(passed);
    }
    gate.open();
    EXPECT_EQ(download<std::uint32_t>(streams[19], data)[0], expected);
  });
  cases.add("Event", "JoinsManyStreams", [] {
    Stream join = device().create_stream();
    const Buffer data = device().allocate(16 * 4);
    std::vector<Stream> streams;
    for (std::uint32_t i = 0; i < 16; ++i) {
      streams.push_back(device().create_stream());
      Gate gate(streams.back());
      streams.back().fill(data.view(DType::u32, {1}, 4 * i), i);
      Event done = device().create_event();
      streams.back().record(done);
      join.wait(done);
    }
    const auto values = download<std::uint32_t>(join, data);
    for (std::uint32_t i = 0; i < 16; ++i) EXPECT_EQ(values[i], i);
  });
  cases.add("Event", "RecordedAgainMovesOn", [] {
    Stream stream = device().create_stream(), early = device().create_stream();
    Event event = device().create_event();
    stream.record(event);
    early.wait(event);  // waits for the first point only
    Gate gate(stream);
    stream.record(event);
    early.synchronize_for(30s);
    EXPECT_FALSE(event.ready());
    gate.open();
    event.wait();
  });
  cases.add("Event", "RecordedOnAnotherStreamMovesThere", [] {
    Stream a = device().create_stream(), b = device().create_stream();
    Event event = device().create_event();
    Gate gate(a);
    a.record(event);
    b.record(event);
    event.wait_for(30s);
    EXPECT_FALSE(a.ready());
  });
  cases.add("Event", "HundredsInFlight", [] {
    Stream stream = device().create_stream();
    std::vector<Event> events;
    const Buffer data = stream.allocate(256);
    Gate gate(stream);
    for (int i = 0; i < 500; ++i) {
      stream.launch(helper_kernel("advance"), items64(64), 64u, 1u, 1u, data);
      events.push_back(device().create_event());
      stream.record(events.back());
    }
    EXPECT_FALSE(events.front().ready());
    gate.open();
    for (const Event& event : events) event.wait();
    EXPECT_TRUE(stream.ready());
  });
  cases.add("Event", "OutlivesItsStream", [] {
    Event event = device().create_event();
    {
      Stream stream = device().create_stream();
      stream.record(event);
    }
    EXPECT_TRUE(event.ready());
    event.wait();
  });
  cases.add("Event", "ForeignOneIsNotRecorded", [] {
    Stream stream = device().create_stream();
    for (const Device& other : other_devices()) {
      Event event = other.create_event();
      expect_error(ErrorCode::invalid_argument, [&] { stream.record(event); },
                   {device().id(), other.id()});
    }
  });
}

// Work of another device, of whatever backend, comes first.
void add_devices(CaseList& cases) {
  cases.add("Event", "OrdersBehindEveryDevice", [] {
    for (const Device& other : devices()) {
      SCOPED_TRACE(other.id());
      Stream theirs = other.create_stream(), mine = device().create_stream();
      const Buffer data = theirs.allocate(4096, MemoryKind::host);
      const Buffer copy = device().allocate(4096);
      Event written = other.create_event();
      Gate gate(theirs);
      theirs.fill(data.view(DType::u8), std::uint8_t{6});
      theirs.record(written);
      mine.wait(written);
      mine.copy(copy.view(DType::u8), data.view(DType::u8));
      mine.flush();
      std::this_thread::sleep_for(5ms);
      EXPECT_FALSE(mine.ready());
      gate.open();
      EXPECT_EQ(download<std::uint8_t>(mine, copy), std::vector<std::uint8_t>(4096, 6));
    }
  });
  cases.add("Event", "OrdersBeforeEveryDevice", [] {
    for (const Device& other : devices()) {
      SCOPED_TRACE(other.id());
      Stream theirs = other.create_stream(), mine = device().create_stream();
      Event reached = device().create_event();
      std::atomic<int> order{0};
      int theirs_at = 0, mine_at = 0;
      Gate gate(mine);
      mine.host_function([&] { mine_at = ++order; });
      mine.record(reached);
      theirs.wait(reached);
      theirs.host_function([&] { theirs_at = ++order; });
      theirs.flush();
      gate.open();
      theirs.synchronize();
      mine.synchronize();
      EXPECT_EQ(mine_at, 1);
      EXPECT_EQ(theirs_at, 2);
    }
  });
}

void add_timing(CaseList& cases) {
  cases.add("EventTime", "FollowsTheOrderOfTheStream", [] {
    Stream stream = device().create_stream();
    const Buffer out = stream.allocate(4);
    std::vector<Event> events;
    for (std::uint32_t i = 0; i < 5; ++i) {
      events.push_back(device().create_event({.timing = true}));
      stream.record(events.back());
      stream.launch(helper_kernel("spin"), one_item(), 100'000u, i, out);
    }
    stream.synchronize();
    for (std::size_t i = 1; i < events.size(); ++i) {
      EXPECT_GT(events[i].timestamp_ns(), events[i - 1].timestamp_ns());
      EXPECT_GT(elapsed_ns(events[i - 1], events[i]), 0);
    }
    EXPECT_LT(elapsed_ns(events[4], events[0]), 0);
    EXPECT_EQ(elapsed_ns(events[2], events[2]), 0);
  });
  cases.add("EventTime", "LiesWithinTheHostsTime", [] {
    Stream stream = device().create_stream();
    const Buffer out = stream.allocate(4);
    Event begin = device().create_event({.timing = true});
    Event end = device().create_event({.timing = true});
    const auto before = std::chrono::steady_clock::now();
    stream.record(begin);
    stream.launch(helper_kernel("spin"), one_item(), 5'000'000u, 1u, out);
    stream.record(end);
    stream.synchronize();
    const auto host = std::chrono::steady_clock::now() - before;
    // 5 million dependent multiplications, each at least one cycle of a clock below 10 GHz. The
    // device's clock may differ from the host's by a tenth.
    EXPECT_GT(elapsed_ns(begin, end), 500'000);
    EXPECT_LE(static_cast<double>(elapsed_ns(begin, end)),
              1.1 * static_cast<double>(std::chrono::nanoseconds(host).count()) + 1e5);
  });
  cases.add("EventTime", "CoversAWaitOfTheHost", [] {
    Stream stream = device().create_stream();
    Event begin = device().create_event({.timing = true});
    Event end = device().create_event({.timing = true});
    stream.record(begin);
    stream.host_function([] { std::this_thread::sleep_for(50ms); });
    stream.record(end);
    stream.synchronize();
    EXPECT_GT(elapsed_ns(begin, end), 45'000'000);
  });
  cases.add("EventTime", "NotReadyBeforeThePoint", [] {
    Stream stream = device().create_stream();
    Event event = device().create_event({.timing = true});
    Gate gate(stream);
    stream.record(event);
    expect_error(ErrorCode::not_ready, [&] { static_cast<void>(event.timestamp_ns()); });
    gate.open();
    event.wait();
    EXPECT_GT(event.timestamp_ns(), 0u);
  });
  cases.add("EventTime", "NeedsTheOption", [] {
    Stream stream = device().create_stream();
    Event event = device().create_event();
    stream.record(event);
    stream.synchronize();
    expect_error(ErrorCode::unsupported, [&] { static_cast<void>(event.timestamp_ns()); });
  });
  cases.add("EventTime", "IsOfOneDevice", [] {
    Event mine = device().create_event({.timing = true});
    for (const Device& other : other_devices()) {
      Event theirs = other.create_event({.timing = true});
      expect_error(ErrorCode::invalid_argument,
                   [&] { static_cast<void>(elapsed_ns(mine, theirs)); });
    }
  });
}

}  // namespace

void add_event_cases(CaseList& cases) {
  add_host(cases);
  add_streams(cases);
  add_devices(cases);
  add_timing(cases);
}

}  // namespace sampan::conformance
