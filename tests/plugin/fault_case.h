// What the tests of faults share. Two copies of the mock are loaded, "mock" and "other": two
// backends to Sampan.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mock_library.h"
#include "sampan/sampan.h"

namespace sampan_test {

using sampan::Buffer;
using sampan::Device;
using sampan::DType;
using sampan::Error;
using sampan::ErrorCode;
using sampan::ErrorInfo;
using sampan::Event;
using sampan::Graph;
using sampan::Kernel;
using sampan::Module;
using sampan::Stream;

constexpr std::chrono::seconds kSoon{5};      ///< within which waiters must learn of a failure
constexpr std::chrono::seconds kForEver{300};  ///< after which a call counts as hanging

/// A kernel of the mock's on the device.
[[nodiscard]] Kernel mock_kernel(const Device& device, const std::string& name);

/// n floats, each of value `value`, on the stream's device; complete when returned.
[[nodiscard]] Buffer floats(Stream& stream, std::size_t n, float value);
/// What the buffer holds; waits for the stream.
[[nodiscard]] std::vector<float> values_of(Stream& stream, const Buffer& buffer);
std::uint64_t add_one(Stream& stream, const Kernel& kernel, const Buffer& buffer);

/// What the call throws; nothing if it doesn't.
[[nodiscard]] std::optional<ErrorInfo> error_of(const std::function<void()>& call);
/// Fails the test unless the call throws `code`; returns what it threw.
ErrorInfo expect_error(ErrorCode code, const std::function<void()>& call);

/// Runs the call on a thread of its own; ends the process if it takes longer than `limit`, as a
/// thread that hangs can't be ended.
void finish_within(std::chrono::seconds limit, const std::function<void()>& call);

/// The mock fresh before each test. Afterwards nothing of it may be alive, and the host may not
/// have broken the ABI's contract.
class FaultTest : public testing::Test {
 protected:
  static void SetUpTestSuite();
  void SetUp() override;
  void TearDown() override;

  /// Words for the mock; fails the test if it doesn't understand them.
  static void script(const std::string& words, const std::string& backend = "mock");
  static Device device(int ordinal) { return sampan::device("mock:" + std::to_string(ordinal)); }
};
using fault = FaultTest;  // the tests' names begin so

/// Fails the test unless everything that the backend made is gone; events may be held for a moment
/// by the thread that carries them between backends.
void expect_nothing_alive(const std::string& backend);

}  // namespace sampan_test
