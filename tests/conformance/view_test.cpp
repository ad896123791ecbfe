// Views: bounds, overflow, slices, other shapes. No work runs; the buffer is the device's.
#include <array>
#include <limits>

#include "conformance.h"

namespace sampan::conformance {
namespace {

constexpr DType kTypes[] = {DType::f32, DType::f16, DType::bf16, DType::f64, DType::i8,
                            DType::u8,  DType::i32, DType::u32,  DType::i64, DType::i4};
constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

using Extents = std::vector<std::uint64_t>;

View strided(const Buffer& buffer, DType dtype, const Extents& shape, const Extents& strides,
             std::uint64_t offset_bytes = 0) {
  return View(buffer, dtype, std::span(shape), std::span(strides), offset_bytes);
}

void check_type(DType dtype) {
  const std::uint64_t elems = 1000;
  const Buffer buffer = device().allocate(bytes_for(dtype, elems));
  const View whole = buffer.view(dtype);
  EXPECT_EQ(whole.dtype(), dtype);
  EXPECT_EQ(whole.rank(), 1u);
  EXPECT_EQ(whole.elems(), elems);
  EXPECT_EQ(whole.span_bytes(), buffer.size_bytes());
  EXPECT_EQ(whole.offset_bytes(), 0u);
  EXPECT_TRUE(whole.is_dense());
  EXPECT_EQ(whole.as_bytes().elems(), buffer.size_bytes());
  const View matrix = buffer.view(dtype, {8, 125});
  EXPECT_EQ(matrix.dim(1), 125u);
  EXPECT_EQ(matrix.stride(0), 125u);
  EXPECT_EQ(matrix.stride(1), 1u);
  EXPECT_EQ(matrix.span_bytes(), buffer.size_bytes());
  EXPECT_NE(to_string(dtype), "unknown");
}

void check_one_too_many(DType dtype) {
  const std::uint64_t elems = 1000;
  const Buffer buffer = device().allocate(bytes_for(dtype, elems));
  const std::uint64_t more = elems + (dtype == DType::i4 ? 2 : 1);
  const auto refused = [](const std::function<void()>& make) {
    expect_error(ErrorCode::invalid_argument, make, {"buffer"});
  };
  refused([&] { static_cast<void>(buffer.view(dtype, {more})); });
  refused([&] { static_cast<void>(buffer.view(dtype, {elems}, 1)); });
  refused([&] { static_cast<void>(buffer.view(dtype, {2, elems})); });
  refused([&] { static_cast<void>(strided(buffer, dtype, {2, elems}, {2, 1})); });
}

// Shapes, strides and offsets whose product or sum leaves 64 bits, or the buffer of 4,096 bytes.
struct Lie {
  const char* name;
  DType dtype;
  Extents shape, strides;
  std::uint64_t offset_bytes;
};
const Lie kLies[] = {
    {"Length2^64-1", DType::u8, {kMax}, {1}, 0},
    {"Length2^63OfTwoBytes", DType::f16, {kMax / 2 + 1}, {1}, 0},
    {"Length2^62OfFourBytes", DType::f32, {kMax / 4 + 1}, {1}, 0},
    {"Length2^61OfEightBytes", DType::f64, {kMax / 8 + 1}, {1}, 0},
    {"ProductOfTwo", DType::u8, {std::uint64_t{1} << 32, std::uint64_t{1} << 32}, {1, 1}, 0},
    {"Stride2^63", DType::u8, {3}, {std::uint64_t{1} << 63}, 0},
    {"StridesThatAddUpTo2^64", DType::u8, {2, 2}, {kMax, 1}, 0},
    {"Offset2^64-1", DType::u8, {1}, {1}, kMax},
    {"OffsetAndSizeWrap", DType::f32, {2}, {1}, kMax - 3},
    {"OffsetBehindTheEnd", DType::u8, {1}, {1}, 4096},
    {"EmptyBehindTheEnd", DType::u8, {0}, {1}, 4097},
    {"BroadcastOf2^96", DType::f32,
     {std::uint64_t{1} << 32, std::uint64_t{1} << 32, std::uint64_t{1} << 32}, {0, 0, 0}, 0},
    {"BroadcastOf2^64", DType::f32, {std::uint64_t{1} << 32, std::uint64_t{1} << 32}, {0, 0}, 0},
    {"RankSeven", DType::u8, {1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1}, 0},
    {"FewerStridesThanDimensions", DType::u8, {2, 2}, {1}, 0},
    {"UnknownType", static_cast<DType>(99), {1}, {1}, 0},
};

void add_slices(CaseList& cases) {
  cases.add("View", "SliceNarrows", [] {
    const Buffer buffer = device().allocate(10 * 20 * 4);
    const View rows = buffer.view(DType::f32, {10, 20}).slice(0, 3, 4);
    EXPECT_EQ(rows.dim(0), 4u);
    EXPECT_EQ(rows.offset_bytes(), 3u * 20 * 4);
    EXPECT_TRUE(rows.is_dense());
    const View cols = rows.slice(1, 5, 7);
    EXPECT_EQ(cols.dim(1), 7u);
    EXPECT_EQ(cols.stride(0), 20u);
    EXPECT_EQ(cols.offset_bytes(), (3u * 20 + 5) * 4);
    EXPECT_FALSE(cols.is_dense());
    EXPECT_EQ(cols.span_bytes(), (3u * 20 + 7) * 4);
  });
  cases.add("View", "SliceToTheEndAndEmpty", [] {
    const Buffer buffer = device().allocate(100);
    const View view = buffer.view(DType::u8);
    EXPECT_EQ(view.slice(0, 0, 100).elems(), 100u);
    EXPECT_EQ(view.slice(0, 99, 1).offset_bytes(), 99u);
    EXPECT_EQ(view.slice(0, 100, 0).elems(), 0u);
    EXPECT_EQ(view.slice(0, 50, 0).span_bytes(), 0u);
  });
  cases.add("View", "SliceRefusesTooMuch", [] {
    const Buffer buffer = device().allocate(100);
    const View view = buffer.view(DType::u8);
    for (const auto& [begin, length] : {std::pair<std::uint64_t, std::uint64_t>{0, 101},
                                        {100, 1},
                                        {101, 0},
                                        {kMax, 1},
                                        {1, kMax},
                                        {kMax, kMax}}) {
      expect_error(ErrorCode::invalid_argument,
                   [&, b = begin, l = length] { static_cast<void>(view.slice(0, b, l)); });
    }
    expect_error(ErrorCode::invalid_argument, [&] { static_cast<void>(view.slice(1, 0, 1)); });
  });
  cases.add("View", "SliceOfHalfBytesStartsAtAnEvenOne", [] {
    const Buffer buffer = device().allocate(50);
    const View view = buffer.view(DType::i4);
    EXPECT_EQ(view.elems(), 100u);
    EXPECT_EQ(view.slice(0, 10, 5).offset_bytes(), 5u);
    expect_error(ErrorCode::invalid_argument, [&] { static_cast<void>(view.slice(0, 3, 5)); },
                 {"even"});
  });
}

void add_shapes(CaseList& cases) {
  cases.add("View", "ReshapeKeepsElements", [] {
    const Buffer buffer = device().allocate(24 * 4);
    const View cube = buffer.view(DType::i32).reshape({2, 3, 4});
    EXPECT_EQ(cube.rank(), 3u);
    EXPECT_EQ(cube.stride(0), 12u);
    EXPECT_EQ(cube.stride(1), 4u);
    EXPECT_EQ(cube.reshape({24}).elems(), 24u);
    EXPECT_EQ(cube.reshape({1, 1, 1, 1, 4, 6}).rank(), 6u);
    EXPECT_EQ(buffer.view(DType::i32, {1}).reshape({}).rank(), 0u);
  });
  cases.add("View", "ReshapeRefusesOtherCounts", [] {
    const Buffer buffer = device().allocate(24 * 4);
    const View view = buffer.view(DType::i32);
    expect_error(ErrorCode::invalid_argument, [&] { static_cast<void>(view.reshape({5, 5})); },
                 {"24"});
    expect_error(ErrorCode::invalid_argument, [&] { static_cast<void>(view.reshape({0})); });
    expect_error(ErrorCode::invalid_argument, [&] {
      static_cast<void>(view.reshape({std::uint64_t{1} << 32, std::uint64_t{1} << 32}));
    });
    expect_error(ErrorCode::invalid_argument,
                 [&] { static_cast<void>(view.reshape({1, 1, 1, 1, 1, 1, 24})); });
  });
  cases.add("View", "ReshapeRefusesHoles", [] {
    const Buffer buffer = device().allocate(24 * 4);
    const View holes = buffer.view(DType::i32, {4, 6}).slice(1, 0, 3);
    expect_error(ErrorCode::invalid_argument, [&] { static_cast<void>(holes.reshape({12})); },
                 {"dense"});
  });
  cases.add("View", "DenseIgnoresStridesOfOne", [] {
    const Buffer buffer = device().allocate(4096);
    EXPECT_TRUE(strided(buffer, DType::u8, {1, 8}, {999, 1}).is_dense());
    EXPECT_TRUE(strided(buffer, DType::u8, {8, 1}, {1, 77}).is_dense());
    EXPECT_FALSE(strided(buffer, DType::u8, {8, 2}, {3, 1}).is_dense());
    EXPECT_FALSE(strided(buffer, DType::u8, {2, 8}, {1, 2}).is_dense());
    EXPECT_FALSE(strided(buffer, DType::u8, {4}, {0}).is_dense());
    EXPECT_TRUE(strided(buffer, DType::u8, {4, 0}, {77, 5}).is_dense());
  });
  cases.add("View", "BroadcastSpansOneElement", [] {
    const Buffer buffer = device().allocate(4);
    const View view = strided(buffer, DType::f32, {1000, 1000}, {0, 0});
    EXPECT_EQ(view.elems(), 1'000'000u);
    EXPECT_EQ(view.span_bytes(), 4u);
  });
  cases.add("View", "RankZeroIsOneElement", [] {
    const Buffer buffer = device().allocate(4);
    const View scalar = buffer.view(DType::f32, {});
    EXPECT_EQ(scalar.rank(), 0u);
    EXPECT_EQ(scalar.elems(), 1u);
    EXPECT_EQ(scalar.span_bytes(), 4u);
  });
  cases.add("View", "WholeViewDropsAnIncompleteElement", [] {
    const Buffer buffer = device().allocate(11);
    EXPECT_EQ(buffer.view(DType::f32).elems(), 2u);
    EXPECT_EQ(buffer.view(DType::f64).elems(), 1u);
    EXPECT_EQ(buffer.view(DType::i4).elems(), 22u);
  });
  cases.add("View", "EmptyOneIsFalse", [] {
    const View none;
    EXPECT_FALSE(none);
    EXPECT_EQ(none.span_bytes(), 0u);
    const Buffer buffer = device().allocate(1);
    EXPECT_TRUE(buffer.view(DType::u8));
  });
}

}  // namespace

void add_view_cases(CaseList& cases) {
  for (const DType dtype : kTypes) {
    const std::string name(to_string(dtype));
    cases.add("View", "Fits/" + name, [dtype] { check_type(dtype); });
    cases.add("View", "OneTooMany/" + name, [dtype] { check_one_too_many(dtype); });
  }
  for (const Lie& lie : kLies) {
    cases.add("View", std::string("Refuses/") + lie.name, [&lie] {
      const Buffer buffer = device().allocate(4096);
      expect_error(ErrorCode::invalid_argument, [&] {
        static_cast<void>(strided(buffer, lie.dtype, lie.shape, lie.strides, lie.offset_bytes));
      });
    });
  }
  add_slices(cases);
  add_shapes(cases);
}

}  // namespace sampan::conformance
