#include "fault_case.h"

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <thread>

namespace sampan_test {
namespace {

constexpr const char* kBackends[] = {"mock", "other"};
constexpr const char* kKinds[] = {"devices", "memories", "streams", "events",
                                  "modules", "graphs",   "plans"};
static_assert(std::size(kKinds) == SAMPAN_MOCK_LIVE_KINDS);

std::string alive(const SampanMockControl& control) {
  std::string text;
  // Devices stay open until the process ends.
  for (std::uint32_t kind = SAMPAN_MOCK_LIVE_MEMORIES; kind < SAMPAN_MOCK_LIVE_KINDS; ++kind) {
    if (const auto count = control.live(kind); count != 0) {
      text += std::to_string(count) + " " + kKinds[kind] + " ";
    }
  }
  return text;
}

// A lost device stays lost until it is opened anew.
void revive(const Device& device) {
  if (error_of([&] { static_cast<void>(device.memory_info()); })) device.reopen();
}

}  // namespace

Kernel mock_kernel(const Device& device, const std::string& name) {
  return device.load(sampan::Code::source("mock kernels", "copy add_one fail hang")).kernel(name);
}

Buffer floats(Stream& stream, std::size_t n, float value) {
  Buffer buffer = stream.allocate(n * sizeof(float));
  if (n > 0) stream.fill(buffer.view(DType::f32), value);
  stream.synchronize();
  return buffer;
}

std::vector<float> values_of(Stream& stream, const Buffer& buffer) {
  std::vector<float> values(buffer.size_bytes() / sizeof(float));
  stream.copy_to_host(std::span(values), buffer.view(DType::f32));
  stream.synchronize();
  return values;
}

std::uint64_t add_one(Stream& stream, const Kernel& kernel, const Buffer& buffer) {
  return stream.launch(kernel, {}, buffer,
                       static_cast<std::uint32_t>(buffer.size_bytes() / sizeof(float)));
}

std::optional<ErrorInfo> error_of(const std::function<void()>& call) {
  try {
    call();
    return std::nullopt;
  } catch (const Error& error) {
    return error.info();
  }
}

ErrorInfo expect_error(ErrorCode code, const std::function<void()>& call) {
  const auto info = error_of(call);
  if (!info) {
    ADD_FAILURE() << "nothing was thrown; expected " << to_string(code);
    return {};
  }
  EXPECT_EQ(info->code, code) << to_string(info->code) << ": " << info->message;
  EXPECT_FALSE(info->message.empty());
  return *info;
}

void finish_within(std::chrono::seconds limit, const std::function<void()>& call) {
  std::packaged_task<void()> task(call);
  auto done = task.get_future();
  std::thread thread(std::move(task));
  if (done.wait_for(limit) != std::future_status::ready) {
    std::fprintf(stderr, "a call takes longer than %d s\n", static_cast<int>(limit.count()));
    std::abort();
  }
  thread.join();
  done.get();
}

void expect_nothing_alive(const std::string& backend) {
  const SampanMockControl& control = mock(backend);
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(sampan::device(backend + ":" + std::to_string(i)).trim_pool());
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!alive(control).empty() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(alive(control), "") << "in backend " << backend;
}

void FaultTest::SetUpTestSuite() {
  // Once, though --gtest_repeat comes here again.
  static const bool offered = [] {
    for (const char* backend : kBackends) offer_plugin(backend, SAMPAN_TEST_MOCK);
    return true;
  }();
  static_cast<void>(offered);
}

void FaultTest::SetUp() {
  for (const char* backend : kBackends) mock(backend).reset();
}

void FaultTest::TearDown() {
  for (const std::string backend : kBackends) {
    const std::string violation = mock(backend).first_violation();
    EXPECT_EQ(violation, "") << "in backend " << backend;
    mock(backend).reset();
    for (int i = 0; i < 3; ++i) revive(sampan::device(backend + ":" + std::to_string(i)));
    expect_nothing_alive(backend);
  }
}

void FaultTest::script(const std::string& words, const std::string& backend) {
  ASSERT_EQ(mock(backend).script(words.c_str()), 0) << words;
}

}  // namespace sampan_test
