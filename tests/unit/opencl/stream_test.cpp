#include <atomic>
#include <chrono>
#include <cmath>
#include <numeric>
#include <thread>

#include "path_test.h"

namespace sampan::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kSource = R"(
__kernel void add(__global int* data, int value, uint count) {
  size_t i = get_global_id(0);
  if (i < count) data[i] += value;
}
__kernel void where(__global uint* out) {
  size_t i = get_global_id(0) + get_global_size(0) * (get_global_id(1) + get_global_size(1) * get_global_id(2));
  out[i] = (uint)(get_group_id(0) + 10 * get_group_id(1) + 100 * get_group_id(2) +
                  1000 * get_local_id(0) + 10000 * get_local_id(1) + 100000 * get_local_id(2));
}
__kernel void values(__global float* out, char a, short b, int c, long d, float e, float4 f,
                     __global const float* absent) {
  out[0] = a; out[1] = b; out[2] = c; out[3] = d; out[4] = e; out[5] = f.x + 10 * f.w;
  out[6] = absent == 0 ? 1.0f : 0.0f;
}
__kernel void sum(__global int* out, __global const int* a, __global const int* b) {
  out[get_global_id(0)] = a[get_global_id(0)] + b[get_global_id(0)];
}
__kernel void spin(__global uint* data, uint turns) {
  uint x = data[0];
  for (uint i = 0; i < turns; ++i) x = x * 1664525u + 1013904223u;
  data[0] = x;
}
__kernel __attribute__((reqd_work_group_size(8, 1, 1))) void eight(__global uint* data) {
  __local uint pool[64];
  pool[get_local_id(0)] = data[get_global_id(0)];
  barrier(CLK_LOCAL_MEM_FENCE);
  data[get_global_id(0)] = pool[7 - get_local_id(0)];
}
)";

class OpenclStream : public OnPath {
 protected:
  void SetUp() override {
    OnPath::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) module_ = bench().module(kSource);
  }
  void TearDown() override { module_.reset(); }

  [[nodiscard]] sampan_kernel_t* kernel(const char* name) const {
    return bench().kernel(module_, name);
  }
  [[nodiscard]] static const sampan_stream_table_t& streams() { return *tables().stream; }
  [[nodiscard]] static const sampan_event_table_t& events() { return *tables().event; }

  void launch(sampan_stream_t* stream, const sampan_launch_t& launch) const {
    Error error;
    EXPECT_CODE(SAMPAN_OK, error, streams().launch(stream, &launch, error.get()));
  }
  /// Keeps `stream` busy for roughly the given time.
  void occupy(sampan_stream_t* stream, sampan_memory_t* scratch, std::uint32_t turns) const {
    const std::array args{region_arg(scratch), value_arg(turns)};
    launch(stream, make_launch(kernel("spin"), args, 1, 1));
  }
  void expect_failed_by(sampan_stream_t* stream, const char* cause) const {
    for (int i = 0; i < 2; ++i) {
      Error error;
      EXPECT_NE(SAMPAN_OK, streams().wait(stream, SAMPAN_WAIT_FOREVER, error.get()));
      EXPECT_NE(std::string::npos, error.message().find(cause)) << error.message();
      EXPECT_TRUE(error->flags & SAMPAN_ERROR_STICKY);
    }
  }

 private:
  Handle<sampan_module_t> module_{nullptr, Plugin::get().backend.module->unload};
};
INSTANTIATE_ON_PATHS(OpenclStream);

constexpr std::uint32_t kLong = 100'000'000;  // turns: tenths of a second on any CPU

TEST_P(OpenclStream, AnEmptyStreamIsDone) {
  const auto stream = bench().stream();
  Error error;
  EXPECT_CODE(SAMPAN_OK, error, streams().query(stream.get(), error.get()));
  EXPECT_CODE(SAMPAN_OK, error, streams().wait(stream.get(), 0, error.get()));
  EXPECT_CODE(SAMPAN_OK, error, streams().flush(stream.get(), error.get()));
}

TEST_P(OpenclStream, LaunchesWithRegionsAndValues) {
  constexpr std::uint32_t kCount = 1009;
  const std::uint64_t step = std::max<std::uint64_t>(bench().info().offset_alignment_bytes, 4);
  const auto stream = bench().stream();
  const auto memory = bench().memory(kCount * 4 + 3 * step);
  for (const std::uint64_t offset : {std::uint64_t{0}, step, 3 * step}) {
    for (const std::int32_t value : {1, -7, 1}) {
      std::vector<std::int32_t> data(kCount);
      std::iota(data.begin(), data.end(), -5);
      bench().upload(stream.get(), {memory.get(), offset}, data.data(), kCount * 4);
      const std::array args{region_arg(memory.get(), offset), value_arg(value), value_arg(kCount)};
      launch(stream.get(), make_launch(kernel("add"), args, (kCount + 63) / 64, 64));
      std::vector<std::int32_t> result(kCount);
      bench().download(stream.get(), result.data(), {memory.get(), offset}, kCount * 4);
      bench().wait(stream.get());
      for (auto& x : data) x += value;
      ASSERT_EQ(data, result) << "offset " << offset << ", value " << value;
    }
  }
}

TEST_P(OpenclStream, ThreePartsOfOneMemory) {
  const std::uint64_t step = std::max<std::uint64_t>(bench().info().offset_alignment_bytes, 64);
  const auto stream = bench().stream();
  const auto memory = bench().memory(3 * step);
  const std::vector<std::int32_t> a(16, 5), b(16, 70);
  for (int round = 0; round < 3; ++round) {
    bench().upload(stream.get(), {memory.get(), step}, a.data(), 64);
    bench().upload(stream.get(), {memory.get(), 0}, b.data(), 64);
    const std::array args{region_arg(memory.get(), 2 * step), region_arg(memory.get(), step),
                          region_arg(memory.get(), 0)};
    launch(stream.get(), make_launch(kernel("sum"), args, 2, 8));
    std::vector<std::int32_t> out(16);
    bench().download(stream.get(), out.data(), {memory.get(), 2 * step}, 64);
    bench().wait(stream.get());
    ASSERT_EQ(std::vector<std::int32_t>(16, 75), out);
  }
}

TEST_P(OpenclStream, TwoKernelsOfOneNameKeepTheirOwnArguments) {
  const auto stream = bench().stream();
  const auto a = bench().memory(4);
  const auto b = bench().memory(4);
  const std::int32_t zero = 0;
  bench().upload(stream.get(), {a.get(), 0}, &zero, 4);
  bench().upload(stream.get(), {b.get(), 0}, &zero, 4);
  const auto other = bench().module(std::string(kSource) + "\n");
  sampan_kernel_t* const kernels[] = {kernel("add"), bench().kernel(other, "add")};
  for (int round = 0; round < 10; ++round) {
    for (int which = 0; which < 2; ++which) {
      const std::array args{region_arg(which == 0 ? a.get() : b.get()),
                            value_arg(which == 0 ? 1 : 100), value_arg(1u)};
      launch(stream.get(), make_launch(kernels[which], args, 1, 1));
    }
  }
  std::int32_t result[2];
  bench().download(stream.get(), &result[0], {a.get(), 0}, 4);
  bench().download(stream.get(), &result[1], {b.get(), 0}, 4);
  bench().wait(stream.get());
  EXPECT_EQ(10, result[0]);
  EXPECT_EQ(1000, result[1]);
}

TEST_P(OpenclStream, ANewMemoryAtAnOldAddressIsPassedAnew) {
  const auto stream = bench().stream();
  for (std::int32_t round = 1; round <= 20; ++round) {
    const auto memory = bench().memory(4096);
    bench().upload(stream.get(), {memory.get(), 0}, &round, 4);
    const std::array args{region_arg(memory.get()), value_arg(5), value_arg(1u)};
    launch(stream.get(), make_launch(kernel("add"), args, 1, 1));
    std::int32_t result = 0;
    bench().download(stream.get(), &result, {memory.get(), 0}, 4);
    bench().wait(stream.get());
    ASSERT_EQ(round + 5, result);
  }
}

TEST_P(OpenclStream, IdsInThreeDimensions) {
  const auto stream = bench().stream();
  const auto memory = bench().memory(6 * 10 * 2 * 4);
  const std::array args{region_arg(memory.get())};
  sampan_launch_t call = make_launch(kernel("where"), args, 3, 2);
  call.grid[1] = 2;
  call.group[1] = 5;
  call.grid[2] = 2;
  launch(stream.get(), call);
  std::vector<std::uint32_t> out(6 * 10 * 2);
  bench().download(stream.get(), out.data(), {memory.get(), 0}, out.size() * 4);
  bench().wait(stream.get());
  for (std::uint32_t z = 0; z < 2; ++z) {
    for (std::uint32_t y = 0; y < 10; ++y) {
      for (std::uint32_t x = 0; x < 6; ++x) {
        ASSERT_EQ(x / 2 + 10 * (y / 5) + 100 * z + 1000 * (x % 2) + 10000 * (y % 5),
                  out[x + 6 * (y + 10 * z)]);
      }
    }
  }
}

TEST_P(OpenclStream, ValuesOfEverySizeAndANullPointer) {
  const auto stream = bench().stream();
  const auto memory = bench().memory(64);
  struct alignas(16) Float4 {
    float x, y, z, w;
  };
  const std::array args{region_arg(memory.get()),         value_arg(std::int8_t{-3}),
                        value_arg(std::int16_t{-300}),    value_arg(std::int32_t{70000}),
                        value_arg(std::int64_t{1} << 40), value_arg(0.5f),
                        value_arg(Float4{1, 2, 3, 4}),    region_arg(nullptr)};
  launch(stream.get(), make_launch(kernel("values"), args, 1, 1));
  float out[7];
  bench().download(stream.get(), out, {memory.get(), 0}, sizeof out);
  bench().wait(stream.get());
  const float expected[] = {-3, -300, 70000, 1099511627776.0f, 0.5f, 41, 1};
  for (int i = 0; i < 7; ++i) EXPECT_EQ(expected[i], out[i]) << i;
}

TEST_P(OpenclStream, FixedGroupsAndLocalMemory) {
  const auto stream = bench().stream();
  const auto memory = bench().memory(64 * 4);
  std::vector<std::uint32_t> data(64);
  std::iota(data.begin(), data.end(), 0u);
  bench().upload(stream.get(), {memory.get(), 0}, data.data(), 256);
  const std::array args{region_arg(memory.get())};
  launch(stream.get(), make_launch(kernel("eight"), args, 8, 8));
  std::vector<std::uint32_t> out(64);
  bench().download(stream.get(), out.data(), {memory.get(), 0}, 256);
  bench().wait(stream.get());
  for (std::uint32_t i = 0; i < 64; ++i) ASSERT_EQ(i / 8 * 8 + 7 - i % 8, out[i]);
}

TEST_P(OpenclStream, PinnedMemoryAsAnArgument) {
  const auto stream = bench().stream();
  const auto pinned = bench().memory(8, SAMPAN_MEMORY_HOST);
  Error error;
  void* address = nullptr;
  ASSERT_CODE(SAMPAN_OK, error, tables().memory->host_address(pinned.get(), &address, error.get()));
  auto* const value = static_cast<volatile std::int32_t*>(address);
  value[0] = 40;
  value[1] = 0;
  const std::array args{region_arg(pinned.get()), value_arg(1), value_arg(1u)};
  launch(stream.get(), make_launch(kernel("add"), args, 1, 1));
  launch(stream.get(), make_launch(kernel("add"), args, 1, 1));
  bench().wait(stream.get());
  EXPECT_EQ(42, value[0]);
}

// Parts of one pinned block belong to kernels of two streams and to the host.
TEST_P(OpenclStream, KernelsOfTwoStreamsShareAPinnedBlock) {
  const std::uint64_t step = std::max<std::uint64_t>(bench().info().offset_alignment_bytes, 256);
  const auto held = bench().stream();
  const auto free = bench().stream();
  const auto pinned = bench().memory(4 * step, SAMPAN_MEMORY_HOST);
  const auto event = bench().event(SAMPAN_EVENT_SIGNALLED);
  Error error;
  void* address = nullptr;
  ASSERT_CODE(SAMPAN_OK, error, tables().memory->host_address(pinned.get(), &address, error.get()));
  const auto value = [&](std::uint64_t part) -> std::int32_t& {
    return *reinterpret_cast<std::int32_t*>(static_cast<char*>(address) + part * step);
  };
  for (std::uint64_t part = 0; part < 4; ++part) value(part) = 10;
  ASSERT_CODE(SAMPAN_OK, error, streams().wait_event(held.get(), event.get(), error.get()));
  const auto add = [&](sampan_stream_t* stream, std::uint64_t part, std::int32_t amount) {
    const std::array args{region_arg(pinned.get(), part * step), value_arg(amount), value_arg(1u)};
    launch(stream, make_launch(kernel("add"), args, 1, 1));
  };
  add(held.get(), 1, 1);
  add(free.get(), 2, 2);
  add(free.get(), 2, 20);
  bench().wait(free.get());
  EXPECT_EQ(10, value(1)) << "work ran too early";
  EXPECT_EQ(32, value(2));
  value(3) = 33;
  ASSERT_CODE(SAMPAN_OK, error, events().signal(event.get(), SAMPAN_OK, error.get()));
  bench().wait(held.get());
  EXPECT_EQ(10, value(0));
  EXPECT_EQ(11, value(1));
  EXPECT_EQ(32, value(2));
  EXPECT_EQ(33, value(3));
}

TEST_P(OpenclStream, PinnedAndDeviceMemoryInOneLaunch) {
  const std::uint64_t step = std::max<std::uint64_t>(bench().info().offset_alignment_bytes, 256);
  const auto stream = bench().stream();
  const auto pinned = bench().memory(3 * step, SAMPAN_MEMORY_HOST);
  const auto device = bench().memory(64);
  std::vector<std::int32_t> ones(16, 1), tens(16, 10), results(16);
  bench().upload(stream.get(), {pinned.get(), step}, ones.data(), 64);
  bench().upload(stream.get(), {device.get(), 0}, tens.data(), 64);
  // Two parts of one pinned memory, one of them written; then a part as input and output.
  const std::array both{region_arg(pinned.get(), 2 * step), region_arg(device.get()),
                        region_arg(pinned.get(), step)};
  launch(stream.get(), make_launch(kernel("sum"), both, 1, 16));
  const std::array again{region_arg(pinned.get(), 2 * step), region_arg(pinned.get(), 2 * step),
                         region_arg(device.get())};
  launch(stream.get(), make_launch(kernel("sum"), again, 1, 16));
  bench().download(stream.get(), results.data(), {pinned.get(), 2 * step}, 64);
  bench().wait(stream.get());
  EXPECT_EQ(std::vector<std::int32_t>(16, 21), results);
}

struct RefusedLaunch {
  const char* kernel;
  std::uint32_t args, items;
  sampan_code_t code;
  const char* words;
};
constexpr RefusedLaunch kRefused[] = {
    {"add", 2, 1, SAMPAN_INVALID_ARGUMENT, "takes 3 arguments, not 2"},
    {"add", 4, 1, SAMPAN_INVALID_ARGUMENT, "takes 3 arguments, not 4"},
    {"add", 3, 1u << 30, SAMPAN_INVALID_ARGUMENT, "1073741824"},
    {"eight", 1, 16, SAMPAN_INVALID_ARGUMENT, "fixes another group size"},
};

TEST_P(OpenclStream, RefusedLaunchesLeaveTheStreamWorking) {
  const auto stream = bench().stream();
  const auto memory = bench().memory(64);
  for (const auto& refused : kRefused) {
    SCOPED_TRACE(refused.words);
    const std::array args{region_arg(memory.get()), value_arg(1), value_arg(1u), value_arg(1u)};
    const auto call = make_launch(kernel(refused.kernel), std::span(args).first(refused.args), 1,
                                  refused.items, 17);
    Error error;
    EXPECT_EQ(refused.code, streams().launch(stream.get(), &call, error.get()));
    EXPECT_NE(std::string::npos, error.message().find(refused.words)) << error.message();
    EXPECT_EQ(0u, error->flags & SAMPAN_ERROR_STICKY);
  }
  const std::array bad{region_arg(memory.get()), value_arg(std::int64_t{1}), value_arg(1u)};
  const auto wrong_size = make_launch(kernel("add"), bad, 1, 1);
  Error error;
  EXPECT_EQ(SAMPAN_INVALID_ARGUMENT, streams().launch(stream.get(), &wrong_size, error.get()));
  EXPECT_NE(std::string::npos, error.message().find("argument 1 of kernel 'add'"));

  sampan_launch_t together = make_launch(kernel("add"), bad, 1, 1);
  together.cooperative = 1;
  EXPECT_EQ(SAMPAN_UNSUPPORTED, streams().launch(stream.get(), &together, error.get()));

  const std::array good{region_arg(memory.get()), value_arg(1), value_arg(1u)};
  launch(stream.get(), make_launch(kernel("add"), good, 1, 1));
  bench().wait(stream.get());
}

TEST_P(OpenclStream, QueryAndTimedWaitReturnWhileWorkRuns) {
  const auto stream = bench().stream();
  const auto scratch = bench().memory(4);
  occupy(stream.get(), scratch.get(), 1);  // compiled by now
  bench().wait(stream.get());
  occupy(stream.get(), scratch.get(), kLong);
  Error error;
  EXPECT_EQ(SAMPAN_NOT_READY, streams().query(stream.get(), error.get()));
  const auto start = Clock::now();
  EXPECT_EQ(SAMPAN_TIMEOUT, streams().wait(stream.get(), 2'000'000, error.get()));
  EXPECT_GE(Clock::now() - start, std::chrono::milliseconds(2));
  EXPECT_EQ(SAMPAN_TIMEOUT, streams().wait(stream.get(), 0, error.get()));
  EXPECT_CODE(SAMPAN_OK, error, streams().wait(stream.get(), 60'000'000'000, error.get()));
  EXPECT_CODE(SAMPAN_OK, error, streams().query(stream.get(), error.get()));
}

TEST_P(OpenclStream, SubmittingDoesNotWait) {
  const auto stream = bench().stream();
  const auto scratch = bench().memory(4);
  const auto target = bench().memory(1 << 16);
  const auto data = pattern_bytes(1 << 16, 1);
  std::vector<std::uint8_t> back(1 << 16);
  occupy(stream.get(), scratch.get(), 1);
  bench().wait(stream.get());
  occupy(stream.get(), scratch.get(), kLong);
  bench().upload(stream.get(), {target.get(), 0}, data.data(), data.size());
  bench().download(stream.get(), back.data(), {target.get(), 0}, back.size());
  Error error;
  EXPECT_EQ(SAMPAN_NOT_READY, streams().query(stream.get(), error.get()));
  bench().wait(stream.get());
  EXPECT_EQ(data, back);
}

TEST_P(OpenclStream, EventsOrderStreams) {
  const auto scratch = bench().memory(4);
  const auto memory = bench().memory(4);
  const auto first = bench().stream();
  const auto second = bench().stream();
  const auto event = bench().event();
  const std::int32_t zero = 0;
  for (int round = 0; round < 3; ++round) {
    bench().upload(first.get(), {memory.get(), 0}, &zero, 4);
    occupy(first.get(), scratch.get(), kLong / 4);
    const std::array args{region_arg(memory.get()), value_arg(3), value_arg(1u)};
    launch(first.get(), make_launch(kernel("add"), args, 1, 1));
    Error error;
    ASSERT_CODE(SAMPAN_OK, error, events().record(event.get(), first.get(), error.get()));
    ASSERT_CODE(SAMPAN_OK, error, streams().wait_event(second.get(), event.get(), error.get()));
    std::int32_t seen = -1;
    bench().download(second.get(), &seen, {memory.get(), 0}, 4);
    bench().wait(second.get());
    ASSERT_EQ(3, seen);
    EXPECT_CODE(SAMPAN_OK, error, events().query(event.get(), error.get()));
  }
}

TEST_P(OpenclStream, EventsOrderStreamsOfTwoOpenedDevices) {
  const Bench other;
  ASSERT_TRUE(other.opened()) << other.error().message();
  const auto scratch = bench().memory(4);
  const auto stream = bench().stream();
  const auto elsewhere = other.stream();
  const auto event = bench().event();
  occupy(stream.get(), scratch.get(), 1);
  bench().wait(stream.get());
  occupy(stream.get(), scratch.get(), kLong);
  Error error;
  ASSERT_CODE(SAMPAN_OK, error, events().record(event.get(), stream.get(), error.get()));
  ASSERT_CODE(SAMPAN_OK, error, streams().wait_event(elsewhere.get(), event.get(), error.get()));
  EXPECT_EQ(SAMPAN_NOT_READY, streams().query(elsewhere.get(), error.get()));
  bench().wait(elsewhere.get());
  EXPECT_CODE(SAMPAN_OK, error, events().query(event.get(), error.get()));
}

TEST_P(OpenclStream, PingPongWithoutTheHost) {
  const auto memory = bench().memory(4);
  const auto a = bench().stream();
  const auto b = bench().stream();
  const auto event = bench().event();
  const std::int32_t zero = 0;
  bench().upload(a.get(), {memory.get(), 0}, &zero, 4);
  const std::array args{region_arg(memory.get()), value_arg(1), value_arg(1u)};
  constexpr int kRounds = 500;
  for (int i = 0; i < kRounds; ++i) {
    sampan_stream_t* const from = i % 2 == 0 ? a.get() : b.get();
    sampan_stream_t* const to = i % 2 == 0 ? b.get() : a.get();
    launch(from, make_launch(kernel("add"), args, 1, 1, static_cast<std::uint64_t>(i) + 1));
    Error error;
    ASSERT_CODE(SAMPAN_OK, error, events().record(event.get(), from, error.get()));
    ASSERT_CODE(SAMPAN_OK, error, streams().wait_event(to, event.get(), error.get()));
  }
  std::int32_t result = 0;
  bench().download(a.get(), &result, {memory.get(), 0}, 4);
  bench().wait(a.get());
  EXPECT_EQ(kRounds, result);
}

TEST_P(OpenclStream, TimestampsGrowAndAgreeWithTheHostsClock) {
  const auto stream = bench().stream();
  const auto scratch = bench().memory(4);
  occupy(stream.get(), scratch.get(), 1);
  bench().wait(stream.get());
  const auto begin = bench().event(SAMPAN_EVENT_TIMING);
  const auto end = bench().event(SAMPAN_EVENT_TIMING);
  Error error;
  std::uint64_t host_ns = 0, device_ns = 0, begin_ns = 0, end_ns = 0;
  ASSERT_CODE(SAMPAN_OK, error, events().record(begin.get(), stream.get(), error.get()));
  const auto host_begin = Clock::now();
  occupy(stream.get(), scratch.get(), kLong);
  ASSERT_CODE(SAMPAN_OK, error, events().record(end.get(), stream.get(), error.get()));
  EXPECT_EQ(SAMPAN_NOT_READY, events().timestamp(end.get(), &end_ns, error.get()));
  ASSERT_CODE(SAMPAN_OK, error, events().wait(end.get(), SAMPAN_WAIT_FOREVER, error.get()));
  const auto host_took = std::chrono::duration<double>(Clock::now() - host_begin).count();
  ASSERT_CODE(SAMPAN_OK, error, events().timestamp(begin.get(), &begin_ns, error.get()));
  ASSERT_CODE(SAMPAN_OK, error, events().timestamp(end.get(), &end_ns, error.get()));
  ASSERT_CODE(SAMPAN_OK, error,
              tables().device->clock(bench().device(), &host_ns, &device_ns, error.get()));
  EXPECT_LT(begin_ns, end_ns);
  EXPECT_LE(end_ns, device_ns);
  const double device_took = static_cast<double>(end_ns - begin_ns) * 1e-9;
  EXPECT_LE(device_took, host_took * 1.01 + 1e-3);
  EXPECT_GE(device_took, host_took * 0.5);
  // `host_ns` is CLOCK_MONOTONIC, which is what steady_clock reads here.
  const auto host_now = static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
  EXPECT_LE(host_ns, host_now);
  EXPECT_LT(host_now - host_ns, 1'000'000'000u);
}

TEST_P(OpenclStream, ARecordAfterAPauseTakesANewTime) {
  const auto stream = bench().stream();
  const auto scratch = bench().memory(4);
  const auto first = bench().event(SAMPAN_EVENT_TIMING);
  const auto second = bench().event(SAMPAN_EVENT_TIMING);
  Error error;
  occupy(stream.get(), scratch.get(), 1);
  std::uint64_t first_ns = 0, second_ns = 0;
  ASSERT_CODE(SAMPAN_OK, error, events().record(first.get(), stream.get(), error.get()));
  bench().wait(stream.get());
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  ASSERT_CODE(SAMPAN_OK, error, events().record(second.get(), stream.get(), error.get()));
  bench().wait(stream.get());
  ASSERT_CODE(SAMPAN_OK, error, events().wait(second.get(), SAMPAN_WAIT_FOREVER, error.get()));
  ASSERT_CODE(SAMPAN_OK, error, events().timestamp(first.get(), &first_ns, error.get()));
  ASSERT_CODE(SAMPAN_OK, error, events().timestamp(second.get(), &second_ns, error.get()));
  EXPECT_GE(second_ns - first_ns, 20'000'000u);
}

TEST_P(OpenclStream, EventsWithoutTimingHaveNoTime) {
  const auto event = bench().event();
  Error error;
  std::uint64_t ns = 0;
  EXPECT_EQ(SAMPAN_UNSUPPORTED, events().timestamp(event.get(), &ns, error.get()));
}

TEST_P(OpenclStream, AnEventNeverRecordedIsComplete) {
  const auto stream = bench().stream();
  const auto event = bench().event(SAMPAN_EVENT_TIMING);
  Error error;
  std::uint64_t ns = 0;
  EXPECT_CODE(SAMPAN_OK, error, events().query(event.get(), error.get()));
  EXPECT_CODE(SAMPAN_OK, error, events().wait(event.get(), 0, error.get()));
  EXPECT_EQ(SAMPAN_NOT_READY, events().timestamp(event.get(), &ns, error.get()));
  EXPECT_CODE(SAMPAN_OK, error, streams().wait_event(stream.get(), event.get(), error.get()));
  bench().wait(stream.get());
}

TEST_P(OpenclStream, SignalledEventsHoldStreamsUntilTheSignal) {
  const auto stream = bench().stream();
  const auto memory = bench().memory(4);
  const auto event = bench().event(SAMPAN_EVENT_SIGNALLED | SAMPAN_EVENT_TIMING);
  const std::int32_t value = 7;
  std::int32_t seen = 0;
  Error error;
  ASSERT_CODE(SAMPAN_OK, error, streams().wait_event(stream.get(), event.get(), error.get()));
  bench().upload(stream.get(), {memory.get(), 0}, &value, 4);
  bench().download(stream.get(), &seen, {memory.get(), 0}, 4);
  EXPECT_EQ(SAMPAN_NOT_READY, events().query(event.get(), error.get()));
  EXPECT_EQ(SAMPAN_TIMEOUT, events().wait(event.get(), 1'000'000, error.get()));
  EXPECT_EQ(SAMPAN_TIMEOUT, streams().wait(stream.get(), 5'000'000, error.get()));
  EXPECT_EQ(SAMPAN_INVALID_ARGUMENT, events().record(event.get(), stream.get(), error.get()));
  ASSERT_CODE(SAMPAN_OK, error, events().signal(event.get(), SAMPAN_OK, error.get()));
  EXPECT_EQ(SAMPAN_INVALID_ARGUMENT, events().signal(event.get(), SAMPAN_OK, error.get()));
  bench().wait(stream.get());
  EXPECT_EQ(7, seen);
  std::uint64_t ns = 0;
  EXPECT_CODE(SAMPAN_OK, error, events().timestamp(event.get(), &ns, error.get()));
  EXPECT_NE(0u, ns);
}

TEST_P(OpenclStream, AFailedSignalFailsThoseWhoWaitAndNobodyElse) {
  const auto failing = bench().stream();
  const auto behind = bench().stream();
  const auto free = bench().stream();
  const auto memory = bench().memory(4);
  const auto event = bench().event(SAMPAN_EVENT_SIGNALLED);
  const auto passed_on = bench().event();
  const auto before = bench().event();
  Error error;
  const std::int32_t value = 1;
  bench().upload(failing.get(), {memory.get(), 0}, &value, 4);
  ASSERT_CODE(SAMPAN_OK, error, events().record(before.get(), failing.get(), error.get()));
  ASSERT_CODE(SAMPAN_OK, error, streams().wait_event(failing.get(), event.get(), error.get()));
  ASSERT_CODE(SAMPAN_OK, error, events().record(passed_on.get(), failing.get(), error.get()));
  ASSERT_CODE(SAMPAN_OK, error, streams().wait_event(behind.get(), passed_on.get(), error.get()));
  bench().upload(behind.get(), {memory.get(), 0}, &value, 4);
  ASSERT_CODE(SAMPAN_OK, error, events().signal(event.get(), SAMPAN_ILLEGAL_ACCESS, error.get()));
  EXPECT_EQ(SAMPAN_ILLEGAL_ACCESS, events().wait(event.get(), SAMPAN_WAIT_FOREVER, error.get()));
  EXPECT_EQ(SAMPAN_ILLEGAL_ACCESS,
            events().wait(passed_on.get(), SAMPAN_WAIT_FOREVER, error.get()));
  expect_failed_by(failing.get(), "signalled as failed");
  expect_failed_by(behind.get(), "signalled as failed");
  EXPECT_CODE(SAMPAN_OK, error, events().wait(before.get(), SAMPAN_WAIT_FOREVER, error.get()));
  EXPECT_EQ(SAMPAN_ILLEGAL_ACCESS,
            streams().copy_to_device(failing.get(), {memory.get(), 0}, &value, 4, error.get()));
  bench().upload(free.get(), {memory.get(), 0}, &value, 4);
  bench().wait(free.get());
}

TEST_P(OpenclStream, WaitingForAFailedEventFailsTheStream) {
  const auto stream = bench().stream();
  const auto event = bench().event(SAMPAN_EVENT_SIGNALLED);
  Error error;
  ASSERT_CODE(SAMPAN_OK, error, events().signal(event.get(), SAMPAN_DRIVER_ERROR, error.get()));
  EXPECT_EQ(SAMPAN_DRIVER_ERROR, streams().wait_event(stream.get(), event.get(), error.get()));
  expect_failed_by(stream.get(), "signalled as failed");
}

TEST_P(OpenclStream, AStreamThatWaitsTakesNoWorkAfterTheFailure) {
  const auto stream = bench().stream();
  const auto memory = bench().memory(4);
  const auto event = bench().event(SAMPAN_EVENT_SIGNALLED);
  Error error;
  const std::int32_t value = 1;
  ASSERT_CODE(SAMPAN_OK, error, streams().wait_event(stream.get(), event.get(), error.get()));
  bench().upload(stream.get(), {memory.get(), 0}, &value, 4);
  ASSERT_CODE(SAMPAN_OK, error, events().signal(event.get(), SAMPAN_LAUNCH_FAILED, error.get()));
  EXPECT_EQ(SAMPAN_LAUNCH_FAILED,
            streams().copy_to_device(stream.get(), {memory.get(), 0}, &value, 4, error.get()));
}

TEST_P(OpenclStream, DestroyingAnUnsignalledEventFreesThoseWhoWait) {
  const auto stream = bench().stream();
  const auto memory = bench().memory(4);
  Error error;
  const std::int32_t value = 1;
  {
    const auto event = bench().event(SAMPAN_EVENT_SIGNALLED);
    ASSERT_CODE(SAMPAN_OK, error, streams().wait_event(stream.get(), event.get(), error.get()));
    bench().upload(stream.get(), {memory.get(), 0}, &value, 4);
  }
  expect_failed_by(stream.get(), "nobody had signalled");
}

TEST_P(OpenclStream, DestroyingAFailedStreamWaitsForTheWorkBeforeTheFailure) {
  for (const bool failed_before : {false, true}) {
    const auto scratch = bench().memory(4);
    const auto event = bench().event(SAMPAN_EVENT_SIGNALLED);
    const auto signal = [&] {
      Error error;
      ASSERT_CODE(SAMPAN_OK, error,
                  events().signal(event.get(), SAMPAN_LAUNCH_FAILED, error.get()));
    };
    const std::uint32_t zero = 0;
    std::uint32_t result = 0;
    std::uint32_t never = 0;
    if (failed_before) signal();
    {
      const auto stream = bench().stream();
      bench().upload(stream.get(), {scratch.get(), 0}, &zero, 4);
      occupy(stream.get(), scratch.get(), kLong / 4);
      bench().download(stream.get(), &result, {scratch.get(), 0}, 4);
      Error error;
      EXPECT_EQ(failed_before ? SAMPAN_LAUNCH_FAILED : SAMPAN_OK,
                streams().wait_event(stream.get(), event.get(), error.get()));
      if (!failed_before) {
        bench().download(stream.get(), &never, {scratch.get(), 0}, 4);
        signal();
      }
    }
    EXPECT_NE(0u, result);
    EXPECT_EQ(0u, never) << "work behind the failed event ran";
  }
}

struct HostCall {
  std::atomic<int> calls{0};
  std::atomic<int> failed{-1};
  std::thread::id thread;
  const std::int32_t* watched = nullptr;
  std::int32_t seen = -1;

  static void run(void* context, std::int32_t has_failed) {
    auto& call = *static_cast<HostCall*>(context);
    call.thread = std::this_thread::get_id();
    if (call.watched != nullptr) call.seen = *call.watched;
    call.failed = has_failed;
    ++call.calls;
  }
};

TEST_P(OpenclStream, HostFunctionsRunInOrderOnAThreadOfTheBackends) {
  const auto stream = bench().stream();
  const auto memory = bench().memory(4);
  const auto scratch = bench().memory(4);
  const std::int32_t value = 11;
  std::int32_t arrived = 0;
  HostCall first, second;
  second.watched = first.watched = &arrived;
  Error error;
  ASSERT_CODE(SAMPAN_OK, error,
              streams().host_function(stream.get(), HostCall::run, &first, error.get()));
  occupy(stream.get(), scratch.get(), kLong / 4);
  bench().upload(stream.get(), {memory.get(), 0}, &value, 4);
  bench().download(stream.get(), &arrived, {memory.get(), 0}, 4);
  ASSERT_CODE(SAMPAN_OK, error,
              streams().host_function(stream.get(), HostCall::run, &second, error.get()));
  bench().wait(stream.get());
  EXPECT_EQ(1, first.calls);
  EXPECT_EQ(0, first.seen);
  EXPECT_EQ(1, second.calls);
  EXPECT_EQ(11, second.seen);
  EXPECT_EQ(0, second.failed);
  EXPECT_NE(std::this_thread::get_id(), second.thread);
}

TEST_P(OpenclStream, LaterWorkWaitsForAHostFunction) {
  const auto stream = bench().stream();
  const auto memory = bench().memory(4);
  std::int32_t value = 1;
  std::int32_t seen = 0;
  Error error;
  ASSERT_CODE(SAMPAN_OK, error,
              streams().host_function(
                  stream.get(),
                  [](void* context, std::int32_t) {
                    std::this_thread::sleep_for(std::chrono::milliseconds(20));
                    *static_cast<std::int32_t*>(context) = 99;
                  },
                  &value, error.get()));
  bench().upload(stream.get(), {memory.get(), 0}, &value, 4);
  bench().download(stream.get(), &seen, {memory.get(), 0}, 4);
  bench().wait(stream.get());
  EXPECT_EQ(99, seen);
}

TEST_P(OpenclStream, HostFunctionsOfFailedWorkAreToldSo) {
  const auto stream = bench().stream();
  const auto event = bench().event(SAMPAN_EVENT_SIGNALLED);
  HostCall call;
  Error error;
  ASSERT_CODE(SAMPAN_OK, error, streams().wait_event(stream.get(), event.get(), error.get()));
  ASSERT_CODE(SAMPAN_OK, error,
              streams().host_function(stream.get(), HostCall::run, &call, error.get()));
  ASSERT_CODE(SAMPAN_OK, error, events().signal(event.get(), SAMPAN_LAUNCH_FAILED, error.get()));
  expect_failed_by(stream.get(), "signalled as failed");
  const auto deadline = Clock::now() + std::chrono::seconds(30);
  while (call.calls == 0 && Clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(1, call.calls);
  EXPECT_EQ(1, call.failed);
}

TEST_P(OpenclStream, DestroyingAStreamWaitsForItsWork) {
  const auto scratch = bench().memory(4);
  std::uint32_t result = 0;
  {
    const auto stream = bench().stream();
    const std::uint32_t zero = 0;
    bench().upload(stream.get(), {scratch.get(), 0}, &zero, 4);
    occupy(stream.get(), scratch.get(), kLong / 4);
    bench().download(stream.get(), &result, {scratch.get(), 0}, 4);
  }
  EXPECT_NE(0u, result);
}

TEST_P(OpenclStream, AnEventOutlivesItsStream) {
  const auto event = bench().event(SAMPAN_EVENT_TIMING);
  const auto scratch = bench().memory(4);  // lives until the stream's work has run
  Error error;
  {
    const auto stream = bench().stream();
    occupy(stream.get(), scratch.get(), 1000);
    ASSERT_CODE(SAMPAN_OK, error, events().record(event.get(), stream.get(), error.get()));
  }
  std::uint64_t ns = 0;
  EXPECT_CODE(SAMPAN_OK, error, events().query(event.get(), error.get()));
  EXPECT_CODE(SAMPAN_OK, error, events().timestamp(event.get(), &ns, error.get()));
}

TEST_P(OpenclStream, ManyThreadsOnStreamsOfTheirOwn) {
  constexpr int kThreads = 4;
  constexpr int kLaunches = 200;
  const auto memory = bench().memory(kThreads * 4096);
  std::array<std::int32_t, kThreads> results{};
  std::vector<std::thread> threads;
  sampan_kernel_t* const add = kernel("add");
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const auto stream = bench().stream();
      const std::int32_t zero = 0;
      const std::uint64_t offset = static_cast<std::uint64_t>(t) * 4096;
      bench().upload(stream.get(), {memory.get(), offset}, &zero, 4);
      for (int i = 0; i < kLaunches; ++i) {
        const std::array args{region_arg(memory.get(), offset), value_arg(t + 1), value_arg(1u)};
        launch(stream.get(), make_launch(add, args, 1, 1, static_cast<std::uint64_t>(i) + 1));
      }
      bench().download(stream.get(), &results[static_cast<std::size_t>(t)], {memory.get(), offset},
                       4);
      bench().wait(stream.get());
    });
  }
  for (auto& thread : threads) thread.join();
  for (int t = 0; t < kThreads; ++t) {
    EXPECT_EQ((t + 1) * kLaunches, results[static_cast<std::size_t>(t)]);
  }
}

TEST_P(OpenclStream, AnotherThreadMayWaitMeanwhile) {
  const auto stream = bench().stream();
  const auto memory = bench().memory(4);
  const std::int32_t zero = 0;
  bench().upload(stream.get(), {memory.get(), 0}, &zero, 4);
  std::atomic<bool> done{false};
  std::thread waiter([&] {
    while (!done) {
      Error error;
      EXPECT_CODE(SAMPAN_OK, error, streams().wait(stream.get(), SAMPAN_WAIT_FOREVER, error.get()));
      const sampan_code_t code = streams().query(stream.get(), error.get());
      EXPECT_TRUE(code == SAMPAN_OK || code == SAMPAN_NOT_READY) << error.message();
    }
  });
  const auto event = bench().event(SAMPAN_EVENT_TIMING);
  const std::array args{region_arg(memory.get()), value_arg(1), value_arg(1u)};
  for (int i = 0; i < 300; ++i) {
    launch(stream.get(), make_launch(kernel("add"), args, 1, 1));
    if (i == 150) {
      Error error;  // also changes the queue underneath
      EXPECT_CODE(SAMPAN_OK, error, events().record(event.get(), stream.get(), error.get()));
    }
  }
  done = true;
  waiter.join();
  std::int32_t result = 0;
  bench().download(stream.get(), &result, {memory.get(), 0}, 4);
  bench().wait(stream.get());
  EXPECT_EQ(300, result);
}

TEST_P(OpenclStream, NativeHandlesStayTheSame) {
  const auto stream = bench().stream();
  const auto event = bench().event(SAMPAN_EVENT_TIMING);
  Error error;
  void* before = nullptr;
  void* after = nullptr;
  ASSERT_CODE(SAMPAN_OK, error, streams().native(stream.get(), &before, error.get()));
  ASSERT_CODE(SAMPAN_OK, error, events().record(event.get(), stream.get(), error.get()));
  ASSERT_CODE(SAMPAN_OK, error, streams().native(stream.get(), &after, error.get()));
  EXPECT_NE(nullptr, before);
  EXPECT_EQ(before, after);
}

}  // namespace
}  // namespace sampan::test
