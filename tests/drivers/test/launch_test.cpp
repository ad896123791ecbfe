// What a launch may ask for, and kernels that fail.
#include "fixture.h"

namespace sampan::test {
namespace {

class EmulatedLaunch : public DriverTest {
 protected:
  /// Runs `k(int* p, int n)` with one thread until it fails; the device works again afterwards.
  Result failure_of(const std::string& body, int n = 0) {
    const Loaded kernel = load("extern \"C\" __global__ void k(int* p, int n) {" + body + "}", "k");
    const Address block = upload(std::vector<int>(4));
    EXPECT_EQ(launch(kernel.function, {2}, {3}, 0, block, n), kOk);
    const Result result = f.stream_wait(stream);
    report = f.last_report();
    // The failure sticks to everything but what frees.
    Address other = 0;
    EXPECT_EQ(f.allocate(&other, 4), result);
    EXPECT_EQ(f.stream_query(stream), result);
    EXPECT_EQ(f.free(block), result);
    EXPECT_EQ(f.count("live.memory"), 0u);
    // The other device goes on.
    EXPECT_EQ(driver.make_current(1), kOk);
    EXPECT_EQ(f.allocate(&other, 4), kOk);
    EXPECT_EQ(f.free(other), kOk);
    EXPECT_EQ(driver.make_current(0), kOk);
    reset();
    EXPECT_EQ(f.synchronize(), kOk);
    return result;
  }
  std::string report;
};

TEST_P(EmulatedLaunch, LimitsAreChecked) {
  const Loaded kernel = load("extern \"C\" __global__ void k(int* p) { if (p) *p = 1; }", "k");
  const Loaded bounded =
      load("extern \"C\" __global__ void __launch_bounds__(64) k(int* p) { if (p) *p = 1; }", "k");
  const unsigned shared = driver.is_cuda() ? 48u << 10 : 64u << 10;
  const unsigned max_z = driver.is_cuda() ? 64 : 1024;
  struct Case {
    const char* what;
    Dim grid, block;
    unsigned dynamic_bytes;
    Result expected;
  };
  const Case cases[] = {
      {"all of a block", {1}, {1024}, 0, kOk},
      {"a block too large", {1}, {1025}, 0, kInvalidValue},
      {"a block too large in all", {1}, {32, 33, 1}, 0, kInvalidValue},
      {"a block too deep", {1}, {1, 1, max_z + 1}, 0, kInvalidValue},
      {"no block", {0}, {1}, 0, kInvalidValue},
      {"no thread", {1}, {1, 0, 1}, 0, kInvalidValue},
      {"a grid too high", {1, 70000}, {1}, 0, kInvalidValue},
      {"a grid too deep", {1, 1, 70000}, {1}, 0, kInvalidValue},
      {"all shared memory", {1}, {1}, shared, kOk},
      {"too much shared memory", {1}, {1}, shared + 1, kInvalidValue},
  };
  for (const auto& [what, grid, block, dynamic_bytes, expected] : cases) {
    EXPECT_EQ(launch(kernel.function, grid, block, dynamic_bytes, Address{0}), expected) << what;
  }
  EXPECT_EQ(launch(bounded.function, {1}, {64}, 0, Address{0}), kOk);
  EXPECT_EQ(launch(bounded.function, {1}, {65}, 0, Address{0}), kOutOfResources);
  EXPECT_EQ(f.launch(kernel.function, 1, 1, 1, 1, 1, 1, 0, stream, nullptr, nullptr), kInvalidValue)
      << "no arguments";
  EXPECT_EQ(f.launch(stream, 1, 1, 1, 1, 1, 1, 0, stream, nullptr, nullptr), kInvalidHandle)
      << "no function";
  EXPECT_EQ(f.stream_wait(stream), kOk);
  EXPECT_EQ(f.module_unload(kernel.module), kOk);
  EXPECT_EQ(f.module_unload(bounded.module), kOk);
}

TEST_P(EmulatedLaunch, CooperativeGridsMustFit) {
  const Loaded kernel = load("extern \"C\" __global__ void k(int* p) { if (p) *p = 1; }", "k");
  Address null = 0;
  void* arguments[] = {&null};
  int blocks = 0;
  ASSERT_EQ(f.occupancy(&blocks, kernel.function, 1024, 0), kOk);
  EXPECT_EQ(blocks, 2);
  const auto go = [&](unsigned grid) {
    return f.launch_cooperative(kernel.function, grid, 1, 1, 1024, 1, 1, 0, stream, arguments);
  };
  EXPECT_EQ(go(2 * 4), kOk);
  EXPECT_EQ(go(2 * 4 + 1), kCooperativeTooLarge);
  EXPECT_EQ(f.stream_wait(stream), kOk);
  EXPECT_EQ(f.module_unload(kernel.module), kOk);
}

TEST_P(EmulatedLaunch, StreamsAndKernelsBelongToOneDevice) {
  const Loaded kernel = load("extern \"C\" __global__ void k(int* p) {}", "k");
  Handle foreign = nullptr;
  ASSERT_EQ(driver.make_current(1), kOk);
  ASSERT_EQ(f.stream_create(&foreign, kNonBlocking, 0), kOk);
  EXPECT_EQ(launch(kernel.function, {1}, {1}, 0, Address{0}), kInvalidHandle)
      << "another device is current";
  ASSERT_EQ(driver.make_current(0), kOk);
  std::swap(stream, foreign);
  EXPECT_EQ(launch(kernel.function, {1}, {1}, 0, Address{0}), kInvalidHandle)
      << "a stream of another device";
  std::swap(stream, foreign);
  EXPECT_EQ(launch(kernel.function, {1}, {1}, 0, Address{0}), kOk);
  EXPECT_EQ(f.stream_wait(stream), kOk);
  EXPECT_EQ(f.stream_destroy(foreign), kOk);
  EXPECT_EQ(f.module_unload(kernel.module), kOk);
}

TEST_P(EmulatedLaunch, ArgumentsAreTakenAtTheLaunch) {
  const Loaded kernel = load(R"(struct Pair { char c; double d; };
    extern "C" __global__ void k(double* out, unsigned char small, Pair pair, const int* const from, unsigned long long big) {
      *out = small + pair.d + *from + (double)big; })",
                             "k");
  struct Pair {
    char c;
    double d;
  };
  const Address out = upload(std::vector<double>{0}), from = upload(std::vector<int>{1000});
  ASSERT_EQ(launch(kernel.function, {1}, {1}, 0, out, static_cast<unsigned char>(200), Pair{1, 0.5},
                   from, std::uint64_t{1} << 40),
            kOk);
  EXPECT_EQ(download<double>(out, 1)[0], 200 + 0.5 + 1000 + 0x1p40);
  EXPECT_EQ(f.module_unload(kernel.module), kOk);
  EXPECT_EQ(f.free(out), kOk);
  EXPECT_EQ(f.free(from), kOk);
}

TEST_P(EmulatedLaunch, InvalidAddressesFail) {
  EXPECT_EQ(failure_of("p[n] = 1;", 1 << 20), kIllegalAddress);
  EXPECT_NE(
      report.find("kernel k: thread (0, 0, 0) of block (0, 0, 0) accessed an invalid address"),
      std::string::npos)
      << report;
  EXPECT_EQ(failure_of("if (blockIdx.x == 1 && threadIdx.x == 2) *(volatile int*)(p - p) = 1;"),
            kIllegalAddress);
  EXPECT_NE(report.find("thread (2, 0, 0) of block (1, 0, 0)"), std::string::npos) << report;
}

TEST_P(EmulatedLaunch, OtherFaultsFail) {
  EXPECT_EQ(failure_of("p[0] = 5 / n;"), kLaunchFailed);
  EXPECT_EQ(failure_of("volatile char large[1 << 20]; large[n] = 1; p[0] = large[n];"),
            kLaunchFailed);
  EXPECT_NE(report.find("stack"), std::string::npos) << report;
}

TEST_P(EmulatedLaunch, PointersToOtherMemoryFail) {
  const Loaded kernel = load("extern \"C\" __global__ void k(int* p) { *p = 7; }", "k");
  Address foreign = 0;
  ASSERT_EQ(driver.make_current(1), kOk);
  ASSERT_EQ(f.allocate(&foreign, 64), kOk);
  ASSERT_EQ(driver.make_current(0), kOk);
  int can = 0;
  EXPECT_EQ(f.can_access_peer(&can, 0, 1), kOk);
  EXPECT_EQ(can, 1);
  EXPECT_EQ(driver.disable_peer(1), kPeerNotEnabled);
  EXPECT_EQ(driver.enable_peer(1), kOk);
  EXPECT_EQ(driver.enable_peer(1), kPeerAlreadyEnabled);
  EXPECT_EQ(launch(kernel.function, {1}, {1}, 0, foreign), kOk);
  EXPECT_EQ(download<int>(foreign, 1)[0], 7);
  EXPECT_EQ(driver.disable_peer(1), kOk);
  EXPECT_EQ(launch(kernel.function, {1}, {1}, 0, foreign), kOk);
  EXPECT_EQ(f.stream_wait(stream), kIllegalAddress);
  EXPECT_NE(std::string(f.last_report()).find("peer access"), std::string::npos) << f.last_report();
  reset();
  EXPECT_EQ(f.free(foreign), kOk);

  int host = 0;
  void* pinned = nullptr;
  ASSERT_EQ(f.host_allocate(&pinned, 4, 0), kOk);
  const Loaded again = load("extern \"C\" __global__ void k(int* p) { *p = 7; }", "k");
  EXPECT_EQ(launch(again.function, {1}, {1}, 0, pinned), kOk);
  EXPECT_EQ(f.stream_wait(stream), kOk);
  EXPECT_EQ(*static_cast<int*>(pinned), 7);
  EXPECT_EQ(launch(again.function, {1}, {1}, 0, &host), kOk);
  EXPECT_EQ(f.stream_wait(stream), kIllegalAddress);
  EXPECT_EQ(host, 0);
  reset();
}

TEST_P(EmulatedLaunch, SharedMemoryEndsWhereTheLaunchSaid) {
  const Loaded kernel = load(
      "extern \"C\" __global__ void k(int n) { extern __shared__ char pool[]; ((volatile "
      "char*)pool)[n] = 1; }",
      "k");
  EXPECT_EQ(launch(kernel.function, {1}, {1}, 1024, 1023), kOk);
  EXPECT_EQ(f.stream_wait(stream), kOk);
  EXPECT_EQ(launch(kernel.function, {1}, {1}, 1024, 1024), kOk);
  EXPECT_EQ(f.stream_wait(stream), kIllegalAddress);
  reset();
}

SAMPAN_ON_BOTH_DRIVERS(EmulatedLaunch);

using EmulatedOptIn = DriverTest;
TEST_P(EmulatedOptIn, SharedMemoryAbove48KiBIsAskedFor) {
  auto* const set =
      reinterpret_cast<Result (*)(Handle, int, int)>(driver.symbol("cuFuncSetAttribute"));
  const Loaded kernel = load(
      "extern \"C\" __global__ void k(int* p) { extern __shared__ int pool[]; pool[threadIdx.x] = "
      "1; if (p) *p = pool[0]; }",
      "k");
  EXPECT_EQ(launch(kernel.function, {1}, {1}, 100u << 10, Address{0}), kInvalidValue);
  EXPECT_EQ(set(kernel.function, 8, (227 << 10) + 1), kInvalidValue);
  EXPECT_EQ(set(kernel.function, 8, 100 << 10), kOk);
  EXPECT_EQ(launch(kernel.function, {1}, {1}, 100u << 10, Address{0}), kOk);
  EXPECT_EQ(f.stream_wait(stream), kOk);
  EXPECT_EQ(f.module_unload(kernel.module), kOk);
}
INSTANTIATE_TEST_SUITE_P(Drivers, EmulatedOptIn, testing::Values("cuda"), vendor_name);

}  // namespace
}  // namespace sampan::test
