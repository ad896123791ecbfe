// Launches that can't be: refused with a sentence, nothing runs, the stream goes on.
#include <algorithm>
#include <limits>

#include "conformance.h"

namespace sampan::conformance {
namespace {

constexpr std::uint32_t kMax = std::numeric_limits<std::uint32_t>::max();

LaunchConfig group_of(Dim3 group) {
  LaunchConfig config;
  config.group = group;
  return config;
}

LaunchConfig with_local(std::uint64_t bytes) {
  LaunchConfig config = items64(64);
  config.local_bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, kMax));
  return config;
}

struct Refusal {
  const char* name;
  // `data` holds 64 numbers for advance(u32 n, u32 factor, u32 term, data), groups of 64 items.
  void (*launch)(Stream& stream, const Kernel& step, const Buffer& data);
  std::initializer_list<std::string_view> words;
};

const Refusal kRefusals[] = {
    {"NoKernel",
     [](Stream& s, const Kernel&, const Buffer& d) { s.launch(Kernel(), items64(64), 64u, 1u, 1u, d); },
     {"kernel"}},
    {"GroupTooSmall",
     [](Stream& s, const Kernel& k, const Buffer& d) {
       s.launch(k, group_of({32, 1, 1}), 64u, 1u, 1u, d);
     },
     {"advance", "64", "32"}},
    {"GroupTooLarge",
     [](Stream& s, const Kernel& k, const Buffer& d) {
       s.launch(k, group_of({128, 1, 1}), 64u, 1u, 1u, d);
     },
     {"advance", "64", "128"}},
    {"GroupOfAnotherShape",
     [](Stream& s, const Kernel& k, const Buffer& d) {
       s.launch(k, group_of({8, 8, 1}), 64u, 1u, 1u, d);
     },
     {"advance", "64", "8"}},
    {"GroupOfNoItems",
     [](Stream& s, const Kernel& k, const Buffer& d) {
       s.launch(k, group_of({0, 1, 1}), 64u, 1u, 1u, d);
     },
     {"advance"}},
    {"GroupOf2^96Items",
     [](Stream& s, const Kernel& k, const Buffer& d) {
       s.launch(k, group_of({kMax, kMax, kMax}), 64u, 1u, 1u, d);
     },
     {"advance"}},
    {"OneArgumentLess",
     [](Stream& s, const Kernel& k, const Buffer& d) { s.launch(k, items64(64), 64u, 1u, d); },
     {"advance", "4", "3"}},
    {"OneArgumentMore",
     [](Stream& s, const Kernel& k, const Buffer& d) {
       s.launch(k, items64(64), 64u, 1u, 1u, d, 1u);
     },
     {"advance", "4", "5"}},
    {"NoArguments", [](Stream& s, const Kernel& k, const Buffer&) { s.launch(k, items64(64)); },
     {"advance", "4", "0"}},
    {"SixtyFiveArguments",
     [](Stream& s, const Kernel& k, const Buffer&) {
       const std::vector<Arg> args(65, Arg(1u));
       s.launch_span(k, items64(64), args);
     },
     {"advance", "65"}},
    {"BufferForAValue",
     [](Stream& s, const Kernel& k, const Buffer& d) { s.launch(k, items64(64), d, 1u, 1u, d); },
     {"advance", "argument 0"}},
    {"ValueForABuffer",
     [](Stream& s, const Kernel& k, const Buffer&) { s.launch(k, items64(64), 64u, 1u, 1u, 1u); },
     {"advance", "argument 3"}},
    {"ValueTooLarge",
     [](Stream& s, const Kernel& k, const Buffer& d) {
       s.launch(k, items64(64), std::uint64_t{64}, 1u, 1u, d);
     },
     {"advance"}},
    {"ValueTooSmall",
     [](Stream& s, const Kernel& k, const Buffer& d) {
       s.launch(k, items64(64), 64u, std::uint8_t{1}, 1u, d);
     },
     {"advance"}},
    {"NullForAValue",
     [](Stream& s, const Kernel& k, const Buffer& d) {
       s.launch(k, items64(64), nullptr, 1u, 1u, d);
     },
     {"advance", "argument 0"}},
};

void check_refusal(const Refusal& row) {
  Stream stream = device().create_stream();
  const std::vector<std::uint32_t> values(64, 7);
  const Buffer data = upload(stream, values);
  const Kernel step = helper_kernel("advance");
  expect_error(ErrorCode::invalid_argument, [&] { row.launch(stream, step, data); }, row.words);
  EXPECT_EQ(download<std::uint32_t>(stream, data), values);
  stream.launch(step, items64(64), 64u, 2u, 1u, data);
  EXPECT_EQ(download<std::uint32_t>(stream, data), std::vector<std::uint32_t>(64, 15));
}

void check_empty_grid(Dim3 grid) {
  Stream stream = device().create_stream();
  const std::vector<std::uint32_t> values(64, 7);
  const Buffer data = upload(stream, values);
  LaunchConfig config = items64(64);
  config.grid = grid;
  stream.launch(helper_kernel("advance"), config, 64u, 2u, 1u, data);
  EXPECT_EQ(download<std::uint32_t>(stream, data), values);
}

void check_grid_beyond_the_limit(int dimension) {
  const std::uint32_t limit = device().info().max_grid[static_cast<std::size_t>(dimension)];
  if (limit == kMax) return;  // no launch can ask for more
  Stream stream = device().create_stream();
  const Buffer data = stream.allocate(256);
  LaunchConfig config = items64(64);
  (dimension == 0 ? config.grid.x : dimension == 1 ? config.grid.y : config.grid.z) = limit + 1;
  expect_error(
      ErrorCode::invalid_argument,
      [&] { stream.launch(helper_kernel("advance"), config, 0u, 1u, 1u, data); },
      {"grid", std::to_string(limit), std::to_string(limit + 1)});
  stream.synchronize();
}

void check_foreign() {
  Stream stream = device().create_stream();
  const Kernel mine = helper_kernel("advance");
  const Buffer data = device().allocate(256);
  for (const Device& other : other_devices()) {
    SCOPED_TRACE(other.id());
    const Kernel theirs = helper_kernel(other, "advance");
    const Buffer foreign = other.allocate(256);
    const auto refused = [&](const std::function<void()>& call) {
      expect_error(ErrorCode::invalid_argument, call, {device().id(), other.id()});
    };
    refused([&] { stream.launch(theirs, items64(64), 64u, 1u, 1u, data); });
    refused([&] { stream.launch(mine, items64(64), 64u, 1u, 1u, foreign); });
  }
  stream.synchronize();
}

void check_misaligned_view() {
  const std::uint64_t alignment = device().info().offset_alignment_bytes;
  if (alignment <= 4) return;  // a view of u32 can't be misaligned
  Stream stream = device().create_stream();
  const Buffer data = device().allocate(4096);
  expect_error(
      ErrorCode::invalid_argument,
      [&] {
        stream.launch(helper_kernel("advance"), items64(64), 64u, 1u, 1u,
                      data.view(DType::u32, {64}, alignment / 2));
      },
      {std::to_string(alignment)});
}

// Many groups, more than any device runs at once.
void check_large_grid() {
  Stream stream = device().create_stream();
  const std::uint32_t n = (32u << 20) + 5;
  const Buffer data = stream.allocate(std::uint64_t{n} * 4);
  stream.fill(data.view(DType::u32), 1u);
  stream.launch(helper_kernel("advance"), items64(n), n, 3u, 4u, data);
  const auto values = download<std::uint32_t>(stream, data);
  EXPECT_TRUE(std::ranges::all_of(values, [](std::uint32_t v) { return v == 7; }));
}

}  // namespace

void add_launch_cases(CaseList& cases) {
  for (const Refusal& row : kRefusals) {
    cases.add("LaunchRefuses", row.name, [&row] { check_refusal(row); });
  }
  cases.add("LaunchRefuses", "LocalMemoryBeyondTheDevice", [] {
    Stream stream = device().create_stream();
    const Buffer data = stream.allocate(256);
    const std::uint64_t limit = device().info().local_memory_bytes;
    if (limit >= kMax) return;  // no launch can ask for more
    expect_error(
        ErrorCode::invalid_argument,
        [&] { stream.launch(helper_kernel("advance"), with_local(limit + 1), 64u, 1u, 1u, data); },
        {"advance", std::to_string(limit)});
    stream.synchronize();
  });
  for (int dimension = 0; dimension < 3; ++dimension) {
    cases.add("LaunchRefuses", std::string("GridBeyondTheLimit/") + "xyz"[dimension],
              [dimension] { check_grid_beyond_the_limit(dimension); });
  }
  cases.add("LaunchRefuses", "ForeignHandles", check_foreign);
  cases.add("LaunchRefuses", "MisalignedView", check_misaligned_view);
  cases.add("LaunchRefuses", "CooperativeWhereItCannotBe", [] {
    Stream stream = device().create_stream();
    const Buffer data = stream.allocate(65536 * 256);
    LaunchConfig config = items64(65536 * 64);
    config.cooperative = true;
    // More groups than any device holds at once.
    expect_error(ErrorCode::unsupported, [&] {
      stream.launch(helper_kernel("advance"), config, 65536u * 64, 1u, 1u, data);
    });
    stream.synchronize();
  });
  for (const Dim3 grid : {Dim3{0, 1, 1}, {1, 0, 1}, {1, 1, 0}, {0, 0, 0}}) {
    cases.add("Launch",
              "EmptyGrid/" + std::to_string(grid.x) + std::to_string(grid.y) +
                  std::to_string(grid.z),
              [grid] { check_empty_grid(grid); });
  }
  cases.add("Launch", "HalfAMillionGroups", check_large_grid);
}

}  // namespace sampan::conformance
