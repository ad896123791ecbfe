// Arithmetic of views, on buffers of any size: none of them has memory.
#include "sampan/view.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/buffer.h"
#include "sampan/error.h"

namespace sampan {
namespace {

using Extents = std::vector<std::uint64_t>;
constexpr std::uint64_t kMax = UINT64_MAX;

Buffer buffer_of(std::uint64_t size_bytes) {
  return Buffer(std::make_unique<core::BufferImpl>(nullptr, MemoryKind::device, nullptr,
                                                   core::PoolGrant{}, size_bytes));
}

void expect_invalid(const std::function<void()>& call, const std::string& word) {
  try {
    call();
    ADD_FAILURE() << "nothing was thrown; expected '" << word << "'";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
  }
}

// ---- Windows inside and outside of their buffer
// --------------------------------------------------

struct WindowRow {
  const char* label;
  std::uint64_t buffer_bytes;
  DType dtype;
  Extents shape, strides;
  std::uint64_t offset_bytes;
  bool fits;
  std::uint64_t span_bytes = 0;
  const char* refusal = "leaves its buffer";
};

constexpr DType F32 = DType::f32, U8 = DType::u8, I4 = DType::i4, F64 = DType::f64;

const WindowRow kWindows[] = {
    {"whole", 64, F32, {16}, {1}, 0, true, 64},
    {"one_elem_too_many", 64, F32, {17}, {1}, 0, false},
    {"offset_too_far", 64, F32, {16}, {1}, 1, false},
    {"at_the_end", 64, F32, {1}, {1}, 60, true, 4},
    {"empty_at_the_end", 64, F32, {0}, {1}, 64, true, 0},
    {"empty_behind_the_end", 64, F32, {0}, {1}, 65, false},
    {"empty_buffer", 0, F32, {0}, {1}, 0, true, 0},
    {"scalar", 4, F32, {}, {}, 0, true, 4},
    {"scalar_in_an_empty_buffer", 0, F32, {}, {}, 0, false},
    {"broadcast", 4, F32, {1u << 30}, {0}, 0, true, 4},
    {"holes", 64, F32, {4, 2}, {4, 1}, 0, true, 56},
    {"holes_too_wide", 64, F32, {4, 2}, {5, 1}, 0, false},
    {"half_a_byte_more", 2, I4, {3}, {1}, 0, true, 2},
    {"half_a_byte_too_many", 1, I4, {3}, {1}, 0, false},
    // Products and sums that wrap to something small.
    {"shape_wraps",
     64,
     U8,
     {1ull << 32, 1ull << 32},
     {1ull << 32, 1},
     0,
     false,
     0,
     "count overflows"},
    {"count_wraps_to_0", 64, U8, {1ull << 32, 1ull << 32}, {0, 0}, 0, false, 0, "count overflows"},
    {"stride_wraps", 64, U8, {3}, {1ull << 63}, 0, false},
    {"sum_wraps", 64, U8, {2, 2}, {1ull << 63, 1ull << 63}, 0, false},
    {"last_is_the_last", 64, U8, {2}, {kMax}, 0, false},
    {"bits_wrap", 64, F32, {1ull << 59}, {1}, 0, false},
    {"bits_wrap_to_4", 64, F64, {(1ull << 58) + 1}, {1}, 0, false},
    {"offset_wraps", 64, U8, {16}, {1}, kMax - 8, false},
    {"offset_is_the_last", 64, U8, {1}, {1}, kMax, false},
    {"zero_hides_no_offset", 64, U8, {0, kMax}, {kMax, kMax}, 65, false},
    {"zero_hides_extents", 64, U8, {0, kMax}, {kMax, kMax}, 64, true, 0}};

TEST(View, WindowsLieInTheirBufferOrAreRefused) {
  for (const WindowRow& row : kWindows) {
    SCOPED_TRACE(row.label);
    const Buffer buffer = buffer_of(row.buffer_bytes);
    const auto make = [&] {
      return View(buffer, row.dtype, std::span(row.shape), std::span(row.strides),
                  row.offset_bytes);
    };
    if (!row.fits) {
      expect_invalid(make, row.refusal);
      continue;
    }
    const View view = make();
    EXPECT_EQ(view.span_bytes(), row.span_bytes);
    EXPECT_EQ(view.as_bytes().elems(), row.span_bytes);
    EXPECT_EQ(view.as_bytes().offset_bytes(), row.offset_bytes);
  }
}

// ---- Making views
// ---------------------------------------------------------------------------------

TEST(View, BadConstructionsAreRefused) {
  const Buffer buffer = buffer_of(1 << 20);
  const Buffer none;
  const Extents two = {1, 1}, one = {1};
  expect_invalid([&] { View(none, F32, {1}); }, "needs a buffer");
  expect_invalid([&] { View(buffer, static_cast<DType>(99), {1}); }, "unknown element type");
  expect_invalid([&] { View(buffer, F32, {1, 1, 1, 1, 1, 1, 1}); }, "at most 6 dimensions");
  expect_invalid([&] { View(buffer, F32, std::span(two), std::span(one)); }, "different lengths");
  expect_invalid([&] { View(buffer, F32, {1ull << 32, 1ull << 32}); }, "count overflows");
}

TEST(View, SixDimensionsAreRowMajor) {
  const Buffer buffer = buffer_of(4 * 720);
  const View view = buffer.view(F32, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(Extents(view.strides().begin(), view.strides().end()),
            (Extents{720, 360, 120, 30, 6, 1}));
  EXPECT_EQ(view.elems(), 720u);
  EXPECT_TRUE(view.is_dense());
}

TEST(View, WholeBufferDropsAPartialElement) {
  EXPECT_EQ(buffer_of(11).view(F32).elems(), 2u);
  EXPECT_EQ(buffer_of(11).view(I4).elems(), 22u);
  EXPECT_EQ(buffer_of(0).view(F32).elems(), 0u);
}

// ---- Dense or not
// --------------------------------------------------------------------------------

TEST(View, DenseMeansNoHoles) {
  const Buffer buffer = buffer_of(1 << 12);
  const auto dense = [&](const Extents& shape, const Extents& strides) {
    return View(buffer, F32, std::span(shape), std::span(strides)).is_dense();
  };
  EXPECT_TRUE(dense({}, {}));
  EXPECT_TRUE(dense({4, 5}, {5, 1}));
  EXPECT_FALSE(dense({4, 5}, {6, 1}));
  EXPECT_FALSE(dense({4, 5}, {1, 4})) << "column-major";
  EXPECT_FALSE(dense({4, 5}, {0, 1})) << "broadcast";
  EXPECT_TRUE(dense({1, 5}, {77, 1})) << "the stride of one row means nothing";
  EXPECT_TRUE(dense({4, 1}, {1, 77}));
  EXPECT_TRUE(dense({4, 0}, {77, 3})) << "no elements, no holes";
  EXPECT_TRUE(dense({0, 4}, {77, 3}));
}

// ---- Slices
// ----------------------------------------------------------------------------------------

TEST(View, SlicesMoveTheOffset) {
  const Buffer buffer = buffer_of(4 * 20);
  const View view = buffer.view(F32, {4, 5});
  const View rows = view.slice(0, 1, 2);
  EXPECT_EQ(rows.offset_bytes(), 20u);
  EXPECT_EQ(rows.dim(0), 2u);
  EXPECT_TRUE(rows.is_dense());
  const View columns = view.slice(1, 4, 1);
  EXPECT_EQ(columns.offset_bytes(), 16u);
  EXPECT_EQ(columns.span_bytes(), 64u);
  const View nothing = view.slice(0, 4, 0);
  EXPECT_EQ(nothing.elems(), 0u);
  EXPECT_LE(nothing.offset_bytes(), buffer.size_bytes());
}

TEST(View, SlicesOutsideAreRefused) {
  const Buffer buffer = buffer_of(4 * 20);
  const View view = buffer.view(F32, {4, 5});
  expect_invalid([&] { static_cast<void>(view.slice(2, 0, 1)); }, "leaves dimension 2");
  expect_invalid([&] { static_cast<void>(view.slice(0, 5, 0)); }, "leaves dimension 0");
  expect_invalid([&] { static_cast<void>(view.slice(0, 1, 4)); }, "leaves dimension 0");
  expect_invalid([&] { static_cast<void>(view.slice(0, 1, kMax)); }, "leaves dimension 0");
  expect_invalid([&] { static_cast<void>(view.slice(1, kMax, 1)); }, "leaves dimension 1");
}

TEST(View, SlicesOfHalfBytesStartAtWholeOnes) {
  const Buffer buffer = buffer_of(8);
  const View view = buffer.view(I4, {16});
  EXPECT_EQ(view.slice(0, 6, 3).offset_bytes(), 3u);
  expect_invalid([&] { static_cast<void>(view.slice(0, 5, 2)); }, "even element");
}

// A shape with a zero may hold any other extent: a slice of it must not compute with it.
TEST(View, SlicesOfNothingStayInTheBuffer) {
  const Buffer buffer = buffer_of(64);
  const Extents shape = {0, kMax}, strides = {1, kMax};
  const View view(buffer, U8, std::span(shape), std::span(strides));
  const View slice = view.slice(1, kMax - 1, 1);
  EXPECT_EQ(slice.elems(), 0u);
  EXPECT_EQ(slice.span_bytes(), 0u);
  EXPECT_LE(slice.offset_bytes(), buffer.size_bytes());
}

// ---- Other shapes
// -----------------------------------------------------------------------------------

TEST(View, ReshapeKeepsTheElements) {
  const Buffer buffer = buffer_of(4 * 24 + 8);
  const View view = buffer.view(F32, {4, 6}, 8);
  const View other = view.reshape({2, 3, 4});
  EXPECT_EQ(other.offset_bytes(), 8u);
  EXPECT_EQ(Extents(other.strides().begin(), other.strides().end()), (Extents{12, 4, 1}));
  EXPECT_EQ(other.span_bytes(), view.span_bytes());
  EXPECT_EQ(buffer.view(F32, {0, 3}).reshape({7, 0}).elems(), 0u);
}

TEST(View, BadReshapesAreRefused) {
  const Buffer buffer = buffer_of(4 * 24);
  const View view = buffer.view(F32, {4, 6});
  expect_invalid([&] { static_cast<void>(view.reshape({5, 5})); }, "the same 24 elements");
  expect_invalid([&] { static_cast<void>(view.slice(1, 0, 3).reshape({12})); }, "dense");
  expect_invalid([&] { static_cast<void>(view.reshape({24, 1, 1, 1, 1, 1, 1})); }, "at most 6");
  expect_invalid([&] { static_cast<void>(view.reshape({1ull << 32, 1ull << 32})); }, "overflows");
}

}  // namespace
}  // namespace sampan
