// What the tests of the emulated drivers share.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "api.h"

namespace sampan::test {

/// A test on one vendor's driver, "cuda" or "hip", with device 0 current and a stream. What it
/// leaves behind counts as a failure.
class DriverTest : public testing::TestWithParam<std::string> {
 protected:
  DriverTest() : driver(Driver::of(GetParam())), f(driver.f) {}
  void SetUp() override;
  void TearDown() override;

  /// A module of this source and its only function of that name.
  struct Loaded {
    Handle module = nullptr, function = nullptr;
  };
  [[nodiscard]] Loaded load(const std::string& source, const char* name);

  /// Launches on `stream` with arguments given as values.
  template <typename... Arguments>
  Result launch(Handle function, Dim grid, Dim block, unsigned dynamic_bytes,
                Arguments... arguments) {
    void* pointers[] = {&arguments..., nullptr};
    return f.launch(function, grid.x, grid.y, grid.z, block.x, block.y, block.z, dynamic_bytes,
                    stream, pointers, nullptr);
  }

  template <typename T>
  [[nodiscard]] Address upload(const std::vector<T>& values) {
    Address address = 0;
    EXPECT_EQ(f.allocate(&address, values.size() * sizeof(T)), kOk);
    EXPECT_EQ(f.to_device(address, values.data(), values.size() * sizeof(T), stream), kOk);
    return address;
  }
  template <typename T>
  [[nodiscard]] std::vector<T> download(Address address, std::size_t count) {
    std::vector<T> values(count);
    EXPECT_EQ(f.to_host(values.data(), address, count * sizeof(T), stream), kOk);
    EXPECT_EQ(f.stream_wait(stream), kOk) << f.last_report();
    return values;
  }

  /// After a failure on purpose: the device works again, and everything on it is gone.
  void reset();

  Driver& driver;
  Functions& f;
  Handle stream = nullptr;
};

[[nodiscard]] inline std::string vendor_name(const testing::TestParamInfo<std::string>& info) {
  return info.param;
}

}  // namespace sampan::test

/// Runs the tests of a fixture on both drivers.
#define SAMPAN_ON_BOTH_DRIVERS(Fixture)                                      \
  INSTANTIATE_TEST_SUITE_P(Drivers, Fixture, testing::Values("cuda", "hip"), \
                           sampan::test::vendor_name)
