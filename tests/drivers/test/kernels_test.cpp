// Kernels of kernels/ through the raw driver APIs, compared with the reference.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fixture.h"
#include "reference/attention.h"
#include "reference/gemm.h"
#include "reference/softmax.h"
#include "support/gtest_compare.h"
#include "support/random_data.h"

namespace sampan::test {
namespace {

using reference::Dtype;

/// Of the entry points that the dialect makes.
constexpr const char* kEntryPrefix = "sampan_kernel_";

std::string kernel_text(const std::string& file) {
  std::ifstream in(std::string(SAMPAN_KERNELS_FOLDER) + "/" + file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<float> narrow(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}
std::vector<double> widen(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

class EmulatedKernels : public DriverTest {
 protected:
  /// Compiles a file of kernels/ with the dialect's headers.
  Loaded load_kernel(const std::string& file, const std::string& name,
                     const std::vector<std::string>& options) {
    std::vector<std::pair<std::string, std::string>> headers;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::string(SAMPAN_KERNELS_FOLDER) + "/dialect")) {
      const std::string header = entry.path().filename().string();
      headers.emplace_back(header, kernel_text("dialect/" + header));
    }
    Loaded loaded;
    const Driver::Compiled compiled = driver.compile(kernel_text(file), options, headers, file);
    EXPECT_EQ(compiled.result, kOk) << compiled.log;
    if (compiled.result != kOk) return loaded;
    EXPECT_EQ(f.module_load(&loaded.module, compiled.code.data()), kOk) << f.last_report();
    EXPECT_EQ(f.module_function(&loaded.function, loaded.module,
                                (std::string(kEntryPrefix) + name).c_str()),
              kOk);
    return loaded;
  }

  void release(const Loaded& loaded, const std::vector<Address>& memory) {
    EXPECT_EQ(f.module_unload(loaded.module), kOk);
    for (const Address address : memory) EXPECT_EQ(f.free(address), kOk);
  }
};

TEST_P(EmulatedKernels, Axpy) {
  constexpr unsigned kCount = 1000;  // not a multiple of the block
  const Loaded axpy =
      load(R"(extern "C" __global__ void axpy(float a, const float* x, float* y, unsigned n) {
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a * x[i] + y[i];
  })",
           "axpy");
  std::vector<float> x(kCount), y(kCount), expected(kCount);
  for (unsigned i = 0; i < kCount; ++i) {
    x[i] = static_cast<float>(i);
    y[i] = static_cast<float>(1000 - i);
    expected[i] = 3 * x[i] + y[i];  // exact in f32
  }
  const Address dx = upload(x), dy = upload(y);
  ASSERT_EQ(launch(axpy.function, {4}, {256}, 0, 3.0f, dx, dy, kCount), kOk);
  EXPECT_EQ(download<float>(dy, kCount), expected);
  release(axpy, {dx, dy});
}

// Barriers and shared memory; sizes at, below and above the tile of 32 x 32 x 8.
TEST_P(EmulatedKernels, Gemm) {
  const Loaded gemm = load_kernel(
      "gemm.k", "gemm", {"-DBM=32", "-DBN=32", "-DBK=8", "-DTM=4", "-DTN=4", "-DGX=8", "-DGY=8"});
  struct Size {
    unsigned m, n, k;
  };
  for (const auto& [m, n, k] :
       {Size{1, 1, 1}, Size{32, 32, 8}, Size{33, 31, 17}, Size{64, 96, 40}}) {
    const auto a = random_normal(std::size_t{m} * k, 1, Dtype::kF32, 1);
    const auto b = random_normal(std::size_t{k} * n, 1, Dtype::kF32, 2);
    const Address da = upload(narrow(a)), db = upload(narrow(b));
    const Address dc = upload(std::vector<float>(std::size_t{m} * n));
    const std::uint64_t zero = 0;
    ASSERT_EQ(launch(gemm.function, {(n + 31) / 32, (m + 31) / 32}, {8, 8}, 0, m, n, k, 0u, 0.5f,
                     0.0f, da, zero, k, zero, db, zero, n, zero, dc, zero, n, zero, Address{0},
                     zero, Address{0}, zero, 0u, zero),
              kOk);
    reference::GemmSpec spec;
    spec.alpha = 0.5;
    const auto expected = reference::gemm({a.data(), {1, m, k}}, {b.data(), {1, k, n}}, spec);
    EXPECT_TRUE(agrees(
        compare_within(widen(download<float>(dc, std::size_t{m} * n)), expected, Dtype::kF32)))
        << m << " x " << n << " x " << k;
    for (const Address address : {da, db, dc}) EXPECT_EQ(f.free(address), kOk);
  }
  release(gemm, {});
}

TEST_P(EmulatedKernels, Softmax) {
  constexpr unsigned kRows = 5, kCols = 131;
  const Loaded softmax = load_kernel("softmax.k", "softmax", {"-DITEMS=64"});
  const auto x = random_normal(std::size_t{kRows} * kCols, 3, Dtype::kF32, 3);
  const Address dx = upload(narrow(x)), dy = upload(std::vector<float>(x.size()));
  const std::uint64_t zero = 0;
  ASSERT_EQ(launch(softmax.function, {kRows}, {64}, 0, kRows, kCols, 1.0f, dx, zero, kCols, dy,
                   zero, kCols),
            kOk);
  const auto expected = reference::softmax({x.data(), {kRows, kCols}}, {});
  EXPECT_TRUE(agrees(compare_within(widen(download<float>(dy, x.size())), expected, Dtype::kF32)));
  release(softmax, {dx, dy});
}

TEST_P(EmulatedKernels, AttentionWithGroupedQueries) {
  constexpr unsigned kQueries = 19, kKeys = 45, kHeads = 4, kKeyHeads = 2, kDepth = 32;
  const Loaded attention = load_kernel(
      "attention.k", "attention",
      {"-DHD=32", "-DBR=32", "-DBC=32", "-DTM=4", "-DTN=4", "-DTNO=4", "-DGX=8", "-DGY=8"});
  const auto q = random_normal(std::size_t{kQueries} * kHeads * kDepth, 1, Dtype::kF32, 4);
  const auto k = random_normal(std::size_t{kKeys} * kKeyHeads * kDepth, 1, Dtype::kF32, 5);
  const auto v = random_normal(k.size(), 1, Dtype::kF32, 6);
  const Address dq = upload(narrow(q)), dk = upload(narrow(k)), dv = upload(narrow(v));
  const Address dout = upload(std::vector<float>(q.size()));
  const std::uint64_t zero = 0;
  const unsigned causal = 1, q_stride = kHeads * kDepth, kv_stride = kKeyHeads * kDepth;
  const float scale = 0.17677669f;
  ASSERT_EQ(launch(attention.function, {(kQueries * 2 + 31) / 32, kKeyHeads}, {8, 8}, 0, kQueries,
                   kKeys, kHeads, kKeyHeads, kDepth, causal, 1u, scale, Address{0}, zero,
                   Address{0}, zero, 0u, 0u,                                             //
                   dq, zero, zero, q_stride, kDepth, dk, zero, zero, kv_stride, kDepth,  //
                   dv, zero, zero, kv_stride, kDepth, dout, zero, zero, q_stride, kDepth,
                   Address{0}, zero),
            kOk);
  reference::AttentionSpec spec;
  spec.scale = scale;
  spec.causal = true;
  spec.max_rescales = (kKeys + 31) / 32;
  const auto expected = reference::attention({q.data(), {1, kQueries, kHeads, kDepth}},
                                             {k.data(), {1, kKeys, kKeyHeads, kDepth}},
                                             {v.data(), {1, kKeys, kKeyHeads, kDepth}}, spec);
  EXPECT_TRUE(
      agrees(compare_within(widen(download<float>(dout, q.size())), expected, Dtype::kF32)));
  release(attention, {dq, dk, dv, dout});
}

// f16 goes through the emulated dialect's own conversions.
TEST_P(EmulatedKernels, SoftmaxF16) {
  constexpr unsigned kRows = 3, kCols = 37;
  const Loaded softmax = load_kernel("softmax.k", "softmax", {"-DITEMS=32", "-DDT_X=F16"});
  const auto x = random_normal(std::size_t{kRows} * kCols, 2, Dtype::kF16, 7);
  const Address dx = upload(reference::encode(Dtype::kF16, x)),
                dy = upload(std::vector<std::uint16_t>(x.size()));
  const std::uint64_t zero = 0;
  ASSERT_EQ(launch(softmax.function, {kRows}, {32}, 0, kRows, kCols, 1.0f, dx, zero, kCols, dy,
                   zero, kCols),
            kOk);
  reference::SoftmaxSpec spec;
  spec.out = Dtype::kF16;
  const auto expected = reference::softmax({x.data(), {kRows, kCols}}, spec);
  const auto y = download<std::uint16_t>(dy, x.size());
  EXPECT_TRUE(agrees(
      compare_within(reference::decode(Dtype::kF16, y.data(), y.size()), expected, Dtype::kF16)));
  release(softmax, {dx, dy});
}

SAMPAN_ON_BOTH_DRIVERS(EmulatedKernels);

}  // namespace
}  // namespace sampan::test
