// Order, waiting, host functions, lifetime and threads of streams.
#include <atomic>
#include <chrono>
#include <climits>
#include <thread>
#include <utility>

#include "conformance.h"
#include "threads.h"

namespace sampan::conformance {
namespace {

using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""ns;

// A chain of `count` launches that don't commute.
void check_chain(Stream& stream, std::uint32_t count, std::uint32_t n) {
  const Kernel step = helper_kernel(stream.device(), "advance");
  const Buffer data = stream.allocate(std::uint64_t{n} * 4);
  stream.fill(data.view(DType::u32), 1u);
  std::uint32_t expected = 1;
  for (std::uint32_t i = 0; i < count; ++i) {
    stream.launch(step, items64(n), n, 2 * i + 3, i, data);
    expected = expected * (2 * i + 3) + i;
  }
  EXPECT_TRUE(
      same_values(download<std::uint32_t>(stream, data), std::vector<std::uint32_t>(n, expected)));
}

void add_order(CaseList& cases) {
  for (const std::uint32_t count : {1u, 2u, 100u, 5000u}) {
    cases.add("Stream", "RunsInOrder/" + std::to_string(count), [count] {
      Stream stream = device().create_stream();
      check_chain(stream, count, 333);
    });
  }
  cases.add("Stream", "MixesCopiesFillsAndLaunches", [] {
    Stream stream = device().create_stream();
    const Kernel step = helper_kernel("advance");
    const Buffer a = stream.allocate(400), b = stream.allocate(400);
    stream.fill(a.view(DType::u32), 1u);
    std::uint32_t expected = 1;
    for (std::uint32_t i = 0; i < 100; ++i) {
      stream.launch(step, items64(100), 100u, 3u, i, a);
      stream.copy(b.view(DType::u32), a.view(DType::u32));
      stream.fill(a.view(DType::u32), 0xdeadu);
      stream.launch(step, items64(100), 100u, 5u, 1u, b);
      stream.copy(a.view(DType::u32), b.view(DType::u32));
      expected = (expected * 3 + i) * 5 + 1;
    }
    EXPECT_EQ(download<std::uint32_t>(stream, a), std::vector<std::uint32_t>(100, expected));
  });
  cases.add("Stream", "NumbersItsLaunches", [] {
    Stream stream = device().create_stream();
    const Buffer data = stream.allocate(256);
    std::uint64_t last = 0;
    for (int i = 0; i < 20; ++i) {
      const std::uint64_t now = stream.launch(helper_kernel("advance"), items64(64), 64u, 1u, 0u, data);
      EXPECT_GT(now, last);
      last = now;
    }
    stream.synchronize();
  });
  cases.add("Stream", "DoesNotWaitForOthers", [] {
    Stream held = device().create_stream(), free = device().create_stream();
    Gate gate(held);
    check_chain(free, 50, 1000);
    EXPECT_FALSE(held.ready());
  });
  cases.add("Stream", "ManyAtOnce", [] {
    std::vector<Stream> streams;
    std::vector<Buffer> buffers;
    for (std::uint32_t i = 0; i < 64; ++i) {
      streams.push_back(device().create_stream());
      buffers.push_back(streams.back().allocate(4096));
      streams.back().fill(buffers.back().view(DType::u32), i);
    }
    for (std::uint32_t i = 0; i < 64; ++i) {
      EXPECT_EQ(download<std::uint32_t>(streams[i], buffers[i]),
                std::vector<std::uint32_t>(1024, i));
    }
  });
  for (const int priority : {INT_MIN, -1, 0, 1, INT_MAX}) {
    cases.add("Stream", "TakesAnyPriority/" + std::to_string(priority), [priority] {
      Stream stream = device().create_stream({.priority = priority});
      check_chain(stream, 3, 64);
    });
  }
}

void add_waiting(CaseList& cases) {
  cases.add("Stream", "NewOneIsReady", [] {
    const Stream stream = device().create_stream();
    EXPECT_TRUE(stream.ready());
    stream.synchronize();
    stream.synchronize_for(0ns);
    EXPECT_EQ(stream.device(), device());
  });
  cases.add("Stream", "IsReadyOnceItsWorkIsDone", [] {
    Stream stream = device().create_stream();
    const Buffer buffer = stream.allocate(64);
    Gate gate(stream);
    stream.fill(buffer.view(DType::u8), std::uint8_t{1});
    EXPECT_FALSE(stream.ready());
    gate.open();
    stream.synchronize();
    EXPECT_TRUE(stream.ready());
  });
  cases.add("Stream", "ReadyWithoutSynchronize", [] {
    Stream stream = device().create_stream();
    const Buffer buffer = stream.allocate(64);
    stream.fill(buffer.view(DType::u8), std::uint8_t{1});
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!stream.ready()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "it never becomes ready";
      std::this_thread::yield();
    }
  });
  for (const auto& [name, limit] : {std::pair<const char*, std::chrono::nanoseconds>{"Negative", -1s},
                                    {"Zero", 0ns},
                                    {"OneNanosecond", 1ns},
                                    {"Short", 20ms}}) {
    cases.add("Stream", std::string("SynchronizeTimesOut/") + name, [limit = limit] {
      Stream stream = device().create_stream();
      Gate gate(stream);
      const auto begin = std::chrono::steady_clock::now();
      expect_error(ErrorCode::timeout, [&] { stream.synchronize_for(limit); });
      const auto waited = std::chrono::steady_clock::now() - begin;
      EXPECT_GE(waited, limit);
      EXPECT_LT(waited, 20s);
      gate.open();
      stream.synchronize_for(1min);  // a timeout is no failure of the stream
      EXPECT_TRUE(stream.ready());
    });
  }
  cases.add("Stream", "AnyThreadMayWait", [] {
    Stream stream = device().create_stream();
    std::atomic<int> done{0};
    Gate gate(stream);
    {
      Threads threads;
      for (int i = 0; i < 4; ++i) {
        threads.start([&] {
          stream.synchronize();
          ++done;
        });
      }
      std::this_thread::sleep_for(20ms);
      EXPECT_EQ(done, 0);
      gate.open();
      threads.join();
    }
    EXPECT_EQ(done, 4);
  });
  cases.add("Stream", "FlushStartsTheWork", [] {
    Stream stream = device().create_stream();
    std::atomic<bool> ran{false};
    stream.host_function([&ran] { ran = true; });
    stream.flush();
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!ran && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(1ms);
    EXPECT_TRUE(ran);
    stream.synchronize();
  });
  cases.add("Stream", "Native", [] {
    const Stream stream = device().create_stream();
    EXPECT_NE(stream.native(), nullptr);
  });
}

void add_host_functions(CaseList& cases) {
  cases.add("HostFunction", "RunsInOrder", [] {
    Stream stream = device().create_stream();
    std::vector<int> order, expected;
    const Buffer buffer = stream.allocate(64);
    for (int i = 0; i < 1000; ++i) {
      if (i % 3 == 0) stream.fill(buffer.view(DType::u8), std::uint8_t{1});
      stream.host_function([&order, i] { order.push_back(i); });
      expected.push_back(i);
    }
    stream.synchronize();
    EXPECT_EQ(order, expected);
  });
  cases.add("HostFunction", "SeesEarlierWork", [] {
    Stream stream = device().create_stream();
    const Buffer data = stream.allocate(400);
    stream.fill(data.view(DType::u32), 4u);
    std::vector<std::uint32_t> host(100), seen;
    stream.launch(helper_kernel("advance"), items64(100), 100u, 10u, 2u, data);
    stream.copy_to_host(std::span(host), data.view(DType::u32));
    stream.host_function([&] { seen = host; });
    stream.synchronize();
    EXPECT_EQ(seen, std::vector<std::uint32_t>(100, 42));
  });
  cases.add("HostFunction", "PrecedesLaterWork", [] {
    Stream stream = device().create_stream();
    const Buffer staging = device().allocate(4096, MemoryKind::host);
    const Buffer data = stream.allocate(4096);
    stream.host_function([p = staging.host<std::uint8_t>()] {
      std::this_thread::sleep_for(10ms);
      std::fill_n(p, 4096, std::uint8_t{9});
    });
    stream.copy(data.view(DType::u8), staging.view(DType::u8));
    EXPECT_EQ(download<std::uint8_t>(stream, data), std::vector<std::uint8_t>(4096, 9));
  });
  cases.add("HostFunction", "KeepsItsCaptures", [] {
    const auto shared = std::make_shared<int>(0);
    {
      Stream stream = device().create_stream();
      for (int i = 0; i < 10; ++i) stream.host_function([shared] { ++*shared; });
      stream.synchronize();
    }
    EXPECT_EQ(*shared, 10);
    EXPECT_EQ(shared.use_count(), 1);
  });
  cases.add("HostFunction", "EmptyOneIsRefused", [] {
    Stream stream = device().create_stream();
    expect_error(ErrorCode::invalid_argument, [&] { stream.host_function(nullptr); });
    stream.synchronize();
  });
}

void add_lifetime(CaseList& cases) {
  cases.add("Stream", "DestructorWaitsForItsWork", [] {
    std::atomic<bool> ran{false};
    {
      Stream stream = device().create_stream();
      stream.host_function([&ran] {
        std::this_thread::sleep_for(20ms);
        ran = true;
      });
    }
    EXPECT_TRUE(ran);
  });
  cases.add("Stream", "DestroyedWithKernelsInFlight", [] {
    const Buffer data = device().allocate(4096);
    LaunchConfig one;
    for (int i = 0; i < 20; ++i) {
      Stream stream = device().create_stream();
      stream.launch(helper_kernel("spin"), one, 200'000u, 1u, data);
    }
    Stream stream = device().create_stream();
    EXPECT_NE(download<std::uint32_t>(stream, data.view(DType::u32, {1}))[0], 0u);
  });
  cases.add("Stream", "CreatedAndDestroyed1000Times", [] {
    for (int i = 0; i < 1000; ++i) {
      Stream stream = device().create_stream();
      if (i % 100 == 0) check_chain(stream, 2, 64);
    }
  });
  cases.add("Stream", "Moves", [] {
    Stream a = device().create_stream();
    Stream b = std::move(a);
    EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move): that is what is checked
    check_chain(b, 3, 64);
    b = device().create_stream();
    check_chain(b, 3, 64);
  });
  cases.add("Stream", "SixteenThreadsEachWithItsOwn", [] {
    static_cast<void>(helper_kernel("advance"));  // compiled before the threads start
    std::vector<std::jthread> threads;
    std::vector<int> wrong(16);
    for (std::uint32_t id = 0; id < 16; ++id) {
      threads.emplace_back([&wrong, id, on = device(), step = helper_kernel("advance")] {
        try {
          Stream stream = on.create_stream();
          const Buffer data = stream.allocate(1000 * 4);
          stream.fill(data.view(DType::u32), id);
          std::uint32_t expected = id;
          for (std::uint32_t i = 0; i < 200; ++i) {
            stream.launch(step, items64(1000), 1000u, 2 * id + 1, i, data);
            expected = expected * (2 * id + 1) + i;
            if (i % 50 == 0) stream.synchronize();
          }
          for (const std::uint32_t value : download<std::uint32_t>(stream, data)) {
            wrong[id] += value != expected;
          }
        } catch (const Error&) {
          wrong[id] += 1'000'000;
        }
      });
    }
    threads.clear();
    EXPECT_EQ(wrong, std::vector<int>(16));
  });
}

struct EmptyCall {
  const char* name;
  void (*call)(Stream& none, const Buffer& buffer);
};
constexpr EmptyCall kEmptyCalls[] = {
    {"Allocate", [](Stream& s, const Buffer&) { static_cast<void>(s.allocate(1)); }},
    {"Fill", [](Stream& s, const Buffer& b) { s.fill(b.view(DType::u8), std::uint8_t{1}); }},
    {"Launch",
     [](Stream& s, const Buffer& b) {
       s.launch(helper_kernel("advance"), items64(64), 1u, 1u, 1u, b);
     }},
    {"Record",
     [](Stream& s, const Buffer&) {
       Event event = device().create_event();
       s.record(event);
     }},
    {"Wait", [](Stream& s, const Buffer&) { s.wait(device().create_event()); }},
    {"HostFunction", [](Stream& s, const Buffer&) { s.host_function([] {}); }},
    {"Flush", [](Stream& s, const Buffer&) { s.flush(); }},
    {"Ready", [](Stream& s, const Buffer&) { static_cast<void>(s.ready()); }},
    {"Synchronize", [](Stream& s, const Buffer&) { s.synchronize(); }},
    {"SynchronizeFor", [](Stream& s, const Buffer&) { s.synchronize_for(1ns); }},
    {"BeginRecording", [](Stream& s, const Buffer&) { s.begin_recording(); }},
    {"EndRecording", [](Stream& s, const Buffer&) { static_cast<void>(s.end_recording()); }},
    {"Native", [](Stream& s, const Buffer&) { static_cast<void>(s.native()); }},
};

}  // namespace

void add_stream_cases(CaseList& cases) {
  add_order(cases);
  add_waiting(cases);
  add_host_functions(cases);
  add_lifetime(cases);
  for (const EmptyCall& row : kEmptyCalls) {
    cases.add("EmptyStream", row.name, [&row] {
      Stream none;
      const Buffer buffer = device().allocate(64);
      expect_error(ErrorCode::invalid_argument, [&] { row.call(none, buffer); }, {"stream"});
    });
  }
}

}  // namespace sampan::conformance
