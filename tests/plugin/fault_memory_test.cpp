// Running out of memory: the error, the retry, and life afterwards.
#include <random>

#include "fault_case.h"

namespace sampan_test {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

void expect_words(const std::string& text, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    EXPECT_NE(text.find(word), std::string::npos) << "'" << word << "' is not in '" << text << "'";
  }
}

TEST_F(fault, out_of_memory_says_what_there_is) {
  script("memory_bytes=" + std::to_string(20 * kMiB));
  const Buffer held = device(0).allocate(12 * kMiB);
  const ErrorInfo info = expect_error(ErrorCode::out_of_device_memory,
                                      [] { static_cast<void>(device(0).allocate(9 * kMiB)); });
  EXPECT_TRUE(info.retryable);
  EXPECT_FALSE(info.sticky);
  expect_words(info.message,
               {"mock:0", std::to_string(9 * kMiB) + " bytes",
                std::to_string(8 * kMiB) + " are free", "limit is " + std::to_string(20 * kMiB)});
  const Buffer next = device(0).allocate(kMiB);
  EXPECT_EQ(next.size_bytes(), kMiB);
}

TEST_F(fault, out_of_memory_of_a_budget_says_so) {
  const Device mocked = device(0);
  mocked.set_memory_budget(10 * kMiB);
  const Buffer held = mocked.allocate(4 * kMiB);
  const ErrorInfo info = expect_error(ErrorCode::out_of_device_memory,
                                      [&] { static_cast<void>(mocked.allocate(9 * kMiB)); });
  expect_words(info.message, {std::to_string(9 * kMiB) + " bytes",
                              "limit is " + std::to_string(10 * kMiB) + " (budget)"});
  EXPECT_LE(mocked.pool_stats().reserved_bytes, 10 * kMiB);
  mocked.set_memory_budget(0);
  EXPECT_EQ(mocked.allocate(9 * kMiB).size_bytes(), 9 * kMiB);
}

// What the pool holds and nobody uses makes room: the pool is trimmed and the allocation retried.
TEST_F(fault, trimming_makes_room) {
  script("memory_bytes=" + std::to_string(20 * kMiB));
  for (const bool by_stream : {false, true}) {
    SCOPED_TRACE(by_stream);
    Stream stream = device(0).create_stream();
    const auto allocate = [&](std::uint64_t size) {
      return by_stream ? stream.allocate(size) : device(0).allocate(size);
    };
    { const Buffer first = allocate(18 * kMiB); }
    { const Buffer second = allocate(10 * kMiB), third = allocate(8 * kMiB); }
    EXPECT_EQ(allocate(19 * kMiB).size_bytes(), 19 * kMiB);
  }
}

// Work may still use what would make room: it is waited for.
TEST_F(fault, trimming_waits_for_work) {
  script("memory_bytes=" + std::to_string(20 * kMiB) + " delay_us=20000");
  Stream stream = device(0).create_stream();
  {
    const Buffer first = stream.allocate(18 * kMiB);
    stream.fill(first.view(DType::u8), std::uint8_t{1});
  }
  const Buffer other_stream = device(0).create_stream().allocate(19 * kMiB);
  EXPECT_EQ(other_stream.size_bytes(), 19 * kMiB);
}

// A device with any amount of memory: each program ends, or runs out with a sentence and goes on.
TEST_F(fault, out_of_memory_at_every_size) {
  for (std::uint64_t bytes = 4096; bytes <= 64 * kMiB; bytes = bytes * 3 / 2) {
    SCOPED_TRACE(bytes);
    script("memory_bytes=" + std::to_string(bytes));
    std::mt19937 random(static_cast<unsigned>(bytes));
    Stream a = device(0).create_stream(), b = device(0).create_stream();
    std::vector<Buffer> held;
    int refused = 0;
    for (int i = 0; i < 60; ++i) {
      Stream& stream = random() % 2 == 0 ? a : b;
      const std::uint64_t size = 1 + random() % (bytes / 2);
      const auto info = error_of([&] {
        Buffer buffer = stream.allocate(size);
        stream.fill(buffer.view(DType::u8), static_cast<std::uint8_t>(i));
        held.push_back(std::move(buffer));
      });
      if (info) {
        ++refused;
        ASSERT_EQ(info->code, ErrorCode::out_of_device_memory) << info->message;
        expect_words(info->message, {std::to_string(size) + " bytes", " are free", "limit is"});
      }
      if (!held.empty() && random() % 3 == 0) {
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(random() % held.size()));
      }
    }
    EXPECT_GT(refused, 0);
    held.clear();
    EXPECT_EQ(device(0).pool_stats().in_use_bytes, 0u);
    // Everything was given back: half of the device fits at once.
    EXPECT_EQ(a.allocate(bytes / 2 / 256 * 256).size_bytes(), bytes / 2 / 256 * 256);
  }
}

TEST_F(fault, larger_than_the_device_is_refused_at_once) {
  const std::uint64_t most = device(2).info().max_allocation_bytes;
  for (const std::uint64_t size : {most + 1, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX}) {
    const std::uint64_t before = mock().calls();
    const ErrorInfo info = expect_error(ErrorCode::out_of_device_memory,
                                        [&] { static_cast<void>(device(2).allocate(size)); });
    expect_words(info.message, {std::to_string(size), std::to_string(most)});
    EXPECT_EQ(mock().calls(), before) << "the driver was asked";
  }
}

}  // namespace
}  // namespace sampan_test
