#include "runner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "conformance.h"

namespace sampan::conformance {
namespace {

constexpr auto kCaseLimit = std::chrono::minutes(5);

const std::vector<Case>& all_cases() {
  static const CaseList list = [] {
    CaseList cases;
    add_device_cases(cases);
    add_memory_cases(cases);
    add_pool_cases(cases);
    add_view_cases(cases);
    add_dlpack_cases(cases);
    add_copy_cases(cases);
    add_copy_2d_cases(cases);
    add_cross_device_cases(cases);
    add_fill_cases(cases);
    add_stream_cases(cases);
    add_event_cases(cases);
    add_module_cases(cases);
    add_kernel_cases(cases);
    add_launch_cases(cases);
    add_graph_cases(cases);
    add_ops_cases(cases);
    add_failure_cases(cases);
    return cases;
  }();
  return list.all();
}

bool matches_any(std::string_view patterns, std::string_view name) {
  while (!patterns.empty()) {
    const std::size_t end = std::min(patterns.find(':'), patterns.size());
    if (matches(patterns.substr(0, end), name)) return true;
    patterns.remove_prefix(std::min(end + 1, patterns.size()));
  }
  return false;
}

bool selected(std::string_view filter, std::string_view name) {
  const std::size_t minus = std::min(filter.find('-'), filter.size());
  const std::string_view wanted = filter.substr(0, minus);
  const std::string_view unwanted = filter.substr(std::min(minus + 1, filter.size()));
  return (wanted.empty() || matches_any(wanted, name)) && !matches_any(unwanted, name);
}

// A case on a device, as GoogleTest runs it.
class Instance : public testing::Test {
 public:
  Instance(const Device& device, const Case& test) : device_(device), case_(test) {}

  void TestBody() override {
    set_device(device_);
    try {
      case_.body();
    } catch (const Error& error) {
      if (error.code() == ErrorCode::unsupported) {
        GTEST_SKIP() << error.info().message;
      } else {
        ADD_FAILURE() << error.what()
                      << (error.info().detail.empty() ? "" : "\n" + error.info().detail);
      }
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }

 private:
  const Device& device_;
  const Case& case_;
};

// Ends the process if one case takes too long.
class Watchdog {
 public:
  Watchdog() : thread_([this] { watch(); }) {}
  ~Watchdog() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  void begin(std::string name) {
    const std::lock_guard lock(mutex_);
    name_ = std::move(name);
    begun_ = std::chrono::steady_clock::now();
  }

 private:
  void watch() {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, std::chrono::seconds(1), [this] { return stopping_; })) {
      if (std::chrono::steady_clock::now() - begun_ < kCaseLimit) continue;
      std::fprintf(stderr, "FAIL %s: still running after five minutes; giving up\n", name_.c_str());
      std::fflush(nullptr);
      std::_Exit(1);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::string name_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::thread thread_;
};

// Turns GoogleTest's results into ours.
class Listener : public testing::EmptyTestEventListener {
 public:
  using Observer = std::function<void(const Target&, const CaseResult&)>;
  Listener(const std::vector<Target>& targets, const Observer& observer)
      : targets_(targets), observer_(observer) {}

  void OnTestStart(const testing::TestInfo& info) override {
    message_.clear();
    watchdog_.begin(std::string(info.name()) + " on " + info.test_suite_name());
  }

  void OnTestPartResult(const testing::TestPartResult& part) override {
    if (part.passed()) return;
    if (!message_.empty()) message_ += '\n';
    if (part.failed() && part.file_name() != nullptr) {
      message_ += std::filesystem::path(part.file_name()).filename().string() + ":" +
                  std::to_string(part.line_number()) + ": ";
    }
    message_ += part.message();
  }

  void OnTestEnd(const testing::TestInfo& info) override {
    const Target& target =
        *std::find_if(targets_.begin(), targets_.end(), [&](const Target& candidate) {
          return candidate.device.id() == info.test_suite_name();
        });
    const testing::TestResult& result = *info.result();
    const Ending ending = result.Failed()    ? Ending::failed
                          : result.Skipped() ? Ending::unsupported
                                             : Ending::passed;
    Verdict verdict =
        judge(ending, target.declaration, info.name(), target.device.info().driver);
    observer_(target, {info.name(), verdict.outcome, std::move(verdict.reason), message_,
                       static_cast<double>(result.elapsed_time()) * 1e-3});
  }

 private:
  const std::vector<Target>& targets_;
  const Observer& observer_;
  std::string message_;
  Watchdog watchdog_;
};

}  // namespace

std::vector<std::string> case_names(std::string_view filter) {
  std::vector<std::string> names;
  for (const Case& test : all_cases()) {
    if (selected(filter, test.name)) names.push_back(test.name);
  }
  return names;
}

std::vector<std::string> stale_entries(const Declaration& declaration) {
  std::vector<std::string> stale;
  for (const auto* entries : {&declaration.unsupported, &declaration.expected_failure}) {
    for (const Exclusion& entry : *entries) {
      const bool used = std::ranges::any_of(
          all_cases(), [&](const Case& test) { return matches(entry.test, test.name); });
      if (!used) stale.push_back(entry.test);
    }
  }
  return stale;
}

void run(const std::vector<Target>& targets, std::string_view filter,
         const std::function<void(const Target&, const CaseResult&)>& observer) {
  int argc = 1;
  char name[] = "conformance";
  char* argv[] = {name, nullptr};
  testing::InitGoogleTest(&argc, argv);
  // GoogleTest's own variables must not change what runs here.
  GTEST_FLAG_SET(filter, std::string("*"));
  GTEST_FLAG_SET(shuffle, false);
  GTEST_FLAG_SET(repeat, 1);
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new Listener(targets, observer));
  for (const Target& target : targets) {
    for (const Case& test : all_cases()) {
      if (!selected(filter, test.name)) continue;
      testing::RegisterTest(target.device.id().c_str(), test.name.c_str(), nullptr, nullptr,
                            __FILE__, __LINE__, [&target, &test]() -> testing::Test* {
                              return new Instance(target.device, test);
                            });
    }
  }
  [[maybe_unused]] const int verdict = RUN_ALL_TESTS();  // the observer has all of it
  // The helpers' modules and the device go before the process's own teardown.
  forget_kernels();
  set_device(Device());
}

}  // namespace sampan::conformance
