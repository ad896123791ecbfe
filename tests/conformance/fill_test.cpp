// Fills by patterns of every size.
#include <algorithm>
#include <cstring>

#include "conformance.h"

namespace sampan::conformance {
namespace {

constexpr std::uint64_t kCounts[] = {0, 1, 2, 333, 4096, 4097};
constexpr std::byte kCanary{0xc5};

// `count` patterns behind `skipped` ones, with canaries around.
void check(std::size_t pattern_bytes, std::uint64_t count, std::uint64_t skipped,
           MemoryKind kind) {
  Stream stream = device().create_stream();
  const auto pattern = test_bytes(pattern_bytes, 5);
  const std::uint64_t first = 64 + skipped * pattern_bytes, size = count * pattern_bytes;
  std::vector<std::byte> expected(first + size + 64, kCanary);
  const Buffer buffer = upload(stream, expected, kind);
  stream.fill(buffer.view(DType::u8, {size}, first), pattern);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::copy(pattern.begin(), pattern.end(),
              expected.begin() + static_cast<std::ptrdiff_t>(first + i * pattern_bytes));
  }
  EXPECT_TRUE(same_values(download<std::byte>(stream, buffer), expected));
}

template <class T>
void check_typed(T value) {
  Stream stream = device().create_stream();
  const Buffer buffer = stream.allocate(1021 * sizeof(T));
  stream.fill(buffer.view(DType::u8), value);
  EXPECT_EQ(download<T>(stream, buffer), std::vector<T>(1021, value));
}

struct Refusal {
  const char* name;
  std::size_t pattern_bytes;
  std::uint64_t size_bytes, offset_bytes;
};
constexpr Refusal kRefusals[] = {
    {"PatternOfNothing", 0, 64, 0},     {"PatternOf3", 3, 63, 0},
    {"PatternOf5", 5, 60, 0},           {"PatternOf12", 12, 48, 0},
    {"PatternOf17", 17, 34, 0},         {"PatternOf32", 32, 64, 0},
    {"SizeNoMultipleOf2", 2, 63, 0},    {"SizeNoMultipleOf4", 4, 62, 0},
    {"SizeNoMultipleOf8", 8, 60, 0},    {"SizeNoMultipleOf16", 16, 56, 0},
    {"SizeBelowThePattern", 16, 8, 0},  {"OffsetNoMultipleOf2", 2, 64, 1},
    {"OffsetNoMultipleOf4", 4, 64, 2},  {"OffsetNoMultipleOf8", 8, 64, 4},
    {"OffsetNoMultipleOf16", 16, 64, 8}};

}  // namespace

void add_fill_cases(CaseList& cases) {
  for (const std::size_t pattern : {1u, 2u, 4u, 8u, 16u}) {
    for (const std::uint64_t count : kCounts) {
      for (const std::uint64_t skipped : {0u, 1u}) {
        cases.add("Fill",
                  "Pattern" + std::to_string(pattern) + "/" + std::to_string(count) + "+" +
                      std::to_string(skipped),
                  [=] { check(pattern, count, skipped, MemoryKind::device); });
      }
    }
    cases.add("Fill", "Pattern" + std::to_string(pattern) + "/Pinned",
              [=] { check(pattern, 1021, 1, MemoryKind::host); });
    cases.add("Fill", "Pattern" + std::to_string(pattern) + "/Large",
              [=] { check(pattern, (8 << 20) / pattern + 1, 1, MemoryKind::device); });
  }
  cases.add("Fill", "Typed/i8", [] { check_typed(std::int8_t{-7}); });
  cases.add("Fill", "Typed/u16", [] { check_typed(std::uint16_t{0xbeef}); });
  cases.add("Fill", "Typed/i32", [] { check_typed(std::int32_t{-123456789}); });
  cases.add("Fill", "Typed/f32", [] { check_typed(3.25f); });
  cases.add("Fill", "Typed/f64", [] { check_typed(-1e300); });
  cases.add("Fill", "Typed/u64", [] { check_typed(std::uint64_t{0x0123456789abcdef}); });
  for (const Refusal& row : kRefusals) {
    cases.add("FillRefuses", row.name, [&row] {
      Stream stream = device().create_stream();
      const auto bytes = test_bytes(128);
      const Buffer buffer = upload(stream, bytes);
      const auto pattern = test_bytes(row.pattern_bytes, 2);
      expect_error(ErrorCode::invalid_argument, [&] {
        stream.fill(buffer.view(DType::u8, {row.size_bytes}, row.offset_bytes), pattern);
      });
      EXPECT_TRUE(same_values(download<std::byte>(stream, buffer), bytes));
    });
  }
  cases.add("FillRefuses", "Holes", [] {
    Stream stream = device().create_stream();
    const Buffer buffer = device().allocate(128);
    expect_error(ErrorCode::invalid_argument, [&] {
      stream.fill(buffer.view(DType::f32, {4, 8}).slice(1, 0, 4), 1.0f);
    }, {"dense"});
  });
  cases.add("FillRefuses", "EmptyView", [] {
    Stream stream = device().create_stream();
    expect_error(ErrorCode::invalid_argument, [&] { stream.fill(View(), 1.0f); });
  });
}

}  // namespace sampan::conformance
