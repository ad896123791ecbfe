// Copies of rows between pitched areas, by Stream::copy_2d and by views of rank 2.
#include <algorithm>
#include <limits>

#include "conformance.h"

namespace sampan::conformance {
namespace {

using Area = Stream::Copy2d;
constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

// dst offset and pitch, src offset and pitch, bytes of a row, rows
constexpr Area kAreas[] = {
    {0, 1, 0, 1, 1, 1},           {0, 3, 0, 5, 1, 7},           {5, 7, 3, 7, 7, 3},
    {0, 16, 0, 16, 16, 4},        {1, 17, 2, 19, 16, 33},       {64, 512, 128, 400, 333, 17},
    {0, 8, 0, 4096, 4, 1000},     {0, 4096, 0, 8, 4, 1000},     {4096, 8192, 0, 4096, 4096, 3},
    {0, 4097, 0, 5000, 4095, 40}, {7, 100, 9, 100, 100, 100},   {256, 1024, 512, 1024, 1000, 1},
    {0, 2048, 0, 1536, 1024, 700}};

std::string name_of(const Area& area) {
  return std::to_string(area.row_bytes) + "x" + std::to_string(area.rows) + "From" +
         std::to_string(area.src_offset_bytes) + "By" + std::to_string(area.src_pitch_bytes) +
         "To" + std::to_string(area.dst_offset_bytes) + "By" +
         std::to_string(area.dst_pitch_bytes);
}

std::uint64_t end_of(std::uint64_t offset, std::uint64_t pitch, const Area& area) {
  return offset + pitch * (area.rows - 1) + area.row_bytes;
}

// Runs `copy` on areas of test bytes and compares every byte of both sides.
void check(const Area& area, MemoryKind dst_kind,
           const std::function<void(Stream&, const Buffer& dst, const Buffer& src)>& copy) {
  Stream stream = device().create_stream();
  const auto from =
      test_bytes(end_of(area.src_offset_bytes, area.src_pitch_bytes, area) + 13, 1);
  auto expected = test_bytes(end_of(area.dst_offset_bytes, area.dst_pitch_bytes, area) + 11, 2);
  const Buffer src = upload(stream, from);
  const Buffer dst = upload(stream, expected, dst_kind);
  copy(stream, dst, src);
  for (std::uint64_t row = 0; row < area.rows; ++row) {
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(area.src_offset_bytes +
                                                           row * area.src_pitch_bytes),
                area.row_bytes,
                expected.begin() + static_cast<std::ptrdiff_t>(area.dst_offset_bytes +
                                                               row * area.dst_pitch_bytes));
  }
  EXPECT_TRUE(same_values(download<std::byte>(stream, dst), expected));
  EXPECT_TRUE(same_values(download<std::byte>(stream, src), from));
}

View rows_of(const Buffer& buffer, std::uint64_t offset, std::uint64_t pitch, const Area& area) {
  const std::uint64_t shape[] = {area.rows, area.row_bytes}, strides[] = {pitch, 1};
  return View(buffer, DType::u8, shape, strides, offset);
}

// Between buffers of 4,096 bytes.
struct Refusal {
  const char* name;
  Area area;
};
constexpr Refusal kRefusals[] = {
    {"DestinationPitchBelowTheRow", {0, 7, 0, 8, 8, 2}},
    {"SourcePitchBelowTheRow", {0, 8, 0, 7, 8, 2}},
    {"PitchZero", {0, 0, 0, 8, 8, 2}},
    {"LeavesTheDestination", {0, 2048, 0, 1024, 1024, 3}},
    {"LeavesTheSource", {0, 1024, 0, 2048, 1024, 3}},
    {"LeavesByOneByte", {1, 1024, 0, 1024, 1024, 4}},
    {"DestinationOffsetBehindTheEnd", {4097, 8, 0, 8, 8, 1}},
    {"DestinationOffset2^64-1", {kMax, 8, 0, 8, 8, 1}},
    {"SourceOffset2^64-1", {0, 8, kMax, 8, 8, 1}},
    {"RowBytes2^64-1", {0, kMax, 0, kMax, kMax, 1}},
    {"Rows2^64-1", {0, 8, 0, 8, 8, kMax}},
    {"PitchTimesRowsWraps", {0, std::uint64_t{1} << 63, 0, 8, 8, 3}},
    {"SourcePitchTimesRowsWraps", {0, 8, 0, std::uint64_t{1} << 63, 8, 3}},
};

}  // namespace

void add_copy_2d_cases(CaseList& cases) {
  for (const Area& area : kAreas) {
    cases.add("Copy2d", "Buffers/" + name_of(area), [&area] {
      check(area, MemoryKind::device, [&](Stream& stream, const Buffer& dst, const Buffer& src) {
        stream.copy_2d(dst, src, area);
      });
    });
    cases.add("Copy2d", "Views/" + name_of(area), [&area] {
      check(area, MemoryKind::device, [&](Stream& stream, const Buffer& dst, const Buffer& src) {
        stream.copy(rows_of(dst, area.dst_offset_bytes, area.dst_pitch_bytes, area),
                    rows_of(src, area.src_offset_bytes, area.src_pitch_bytes, area));
      });
    });
    cases.add("Copy2d", "ToPinned/" + name_of(area), [&area] {
      check(area, MemoryKind::host, [&](Stream& stream, const Buffer& dst, const Buffer& src) {
        stream.copy_2d(dst, src, area);
      });
    });
  }
  for (const Area& nothing : {Area{0, 8, 0, 8, 0, 5}, Area{0, 8, 0, 8, 5, 0}, Area{}}) {
    cases.add("Copy2d", "Nothing/" + name_of(nothing), [nothing] {
      Stream stream = device().create_stream();
      const auto bytes = test_bytes(64);
      const Buffer a = upload(stream, bytes), b = upload(stream, test_bytes(64, 2));
      stream.copy_2d(a, b, nothing);
      EXPECT_TRUE(same_values(download<std::byte>(stream, a), bytes));
    });
  }
  for (const Refusal& row : kRefusals) {
    cases.add("Copy2d", std::string("Refuses/") + row.name, [&row] {
      Stream stream = device().create_stream();
      const auto bytes = test_bytes(4096);
      const Buffer a = upload(stream, bytes), b = upload(stream, test_bytes(4096, 2));
      expect_error(ErrorCode::invalid_argument, [&] { stream.copy_2d(a, b, row.area); });
      EXPECT_TRUE(same_values(download<std::byte>(stream, a), bytes));
    });
  }
  cases.add("Copy2d", "Refuses/OverlapInOneBuffer", [] {
    Stream stream = device().create_stream();
    const Buffer a = device().allocate(4096);
    expect_error(ErrorCode::invalid_argument,
                 [&] { stream.copy_2d(a, a, {0, 16, 8, 16, 8, 100}); }, {"overlap"});
  });
  cases.add("Copy2d", "WithinOneBuffer", [] {
    Stream stream = device().create_stream();
    const auto bytes = test_bytes(4096);
    const Buffer a = upload(stream, bytes);
    stream.copy_2d(a, a, {2048, 16, 0, 16, 8, 100});
    auto expected = bytes;
    for (int row = 0; row < 100; ++row) {
      std::copy_n(bytes.begin() + row * 16, 8, expected.begin() + 2048 + row * 16);
    }
    EXPECT_TRUE(same_values(download<std::byte>(stream, a), expected));
  });
}

}  // namespace sampan::conformance
