// Copies and order between the device under test and every device of the machine, itself included.
#include <algorithm>

#include "conformance.h"

namespace sampan::conformance {
namespace {

// Beyond 8 MiB the copy goes in chunks that overlap.
constexpr std::uint64_t kSizes[] = {0, 1, 333, 4097, 1 << 20, (4 << 20) + 1, (20 << 20) + 3};

using Pair = void (*)(const Device& other, std::uint64_t size_bytes);

// The stream of the destination pulls.
void pull(const Device& other, std::uint64_t size) {
  Stream theirs = other.create_stream(), mine = device().create_stream();
  const auto bytes = test_bytes(size + 5);
  const Buffer source = upload(theirs, bytes);
  const Buffer target = device().allocate(size + 64);
  mine.fill(target.view(DType::u8), std::uint8_t{0xc5});
  mine.copy(target.view(DType::u8, {size}, 7), source.view(DType::u8, {size}, 5));
  std::vector<std::byte> expected(size + 64, std::byte{0xc5});
  std::copy(bytes.begin() + 5, bytes.end(), expected.begin() + 7);
  EXPECT_TRUE(same_values(download<std::byte>(mine, target), expected));
}

// The stream of the source pushes.
void push(const Device& other, std::uint64_t size) {
  Stream theirs = other.create_stream(), mine = device().create_stream();
  const auto bytes = test_bytes(size + 3);
  const Buffer source = upload(mine, bytes);
  const Buffer target = upload(theirs, std::vector<std::byte>(size + 64, std::byte{0xc5}));
  mine.copy(target.view(DType::u8, {size}, 9), source.view(DType::u8, {size}, 3));
  mine.synchronize();
  std::vector<std::byte> expected(size + 64, std::byte{0xc5});
  std::copy(bytes.begin() + 3, bytes.end(), expected.begin() + 9);
  EXPECT_TRUE(same_values(download<std::byte>(theirs, target), expected));
}

// Pinned memory of the other side.
void pull_pinned(const Device& other, std::uint64_t size) {
  Stream theirs = other.create_stream(), mine = device().create_stream();
  const auto bytes = test_bytes(size);
  const Buffer source = upload(theirs, bytes, MemoryKind::host);
  const Buffer target = device().allocate(size);
  mine.copy(target.view(DType::u8), source.view(DType::u8));
  EXPECT_TRUE(same_values(download<std::byte>(mine, target), bytes));
}

// There and back, ordered by events only.
void round_trip(const Device& other, std::uint64_t size) {
  Stream theirs = other.create_stream(), mine = device().create_stream();
  const auto bytes = test_bytes(size);
  const Buffer here = device().allocate(size), there = other.allocate(size),
               back = device().allocate(size);
  Event arrived = device().create_event();
  Event passed = other.create_event();
  mine.copy_from_host(here.view(DType::u8), std::span(bytes));
  mine.copy(there.view(DType::u8), here.view(DType::u8));
  mine.record(arrived);
  theirs.wait(arrived);
  theirs.copy(back.view(DType::u8), there.view(DType::u8));
  theirs.record(passed);
  mine.wait(passed);
  EXPECT_TRUE(same_values(download<std::byte>(mine, back), bytes));
}

struct Row {
  const char* name;
  Pair copy;
};
constexpr Row kRows[] = {
    {"Pull", pull}, {"Push", push}, {"PullPinned", pull_pinned}, {"RoundTrip", round_trip}};

// Memory dropped behind a copy that still waits is not handed out on its own device.
void source_dropped_early() {
  for (const Device& other : devices()) {
    SCOPED_TRACE(other.id());
    const PoolGuard guard(other);
    Stream theirs = other.create_stream(), mine = device().create_stream();
    const std::uint64_t size = 40 << 20;
    const Buffer target = device().allocate(size);
    // No room for a second buffer, but for the pinned memory of chunks.
    other.set_memory_budget(other.pool_stats().reserved_bytes + size + size / 2);
    Gate gate(mine);
    {
      const Buffer source = upload(theirs, std::vector<std::uint32_t>(size / 4, 5));
      mine.copy(target.view(DType::u32), source.view(DType::u32));
    }
    const Buffer next = theirs.allocate(size);
    theirs.fill(next.view(DType::u32), 6u);
    theirs.flush();
    gate.open();
    const auto values = download<std::uint32_t>(mine, target);
    EXPECT_TRUE(std::ranges::all_of(values, [](std::uint32_t v) { return v == 5; }));
    theirs.synchronize();
  }
}

void refuses_strided_views() {
  for (const Device& other : other_devices()) {
    SCOPED_TRACE(other.id());
    Stream mine = device().create_stream();
    const Buffer here = device().allocate(4096), there = other.allocate(4096);
    expect_error(ErrorCode::invalid_argument, [&] {
      mine.copy(here.view(DType::u8, {8, 4}), there.view(DType::u8, {8, 8}).slice(1, 0, 4));
    });
  }
}

void refuses_a_third_stream() {
  const std::vector<Device> others = other_devices();
  for (const Device& a : others) {
    for (const Device& b : others) {
      if (a == b) continue;
      Stream mine = device().create_stream();
      const Buffer from = a.allocate(64), to = b.allocate(64);
      expect_error(ErrorCode::invalid_argument,
                   [&] { mine.copy(to.view(DType::u8), from.view(DType::u8)); });
    }
  }
}

// One stream feeds another device while that computes: 20 steps without the host in between.
void pipeline() {
  for (const Device& other : devices()) {
    SCOPED_TRACE(other.id());
    const std::uint32_t n = 10'000;
    Stream mine = device().create_stream(), theirs = other.create_stream();
    const Kernel here = helper_kernel("advance"), there = helper_kernel(other, "advance");
    const Buffer a = device().allocate(n * 4), b = other.allocate(n * 4);
    mine.fill(a.view(DType::u32), 1u);
    std::uint32_t expected = 1;
    for (std::uint32_t i = 0; i < 20; ++i) {
      mine.launch(here, items64(n), n, 3u, i, a);
      mine.copy(b.view(DType::u32), a.view(DType::u32));
      Event sent = device().create_event(), returned = other.create_event();
      mine.record(sent);
      theirs.wait(sent);
      theirs.launch(there, items64(n), n, 5u, i, b);
      theirs.copy(a.view(DType::u32), b.view(DType::u32));
      theirs.record(returned);
      mine.wait(returned);
      expected = (expected * 3 + i) * 5 + i;
    }
    EXPECT_TRUE(same_values(download<std::uint32_t>(mine, a),
                            std::vector<std::uint32_t>(n, expected)));
  }
}

}  // namespace

void add_cross_device_cases(CaseList& cases) {
  for (const Row& row : kRows) {
    for (const std::uint64_t size : kSizes) {
      cases.add("CrossDevice", std::string(row.name) + "/" + std::to_string(size), [&row, size] {
        for (const Device& other : devices()) {
          SCOPED_TRACE(other.id());
          row.copy(other, size);
        }
      });
    }
  }
  cases.add("CrossDevice", "SourceDroppedEarly", source_dropped_early);
  cases.add("CrossDevice", "RefusesStridedViews", refuses_strided_views);
  cases.add("CrossDevice", "RefusesAThirdStream", refuses_a_third_stream);
  cases.add("CrossDevice", "Pipeline", pipeline);
}

}  // namespace sampan::conformance
