// Faults, counters and the trace; contexts; what the libraries export.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "fixture.h"

namespace sampan::test {
namespace {

class EmulatedControl : public DriverTest {
 protected:
  [[nodiscard]] const char* name(const char* cuda, const char* hip) const {
    return driver.is_cuda() ? cuda : hip;
  }
};

TEST_P(EmulatedControl, CommandsAreUnderstoodOrNot) {
  for (const char* command :
       {"", "reset", "fail=1:2", "fail=3:719:cuMemAlloc_v2", "oom=100", "delay=1;delay=0",
        "lose=0@5", "lose=1@5:46", "hang=k", "hang=", "trace="}) {
    EXPECT_EQ(f.control(command), 0) << command;
  }
  for (const char* command :
       {"fail", "fail=", "fail=0:2", "fail=1", "fail=1:0", "fail=x:2", "oom=", "oom=-1", "lose=1",
        "lose=0@0", "break=1", "trace=/no/such/folder/file"}) {
    EXPECT_EQ(f.control(command), 1) << command;
  }
  EXPECT_EQ(f.count("nothing"), UINT64_MAX);
}

TEST_P(EmulatedControl, AChosenCallFails) {
  Address first = 0, second = 0;
  ASSERT_EQ(f.control((std::string("fail=2:2:") + name("cuMemAlloc_v2", "hipMalloc")).c_str()), 0);
  EXPECT_EQ(f.allocate(&first, 4), kOk);
  EXPECT_EQ(f.allocate(&second, 4), kOutOfMemory);
  EXPECT_EQ(f.count("injected"), 1u);
  EXPECT_EQ(f.count("live.memory"), 1u) << "the call did nothing";
  EXPECT_EQ(f.allocate(&second, 4), kOk) << "once only";
  ASSERT_EQ(f.control("fail=3:999"), 0);
  EXPECT_EQ(f.synchronize(), kOk);
  EXPECT_EQ(f.stream_wait(stream), kOk);
  EXPECT_EQ(f.stream_wait(stream), 999) << "the third of all";
  EXPECT_EQ(f.free(first), kOk);
  EXPECT_EQ(f.free(second), kOk);
}

TEST_P(EmulatedControl, CallsThatFreeDoSoAndFail) {
  Address block = 0;
  ASSERT_EQ(f.allocate(&block, 4), kOk);
  ASSERT_EQ(f.control("fail=1:999"), 0);
  EXPECT_EQ(f.free(block), 999);
  EXPECT_EQ(f.count("live.memory"), 0u);
}

TEST_P(EmulatedControl, InjectedStickyCodesStick) {
  ASSERT_EQ(f.control("fail=1:719"), 0);
  EXPECT_EQ(f.stream_wait(stream), kLaunchFailed);
  EXPECT_EQ(f.stream_wait(stream), kLaunchFailed);
  reset();
  EXPECT_EQ(f.stream_wait(stream), kOk);
}

TEST_P(EmulatedControl, MemoryEndsWhereItIsTold) {
  Address block = 0;
  std::size_t free_bytes = 0, total = 0;
  ASSERT_EQ(f.control("oom=1000"), 0);
  EXPECT_EQ(f.memory_info(&free_bytes, &total), kOk);
  EXPECT_EQ(free_bytes, 1000u);
  EXPECT_EQ(f.allocate(&block, 1001), kOutOfMemory);
  ASSERT_EQ(f.allocate(&block, 1000), kOk);
  Address more = 0;
  EXPECT_EQ(f.allocate(&more, 1), kOutOfMemory);
  EXPECT_EQ(f.count("bytes"), 1000u);
  EXPECT_EQ(f.free(block), kOk);
}

TEST_P(EmulatedControl, ALostDeviceStopsAndCanBeReset) {
  const Loaded kernel = load("extern \"C\" __global__ void k(int* p) {}", "k");
  Handle event = nullptr, foreign = nullptr;
  ASSERT_EQ(f.event_create(&event, 0), kOk);
  ASSERT_EQ(driver.make_current(1), kOk);
  ASSERT_EQ(f.stream_create(&foreign, kNonBlocking, 0), kOk);
  ASSERT_EQ(driver.make_current(0), kOk);
  ASSERT_EQ(f.control("hang=k"), 0);
  ASSERT_EQ(launch(kernel.function, {1}, {1}, 0, Address{0}), kOk);
  ASSERT_EQ(f.event_record(event, stream), kOk);
  ASSERT_EQ(f.control("lose=0@2"), 0);
  EXPECT_EQ(f.event_query(event), kNotReady);
  EXPECT_EQ(f.event_query(event), kLost);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(f.stream_wait(stream), kLost) << "though the kernel hangs";
  EXPECT_EQ(f.event_wait(event), kLost);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  ASSERT_EQ(driver.make_current(1), kOk);
  EXPECT_EQ(f.stream_wait(foreign), kOk) << "the other device goes on";
  EXPECT_EQ(f.stream_destroy(foreign), kOk);
  ASSERT_EQ(driver.make_current(0), kOk);
  reset();
  EXPECT_EQ(f.stream_wait(stream), kOk);
}

TEST_P(EmulatedControl, AKernelHangsUntilItIsLetGo) {
  const Loaded kernel = load("extern \"C\" __global__ void k(int* p) { *p = 3; }", "k");
  const Address word = upload(std::vector<int>{0});
  ASSERT_EQ(f.stream_wait(stream), kOk);
  ASSERT_EQ(f.control("hang=k"), 0);
  ASSERT_EQ(launch(kernel.function, {1}, {1}, 0, word), kOk);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(f.stream_query(stream), kNotReady);
  ASSERT_EQ(f.control("hang="), 0);
  EXPECT_EQ(download<int>(word, 1)[0], 3);
  EXPECT_EQ(f.module_unload(kernel.module), kOk);
  EXPECT_EQ(f.free(word), kOk);
}

TEST_P(EmulatedControl, AHangingKernelGoesWithAReset) {
  const Loaded kernel = load("extern \"C\" __global__ void k(int* p) {}", "k");
  ASSERT_EQ(f.control("hang=k"), 0);
  ASSERT_EQ(launch(kernel.function, {1}, {1}, 0, Address{0}), kOk);
  reset();
  EXPECT_EQ(f.stream_wait(stream), kOk);
  EXPECT_EQ(f.count("live"), 1u) << "only the new stream";
}

TEST_P(EmulatedControl, DelaysKeepTheOrder) {
  const Loaded kernel =
      load("extern \"C\" __global__ void k(unsigned* p, unsigned i) { *p = *p * 3 + i; }", "k");
  for (const char* seed : {"delay=1", "delay=2"}) {
    ASSERT_EQ(f.control(seed), 0);
    const Address word = upload(std::vector<unsigned>{0});
    unsigned expected = 0;
    for (unsigned i = 0; i < 20; ++i) {
      ASSERT_EQ(launch(kernel.function, {1}, {1}, 0, word, i), kOk);
      expected = expected * 3 + i;
    }
    EXPECT_EQ(download<unsigned>(word, 1)[0], expected);
    EXPECT_EQ(f.free(word), kOk);
  }
  EXPECT_EQ(f.module_unload(kernel.module), kOk);
}

TEST_P(EmulatedControl, LiveObjectsAreCounted) {
  struct Row {
    const char* kind;
    std::uint64_t count;
  };
  Handle event = nullptr, graph = nullptr;
  Address block = 0;
  ASSERT_EQ(f.event_create(&event, 0), kOk);
  ASSERT_EQ(f.graph_create(&graph, 0), kOk);
  ASSERT_EQ(f.allocate(&block, 100), kOk);
  for (const auto& [kind, count] :
       {Row{"live.stream", 1}, Row{"live.event", 1}, Row{"live.graph", 1}, Row{"live.memory", 1},
        Row{"live.module", 0}, Row{"live", 4}, Row{"bytes", 100}}) {
    EXPECT_EQ(f.count(kind), count) << kind;
  }
  const std::uint64_t calls = f.count("calls");
  EXPECT_EQ(f.event_destroy(event), kOk);
  EXPECT_EQ(f.graph_destroy(graph), kOk);
  EXPECT_EQ(f.free(block), kOk);
  EXPECT_EQ(f.count("calls"), calls + 3);
}

TEST_P(EmulatedControl, TheTraceHasEachCall) {
  const std::filesystem::path path = std::filesystem::temp_directory_path() /
                                     ("sampan-trace-" + std::to_string(getpid()) + GetParam());
  ASSERT_EQ(f.control(("trace=" + path.string()).c_str()), 0);
  Address block = 0;
  EXPECT_EQ(f.allocate(&block, 257), kOk);
  EXPECT_EQ(f.free(1), kInvalidValue);
  EXPECT_EQ(f.free(block), kOk);
  ASSERT_EQ(f.control("trace="), 0);
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::filesystem::remove(path);
  const std::string allocate = name("cuMemAlloc_v2", "hipMalloc"),
                    free = name("cuMemFree_v2", "hipFree");
  EXPECT_NE(text.find(" " + allocate + "(0x101) = 0\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" " + free + "(0x1) = 1\n"), std::string::npos) << text;
}

TEST_P(EmulatedControl, AForkIsRefused) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Address block = 0;
    _exit(f.allocate(&block, 4));
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), kNotInitialized);
}

TEST_P(EmulatedControl, OnlyEmulatedFunctionsAreThere) {
  EXPECT_GT(f.emulated(), 0);
  EXPECT_EQ(driver.symbol(name("cuTexRefCreate", "hipTexRefGetArray")), nullptr);
  EXPECT_EQ(driver.symbol(name("cuStreamBeginCapture_v2", "hipStreamBeginCapture")), nullptr);
  EXPECT_EQ(driver.symbol("_ZN6sampan8emulator7Control10of_libraryEv"), nullptr);
}

TEST_P(EmulatedControl, DevicesHaveTheirPlaces) {
  int count = 0;
  char pci[16] = {};
  EXPECT_EQ(f.device_count(&count), kOk);
  EXPECT_EQ(count, 2);
  EXPECT_EQ(f.device_pci(pci, sizeof pci, 1), kOk);
  EXPECT_STREQ(pci, name("0000:a2:00.0", "0000:b2:00.0"));
  EXPECT_EQ(f.device_pci(pci, 4, 1), kInvalidValue) << "no room";
  EXPECT_EQ(f.device_pci(pci, sizeof pci, 2), kInvalidDevice);
  int value = 0;
  EXPECT_EQ(f.device_attribute(&value, 12345, 0), kInvalidValue);
}

// The two vendors' libraries in one process don't share state.
TEST_P(EmulatedControl, LibrariesAreApart) {
  Functions& other = Driver::of(driver.is_cuda() ? "hip" : "cuda").f;
  const std::uint64_t before = other.count("calls");
  EXPECT_EQ(f.synchronize(), kOk);
  EXPECT_EQ(other.count("calls"), before);
}

SAMPAN_ON_BOTH_DRIVERS(EmulatedControl);

// Settings are read when a library is first used: each in a process of its own.
Result count_with(const char* vendor, const char* variable, const char* value) {
  setenv(variable, value, 1);
  Functions& f = Driver::of(vendor).f;
  int count = 0;
  const Result ready = f.init(0);
  return ready == kOk && f.device_count(&count) == kOk ? count : ready;
}
using EmulatedSettingsDeathTest = testing::Test;
TEST_F(EmulatedSettingsDeathTest, DevicesAreAsManyAsAskedFor) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  constexpr int kNoDevice = 100;
  struct Case {
    const char *vendor, *variable, *value;
    int expected;
  };
  for (const auto& [vendor, variable, value, expected] :
       {Case{"cuda", "SAMPAN_EMU_CUDA_DEVICES", "0", kNoDevice},
        Case{"hip", "SAMPAN_EMU_HIP_DEVICES", "0", kNoDevice},
        Case{"cuda", "SAMPAN_EMU_CUDA_DEVICES", "3", 3},
        Case{"hip", "SAMPAN_EMU_HIP_DEVICES", "1", 1},
        Case{"cuda", "SAMPAN_EMU_FAULT", "fail=1:999:cuInit", 999 & 0xff}}) {
    EXPECT_EXIT(_exit(count_with(vendor, variable, value)), testing::ExitedWithCode(expected), "")
        << variable;
  }
}

// A context must be current.
using EmulatedContext = DriverTest;
TEST_P(EmulatedContext, MustBeCurrent) {
  auto* const set = reinterpret_cast<Result (*)(Handle)>(driver.symbol("cuCtxSetCurrent"));
  auto* const get = reinterpret_cast<Result (*)(Handle*)>(driver.symbol("cuCtxGetCurrent"));
  auto* const push = reinterpret_cast<Result (*)(Handle)>(driver.symbol("cuCtxPushCurrent_v2"));
  auto* const pop = reinterpret_cast<Result (*)(Handle*)>(driver.symbol("cuCtxPopCurrent_v2"));
  Handle mine = nullptr, top = nullptr;
  Address block = 0;
  ASSERT_EQ(get(&mine), kOk);
  EXPECT_EQ(set(&block), kInvalidContext) << "no context";
  ASSERT_EQ(set(nullptr), kOk);
  EXPECT_EQ(f.allocate(&block, 4), kInvalidContext);
  EXPECT_EQ(f.stream_wait(stream), kInvalidContext);
  EXPECT_EQ(pop(&top), kInvalidContext);
  ASSERT_EQ(push(mine), kOk);
  EXPECT_EQ(f.allocate(&block, 4), kOk);
  EXPECT_EQ(pop(&top), kOk);
  EXPECT_EQ(top, mine);
  EXPECT_EQ(f.free(block), kOk);
  std::thread([&] {
    EXPECT_EQ(f.allocate(&block, 4), kInvalidContext) << "each thread has its own";
  }).join();
  ASSERT_EQ(set(mine), kOk);
}
TEST_P(EmulatedContext, GoesWithItsLastRelease) {
  auto* const retain =
      reinterpret_cast<Result (*)(Handle*, int)>(driver.symbol("cuDevicePrimaryCtxRetain"));
  auto* const release =
      reinterpret_cast<Result (*)(int)>(driver.symbol("cuDevicePrimaryCtxRelease_v2"));
  auto* const set = reinterpret_cast<Result (*)(Handle)>(driver.symbol("cuCtxSetCurrent"));
  Handle context = nullptr, brief = nullptr;
  ASSERT_EQ(retain(&context, 1), kOk);
  ASSERT_EQ(set(context), kOk);
  ASSERT_EQ(f.stream_create(&brief, 0, 0), kOk);
  while (f.synchronize() == kOk) ASSERT_EQ(release(1), kOk);  // other tests retained it, too
  EXPECT_EQ(f.synchronize(), kInvalidContext);
  EXPECT_EQ(release(1), kInvalidContext) << "not retained";
  EXPECT_EQ(driver.make_current(0), kOk);
  EXPECT_EQ(f.stream_wait(brief), kInvalidHandle);
  EXPECT_EQ(retain(&context, 1), kOk);
}
INSTANTIATE_TEST_SUITE_P(Drivers, EmulatedContext, testing::Values("cuda"), vendor_name);

}  // namespace
}  // namespace sampan::test
