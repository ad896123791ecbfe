// SAMPAN_VALIDATE=1: what it reports, and that it reports nothing else.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>

#include "sampan/sampan.h"
#include "validate_devices.h"

namespace sampan_test {
namespace {

using sampan::Buffer;
using sampan::DType;
using sampan::Event;
using sampan::Stream;
using sampan::View;

constexpr std::uint64_t kBytes = 4096;

// The report that a call makes; nothing if it makes none.
std::optional<std::string> report_of(const std::function<void()>& call) {
  try {
    call();
    return std::nullopt;
  } catch (const sampan::Error& error) {
    EXPECT_EQ(error.code(), sampan::ErrorCode::invalid_argument) << error.what();
    return error.what();
  }
}

bool contains(const std::optional<std::string>& text, std::string_view part) {
  return text && text->find(part) != std::string::npos;
}

// ---- Accesses of two streams
// ----------------------------------------------------------------------

enum class Access { read, write };

struct Range {
  const char* name;
  std::uint64_t begin_bytes, size_bytes;
  bool overlaps_first_half;
};
// The first access takes bytes 0 to 2048.
constexpr Range kRanges[] = {{"same", 0, 2048, true},
                             {"last_element", 2044, 4, true},
                             {"behind", 2048, 2048, false},
                             {"none", 0, 0, false}};

// Two streams and a buffer on the near one's device. The far stream, if of another device, reaches
// the buffer by copies between the devices.
class Scene {
 public:
  explicit Scene(const DevicePair& pair)
      : near_device(sampan::device(pair.near)),
        far_device(sampan::device(pair.far)),
        near(near_device.create_stream()),
        far(far_device.create_stream()),
        buffer(near_device.allocate(kBytes)),
        far_buffer(far_device.allocate(kBytes)) {
    near.fill(buffer.view(DType::u8), std::uint8_t{1});
    near.synchronize();
    far.fill(far_buffer.view(DType::u8), std::uint8_t{2});
    far.synchronize();
  }

  void access(Stream& stream, Access access, std::uint64_t begin, std::uint64_t size) {
    const View target(buffer, DType::u8, {size}, begin);
    const View other(far_buffer, DType::u8, {size}, begin);
    const bool same_device = stream.device() == near_device;
    if (access == Access::read) {
      if (same_device) {
        // Memory of its own for each: two reads may be under way at once.
        stream.copy_to_host(std::span(host[&stream == &near ? 0 : 1]).first(size), target);
      } else {
        stream.copy(other, target);
      }
    } else if (same_device) {
      stream.fill(target, std::uint8_t{3});
    } else {
      stream.copy(target, other);
    }
  }

  std::array<std::array<std::byte, kBytes>, 2> host{};
  sampan::Device near_device, far_device;
  Stream near, far;
  Buffer buffer, far_buffer;
};

// What happens between the access of the near stream and that of the far one.
struct Between {
  const char* name;
  bool orders;
  std::function<void(Scene&)> act;
};

const std::vector<Between>& betweens() {
  static const std::vector<Between> table = {
      {"nothing", false, [](Scene&) {}},
      {"event", true,
       [](Scene& s) {
         Event event = s.near_device.create_event();
         s.near.record(event);
         s.far.wait(event);
       }},
      {"event_through_a_third_stream", true,
       [](Scene& s) {
         Event first = s.near_device.create_event();
         s.near.record(first);
         Stream third = s.far_device.create_stream();
         third.wait(first);
         Event second = s.far_device.create_event();
         third.record(second);
         s.far.wait(second);
         third.synchronize();
         // Waited for before, so this must not matter.
         s.near.record(first);
       }},
      {"event_recorded_again_before_the_wait", true,
       [](Scene& s) {
         Event event = s.near_device.create_event();
         s.near.record(event);
         s.near.record(event);
         s.far.wait(event);
       }},
      {"event_of_the_wrong_stream", false,
       [](Scene& s) {
         Event event = s.far_device.create_event();
         s.far.record(event);
         s.far.wait(event);
       }},
      {"event_never_recorded", false, [](Scene& s) { s.far.wait(s.near_device.create_event()); }},
      {"event_the_wrong_way_round", false,
       [](Scene& s) {
         Event event = s.far_device.create_event();
         s.far.record(event);
         s.near.wait(event);
       }},
      {"synchronize", true, [](Scene& s) { s.near.synchronize(); }},
      {"synchronize_the_other", false, [](Scene& s) { s.far.synchronize(); }},
      {"poll_the_stream", true,
       [](Scene& s) {
         while (!s.near.ready()) {
         }
       }},
      {"wait_on_the_host_for_an_event", true,
       [](Scene& s) {
         Event event = s.near_device.create_event();
         s.near.record(event);
         event.wait();
       }},
      {"poll_an_event", true,
       [](Scene& s) {
         Event event = s.near_device.create_event();
         s.near.record(event);
         while (!event.ready()) {
         }
       }},
      {"the_stream_ends", true, [](Scene& s) { s.near = s.near_device.create_stream(); }},
      {"a_stream_that_waited_ends", true,
       [](Scene& s) {
         Event event = s.near_device.create_event();
         s.near.record(event);
         Stream third = s.near_device.create_stream();
         third.wait(event);
       }},
      {"many_unrelated_streams_end", false,
       [](Scene& s) {
         for (int i = 0; i < 10; ++i) {
           const Stream other = s.near_device.create_stream();
           other.synchronize();
         }
       }},
  };
  return table;
}

using RaceParameters = std::tuple<DevicePair, std::size_t>;

class Race : public testing::TestWithParam<RaceParameters> {};

// Every pair of accesses and every overlap, so that a report that depends on too little shows up.
TEST_P(Race, IsReportedIfAndOnlyIfThereIsOne) {
  const DevicePair& pair = std::get<0>(GetParam());
  const Between& between = betweens()[std::get<1>(GetParam())];
  for (const Access first : {Access::read, Access::write}) {
    for (const Access second : {Access::read, Access::write}) {
      for (const Range& range : kRanges) {
        Scene scene(pair);
        scene.access(scene.near, first, 0, 2048);
        between.act(scene);
        const auto report = report_of(
            [&] { scene.access(scene.far, second, range.begin_bytes, range.size_bytes); });
        const bool conflict = first == Access::write || second == Access::write;
        const bool expected = conflict && range.overlaps_first_half && !between.orders;
        EXPECT_EQ(report.has_value(), expected)
            << (first == Access::write ? "write" : "read") << " before "
            << (second == Access::write ? "write" : "read") << ", " << range.name << ": "
            << report.value_or("no report");
        if (expected) {
          EXPECT_TRUE(contains(report, "unsynchronised access")) << *report;
          EXPECT_TRUE(contains(report, "sampan_validate_test")) << "where allocated: " << *report;
        }
      }
    }
  }
}

std::vector<std::size_t> indices_of_betweens() {
  std::vector<std::size_t> indices(betweens().size());
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = i;
  return indices;
}

INSTANTIATE_TEST_SUITE_P(All, Race,
                         testing::Combine(testing::ValuesIn(device_pairs()),
                                          testing::ValuesIn(indices_of_betweens())),
                         [](const auto& test) {
                           return std::get<0>(test.param).name + "_" +
                                  betweens()[std::get<1>(test.param)].name;
                         });

// ---- On each device
// -------------------------------------------------------------------------------

class Validate : public testing::TestWithParam<std::string> {
 protected:
  sampan::Device device = sampan::device(GetParam());
  Stream stream = device.create_stream();
};

TEST_P(Validate, OneStreamNeedsNoEvents) {
  const Buffer a = device.allocate(kBytes), b = device.allocate(kBytes);
  std::array<std::byte, kBytes> host{};
  for (int i = 0; i < 3; ++i) {
    stream.fill(a.view(DType::u8), std::uint8_t{1});
    stream.copy(b.view(DType::u8), a.view(DType::u8));
    stream.copy_from_host(a.view(DType::u8), std::span<const std::byte>(host));
    stream.copy_to_host(std::span(host), b.view(DType::u8));
  }
  stream.synchronize();
}

TEST_P(Validate, MemoryThatThePoolHandsOnIsInOrder) {
  Stream other = device.create_stream();
  for (int i = 0; i < 200; ++i) {
    Stream& user = i % 3 == 0 ? other : stream;
    const Buffer buffer = user.allocate(kBytes);
    user.fill(buffer.view(DType::u8), static_cast<std::uint8_t>(i));
  }
  stream.synchronize();
  other.synchronize();
}

TEST_P(Validate, WorkThatWasRefusedTouchesNothing) {
  const Buffer source = device.allocate(kBytes), target = device.allocate(kBytes);
  Stream other = device.create_stream();
  stream.fill(target.view(DType::u8), std::uint8_t{1});
  EXPECT_TRUE(contains(
      report_of([&] { other.copy(target.view(DType::u8), source.view(DType::u8)); }), "unsync"));
  // The copy would have read the source.
  stream.fill(source.view(DType::u8), std::uint8_t{2});
  stream.synchronize();
  other.copy(target.view(DType::u8), source.view(DType::u8));
  other.synchronize();
}

TEST_P(Validate, ReportsLeaveTheStreamUsable) {
  const Buffer buffer = device.allocate(kBytes);
  Stream other = device.create_stream();
  stream.fill(buffer.view(DType::u8), std::uint8_t{1});
  EXPECT_TRUE(report_of([&] { other.fill(buffer.view(DType::u8), std::uint8_t{2}); }));
  Event event = device.create_event();
  stream.record(event);
  other.wait(event);
  other.fill(buffer.view(DType::u8), std::uint8_t{3});
  std::array<std::byte, kBytes> host{};
  other.copy_to_host(std::span(host), buffer.view(DType::u8));
  other.synchronize();
  EXPECT_EQ(host.front(), std::byte{3});
  EXPECT_EQ(host.back(), std::byte{3});
}

TEST_P(Validate, KernelsAreToldApartByWhatTheyWrite) {
  constexpr std::string_view kText = R"(#include "sampan_kernel.h"
KERNEL_FLAT(add_to, 64, 1, 1)(u32 n, const GLOBAL f32* x, GLOBAL f32* y) {
  const u32 i = GID(0) * 64 + LID(0);
  if (i < n) y[i] += x[i];
}
)";
  const sampan::Kernel kernel =
      device.load(sampan::Code::dialect("validate_test", kText)).kernel("add_to");
  const Buffer x = device.allocate(kBytes), y = device.allocate(kBytes),
               z = device.allocate(kBytes);
  for (const Buffer* buffer : {&x, &y, &z}) stream.fill(buffer->view(DType::u8), std::uint8_t{0});
  stream.synchronize();
  Stream other = device.create_stream();
  const sampan::LaunchConfig config{{16, 1, 1}, {64, 1, 1}};
  constexpr std::uint32_t kElems = kBytes / 4;
  stream.launch(kernel, config, kElems, x, y);
  other.launch(kernel, config, kElems, x, z);  // both read x
  const auto write_write = report_of([&] { other.launch(kernel, config, kElems, x, y); });
  EXPECT_TRUE(contains(write_write, "add_to writes")) << write_write.value_or("no report");
  const auto read_write = report_of([&] { other.launch(kernel, config, kElems, y, z); });
  EXPECT_TRUE(contains(read_write, "add_to reads")) << read_write.value_or("no report");
  stream.synchronize();
  other.launch(kernel, config, kElems, y, z);
  other.synchronize();
}

TEST_P(Validate, ReplaysAreCheckedAsTheirNodes) {
  const Buffer buffer = device.allocate(kBytes);
  stream.begin_recording();
  stream.fill(buffer.view(DType::u8), std::uint8_t{1});
  const sampan::Graph graph = stream.end_recording();
  Stream other = device.create_stream();
  other.fill(buffer.view(DType::u8), std::uint8_t{2});
  EXPECT_TRUE(contains(report_of([&] { stream.replay(graph); }), "unsync"));
  other.synchronize();
  stream.replay(graph);
  EXPECT_TRUE(
      contains(report_of([&] { other.fill(buffer.view(DType::u8), std::uint8_t{3}); }), "unsync"));
  stream.synchronize();
}

// ---- Destroyed buffers
// ----------------------------------------------------------------------------

struct DeadCase {
  const char* name;
  std::function<void(Stream&, const View& dead, const View& live)> use;
};

const std::vector<DeadCase>& dead_cases() {
  static std::array<std::byte, kBytes> host{};
  static const std::vector<DeadCase> table = {
      {"copy_from", [](Stream& s, const View& dead, const View& live) { s.copy(live, dead); }},
      {"copy_to", [](Stream& s, const View& dead, const View& live) { s.copy(dead, live); }},
      {"fill", [](Stream& s, const View& dead, const View&) { s.fill(dead, std::uint8_t{1}); }},
      {"copy_from_host",
       [](Stream& s, const View& dead, const View&) {
         s.copy_from_host(dead, std::span<const std::byte>(host));
       }},
      {"copy_to_host",
       [](Stream& s, const View& dead, const View&) { s.copy_to_host(std::span(host), dead); }},
      {"launch",
       [](Stream& s, const View& dead, const View&) {
         constexpr std::string_view kText =
             "#include \"sampan_kernel.h\"\n"
             "KERNEL_FLAT(clear, 1, 1, 1)(GLOBAL u32* out) { out[0] = 0; }\n";
         const auto module = s.device().load(sampan::Code::dialect("validate_dead", kText));
         s.launch(module.kernel("clear"), {{1, 1, 1}, {1, 1, 1}}, dead);
       }},
      {"recorded_fill",
       [](Stream& s, const View& dead, const View&) {
         s.begin_recording();
         try {
           s.fill(dead, std::uint8_t{1});
         } catch (...) {
           static_cast<void>(s.end_recording());
           throw;
         }
         static_cast<void>(s.end_recording());
       }},
  };
  return table;
}

TEST_P(Validate, ADestroyedBufferIsReported) {
  const Buffer live = device.allocate(kBytes);
  for (const DeadCase& dead_case : dead_cases()) {
    Buffer buffer = device.allocate(kBytes);
    const View view = buffer.view(DType::u8);
    buffer = Buffer();
    // May well get the address of the one before.
    const Buffer next = device.allocate(kBytes);
    EXPECT_TRUE(contains(report_of([&] { dead_case.use(stream, view, live.view(DType::u8)); }),
                         "buffer that was destroyed"))
        << dead_case.name;
  }
  stream.fill(live.view(DType::u8), std::uint8_t{1});
  stream.synchronize();
}

TEST_P(Validate, AGraphWhoseBufferWasDestroyedIsReported) {
  auto buffer = std::make_unique<Buffer>(device.allocate(kBytes));
  stream.begin_recording();
  stream.fill(buffer->view(DType::u8), std::uint8_t{1});
  const sampan::Graph graph = stream.end_recording();
  stream.replay(graph);
  stream.synchronize();
  buffer.reset();
  EXPECT_TRUE(contains(report_of([&] { stream.replay(graph); }), "buffer that was destroyed"));
}

INSTANTIATE_TEST_SUITE_P(All, Validate, testing::ValuesIn(single_devices()), [](const auto& test) {
  return test.param.substr(0, test.param.find(':'));
});

}  // namespace
}  // namespace sampan_test

int main(int argc, char** argv) {
  sampan_test::require_validation(argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
