// The stream-ordered pool: budgets, trimming, figures, reuse on one stream and across streams.
#include <algorithm>
#include <chrono>
#include <thread>

#include "conformance.h"

namespace sampan::conformance {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
// Larger than what shares a block: a buffer of this size gets a driver allocation of its own.
constexpr std::uint64_t kLarge = 40 * kMiB;

std::uint64_t in_use() { return device().pool_stats().in_use_bytes; }

// ---- Figures and limits ------------------------------------------------------------------------

void add_stats(CaseList& cases) {
  cases.add("Pool", "CountsWhatBuffersHold", [] {
    const std::uint64_t before = in_use();
    {
      const Buffer a = device().allocate(1000);
      const Buffer b = device().allocate(5000, MemoryKind::host);
      EXPECT_GE(in_use(), before + 6000);
      EXPECT_LE(in_use(), before + 6000 + 2 * 4096);
      EXPECT_GE(device().pool_stats().reserved_bytes, in_use());
      EXPECT_GE(device().pool_stats().peak_in_use_bytes, in_use());
    }
    EXPECT_EQ(in_use(), before);
  });
  cases.add("Pool", "CountsAllocations", [] {
    const PoolStats before = device().pool_stats();
    for (int i = 0; i < 100; ++i) static_cast<void>(device().allocate(256));
    const PoolStats after = device().pool_stats();
    EXPECT_EQ(after.allocations, before.allocations + 100);
    EXPECT_LE(after.driver_allocations, before.driver_allocations + 1);
    EXPECT_GE(after.reuses, before.reuses + 99);
  });
  cases.add("Pool", "ZeroBytesTakeNothing", [] {
    const std::uint64_t before = in_use();
    const Buffer none = device().allocate(0);
    EXPECT_EQ(in_use(), before);
  });
  cases.add("Pool", "TrimGivesIdleMemoryBack", [] {
    const PoolGuard guard(device());
    const std::uint64_t before = device().pool_stats().reserved_bytes;
    { const Buffer buffer = device().allocate(kLarge); }
    EXPECT_GE(device().pool_stats().reserved_bytes, before + kLarge);
    EXPECT_GE(device().trim_pool(), kLarge);
    EXPECT_EQ(device().pool_stats().reserved_bytes, before);
    EXPECT_EQ(device().trim_pool(), 0u);
  });
  cases.add("Pool", "TrimKeepsWhatIsInUse", [] {
    const PoolGuard guard(device());
    Stream stream = device().create_stream();
    const auto bytes = test_bytes(kLarge);
    const Buffer buffer = upload(stream, bytes);
    static_cast<void>(device().trim_pool());
    EXPECT_TRUE(same_values(download<std::byte>(stream, buffer), bytes));
  });
  cases.add("Pool", "TrimWaitsForWorkThatUsesTheMemory", [] {
    const PoolGuard guard(device());
    Stream stream = device().create_stream();
    const Buffer result = device().allocate(4);
    Gate gate(stream);
    {
      const Buffer buffer = stream.allocate(kLarge);
      stream.fill(buffer.view(DType::u32), std::uint32_t{77});
      stream.copy(result.view(DType::u32), buffer.view(DType::u32, {1}, kLarge - 4));
    }
    std::jthread opener([&gate] {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      gate.open();
    });
    EXPECT_GE(device().trim_pool(), kLarge);
    EXPECT_EQ(download<std::uint32_t>(stream, result)[0], 77u);
  });
}

void add_budgets(CaseList& cases) {
  cases.add("Budget", "IsReported", [] {
    const PoolGuard guard(device());
    device().set_memory_budget(123 * kMiB);
    EXPECT_EQ(device().pool_stats().budget_bytes, 123 * kMiB);
  });
  cases.add("Budget", "IsNamedWhenExceeded", [] {
    const PoolGuard guard(device());
    const std::uint64_t limit = device().pool_stats().reserved_bytes + kLarge;
    device().set_memory_budget(limit);
    expect_error(
        ErrorCode::out_of_device_memory,
        [&] { static_cast<void>(device().allocate(limit + 1)); },
        {std::to_string(limit + 1), "free", "limit", std::to_string(limit), "budget"});
  });
  cases.add("Budget", "LeavesTheNextAllocationAlone", [] {
    const PoolGuard guard(device());
    Stream stream = device().create_stream();
    device().set_memory_budget(device().pool_stats().reserved_bytes + kLarge);
    const Buffer most = stream.allocate(kLarge - kMiB);
    for (int i = 0; i < 10; ++i) {
      try {
        static_cast<void>(stream.allocate(2 * kMiB));
        ADD_FAILURE() << "the budget was exceeded";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::out_of_device_memory);
        EXPECT_TRUE(error.info().retryable);
      }
    }
    const auto bytes = test_bytes(4096);
    const Buffer small = stream.allocate(4096);
    stream.copy_from_host(small.view(DType::u8), std::span(bytes));
    EXPECT_TRUE(same_values(download<std::byte>(stream, small), bytes));
  });
  cases.add("Budget", "CountsPinnedMemoryToo", [] {
    const PoolGuard guard(device());
    device().set_memory_budget(device().pool_stats().reserved_bytes + kLarge);
    const Buffer pinned = device().allocate(kLarge - kMiB, MemoryKind::host);
    expect_error(ErrorCode::out_of_device_memory,
                 [] { static_cast<void>(device().allocate(2 * kMiB)); });
  });
  cases.add("Budget", "CanBeLifted", [] {
    const PoolGuard guard(device());
    device().set_memory_budget(1);
    expect_error(ErrorCode::out_of_device_memory,
                 [] { static_cast<void>(device().allocate(kLarge)); });
    device().set_memory_budget(0);
    EXPECT_TRUE(device().allocate(kLarge));
  });
  // Idle memory of one shape is given back so that another shape fits.
  cases.add("Budget", "IsReachedAfterTrimming", [] {
    const PoolGuard guard(device());
    device().set_memory_budget(device().pool_stats().reserved_bytes + 2 * kLarge);
    { const Buffer a = device().allocate(kLarge), b = device().allocate(kLarge); }
    EXPECT_TRUE(device().allocate(2 * kLarge - kMiB));
    { const Buffer pinned = device().allocate(kLarge, MemoryKind::host); }
    EXPECT_TRUE(device().allocate(2 * kLarge - kMiB));
  });
}

// ---- Reuse -------------------------------------------------------------------------------------

// The same memory comes back to the same stream at once, while its work is still waiting.
void reuse_on_one_stream() {
  const PoolGuard guard(device());
  Stream stream = device().create_stream();
  const Buffer first_result = device().allocate(4), second_result = device().allocate(4);
  Gate gate(stream);
  const PoolStats before = device().pool_stats();
  for (const auto& [value, result] :
       {std::pair(11u, &first_result), std::pair(22u, &second_result)}) {
    const Buffer buffer = stream.allocate(kLarge);
    stream.fill(buffer.view(DType::u32), value);
    stream.copy(result->view(DType::u32), buffer.view(DType::u32, {1}, kLarge - 4));
  }
  EXPECT_FALSE(stream.ready());
  const PoolStats after = device().pool_stats();
  EXPECT_EQ(after.driver_allocations, before.driver_allocations + 1);
  EXPECT_EQ(after.cross_stream_waits, before.cross_stream_waits);
  gate.open();
  EXPECT_EQ(download<std::uint32_t>(stream, first_result)[0], 11u);
  EXPECT_EQ(download<std::uint32_t>(stream, second_result)[0], 22u);
}

// With room for one buffer only, a second stream gets the memory that the first still has to write.
// It may not run before: else the first stream's late write would destroy its data.
void reuse_across_streams() {
  const PoolGuard guard(device());
  Stream first = device().create_stream(), second = device().create_stream();
  device().set_memory_budget(device().pool_stats().reserved_bytes + kLarge);
  const PoolStats before = device().pool_stats();
  Gate gate(first);
  {
    const Buffer buffer = first.allocate(kLarge);
    first.fill(buffer.view(DType::u32), 11u);
  }
  const Buffer buffer = second.allocate(kLarge);
  EXPECT_EQ(device().pool_stats().cross_stream_waits, before.cross_stream_waits + 1);
  second.fill(buffer.view(DType::u32), 22u);
  EXPECT_FALSE(second.ready());
  gate.open();
  first.synchronize();
  const auto values = download<std::uint32_t>(second, buffer);
  EXPECT_TRUE(std::ranges::all_of(values, [](std::uint32_t v) { return v == 22; }));
}

// The third owner waits for the first, too: its wait went through the second stream.
void reuse_through_a_chain() {
  const PoolGuard guard(device());
  std::vector<Stream> streams;
  for (int i = 0; i < 4; ++i) streams.push_back(device().create_stream());
  device().set_memory_budget(device().pool_stats().reserved_bytes + kLarge);
  Gate gate(streams.front());
  Buffer buffer;
  for (std::uint32_t i = 0; i < streams.size(); ++i) {
    buffer = Buffer();
    buffer = streams[i].allocate(kLarge);
    streams[i].fill(buffer.view(DType::u32), i);
  }
  EXPECT_FALSE(streams.back().ready());
  gate.open();
  const auto values = download<std::uint32_t>(streams.back(), buffer);
  EXPECT_TRUE(std::ranges::all_of(values, [](std::uint32_t v) { return v == 3; }));
}

// A buffer used on a stream other than its own: both have to be done before the next owner starts.
void reuse_after_use_on_a_second_stream() {
  const PoolGuard guard(device());
  Stream owner = device().create_stream(), user = device().create_stream(),
         next = device().create_stream();
  const Buffer result = device().allocate(4);
  device().set_memory_budget(device().pool_stats().reserved_bytes + kLarge);
  Gate gate(user);
  {
    const Buffer buffer = owner.allocate(kLarge);
    owner.fill(buffer.view(DType::u32), 5u);
    owner.synchronize();
    user.copy(result.view(DType::u32), buffer.view(DType::u32, {1}, kLarge - 4));
  }
  const Buffer buffer = next.allocate(kLarge);
  next.fill(buffer.view(DType::u32), 6u);
  EXPECT_FALSE(next.ready());
  gate.open();
  EXPECT_EQ(download<std::uint32_t>(user, result)[0], 5u);
  next.synchronize();
}

// Memory for any stream may not be handed out while work is still to use it.
void device_allocation_is_free_of_earlier_work() {
  const PoolGuard guard(device());
  Stream first = device().create_stream(), second = device().create_stream();
  device().set_memory_budget(device().pool_stats().reserved_bytes + kLarge);
  Gate gate(first);
  {
    const Buffer buffer = first.allocate(kLarge);
    first.fill(buffer.view(DType::u32), 11u);
  }
  std::jthread opener([&gate] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    gate.open();
  });
  const Buffer buffer = device().allocate(kLarge);
  second.fill(buffer.view(DType::u32), 22u);
  const auto values = download<std::uint32_t>(second, buffer);
  EXPECT_TRUE(std::ranges::all_of(values, [](std::uint32_t v) { return v == 22; }));
}

// A slow kernel writes; its memory goes to another stream while it runs. No host function holds it
// up: the hardware itself would show the race.
void reuse_behind_a_running_kernel() {
  const PoolGuard guard(device());
  Stream first = device().create_stream(), second = device().create_stream();
  const Kernel spin = helper_kernel("spin");
  device().set_memory_budget(device().pool_stats().reserved_bytes + kLarge);
  LaunchConfig one;
  one.group.x = 1;
  for (int round = 0; round < 10; ++round) {
    {
      const Buffer buffer = first.allocate(kLarge);
      first.launch(spin, one, 2'000'000u, 1u, buffer);  // writes its first word at the end
    }
    const Buffer buffer = second.allocate(kLarge);
    second.fill(buffer.view(DType::u32, {1}), 22u);
    second.synchronize();
    first.synchronize();
    ASSERT_EQ(download<std::uint32_t>(second, buffer.view(DType::u32, {1}))[0], 22u);
  }
}

// ---- Random programs ---------------------------------------------------------------------------

class Numbers {
 public:
  explicit Numbers(std::uint32_t seed) : state_(seed * 2654435761u + 1) {}
  std::uint32_t below(std::uint32_t limit) {
    state_ = state_ * 1664525u + 1013904223u;
    return (state_ >> 8) % limit;
  }

 private:
  std::uint32_t state_;
};

// Allocates, writes, drops and reads at random on two streams; every buffer keeps its own value.
void run_program(std::uint32_t seed, Stream (&streams)[2]) {
  struct Live {
    Buffer buffer;
    std::uint32_t value;
    int stream;
  };
  Numbers random(seed);
  std::vector<Live> live;
  const auto read = [&](const Live& item) {
    const std::uint64_t words = item.buffer.size_bytes() / 4;
    const View ends = item.buffer.view(DType::u32, {1}, random.below(2) * (words - 1) * 4);
    EXPECT_EQ(download<std::uint32_t>(streams[item.stream], ends)[0], item.value);
  };
  for (std::uint32_t step = 0; step < 24; ++step) {
    const std::uint32_t action = random.below(8);
    if (action < 5) {
      const int stream = static_cast<int>(random.below(2));
      const std::uint64_t size = 4 * (1 + random.below(random.below(4) == 0 ? 3'000'000 : 5000));
      const auto kind = random.below(8) == 0 ? MemoryKind::host : MemoryKind::device;
      try {
        Buffer buffer = streams[stream].allocate(size, kind);
        const std::uint32_t value = seed * 100 + step;
        streams[stream].fill(buffer.view(DType::u32), value);
        live.push_back({std::move(buffer), value, stream});
      } catch (const Error& error) {
        ASSERT_EQ(error.code(), ErrorCode::out_of_device_memory) << error.what();
      }
    } else if (!live.empty()) {
      const std::uint32_t which = random.below(static_cast<std::uint32_t>(live.size()));
      if (action == 5) read(live[which]);
      live.erase(live.begin() + which);
    }
  }
  for (const Live& item : live) read(item);
}

void run_programs(std::uint32_t first_seed, std::uint32_t count) {
  const PoolGuard guard(device());
  const PoolStats before = device().pool_stats();
  {
    Stream streams[2] = {device().create_stream(), device().create_stream()};
    device().set_memory_budget(before.reserved_bytes + 80 * kMiB);
    for (std::uint32_t i = 0; i < count; ++i) {
      run_program(first_seed + i, streams);
      ASSERT_EQ(in_use(), before.in_use_bytes) << "after program " << first_seed + i;
    }
    EXPECT_LE(device().pool_stats().reserved_bytes, before.reserved_bytes + 80 * kMiB);
  }
  static_cast<void>(device().trim_pool());
  EXPECT_EQ(device().pool_stats().reserved_bytes, before.reserved_bytes);
}

// Many threads at one pool, each with its own stream.
void allocate_from_threads() {
  const PoolGuard guard(device());
  const std::uint64_t before = in_use();
  std::vector<int> wrong(16);
  {
    std::vector<std::thread> threads;
    for (std::uint32_t id = 0; id < wrong.size(); ++id) {
      threads.emplace_back([&wrong, id, on = device()] {
        try {
          Stream stream = on.create_stream();
          Numbers random(id);
          for (std::uint32_t i = 0; i < 100; ++i) {
            const std::uint64_t words = 1 + random.below(20000);
            const Buffer buffer = stream.allocate(4 * words);
            stream.fill(buffer.view(DType::u32), id * 1000 + i);
            const View last = buffer.view(DType::u32, {1}, 4 * (words - 1));
            wrong[id] += download<std::uint32_t>(stream, last)[0] != id * 1000 + i;
          }
        } catch (const Error&) {
          wrong[id] += 1000;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(wrong, std::vector<int>(16));
  EXPECT_EQ(in_use(), before);
}

}  // namespace

void add_pool_cases(CaseList& cases) {
  add_stats(cases);
  add_budgets(cases);
  cases.add("Reuse", "OnOneStreamAtOnce", reuse_on_one_stream);
  cases.add("Reuse", "AcrossStreamsBehindAnEvent", reuse_across_streams);
  cases.add("Reuse", "ThroughAChainOfStreams", reuse_through_a_chain);
  cases.add("Reuse", "AfterUseOnASecondStream", reuse_after_use_on_a_second_stream);
  cases.add("Reuse", "DeviceAllocationIsFreeOfEarlierWork",
            device_allocation_is_free_of_earlier_work);
  cases.add("Reuse", "BehindARunningKernel", reuse_behind_a_running_kernel);
  for (std::uint32_t seed = 0; seed < 1000; seed += 100) {
    cases.add("RandomPrograms", std::to_string(seed) + "to" + std::to_string(seed + 99),
              [seed] { run_programs(seed, 100); });
  }
  cases.add("Pool", "ServesManyThreads", allocate_from_threads);
}

}  // namespace sampan::conformance
