#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <memory>
#include <thread>
#include <tuple>

#include "path_test.h"

namespace sampan::test {
namespace {

class OpenclMemory : public OnPath {};
INSTANTIATE_ON_PATHS(OpenclMemory);

struct CopyCase {
  std::uint64_t size_bytes, dst_offset, src_offset;
};

// Sizes around powers of two, primes, and offsets that no alignment covers.
constexpr CopyCase kCopies[] = {
    {1, 0, 0},    {1, 3, 7},       {2, 1, 0},        {15, 1, 2},      {16, 16, 0},
    {17, 5, 11},  {127, 0, 1},     {128, 128, 256},  {129, 127, 1},   {4096, 0, 0},
    {4095, 1, 2}, {4097, 255, 13}, {65521, 17, 101}, {65536, 256, 0}, {1 << 20, 1, 1},
};
constexpr std::uint64_t kRoom = (1 << 20) + 512;

// What memory holds after `size_bytes` of `from` were copied into it.
std::vector<std::uint8_t> with_copy(std::vector<std::uint8_t> into, std::uint64_t at,
                                    const std::vector<std::uint8_t>& from, std::uint64_t from_at,
                                    std::uint64_t size_bytes) {
  std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(from_at), size_bytes,
              into.begin() + static_cast<std::ptrdiff_t>(at));
  return into;
}

std::vector<std::uint8_t> contents(const Bench& bench, sampan_stream_t* stream,
                                   sampan_memory_t* memory, std::uint64_t size_bytes) {
  std::vector<std::uint8_t> bytes(size_bytes);
  bench.download(stream, bytes.data(), {memory, 0}, size_bytes);
  bench.wait(stream);
  return bytes;
}

TEST_P(OpenclMemory, UploadsAndDownloadsAnySizeAtAnyOffset) {
  const auto memory = bench().memory(kRoom);
  const auto stream = bench().stream();
  const auto background = pattern_bytes(kRoom, 1);
  const auto source = pattern_bytes(kRoom, 2);
  for (const auto& c : kCopies) {
    SCOPED_TRACE(c.size_bytes);
    bench().upload(stream.get(), {memory.get(), 0}, background.data(), kRoom);
    bench().upload(stream.get(), {memory.get(), c.dst_offset}, source.data() + c.src_offset,
                   c.size_bytes);
    ASSERT_EQ(with_copy(background, c.dst_offset, source, c.src_offset, c.size_bytes),
              contents(bench(), stream.get(), memory.get(), kRoom));
    std::vector<std::uint8_t> part(c.size_bytes);
    bench().download(stream.get(), part.data(), {memory.get(), c.dst_offset}, c.size_bytes);
    bench().wait(stream.get());
    ASSERT_TRUE(std::equal(part.begin(), part.end(),
                           source.begin() + static_cast<std::ptrdiff_t>(c.src_offset)));
  }
}

TEST_P(OpenclMemory, CopiesBetweenAllKinds) {
  const auto stream = bench().stream();
  const auto background = pattern_bytes(kRoom, 3);
  const auto source = pattern_bytes(kRoom, 4);
  for (const auto& [dst_kind, src_kind] :
       {std::pair<std::uint32_t, std::uint32_t>{1, 1}, {1, 2}, {2, 1}, {2, 2}}) {
    const auto dst = bench().memory(kRoom, dst_kind);
    const auto src = bench().memory(kRoom, src_kind);
    for (const auto& c : kCopies) {
      SCOPED_TRACE(std::to_string(dst_kind) + " <- " + std::to_string(src_kind) + ", " +
                   std::to_string(c.size_bytes));
      bench().upload(stream.get(), {dst.get(), 0}, background.data(), kRoom);
      bench().upload(stream.get(), {src.get(), 0}, source.data(), kRoom);
      Error error;
      ASSERT_CODE(SAMPAN_OK, error,
                  tables().stream->copy(stream.get(), {dst.get(), c.dst_offset},
                                        {src.get(), c.src_offset}, c.size_bytes, error.get()));
      ASSERT_EQ(with_copy(background, c.dst_offset, source, c.src_offset, c.size_bytes),
                contents(bench(), stream.get(), dst.get(), kRoom));
    }
  }
}

TEST_P(OpenclMemory, CopiesWithinOneMemory) {
  for (const std::uint32_t kind : {SAMPAN_MEMORY_DEVICE, SAMPAN_MEMORY_HOST}) {
    const auto memory = bench().memory(8192, kind);
    const auto stream = bench().stream();
    const auto before = pattern_bytes(8192, 5);
    bench().upload(stream.get(), {memory.get(), 0}, before.data(), before.size());
    Error error;
    ASSERT_CODE(SAMPAN_OK, error,
                tables().stream->copy(stream.get(), {memory.get(), 5001}, {memory.get(), 3}, 1009,
                                      error.get()));
    EXPECT_EQ(with_copy(before, 5001, before, 3, 1009),
              contents(bench(), stream.get(), memory.get(), 8192));
  }
}

TEST_P(OpenclMemory, HostMemoryIsReachedDirectly) {
  const auto pinned = bench().memory(1000, SAMPAN_MEMORY_HOST);
  const auto device = bench().memory(1000);
  const auto stream = bench().stream();
  Error error;
  void* address = nullptr;
  ASSERT_CODE(SAMPAN_OK, error, tables().memory->host_address(pinned.get(), &address, error.get()));
  EXPECT_EQ(0u, reinterpret_cast<std::uintptr_t>(address) % 256);
  const auto data = pattern_bytes(1000, 6);
  std::copy(data.begin(), data.end(), static_cast<std::uint8_t*>(address));
  ASSERT_CODE(
      SAMPAN_OK, error,
      tables().stream->copy(stream.get(), {device.get(), 0}, {pinned.get(), 0}, 1000, error.get()));
  bench().wait(stream.get());
  std::fill_n(static_cast<std::uint8_t*>(address), 1000, std::uint8_t{0});
  ASSERT_CODE(
      SAMPAN_OK, error,
      tables().stream->copy(stream.get(), {pinned.get(), 0}, {device.get(), 0}, 1000, error.get()));
  bench().wait(stream.get());
  EXPECT_TRUE(std::equal(data.begin(), data.end(), static_cast<std::uint8_t*>(address)));
}

TEST_P(OpenclMemory, DeviceMemoryIsReachedOnlyWhereTheDeviceSaysSo) {
  const auto memory = bench().memory(64);
  Error error;
  void* address = nullptr;
  const bool promised = (bench().info().features & SAMPAN_FEATURE_HOST_ACCESS) != 0;
  EXPECT_EQ(promised ? SAMPAN_OK : SAMPAN_UNSUPPORTED,
            tables().memory->host_address(memory.get(), &address, error.get()));
}

TEST_P(OpenclMemory, RegisteredMemoryStaysTheCallersAndCopies) {
  constexpr std::size_t kBytes = 3 * 4096;
  const std::unique_ptr<void, void (*)(void*)> own(std::aligned_alloc(4096, kBytes), std::free);
  auto* const bytes = static_cast<std::uint8_t*>(own.get());
  const auto data = pattern_bytes(kBytes, 7);
  std::copy(data.begin(), data.end(), bytes);
  Error error;
  sampan_memory_t* registered = nullptr;
  ASSERT_CODE(SAMPAN_OK, error,
              tables().memory->register_host(bench().device(), own.get(), kBytes, &registered,
                                             error.get()));
  const Handle<sampan_memory_t> owner(registered, tables().memory->release);
  void* address = nullptr;
  ASSERT_CODE(SAMPAN_OK, error, tables().memory->host_address(registered, &address, error.get()));
  EXPECT_EQ(own.get(), address);
  const auto device = bench().memory(kBytes);
  const auto stream = bench().stream();
  ASSERT_CODE(SAMPAN_OK, error,
              tables().stream->copy(stream.get(), {device.get(), 1}, {registered, 2}, kBytes - 2,
                                    error.get()));
  bench().wait(stream.get());
  std::fill_n(bytes, kBytes, std::uint8_t{0xEE});
  ASSERT_CODE(SAMPAN_OK, error,
              tables().stream->copy(stream.get(), {registered, 0}, {device.get(), 1}, kBytes - 2,
                                    error.get()));
  bench().wait(stream.get());
  EXPECT_TRUE(std::equal(data.begin() + 2, data.end(), bytes));
  EXPECT_EQ(0xEE, bytes[kBytes - 1]);
}

TEST_P(OpenclMemory, WrappedMemoryIsTheSameMemory) {
  const auto memory = bench().memory(4096);
  const auto stream = bench().stream();
  const auto data = pattern_bytes(4096, 8);
  bench().upload(stream.get(), {memory.get(), 0}, data.data(), data.size());
  bench().wait(stream.get());
  Error error;
  void* native = nullptr;
  ASSERT_CODE(SAMPAN_OK, error, tables().memory->native(memory.get(), &native, error.get()));
  ASSERT_NE(nullptr, native);
  {
    sampan_memory_t* wrapped = nullptr;
    ASSERT_CODE(SAMPAN_OK, error,
                tables().memory->wrap(bench().device(), native, 4096, &wrapped, error.get()));
    const Handle<sampan_memory_t> owner(wrapped, tables().memory->release);
    EXPECT_EQ(data, contents(bench(), stream.get(), wrapped, 4096));
  }
  EXPECT_EQ(data, contents(bench(), stream.get(), memory.get(), 4096));
}

TEST_P(OpenclMemory, FillsWithEveryPattern) {
  constexpr std::uint64_t kBytes = 4096 + 256;
  const auto stream = bench().stream();
  const auto pattern = pattern_bytes(16, 9);
  const auto background = pattern_bytes(kBytes, 10);
  for (const std::uint32_t kind : {SAMPAN_MEMORY_DEVICE, SAMPAN_MEMORY_HOST}) {
    const auto memory = bench().memory(kBytes, kind);
    for (const std::uint32_t width : {1u, 2u, 4u, 8u, 16u}) {
      for (const auto& [first, count] : {std::pair<std::uint64_t, std::uint64_t>{0, 1},
                                         {1, 1},
                                         {3, 7},
                                         {16, 97},
                                         {0, kBytes / width}}) {
        SCOPED_TRACE(std::to_string(width) + " bytes, " + std::to_string(count) + " from " +
                     std::to_string(first));
        if ((first + count) * width > kBytes) continue;
        bench().upload(stream.get(), {memory.get(), 0}, background.data(), kBytes);
        Error error;
        ASSERT_CODE(SAMPAN_OK, error,
                    tables().stream->fill(stream.get(), {memory.get(), first * width},
                                          pattern.data(), width, count * width, error.get()));
        auto expected = background;
        for (std::uint64_t i = 0; i < count * width; ++i) {
          expected[first * width + i] = pattern[i % width];
        }
        ASSERT_EQ(expected, contents(bench(), stream.get(), memory.get(), kBytes));
      }
    }
  }
}

std::uint8_t* host_bytes(const Handle<sampan_memory_t>& memory) {
  Error error;
  void* address = nullptr;
  EXPECT_CODE(SAMPAN_OK, error,
              Plugin::get().backend.memory->host_address(memory.get(), &address, error.get()));
  return static_cast<std::uint8_t*>(address);
}

// The host's pool puts buffers of several streams into one block of pinned memory.
TEST_P(OpenclMemory, StreamsShareAPinnedBlockWithoutWaitingForEachOther) {
  constexpr std::uint64_t kPart = 4096;
  const auto pinned = bench().memory(4 * kPart, SAMPAN_MEMORY_HOST);
  std::uint8_t* const bytes = host_bytes(pinned);
  const auto before = pattern_bytes(4 * kPart, 16);
  std::copy(before.begin(), before.end(), bytes);
  const auto held = bench().stream();
  const auto free = bench().stream();
  const auto event = bench().event(SAMPAN_EVENT_SIGNALLED);
  const auto uploaded = pattern_bytes(kPart, 17);
  std::vector<std::uint8_t> first(kPart), second(kPart);
  Error error;
  const auto& streams = *tables().stream;
  const auto use = [&](sampan_stream_t* stream, std::uint64_t at, std::uint8_t* out) {
    const std::uint64_t half = kPart / 2;
    bench().upload(stream, {pinned.get(), at}, uploaded.data(), kPart);
    ASSERT_CODE(
        SAMPAN_OK, error,
        streams.fill(stream, {pinned.get(), at + half}, before.data(), 16, 64, error.get()));
    ASSERT_CODE(
        SAMPAN_OK, error,
        streams.copy(stream, {pinned.get(), at}, {pinned.get(), at + half}, half, error.get()));
    bench().download(stream, out, {pinned.get(), at}, kPart);
  };
  ASSERT_CODE(SAMPAN_OK, error, streams.wait_event(held.get(), event.get(), error.get()));
  use(held.get(), 0, first.data());
  use(free.get(), kPart, second.data());
  bench().wait(free.get());
  bytes[2 * kPart] = 99;
  EXPECT_TRUE(std::equal(before.begin(), before.begin() + kPart, bytes)) << "work ran too early";
  ASSERT_CODE(SAMPAN_OK, error, tables().event->signal(event.get(), SAMPAN_OK, error.get()));
  bench().wait(held.get());
  auto expected = uploaded;
  for (std::size_t i = 0; i < 64; ++i) expected[kPart / 2 + i] = before[i % 16];
  std::copy_n(expected.begin() + kPart / 2, kPart / 2, expected.begin());
  EXPECT_EQ(expected, first);
  EXPECT_EQ(expected, second);
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), bytes));
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), bytes + kPart));
  EXPECT_EQ(99, bytes[2 * kPart]);
  EXPECT_TRUE(std::equal(before.begin() + 2 * kPart + 1, before.end(), bytes + 2 * kPart + 1));
}

TEST_P(OpenclMemory, ThreadsShareAPinnedBlock) {
  constexpr std::size_t kThreads = 4;
  constexpr std::uint64_t kPart = 1024;
  const auto pinned = bench().memory(kThreads * kPart, SAMPAN_MEMORY_HOST);
  std::array<std::size_t, kThreads> wrong{};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const auto stream = bench().stream();
      std::vector<std::uint8_t> seen(kPart);
      for (std::uint32_t round = 0; round < 50; ++round) {
        const auto value = static_cast<std::uint8_t>(round * kThreads + t);
        Error error;
        EXPECT_CODE(SAMPAN_OK, error,
                    tables().stream->fill(stream.get(), {pinned.get(), t * kPart}, &value, 1, kPart,
                                          error.get()));
        bench().download(stream.get(), seen.data(), {pinned.get(), t * kPart}, kPart);
        bench().wait(stream.get());
        wrong[t] += kPart - static_cast<std::size_t>(std::ranges::count(seen, value));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ((std::array<std::size_t, kThreads>{}), wrong);
}

struct RowsCase {
  std::uint64_t row_bytes, rows, dst_offset, dst_pitch, src_offset, src_pitch;
};
constexpr RowsCase kRows[] = {
    {1, 1, 0, 1, 0, 1},        {7, 3, 0, 7, 0, 7},         {7, 3, 5, 16, 2, 9},
    {128, 17, 0, 128, 0, 256}, {128, 17, 64, 256, 0, 128}, {33, 101, 1, 64, 3, 37},
    {64, 1, 7, 64, 9, 100},    {60, 50, 40, 64, 60, 64},  // rows that wrap around the pitch
};

TEST_P(OpenclMemory, CopiesRows) {
  constexpr std::uint64_t kBytes = 16384;
  const auto stream = bench().stream();
  const auto background = pattern_bytes(kBytes, 11);
  const auto source = pattern_bytes(kBytes, 12);
  for (const auto& [dst_kind, src_kind] :
       {std::pair<std::uint32_t, std::uint32_t>{1, 1}, {1, 2}, {2, 1}, {2, 2}}) {
    const auto dst = bench().memory(kBytes, dst_kind);
    const auto src = bench().memory(kBytes, src_kind);
    for (const auto& c : kRows) {
      SCOPED_TRACE(std::to_string(dst_kind) + " <- " + std::to_string(src_kind) + ": " +
                   std::to_string(c.rows) + " rows of " + std::to_string(c.row_bytes));
      bench().upload(stream.get(), {dst.get(), 0}, background.data(), kBytes);
      bench().upload(stream.get(), {src.get(), 0}, source.data(), kBytes);
      const sampan_copy_2d_t copy{sizeof copy,
                                  0,
                                  {dst.get(), c.dst_offset},
                                  {src.get(), c.src_offset},
                                  c.dst_pitch,
                                  c.src_pitch,
                                  c.row_bytes,
                                  c.rows};
      Error error;
      ASSERT_CODE(SAMPAN_OK, error, tables().stream->copy_2d(stream.get(), &copy, error.get()));
      auto expected = background;
      for (std::uint64_t row = 0; row < c.rows; ++row) {
        expected = with_copy(std::move(expected), c.dst_offset + row * c.dst_pitch, source,
                             c.src_offset + row * c.src_pitch, c.row_bytes);
      }
      ASSERT_EQ(expected, contents(bench(), stream.get(), dst.get(), kBytes));
    }
  }
}

// Two buffers of the host's pool may lie in one block of ours.
TEST_P(OpenclMemory, CopiesRowsWithinOneMemory) {
  constexpr std::uint64_t kHalf = 16384;
  const auto stream = bench().stream();
  const auto before = pattern_bytes(2 * kHalf, 14);
  for (const std::uint32_t kind : {SAMPAN_MEMORY_DEVICE, SAMPAN_MEMORY_HOST}) {
    const auto memory = bench().memory(2 * kHalf, kind);
    for (const auto& c : kRows) {
      for (const bool upwards : {true, false}) {
        const std::uint64_t dst = c.dst_offset + (upwards ? kHalf : 0);
        const std::uint64_t src = c.src_offset + (upwards ? 0 : kHalf);
        SCOPED_TRACE(std::to_string(c.rows) + " rows of " + std::to_string(c.row_bytes));
        bench().upload(stream.get(), {memory.get(), 0}, before.data(), before.size());
        const sampan_copy_2d_t copy{sizeof copy,         0,           {memory.get(), dst},
                                    {memory.get(), src}, c.dst_pitch, c.src_pitch,
                                    c.row_bytes,         c.rows};
        Error error;
        ASSERT_CODE(SAMPAN_OK, error, tables().stream->copy_2d(stream.get(), &copy, error.get()));
        auto expected = before;
        for (std::uint64_t row = 0; row < c.rows; ++row) {
          expected = with_copy(std::move(expected), dst + row * c.dst_pitch, before,
                               src + row * c.src_pitch, c.row_bytes);
        }
        ASSERT_EQ(expected, contents(bench(), stream.get(), memory.get(), 2 * kHalf));
      }
    }
  }
}

TEST_P(OpenclMemory, InterleavesRowsOfOneMemory) {
  const auto memory = bench().memory(4096);
  const auto stream = bench().stream();
  const auto before = pattern_bytes(4096, 15);
  bench().upload(stream.get(), {memory.get(), 0}, before.data(), before.size());
  // 4 bytes from every 32 to every 64, past each other.
  const sampan_copy_2d_t copy{sizeof copy, 0, {memory.get(), 16}, {memory.get(), 0}, 64, 32, 4, 30};
  Error error;
  ASSERT_CODE(SAMPAN_OK, error, tables().stream->copy_2d(stream.get(), &copy, error.get()));
  auto expected = before;
  for (std::uint64_t row = 0; row < 30; ++row) {
    expected = with_copy(std::move(expected), 16 + row * 64, before, row * 32, 4);
  }
  EXPECT_EQ(expected, contents(bench(), stream.get(), memory.get(), 4096));
}

TEST_P(OpenclMemory, CopiesColumnsWithinOneMemory) {
  const auto memory = bench().memory(64 * 64);
  const auto stream = bench().stream();
  const auto before = pattern_bytes(64 * 64, 13);
  bench().upload(stream.get(), {memory.get(), 0}, before.data(), before.size());
  const sampan_copy_2d_t copy{sizeof copy, 0, {memory.get(), 32}, {memory.get(), 0}, 64, 64,
                              16,          64};
  Error error;
  ASSERT_CODE(SAMPAN_OK, error, tables().stream->copy_2d(stream.get(), &copy, error.get()));
  auto expected = before;
  for (std::uint64_t row = 0; row < 64; ++row) {
    expected = with_copy(std::move(expected), row * 64 + 32, before, row * 64, 16);
  }
  EXPECT_EQ(expected, contents(bench(), stream.get(), memory.get(), 64 * 64));
}

TEST_P(OpenclMemory, ImpossibleSizesAreOutOfMemoryAndTheNextAllocationWorks) {
  Error error;
  sampan_memory_t* made = nullptr;
  for (const std::uint32_t kind : {SAMPAN_MEMORY_DEVICE, SAMPAN_MEMORY_HOST}) {
    const sampan_code_t code = tables().memory->allocate(
        bench().device(), kind, std::uint64_t{1} << 50, &made, error.get());
    EXPECT_EQ(SAMPAN_OUT_OF_DEVICE_MEMORY, code) << error.message();
    EXPECT_EQ(SAMPAN_ERROR_RETRYABLE, error->flags);
    EXPECT_EQ(nullptr, made);
    EXPECT_NE(nullptr, bench().memory(4096, kind));
  }
}

TEST_P(OpenclMemory, FreeMemoryCountsAllocations) {
  Error error;
  std::uint64_t free_before = 0, free_with = 0, free_after = 0, total = 0;
  const auto read = [&](std::uint64_t* out) {
    ASSERT_CODE(SAMPAN_OK, error,
                tables().device->memory_info(bench().device(), out, &total, error.get()));
  };
  read(&free_before);
  EXPECT_LE(free_before, total);
  EXPECT_EQ(bench().info().memory_bytes, total);
  {
    // Most of what is left, so that the figure must fall whatever the system calls available.
    const auto memory = bench().memory(bench().info().max_allocation_bytes);
    read(&free_with);
    EXPECT_LE(free_with, total - bench().info().max_allocation_bytes);
  }
  read(&free_after);
  EXPECT_GT(free_after, free_with);
}

}  // namespace
}  // namespace sampan::test
