// What the plug-in makes of a driver that fails, by the test driver of driver.h.
#include <dlfcn.h>

#include <array>
#include <cstdlib>
#include <thread>

#include "driver.h"
#include "plugin.h"

namespace sampan::test {
namespace {

/// The test driver's controls. Its library is the one that the plug-in has opened.
struct Driver {
  sampan_test_fail_fn* fail;
  sampan_test_failed_fn* failed;
  sampan_test_break_events_fn* break_events;
  sampan_test_live_fn* live;
  sampan_test_calls_fn* calls;

  static const Driver& get() {
    static const Driver kDriver = [] {
      void* const library = dlopen(SAMPAN_TEST_DRIVER, RTLD_NOW | RTLD_LOCAL);
      const auto find = [&]<typename F>(const char* name, F*& out) {
        out = reinterpret_cast<F*>(dlsym(library, name));
      };
      Driver driver{};
      find("sampan_test_fail", driver.fail);
      find("sampan_test_failed", driver.failed);
      find("sampan_test_break_events", driver.break_events);
      find("sampan_test_live", driver.live);
      find("sampan_test_calls", driver.calls);
      return driver;
    }();
    return kDriver;
  }
};

constexpr const char* kSource =
    "__kernel void add(__global int* data, int value) { data[get_global_id(0)] += value; }\n";
constexpr std::uint64_t kBytes = 4096;

const sampan_backend_t& tables() { return Plugin::get().backend; }

/// A use of the whole API. Stops at the first call that fails, then gives everything back.
class Program {
 public:
  void run() {
    run_steps();
    const auto& t = tables();
    // Work that waits for an event that never comes would stay with the driver.
    Error ignored;
    if (waits_ && !signal_given_) (void)t.event->signal(signalled_, SAMPAN_OK, ignored.get());
    if (graph_ != nullptr) t.graph->destroy(graph_);
    for (auto* event : {timed_, signalled_}) {
      if (event != nullptr) t.event->destroy(event);
    }
    for (auto* stream : {first_, second_}) {
      if (stream != nullptr) t.stream->destroy(stream);
    }
    if (module_ != nullptr) t.module->unload(module_);
    for (auto* memory : {device_memory_, host_memory_}) {
      if (memory != nullptr) t.memory->release(memory);
    }
    if (device_ != nullptr) t.device->close(device_);
  }

  [[nodiscard]] sampan_code_t code() const { return code_; }
  [[nodiscard]] const Error& error() const { return error_; }
  [[nodiscard]] std::int32_t result() const { return result_; }
  [[nodiscard]] int host_calls() const { return host_calls_; }

 private:
  bool ok(sampan_code_t code) {
    if (code != SAMPAN_OK && code_ == SAMPAN_OK) code_ = code;
    return code == SAMPAN_OK;
  }
  sampan_error_t* e() { return error_.get(); }

  void run_steps() {
    const auto& t = tables();
    std::uint32_t count = 0;
    sampan_device_info_t info{};
    info.size = sizeof info;
    if (!ok(t.device->count(&count, e())) || !ok(t.device->describe(0, &info, e())) ||
        !ok(t.device->open(0, &device_, e())) || !make_objects() || !submit() || !finish()) {
      return;
    }
  }

  bool make_objects() {
    const auto& t = tables();
    const sampan_stream_options_t options{sizeof options, 0};
    sampan_module_desc_t desc{};
    desc.size = sizeof desc;
    desc.format = SAMPAN_FORMAT_SOURCE;
    desc.code = kSource;
    desc.code_bytes = std::strlen(kSource);
    desc.name = "add";
    return ok(t.memory->allocate(device_, SAMPAN_MEMORY_DEVICE, kBytes, &device_memory_, e())) &&
           ok(t.memory->allocate(device_, SAMPAN_MEMORY_HOST, kBytes, &host_memory_, e())) &&
           ok(t.stream->create(device_, &options, &first_, e())) &&
           ok(t.stream->create(device_, &options, &second_, e())) &&
           ok(t.event->create(device_, SAMPAN_EVENT_TIMING, &timed_, e())) &&
           ok(t.event->create(device_, SAMPAN_EVENT_SIGNALLED, &signalled_, e())) &&
           ok(t.module->load(device_, &desc, &module_, e())) &&
           ok(t.module->kernel(module_, "add", &kernel_, e())) && make_graph();
  }

  bool make_graph() {
    graph_args_ = {region_arg(device_memory_), value_arg(1)};
    sampan_graph_node_t node{};
    node.size = sizeof node;
    node.kind = SAMPAN_NODE_LAUNCH;
    node.launch = make_launch(kernel_, graph_args_, 8, 8);
    const sampan_code_t code = tables().graph->create(device_, &node, 1, &graph_, e());
    return code == SAMPAN_UNSUPPORTED || ok(code);
  }

  bool submit() {
    const auto& t = tables();
    const std::int32_t seven = 7;
    const std::array args{region_arg(device_memory_, 256), value_arg(1)};
    const auto launch = make_launch(kernel_, args, 8, 8, 1);
    const std::array pinned{region_arg(host_memory_), value_arg(1)};
    const auto pinned_launch = make_launch(kernel_, pinned, 1, 1, 2);
    return ok(t.stream->fill(first_, {device_memory_, 0}, &seven, 4, kBytes, e())) &&
           ok(t.stream->launch(first_, &launch, e())) &&
           ok(t.stream->launch(first_, &pinned_launch, e())) &&
           (graph_ == nullptr || ok(t.graph->replay(graph_, first_, 3, e()))) &&
           ok(t.stream->host_function(first_, count_call, &host_calls_, e())) &&
           ok(t.event->record(timed_, first_, e())) &&
           ok(t.stream->wait_event(second_, timed_, e())) && (waits_ = true) &&
           ok(t.stream->wait_event(second_, signalled_, e())) &&
           ok(t.stream->copy_to_device(second_, {device_memory_, 1024}, &hundred_, 4, e())) &&
           ok(t.stream->copy(second_, {host_memory_, 0}, {device_memory_, 256}, 4, e())) &&
           ok(t.stream->copy_to_host(second_, &result_, {host_memory_, 0}, 4, e())) &&
           (signal_given_ = true) && ok(t.event->signal(signalled_, SAMPAN_OK, e()));
  }

  bool finish() {
    const auto& t = tables();
    std::uint64_t host_ns = 0, device_ns = 0, end_ns = 0;
    return ok(t.stream->wait(second_, SAMPAN_WAIT_FOREVER, e())) &&
           ok(t.stream->wait(first_, 10'000'000'000, e())) && ok(t.stream->query(second_, e())) &&
           ok(t.event->timestamp(timed_, &end_ns, e())) &&
           ok(t.device->clock(device_, &host_ns, &device_ns, e()));
  }

  static void count_call(void* context, std::int32_t) { ++*static_cast<int*>(context); }

  Error error_;
  sampan_code_t code_ = SAMPAN_OK;
  sampan_device_t* device_ = nullptr;
  sampan_memory_t* device_memory_ = nullptr;
  sampan_memory_t* host_memory_ = nullptr;
  sampan_stream_t* first_ = nullptr;
  sampan_stream_t* second_ = nullptr;
  sampan_event_t* timed_ = nullptr;
  sampan_event_t* signalled_ = nullptr;
  sampan_module_t* module_ = nullptr;
  sampan_kernel_t* kernel_ = nullptr;
  sampan_graph_t* graph_ = nullptr;
  std::array<sampan_arg_t, 2> graph_args_{};
  const std::int32_t hundred_ = 100;  // read until the work has ended, as result_ is written
  std::int32_t result_ = 0;
  int host_calls_ = 0;
  bool waits_ = false;
  bool signal_given_ = false;
};

constexpr std::int32_t kExpected = 7 + 1;

class OpenclFault : public ::testing::TestWithParam<const char*> {
 protected:
  void TearDown() override {
    Driver::get().fail(0, 0);
    Driver::get().break_events(0);
  }
};

// Each call of a whole program fails once, in turn: the plug-in reports it or copes, and nothing
// hangs, leaks or comes out wrong.
TEST_P(OpenclFault, EveryDriverCallInTurn) {
  const ScopedVariable variable("SAMPAN_OPENCL_MEMORY", GetParam());
  const Driver& driver = Driver::get();
  {
    Program whole;  // compiled, enumerated and cached from here on
    whole.run();
    ASSERT_EQ(SAMPAN_OK, whole.code()) << whole.error().message();
    ASSERT_EQ(kExpected, whole.result());
    ASSERT_EQ(1, whole.host_calls());
  }
  std::int64_t at_rest = driver.live();
  int reported = 0;
  int failed = 0;
  for (std::uint64_t nth = 1;; ++nth) {
    constexpr std::int32_t kCodes[] = {-5, -6, -36, -4};
    driver.fail(nth, kCodes[nth % 4]);
    Program program;
    program.run();
    const char* const call = driver.failed();
    driver.fail(0, 0);
    if (call == nullptr) break;
    SCOPED_TRACE(std::string(call) + ", call " + std::to_string(nth));
    ++failed;
    if (program.code() == SAMPAN_OK) {
      EXPECT_EQ(kExpected, program.result());
      EXPECT_EQ(1, program.host_calls());
    } else {
      ++reported;
      EXPECT_NE("", program.error().message());
    }
    // The driver lets go of events on threads of its own.
    for (int i = 0; i < 300 && driver.live() != at_rest; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(at_rest, driver.live());
    at_rest = driver.live();
  }
  EXPECT_GT(failed, 80);
  EXPECT_GT(reported, failed / 3);
}
INSTANTIATE_TEST_SUITE_P(Paths, OpenclFault, ::testing::Values("svm", "usm", "buffer"),
                         [](const auto& path) { return std::string(path.param); });

class OpenclFailure : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(bench_.opened()) << bench_.error().message();
    module_ = bench_.module(kSource);
    memory_ = bench_.memory(kBytes);
    args_ = {region_arg(memory_.get()), value_arg(1)};
  }
  void TearDown() override {
    Driver::get().fail(0, 0);
    Driver::get().break_events(0);
    memory_.reset();
    module_.reset();
  }

  [[nodiscard]] sampan_code_t launch(sampan_stream_t* stream, std::uint64_t sequence,
                                     Error& error) {
    const auto call = make_launch(bench_.kernel(module_, "add"), args_, 1, 1, sequence);
    return tables().stream->launch(stream, &call, error.get());
  }

  Bench bench_;
  Handle<sampan_module_t> module_{nullptr, tables().module->unload};
  Handle<sampan_memory_t> memory_{nullptr, tables().memory->release};
  std::array<sampan_arg_t, 2> args_{};
};

TEST_F(OpenclFailure, OneSuspectIsNamed) {
  const auto stream = bench_.stream();
  const auto other = bench_.stream();
  Error error;
  ASSERT_CODE(SAMPAN_OK, error, launch(stream.get(), 41, error));
  bench_.wait(stream.get());
  ASSERT_CODE(SAMPAN_OK, error, launch(stream.get(), 42, error));
  Driver::get().break_events(-5);
  EXPECT_EQ(SAMPAN_LAUNCH_FAILED,
            tables().stream->wait(stream.get(), SAMPAN_WAIT_FOREVER, error.get()));
  Driver::get().break_events(0);
  EXPECT_EQ(42u, error->sequence);
  EXPECT_STREQ("add", error->kernel);
  EXPECT_EQ(-5, error->driver_code);
  EXPECT_TRUE(error->flags & SAMPAN_ERROR_STICKY);
  EXPECT_FALSE(error->flags & SAMPAN_ERROR_RETRYABLE);
  // The stream keeps its first cause, the device and its other streams go on.
  Error later;
  EXPECT_EQ(SAMPAN_LAUNCH_FAILED, launch(stream.get(), 43, later));
  EXPECT_EQ(42u, later->sequence);
  EXPECT_CODE(SAMPAN_OK, later, launch(other.get(), 1, later));
  bench_.wait(other.get());
}

TEST_F(OpenclFailure, SeveralSuspectsAreCounted) {
  const auto stream = bench_.stream();
  Error error;
  for (std::uint64_t i = 1; i <= 3; ++i)
    ASSERT_CODE(SAMPAN_OK, error, launch(stream.get(), i, error));
  Driver::get().break_events(-9999);
  EXPECT_EQ(SAMPAN_ILLEGAL_ACCESS,
            tables().stream->wait(stream.get(), SAMPAN_WAIT_FOREVER, error.get()));
  EXPECT_NE(std::string::npos, error.message().find("One of the 3 launches")) << error.message();
  EXPECT_EQ(0u, error->sequence);
}

TEST_F(OpenclFailure, ValidationNamesTheLaunch) {
  const ScopedVariable validate("SAMPAN_VALIDATE", "1");
  const auto stream = bench_.stream();
  Error error;
  ASSERT_CODE(SAMPAN_OK, error, launch(stream.get(), 7, error));
  bench_.wait(stream.get());
  for (std::uint64_t i = 8; i <= 10; ++i)
    ASSERT_CODE(SAMPAN_OK, error, launch(stream.get(), i, error));
  Driver::get().break_events(-5);
  EXPECT_EQ(SAMPAN_LAUNCH_FAILED,
            tables().stream->wait(stream.get(), SAMPAN_WAIT_FOREVER, error.get()));
  EXPECT_GE(error->sequence, 8u);
  EXPECT_STREQ("add", error->kernel);
  EXPECT_NE(std::string::npos, error.message().find("of kernel 'add'")) << error.message();
}

TEST_F(OpenclFailure, ALostDeviceStaysLostAndOthersGoOn) {
  const Bench other;
  ASSERT_TRUE(other.opened());
  const auto stream = bench_.stream();
  const auto elsewhere = other.stream();
  Error error;
  ASSERT_CODE(SAMPAN_OK, error, launch(stream.get(), 1, error));  // its kernel is made
  bench_.wait(stream.get());
  Driver::get().fail(1, -2);
  EXPECT_EQ(SAMPAN_DEVICE_LOST, launch(stream.get(), 2, error));
  EXPECT_EQ(std::uint32_t{SAMPAN_ERROR_STICKY | SAMPAN_ERROR_DEVICE_LOST}, error->flags);
  EXPECT_EQ(SAMPAN_DEVICE_LOST, tables().device->status(bench_.device(), error.get()));
  EXPECT_EQ(SAMPAN_DEVICE_LOST, tables().stream->query(stream.get(), error.get()));
  sampan_memory_t* made = nullptr;
  EXPECT_EQ(SAMPAN_DEVICE_LOST, tables().memory->allocate(bench_.device(), SAMPAN_MEMORY_DEVICE, 64,
                                                          &made, error.get()));
  other.wait(elsewhere.get());
  EXPECT_CODE(SAMPAN_OK, error, tables().device->status(other.device(), error.get()));
  EXPECT_NE(nullptr, other.memory(64));
}

TEST_F(OpenclFailure, ARefusedEnqueueIsNoFailureOfTheStream) {
  const auto stream = bench_.stream();
  Error error;
  ASSERT_CODE(SAMPAN_OK, error, launch(stream.get(), 1, error));
  Driver::get().fail(1, -5);
  EXPECT_EQ(SAMPAN_OUT_OF_DEVICE_MEMORY, launch(stream.get(), 2, error));
  EXPECT_EQ(std::uint32_t{SAMPAN_ERROR_RETRYABLE}, error->flags);
  EXPECT_EQ(2u, error->sequence);
  EXPECT_STREQ("add", error->kernel);
  EXPECT_STREQ("clEnqueueNDRangeKernel", error->driver_call);
  EXPECT_CODE(SAMPAN_OK, error, launch(stream.get(), 3, error));
  bench_.wait(stream.get());
}

TEST_F(OpenclFailure, ALaunchIsOneCallAndMakesNoEvent) {
  const auto stream = bench_.stream();
  Error error;
  ASSERT_CODE(SAMPAN_OK, error, launch(stream.get(), 1, error));
  const Driver& driver = Driver::get();
  const std::int64_t live = driver.live();
  const std::uint64_t launches = driver.calls("clEnqueueNDRangeKernel");
  const std::uint64_t settings = driver.calls("clSetKernelArg");
  for (std::uint64_t i = 2; i <= 100; ++i)
    ASSERT_CODE(SAMPAN_OK, error, launch(stream.get(), i, error));
  EXPECT_EQ(live, driver.live());
  EXPECT_EQ(launches + 99, driver.calls("clEnqueueNDRangeKernel"));
  EXPECT_EQ(settings, driver.calls("clSetKernelArg"));
  bench_.wait(stream.get());
}

TEST_F(OpenclFailure, WaitingTwiceMakesOneMarker) {
  const auto stream = bench_.stream();
  Error error;
  ASSERT_CODE(SAMPAN_OK, error, launch(stream.get(), 1, error));
  bench_.wait(stream.get());
  const std::uint64_t markers = Driver::get().calls("clEnqueueMarkerWithWaitList");
  for (int i = 0; i < 5; ++i) bench_.wait(stream.get());
  EXPECT_EQ(markers, Driver::get().calls("clEnqueueMarkerWithWaitList"));
}

}  // namespace
}  // namespace sampan::test

int main(int argc, char** argv) {
  setenv("SAMPAN_OPENCL_LIBRARY", SAMPAN_TEST_DRIVER, 1);
  setenv("SAMPAN_TEST_OPENCL_USM", "1", 1);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
