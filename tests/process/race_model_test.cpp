// Random programs under SAMPAN_VALIDATE=1 against a model that keeps, for every point, the whole
// set of work that comes before it: slower than the vector clocks under test, and with nothing in
// common.
#include <gtest/gtest.h>

#include <bitset>
#include <cstdlib>
#include <random>

#include "sampan/sampan.h"
#include "validate_devices.h"

namespace sampan_test {
namespace {

constexpr std::size_t kSteps = 120;
using Past = std::bitset<kSteps>;  // of each step: does its work come before?

struct ModelAccess {
  std::size_t step;
  bool writes;
  std::uint64_t begin, end;
};

class Program {
 public:
  static constexpr std::size_t kStreams = 3, kEvents = 3;
  static constexpr std::uint64_t kBytes = 64;

  Program(const sampan::Device& device, unsigned seed) : device_(device), random_(seed) {
    for (std::size_t i = 0; i < kStreams; ++i) streams_[i] = device.create_stream();
    for (std::size_t i = 0; i < kEvents; ++i) events_[i] = device.create_event();
    buffer_ = device.allocate(kBytes);
  }

  // Returns the number of reports.
  int run() {
    int reports = 0;
    for (std::size_t step = 0; step < kSteps; ++step) {
      const std::size_t stream = pick(kStreams), event = pick(kEvents);
      switch (pick(10)) {
        case 0:
          streams_[stream].record(events_[event]);
          event_past_[event] = stream_past_[stream] | host_past_;
          break;
        case 1:
        case 2:
          streams_[stream].wait(events_[event]);
          stream_past_[stream] |= event_past_[event];
          break;
        case 3:
          if (pick(3) == 0) {
            streams_[stream].synchronize();
            host_past_ |= stream_past_[stream];
          }
          break;
        case 4:
          if (pick(3) == 0) {
            events_[event].wait();
            host_past_ |= event_past_[event];
          }
          break;
        case 5:
          if (pick(4) == 0) {
            host_past_ |= stream_past_[stream];
            stream_past_[stream].reset();
            streams_[stream] = device_.create_stream();
          }
          break;
        default:
          reports += access(step, stream);
      }
    }
    return reports;
  }

 private:
  std::size_t pick(std::size_t count) { return random_() % count; }

  int access(std::size_t step, std::size_t stream) {
    const bool writes = pick(2) == 0;
    const std::uint64_t begin = pick(4) * 16, size = 16 * (1 + pick((kBytes - begin) / 16));
    stream_past_[stream] |= host_past_;
    bool races = false;
    for (const ModelAccess& other : accesses_) {
      races = races || ((writes || other.writes) && !stream_past_[stream].test(other.step) &&
                        begin < other.end && other.begin < begin + size);
    }
    const sampan::View view(buffer_, sampan::DType::u8, {size}, begin);
    std::string report;
    try {
      if (writes) {
        streams_[stream].fill(view, std::uint8_t{1});
      } else {
        streams_[stream].copy_to_host(std::span(host_[stream]).first(size), view);
      }
    } catch (const sampan::Error& error) {
      report = error.what();
    }
    EXPECT_EQ(!report.empty(), races) << "step " << step << ", stream " << stream << ": " << report;
    if (!races) {
      accesses_.push_back({step, writes, begin, begin + size});
      stream_past_[stream].set(step);
    }
    return races ? 1 : 0;
  }

  // One for each stream: reads of two may be under way at once.
  std::array<std::array<std::byte, kBytes>, kStreams> host_{};
  sampan::Device device_;
  std::mt19937 random_;
  sampan::Buffer buffer_;
  std::array<sampan::Event, kEvents> events_;
  std::array<sampan::Stream, kStreams> streams_;
  std::array<Past, kStreams> stream_past_;
  std::array<Past, kEvents> event_past_;
  Past host_past_;
  std::vector<ModelAccess> accesses_;
};

class RaceModel : public testing::TestWithParam<std::string> {};

TEST_P(RaceModel, RandomProgramsAreReportedExactly) {
  const sampan::Device device = sampan::device(GetParam());
  const bool is_long = std::getenv("SAMPAN_TEST_LONG") != nullptr;
  const unsigned programs = is_long ? 5000 : 150;
  int reports = 0;
  for (unsigned seed = 1; seed <= programs && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    reports += Program(device, seed).run();
  }
  EXPECT_GT(reports, 0);
}

INSTANTIATE_TEST_SUITE_P(All, RaceModel, testing::ValuesIn(single_devices()), [](const auto& test) {
  return test.param.substr(0, test.param.find(':'));
});

}  // namespace
}  // namespace sampan_test
