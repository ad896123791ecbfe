#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>

#include "plugin.h"

namespace sampan_test {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kMillisecond = 1'000'000;

class StreamTest : public testing::Test {
 protected:
  Device device_ = open_device();
  ErrorRecord error_;

  sampan_code_t host_function(const Stream& stream, void (*function)(void*, std::int32_t),
                              void* context) {
    return backend().stream->host_function(stream.get(), function, context, &error_);
  }
};

// y = y * 3 + k is not commutative: any other order gives another result.
constexpr const char* kStep = R"(
KERNEL_FLAT(step, 1, 1, 1)(GLOBAL u32* y, u32 k) { *y = *y * 3u + k; }
)";

TEST_F(StreamTest, RunsAThousandLaunchesInOrder) {
  const Module module = load(device_.get(), kStep, {"step"});
  sampan_kernel_t* step = kernel(module, "step");
  const Memory memory = allocate(device_.get(), 4);
  std::uint32_t expected = 7;
  *host_pointer<std::uint32_t>(memory) = expected;
  const Stream stream = create_stream(device_.get());
  for (std::uint32_t i = 0; i < 1000; ++i) {
    ASSERT_CODE(SAMPAN_OK,
                launch(stream, step, {1, 1, 1}, {1, 1, 1}, {region(memory), value(i)}, error_, i),
                error_);
    expected = expected * 3 + i;
  }
  ASSERT_CODE(SAMPAN_OK, wait(stream, error_), error_);
  EXPECT_CODE(SAMPAN_OK, backend().stream->query(stream.get(), &error_), error_);
  EXPECT_EQ(*host_pointer<std::uint32_t>(memory), expected);
}

TEST_F(StreamTest, RunsEachLaunchThatIsWaitedForAtOnce) {
  const Module module = load(device_.get(), kStep, {"step"});
  sampan_kernel_t* step = kernel(module, "step");
  const Memory memory = allocate(device_.get(), 4);
  std::uint32_t expected = 1;
  *host_pointer<std::uint32_t>(memory) = expected;
  const Stream stream = create_stream(device_.get());
  for (std::uint32_t i = 0; i < 2000; ++i) {
    ASSERT_EQ(SAMPAN_OK,
              launch(stream, step, {1, 1, 1}, {1, 1, 1}, {region(memory), value(i)}, error_));
    ASSERT_EQ(SAMPAN_OK, wait(stream, error_));
    expected = expected * 3 + i;
    ASSERT_EQ(*host_pointer<std::uint32_t>(memory), expected) << i;
    // Now and then the leader goes to sleep, so that the waiting thread runs the queue.
    if (i % 500 == 0) std::this_thread::sleep_for(milliseconds(2));
  }
}

// Sizes around the pieces that large transfers are split into, and odd ones.
class CopyTest : public StreamTest, public testing::WithParamInterface<std::uint64_t> {};

TEST_P(CopyTest, RoundTripIsExactAndStaysInBounds) {
  constexpr std::uint8_t kCanary = 0xA5;
  constexpr std::uint64_t kGuard = 64;
  const std::uint64_t size = GetParam();
  std::vector<std::uint8_t> sent(size);
  for (std::uint64_t i = 0; i < size; ++i) sent[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
  std::vector<std::uint8_t> received(size + 2 * kGuard, kCanary);
  const Memory first = allocate(device_.get(), size + 2 * kGuard);
  const Memory second = allocate(device_.get(), size + 2 * kGuard);
  const Stream stream = create_stream(device_.get());
  const auto& table = *backend().stream;
  const auto at = [](const Memory& memory, std::uint64_t offset) {
    return sampan_region_t{memory.get(), offset};
  };
  for (const Memory* memory : {&first, &second}) {
    ASSERT_CODE(SAMPAN_OK,
                table.fill(stream.get(), at(*memory, 0), &kCanary, 1, size + 2 * kGuard, &error_),
                error_);
  }
  ASSERT_EQ(SAMPAN_OK,
            table.copy_to_device(stream.get(), at(first, kGuard), sent.data(), size, &error_));
  ASSERT_EQ(SAMPAN_OK,
            table.copy(stream.get(), at(second, kGuard), at(first, kGuard), size, &error_));
  ASSERT_EQ(SAMPAN_OK, table.copy_to_host(stream.get(), received.data(), at(second, 0),
                                          received.size(), &error_));
  ASSERT_CODE(SAMPAN_OK, wait(stream, error_), error_);
  std::vector<std::uint8_t> expected(received.size(), kCanary);
  std::copy(sent.begin(), sent.end(), expected.begin() + kGuard);
  EXPECT_TRUE(received == expected);
}

INSTANTIATE_TEST_SUITE_P(Sizes, CopyTest,
                         testing::Values(1, 2, 333, 4095, 4096, 4097, 524'287, 524'288, 524'289,
                                         3'000'017));

class FillTest : public StreamTest,
                 public testing::WithParamInterface<std::tuple<std::uint32_t, std::uint64_t>> {};

TEST_P(FillTest, RepeatsThePatternAndStaysInBounds) {
  const auto [pattern_bytes, repeats] = GetParam();
  const std::uint64_t size = pattern_bytes * repeats;
  std::vector<std::uint8_t> pattern(pattern_bytes);
  std::iota(pattern.begin(), pattern.end(), std::uint8_t{17});
  const Memory memory = allocate(device_.get(), size + 32);
  auto* bytes = host_pointer<std::uint8_t>(memory);
  std::fill_n(bytes, size + 32, std::uint8_t{0});
  const Stream stream = create_stream(device_.get());
  ASSERT_CODE(SAMPAN_OK,
              backend().stream->fill(stream.get(), {memory.get(), 16}, pattern.data(),
                                     pattern_bytes, size, &error_),
              error_);
  ASSERT_EQ(SAMPAN_OK, wait(stream, error_));
  for (std::uint64_t i = 0; i < size + 32; ++i) {
    const bool inside = i >= 16 && i < 16 + size;
    ASSERT_EQ(bytes[i], inside ? pattern[(i - 16) % pattern_bytes] : 0) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Patterns, FillTest,
                         testing::Combine(testing::Values(1u, 2u, 4u, 8u, 16u),
                                          testing::Values(1, 3, 1009, 70'001)));

TEST_F(StreamTest, CopiesRowsBetweenPitches) {
  struct Case {
    std::uint64_t row_bytes, rows, dst_pitch, src_pitch;
  };
  constexpr Case kCases[] = {
      {1, 1, 1, 1}, {3, 5, 7, 3}, {8, 4, 8, 8}, {13, 100, 16, 29}, {1000, 2000, 1001, 1003}};
  const Stream stream = create_stream(device_.get());
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.row_bytes);
    const Memory dst = allocate(device_.get(), c.dst_pitch * c.rows);
    const Memory src = allocate(device_.get(), c.src_pitch * c.rows);
    auto* to = host_pointer<std::uint8_t>(dst);
    auto* from = host_pointer<std::uint8_t>(src);
    std::fill_n(to, c.dst_pitch * c.rows, std::uint8_t{0xEE});
    for (std::uint64_t i = 0; i < c.src_pitch * c.rows; ++i) {
      from[i] = static_cast<std::uint8_t>(i % 199);
    }
    sampan_copy_2d_t copy{};
    copy.size = sizeof copy;
    copy.dst = {dst.get(), 0};
    copy.src = {src.get(), 0};
    copy.dst_pitch_bytes = c.dst_pitch;
    copy.src_pitch_bytes = c.src_pitch;
    copy.row_bytes = c.row_bytes;
    copy.rows = c.rows;
    ASSERT_CODE(SAMPAN_OK, backend().stream->copy_2d(stream.get(), &copy, &error_), error_);
    ASSERT_EQ(SAMPAN_OK, wait(stream, error_));
    for (std::uint64_t row = 0; row < c.rows; ++row) {
      for (std::uint64_t i = 0; i < c.dst_pitch; ++i) {
        const std::uint8_t expected = i < c.row_bytes ? from[row * c.src_pitch + i] : 0xEE;
        ASSERT_EQ(to[row * c.dst_pitch + i], expected) << row << ", " << i;
      }
    }
  }
}

TEST_F(StreamTest, HostFunctionsRunInOrderOnAnotherThread) {
  struct Context {
    std::thread::id thread;
    std::int32_t failed = -1;
  } context;
  const Stream stream = create_stream(device_.get());
  ASSERT_CODE(SAMPAN_OK,
              host_function(
                  stream,
                  [](void* raw, std::int32_t failed) {
                    *static_cast<Context*>(raw) = {std::this_thread::get_id(), failed};
                  },
                  &context),
              error_);
  ASSERT_EQ(SAMPAN_OK, wait(stream, error_));
  EXPECT_EQ(context.failed, 0);
  EXPECT_NE(context.thread, std::this_thread::get_id());
}

// A host function that holds the stream up until it is let go.
struct Gate {
  std::atomic<bool> open{false};
  static void pass(void* raw, std::int32_t) {
    while (!static_cast<Gate*>(raw)->open.load()) std::this_thread::yield();
  }
};

TEST_F(StreamTest, WaitTimesOutAndLaterSucceeds) {
  Gate gate;
  const Stream stream = create_stream(device_.get());
  ASSERT_EQ(SAMPAN_OK, host_function(stream, Gate::pass, &gate));
  EXPECT_EQ(SAMPAN_NOT_READY, backend().stream->query(stream.get(), &error_));
  EXPECT_EQ(SAMPAN_TIMEOUT, wait(stream, error_, 0));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(SAMPAN_TIMEOUT, wait(stream, error_, 20 * kMillisecond));
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(20));
  EXPECT_NE(error_.message().find("20000000 ns"), std::string::npos) << error_.message();
  gate.open = true;
  EXPECT_CODE(SAMPAN_OK, wait(stream, error_), error_);
}

TEST_F(StreamTest, ManyThreadsWaitForOneStream) {
  Gate gate;
  const Stream stream = create_stream(device_.get());
  ASSERT_EQ(SAMPAN_OK, host_function(stream, Gate::pass, &gate));
  std::atomic<int> done{0};
  std::vector<std::thread> waiters;
  for (int i = 0; i < 8; ++i) {
    waiters.emplace_back([&] {
      ErrorRecord error;
      if (wait(stream, error) == SAMPAN_OK) ++done;
    });
  }
  std::this_thread::sleep_for(milliseconds(5));
  EXPECT_EQ(done.load(), 0);
  gate.open = true;
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(done.load(), 8);
}

// The queue holds some thousand commands; behind a stream that waits it must grow, not block.
TEST_F(StreamTest, QueueGrowsWhileTheStreamIsHeldUp) {
  constexpr std::uint32_t kLaunches = 20'000;
  const Module module = load(device_.get(), kStep, {"step"});
  sampan_kernel_t* step = kernel(module, "step");
  const Memory memory = allocate(device_.get(), 4);
  std::uint32_t expected = 0;
  *host_pointer<std::uint32_t>(memory) = expected;
  const Event held = create_event(device_.get(), SAMPAN_EVENT_SIGNALLED);
  const Stream stream = create_stream(device_.get());
  ASSERT_EQ(SAMPAN_OK, backend().stream->wait_event(stream.get(), held.get(), &error_));
  for (std::uint32_t i = 0; i < kLaunches; ++i) {
    ASSERT_EQ(SAMPAN_OK,
              launch(stream, step, {1, 1, 1}, {1, 1, 1}, {region(memory), value(i)}, error_));
    expected = expected * 3 + i;
  }
  EXPECT_EQ(SAMPAN_TIMEOUT, wait(stream, error_, kMillisecond));
  ASSERT_EQ(SAMPAN_OK, backend().event->signal(held.get(), SAMPAN_OK, &error_));
  ASSERT_CODE(SAMPAN_OK, wait(stream, error_), error_);
  EXPECT_EQ(*host_pointer<std::uint32_t>(memory), expected);
}

TEST_F(StreamTest, StreamsOfManyThreadsDoNotDisturbEachOther) {
  constexpr int kThreads = 4;
  constexpr std::uint32_t kLaunches = 500;
  const Module module = load(device_.get(), R"(
KERNEL_FLAT(add, 4, 1, 1)(GLOBAL u32* y, u32 k) { y[GID(0) * 4 + LID(0)] += k; }
)",
                             {"add"});
  sampan_kernel_t* add = kernel(module, "add");
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      ErrorRecord error;
      const Memory memory = allocate(device_.get(), 256 * 4);
      auto* y = host_pointer<std::uint32_t>(memory);
      std::fill_n(y, 256, 0u);
      const Stream stream = create_stream(device_.get());
      for (std::uint32_t i = 0; i < kLaunches; ++i) {
        ASSERT_EQ(SAMPAN_OK,
                  launch(stream, add, {64, 1, 1}, {4, 1, 1}, {region(memory), value(i)}, error));
        if (i % 50 == 0) {
          ASSERT_EQ(SAMPAN_OK, wait(stream, error));
        }
      }
      ASSERT_EQ(SAMPAN_OK, wait(stream, error));
      for (int i = 0; i < 256; ++i) ASSERT_EQ(y[i], kLaunches * (kLaunches - 1) / 2);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(StreamTest, ProfileTellsOfEveryPieceOfWork) {
  struct Log {
    std::vector<sampan_interval_t> intervals;
  } log;
  const Module module = load(device_.get(), kStep, {"step"});
  sampan_kernel_t* step = kernel(module, "step");
  const Memory memory = allocate(device_.get(), 64);
  const Stream stream = create_stream(device_.get());
  const auto& profile = *backend().profile;
  std::uint64_t host_ns = 0;
  std::uint64_t begin_ns = 0;
  ASSERT_EQ(SAMPAN_OK, backend().device->clock(device_.get(), &host_ns, &begin_ns, &error_));
  ASSERT_CODE(SAMPAN_OK,
              profile.begin(
                  stream.get(),
                  [](void* context, const sampan_interval_t* interval) {
                    static_cast<Log*>(context)->intervals.push_back(*interval);
                  },
                  &log, &error_),
              error_);
  const auto run_step = [&](std::uint64_t sequence) {
    return launch(stream, step, {1, 1, 1}, {1, 1, 1}, {region(memory), value(1u)}, error_,
                  sequence);
  };
  const std::uint32_t zero = 0;
  ASSERT_EQ(SAMPAN_OK, run_step(41));
  ASSERT_EQ(SAMPAN_OK,
            backend().stream->fill(stream.get(), {memory.get(), 0}, &zero, 4, 8, &error_));
  ASSERT_EQ(SAMPAN_OK, run_step(42));
  ASSERT_CODE(SAMPAN_OK, profile.end(stream.get(), &error_), error_);
  ASSERT_EQ(SAMPAN_OK, run_step(43));
  ASSERT_EQ(SAMPAN_OK, wait(stream, error_));

  ASSERT_EQ(log.intervals.size(), 3u);
  constexpr std::uint32_t kKinds[] = {SAMPAN_NODE_LAUNCH, SAMPAN_NODE_FILL, SAMPAN_NODE_LAUNCH};
  std::uint64_t last_ns = begin_ns;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(log.intervals[i].kind, kKinds[i]);
    EXPECT_LE(last_ns, log.intervals[i].begin_ns);
    EXPECT_LE(log.intervals[i].begin_ns, log.intervals[i].end_ns);
    last_ns = log.intervals[i].end_ns;
  }
  EXPECT_EQ(log.intervals[0].sequence, 41u);
  EXPECT_EQ(log.intervals[2].sequence, 42u);
}

}  // namespace
}  // namespace sampan_test
