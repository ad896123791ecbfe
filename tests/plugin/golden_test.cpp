// Plug-ins of earlier minors go on working.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

#include "mock_library.h"
#include "sampan/sampan.h"

namespace sampan_test {
namespace {

using sampan::DType;

class golden : public testing::Test {
 protected:
  static void SetUpTestSuite() { offer_plugin("golden", SAMPAN_TEST_GOLDEN_1_0); }
};

TEST_F(golden, minor_0_moves_data) {
  const sampan::Device device = sampan::device("golden");
  EXPECT_EQ(device.info().name, "Golden 1.0");
  sampan::Stream stream = device.create_stream();
  std::vector<std::uint32_t> values(1000);
  std::iota(values.begin(), values.end(), 1u);
  const sampan::Buffer from = stream.allocate(4000), to = stream.allocate(4004);
  stream.copy_from_host(from.view(DType::u32), std::span<const std::uint32_t>(values));
  stream.fill(to.view(DType::u32), std::uint32_t{7});
  stream.copy(to.view(DType::u32, {1000}), from.view(DType::u32));
  sampan::Event event = device.create_event();
  stream.record(event);
  event.wait();
  std::vector<std::uint32_t> result(1001);
  stream.copy_to_host(std::span(result), to.view(DType::u32));
  stream.synchronize();
  values.push_back(7);
  EXPECT_EQ(result, values);
}

// The golden plug-in and this process's own CPU: old and new sides of a copy between backends.
TEST_F(golden, minor_0_exchanges_data_with_other_backends) {
  const sampan::Device old = sampan::device("golden"), cpu = sampan::device("cpu");
  sampan::Stream on_old = old.create_stream(), on_cpu = cpu.create_stream();
  const sampan::Buffer there = old.allocate(64), here = cpu.allocate(64);
  on_old.fill(there.view(DType::u32), std::uint32_t{0xabcd});
  sampan::Event filled = old.create_event();
  on_old.record(filled);
  on_cpu.wait(filled);
  on_cpu.copy(here.view(DType::u32), there.view(DType::u32));
  std::vector<std::uint32_t> result(16);
  on_cpu.copy_to_host(std::span(result), here.view(DType::u32));
  on_cpu.synchronize();
  EXPECT_EQ(result, std::vector<std::uint32_t>(16, 0xabcd));
}

// What came with later minors is unsupported, not a crash.
TEST_F(golden, minor_0_lacks_what_came_later) {
  const sampan::Device device = sampan::device("golden");
  const sampan::Stream stream = device.create_stream();
  for (const auto& call : std::vector<std::function<void()>>{
           [&] { static_cast<void>(stream.native()); },
           [&] { static_cast<void>(device.telemetry()); },
           [&] { static_cast<void>(device.load(sampan::Code::source("m", "text"))); },
       }) {
    try {
      call();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const sampan::Error& error) {
      EXPECT_EQ(error.code(), sampan::ErrorCode::unsupported) << error.what();
    }
  }
}

}  // namespace
}  // namespace sampan_test
