// Warp exchanges and barriers.
#include "fixture.h"

namespace sampan::test {
namespace {

class EmulatedWarp : public DriverTest {
 protected:
  /// Runs a kernel `k(unsigned* out)` of one block; `body` sets out[t] for thread t.
  std::vector<unsigned> run(const std::string& body, unsigned threads) {
    const std::string source = std::string(kWords) +
                               "extern \"C\" __global__ void k(unsigned* out) {\n" +
                               "  const unsigned t = threadIdx.x, w = warpSize;\n" + body + "\n}\n";
    const Loaded kernel = load(source, "k");
    const Address out = upload(std::vector<unsigned>(threads, kUnset));
    EXPECT_EQ(launch(kernel.function, {1}, {threads}, 0, out), kOk);
    std::vector<unsigned> values(threads);
    (void)f.to_host(values.data(), out, threads * sizeof(unsigned), stream);  // fails as the wait
    result = f.stream_wait(stream);
    if (result == kOk) {
      EXPECT_EQ(f.module_unload(kernel.module), kOk);
      EXPECT_EQ(f.free(out), kOk);
    }
    return values;
  }

  static constexpr unsigned kUnset = 0xffffffffu;
  // The same words for both languages.
  static constexpr const char* kWords = R"(
#if defined(__HIP__)
#define SHFL(v, s) __shfl(v, s)
#define XOR(v, m) __shfl_xor(v, m)
#define DOWN(v, d, width) __shfl_down(v, d, width)
#define UP(v, d, width) __shfl_up(v, d, width)
#define BALLOT(p) __ballot(p)
#else
#define SHFL(v, s) __shfl_sync(0xffffffffu, v, s)
#define XOR(v, m) __shfl_xor_sync(0xffffffffu, v, m)
#define DOWN(v, d, width) __shfl_down_sync(0xffffffffu, v, d, width)
#define UP(v, d, width) __shfl_up_sync(0xffffffffu, v, d, width)
#define BALLOT(p) __ballot_sync(0xffffffffu, p)
#endif
)";
  Result result = kOk;
};

TEST_P(EmulatedWarp, ShuffleFromOneLane) {
  const unsigned warp = driver.warp_size();
  const auto out = run("out[t] = SHFL(t * 10, 3);", 128);
  for (unsigned t = 0; t < out.size(); ++t) EXPECT_EQ(out[t], (t / warp * warp + 3) * 10) << t;
}

TEST_P(EmulatedWarp, Butterfly) {
  const unsigned warp = driver.warp_size();
  const auto out = run(
      "unsigned v = t; for (unsigned m = w / 2; m > 0; m /= 2) v += XOR(v, m); out[t] = v;", 128);
  for (unsigned t = 0; t < out.size(); ++t) {
    const unsigned first = t / warp * warp;
    EXPECT_EQ(out[t], warp * first + warp * (warp - 1) / 2) << t;
  }
}

TEST_P(EmulatedWarp, UpAndDownStayInTheirPart) {
  const auto out = run("out[t] = DOWN(t, 3u, 8) * 1000 + UP(t, 2u, 8);", 64);
  for (unsigned t = 0; t < out.size(); ++t) {
    const unsigned down = t % 8 + 3 < 8 ? t + 3 : t, up = t % 8 >= 2 ? t - 2 : t;
    EXPECT_EQ(out[t], down * 1000 + up) << t;
  }
}

TEST_P(EmulatedWarp, BallotLeavesOutThreadsThatAreNotThere) {
  const auto out = run("out[t] = (unsigned)BALLOT(t % 2 == 0);", 21);
  for (const unsigned votes : out) EXPECT_EQ(votes, 0x155555u);
}

TEST_P(EmulatedWarp, ThreadsThatEndedAreNotWaitedFor) {
  const auto out = run("if (t >= 40) return; __syncthreads(); out[t] = XOR(t, 1);", 64);
  for (unsigned t = 0; t < 40; ++t) EXPECT_EQ(out[t], t ^ 1);
  for (unsigned t = 40; t < 64; ++t) EXPECT_EQ(out[t], kUnset);
}

TEST_P(EmulatedWarp, BarriersOrderSharedMemory) {
  const auto out = run(R"(__shared__ unsigned tile[256];
    tile[t] = t;
    __syncthreads();
    for (unsigned round = 0; round < 3; ++round) {
      const unsigned next = tile[(t + 1) % 256];
      __syncthreads();
      tile[t] = next;
      __syncthreads();
    }
    out[t] = tile[t];)",
                       256);
  for (unsigned t = 0; t < out.size(); ++t) EXPECT_EQ(out[t], (t + 3) % 256) << t;
}

TEST_P(EmulatedWarp, SharedMemoryIsUnsetBeforeEachBlock) {
  const std::string source = R"(extern "C" __global__ void k(unsigned* out) {
    extern __shared__ unsigned pool[];
    __shared__ unsigned fixed[4];
    if (threadIdx.x == 0) {
      out[2 * blockIdx.x] = pool[0];
      out[2 * blockIdx.x + 1] = fixed[1];
    }
    __syncthreads();
    pool[threadIdx.x] = fixed[threadIdx.x] = blockIdx.x;
  })";
  const Loaded kernel = load(source, "k");
  const Address out = upload(std::vector<unsigned>(6));
  ASSERT_EQ(launch(kernel.function, {1}, {4}, 16, out), kOk);  // now the stream has the variables
  ASSERT_EQ(launch(kernel.function, {3}, {4}, 16, out), kOk);
  EXPECT_EQ(download<unsigned>(out, 6), std::vector<unsigned>(6, 0xcdcdcdcdu));
  EXPECT_EQ(f.module_unload(kernel.module), kOk);
  EXPECT_EQ(f.free(out), kOk);
}

TEST_P(EmulatedWarp, BarrierAgainstExchangeFails) {
  (void)run("if (t < 7) __syncthreads(); else out[t] = XOR(t, 1);", 32);
  EXPECT_EQ(result, kLaunchFailed);
  EXPECT_NE(std::string(f.last_report()).find("never reach"), std::string::npos) << f.last_report();
  reset();
}

SAMPAN_ON_BOTH_DRIVERS(EmulatedWarp);

// Lanes of two masks exchange apart.
using EmulatedCudaWarp = EmulatedWarp;
TEST_P(EmulatedCudaWarp, MasksSplitAWarp) {
  const auto out = run(R"(const unsigned mask = t < 16 ? 0xffffu : 0xffff0000u;
    unsigned v = t;
    if (t < 16) { for (unsigned m = 8; m > 0; m /= 2) v += __shfl_xor_sync(mask, v, m); }
    else v = __shfl_sync(mask, v, 20);
    out[t] = v;)",
                       32);
  for (unsigned t = 0; t < 16; ++t) EXPECT_EQ(out[t], 120u);
  for (unsigned t = 16; t < 32; ++t) EXPECT_EQ(out[t], 20u);
}
INSTANTIATE_TEST_SUITE_P(Drivers, EmulatedCudaWarp, testing::Values("cuda"), vendor_name);

}  // namespace
}  // namespace sampan::test
