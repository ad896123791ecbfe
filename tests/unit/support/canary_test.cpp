#include "support/canary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

namespace sampan::test {
namespace {

using reference::Dtype;

struct LayoutCase {
  const char* name;
  Layout layout;
  std::size_t count;
};

const LayoutCase kLayouts[] = {
    {"compact", {Dtype::kF32, {2, 3}, {}, 0}, 6},
    {"padded rows", {Dtype::kF32, {2, 3}, {5, 1}, 0}, 6},
    {"offset", {Dtype::kF16, {2, 3}, {5, 1}, 3}, 6},
    {"transposed", {Dtype::kBf16, {3, 4}, {1, 7}, 1}, 12},
    {"every second", {Dtype::kI8, {5}, {2}, 0}, 5},
    {"batched", {Dtype::kI32, {2, 2, 2}, {11, 4, 1}, 0}, 8},
    {"scalar", {Dtype::kF32, {}, {}, 2}, 1},
    {"empty", {Dtype::kF32, {3, 0}, {}, 0}, 0},
};

std::vector<std::byte> copy_of(std::span<const std::byte> bytes) {
  return {bytes.begin(), bytes.end()};
}

std::vector<double> counting(std::size_t count) {
  std::vector<double> values(count);
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

TEST(GuardedBuffer, ElementsComeBackInOrder) {
  for (const LayoutCase& c : kLayouts) {
    GuardedBuffer buffer(c.layout, Filler::kCanary);
    ASSERT_EQ(buffer.count(), c.count) << c.name;
    buffer.set(counting(c.count));
    EXPECT_EQ(buffer.elements(buffer.image()), counting(c.count)) << c.name;
  }
}

TEST(GuardedBuffer, FirstElementLiesWhereItSays) {
  GuardedBuffer buffer({Dtype::kF32, {2, 2}, {3, 1}, 5}, Filler::kCanary);
  buffer.set(std::vector<double>{10, 20, 30, 40});
  const std::byte* first = buffer.image().data() + buffer.first_element_bytes();
  EXPECT_EQ(buffer.first_element_bytes(), 256u + 20);
  EXPECT_EQ(reference::decode(Dtype::kF32, first + 4 * 4, 1)[0], 40);
}

// The heart of it: every single byte outside the elements is watched, in every layout.
TEST(GuardedBuffer, SeesAnyByteWrittenOutsideTheElementsAndNoneInside) {
  for (const LayoutCase& c : kLayouts) {
    for (const Filler filler : {Filler::kCanary, Filler::kPoison}) {
      GuardedBuffer buffer(c.layout, filler);
      buffer.set(counting(c.count));
      std::size_t inside = 0;
      for (std::size_t i = 0; i < buffer.image().size(); ++i) {
        std::vector<std::byte> memory = copy_of(buffer.image());
        memory[i] ^= std::byte{1};
        if (!buffer.stray_write(memory)) ++inside;
        EXPECT_TRUE(buffer.any_write(memory)) << c.name << ' ' << i;
      }
      EXPECT_EQ(inside, c.count * reference::size_bytes(c.layout.dtype)) << c.name;
      EXPECT_FALSE(buffer.stray_write(buffer.image())) << c.name;
      EXPECT_FALSE(buffer.any_write(buffer.image())) << c.name;
    }
  }
}

TEST(GuardedBuffer, GuardsStandOnBothSides) {
  const GuardedBuffer buffer({Dtype::kF32, {4}, {}, 0}, Filler::kCanary);
  EXPECT_EQ(buffer.image().size(), 2 * GuardedBuffer::kGuardBytes + 16);
  EXPECT_EQ(buffer.first_element_bytes() % GuardedBuffer::kGuardBytes, 0u);
}

TEST(GuardedBuffer, NamesThePlaceOfAStrayWrite) {
  const GuardedBuffer buffer({Dtype::kF32, {4}, {}, 0}, Filler::kCanary);
  std::vector<std::byte> memory = copy_of(buffer.image());
  memory[256 + 16] ^= std::byte{0xff};
  const std::string message = buffer.stray_write(memory).value_or("");
  EXPECT_NE(message.find("byte 16"), std::string::npos) << message;
  memory.pop_back();
  EXPECT_TRUE(buffer.stray_write(memory));
}

TEST(GuardedBuffer, CanariesDifferByPositionSoCopiesAreSeen) {
  const GuardedBuffer buffer({Dtype::kF32, {64}, {}, 0}, Filler::kCanary);
  for (const std::size_t shift : {1, 2, 4, 16, 64}) {
    std::vector<std::byte> memory = copy_of(buffer.image());
    std::copy_n(memory.begin(), 128, memory.begin() + static_cast<std::ptrdiff_t>(shift));
    EXPECT_TRUE(buffer.stray_write(memory)) << shift;
  }
}

TEST(GuardedBuffer, PoisonIsNanOrTheLargestInteger) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBf16, Dtype::kI8, Dtype::kI32}) {
    const GuardedBuffer buffer({dtype, {3}, {2}, 1}, Filler::kPoison);
    const std::size_t all = buffer.image().size() / reference::size_bytes(dtype);
    for (const double value : reference::decode(dtype, buffer.image().data(), all)) {
      if (reference::is_float(dtype)) {
        EXPECT_TRUE(std::isnan(value));
      } else {
        EXPECT_EQ(value, dtype == Dtype::kI8 ? 127.0 : 2147483647.0);
      }
    }
  }
}

TEST(GuardedBuffer, SetRoundsToTheType) {
  GuardedBuffer buffer({Dtype::kF16, {1}, {}, 0}, Filler::kCanary);
  buffer.set(std::vector<double>{2049});
  EXPECT_EQ(buffer.elements(buffer.image())[0], 2048);
}

}  // namespace
}  // namespace sampan::test
