// Matrix products: the CPU backend against the machine's own FMA rate, the portable kernel on
// OpenCL against CLBlast, each in one interleaved run.
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>

#include "opencl_raw.h"
#include "ratios.h"
#include "sampan/ops/gemm.h"
#include "sampan/sampan.h"

namespace sampan::bench {
namespace {

constexpr std::uint64_t kSizes[] = {512, 1024, 2048};

std::vector<float> random_matrix(std::uint64_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(n * n);
  for (float& value : values) value = static_cast<float>(random() % 1024) / 512.0f - 1.0f;
  return values;
}

double flops(std::uint64_t n) {
  return 2.0 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
}

void set_rate(benchmark::State& state, double flop) {
  state.counters[kRate] = benchmark::Counter(flop * 1e-9 * static_cast<double>(state.iterations()),
                                             benchmark::Counter::kIsRate);
}

/// Independent chains of fused multiply-adds in registers, nothing else: what one core can do.
void fma_peak(benchmark::State& state) {
#if defined(__AVX512F__)
  constexpr int kLanes = 16;
#elif defined(__AVX__)
  constexpr int kLanes = 8;
#else
  constexpr int kLanes = 4;
#endif
  typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));
  constexpr int kChains = 12, kSteps = 4096;
  Vector sums[kChains] = {};
  Vector a = Vector{} + 0.5f, b = Vector{} + 1.0f;
  asm volatile("" : "+v"(a), "+v"(b));
  for (auto _ : state) {
    for (int step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
      for (int i = 0; i < kChains; ++i) sums[i] = sums[i] * a + b;
    }
  }
  for (Vector& sum : sums) benchmark::DoNotOptimize(sum);
  set_rate(state, 2.0 * kLanes * kChains * kSteps);
}

/// A product on one device, warmed up.
struct Product {
  Stream stream;
  std::vector<float> host_a, host_b;
  Buffer a, b, d;
  ops::GemmPlan plan;
  ops::GemmArgs args;

  Product(const Device& device, std::uint64_t n)
      : stream(device.create_stream()),
        host_a(random_matrix(n, 1)),
        host_b(random_matrix(n, 2)),
        a(stream.allocate(n * n * 4)),
        b(stream.allocate(n * n * 4)),
        d(stream.allocate(n * n * 4)) {
    ops::GemmDesc desc;
    desc.m = desc.n = desc.k = n;
    plan = ops::GemmPlan(device, desc);
    args.a = a.view(DType::f32, {n, n});
    args.b = b.view(DType::f32, {n, n});
    args.d = d.view(DType::f32, {n, n});
    stream.copy_from_host(args.a, std::span<const float>(host_a));
    stream.copy_from_host(args.b, std::span<const float>(host_b));
    plan.run(stream, args);
    stream.synchronize();
  }
};

void gemm(benchmark::State& state, const char* selector, std::uint64_t n) try {
  static std::map<std::pair<std::string, std::uint64_t>, std::unique_ptr<Product>> products;
  auto& product = products[{selector, n}];
  if (!product) product = std::make_unique<Product>(device(selector), n);
  for (auto _ : state) {
    product->plan.run(product->stream, product->args);
    product->stream.synchronize();
  }
  set_rate(state, flops(n));
} catch (const Error& error) {
  state.SkipWithError(error.what());
}

/// CLBlastSgemm of libclblast.so.1, declared from its documentation (doc/api.md, xGEMM).
using ClblastSgemm = int (*)(int layout, int a_transpose, int b_transpose, std::size_t m,
                             std::size_t n, std::size_t k, float alpha, cl_mem a,
                             std::size_t a_offset, std::size_t a_ld, cl_mem b, std::size_t b_offset,
                             std::size_t b_ld, float beta, cl_mem c, std::size_t c_offset,
                             std::size_t c_ld, cl_command_queue* queue, cl_event* event);

void clblast(benchmark::State& state, std::uint64_t n) try {
  static const OpenClRaw cl;
  static void* const library = ::dlopen("libclblast.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!cl.problem.empty()) return state.SkipWithError(cl.problem.c_str());
  if (library == nullptr) return state.SkipWithError("CLBlast isn't installed (libclblast1)");
  const auto sgemm = reinterpret_cast<ClblastSgemm>(::dlsym(library, "CLBlastSgemm"));
  static Stream stream = device("opencl").create_stream();
  auto queue = static_cast<cl_command_queue>(stream.native());
  const cl_context context = cl.context_of(queue);
  const auto upload = [&](unsigned seed) {
    std::vector<float> values = random_matrix(n, seed);
    return cl.clCreateBuffer(context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, n * n * 4,
                             values.data(), nullptr);
  };
  const cl_mem a = upload(1), b = upload(2), c = upload(3);
  constexpr int kRowMajor = 101, kPlain = 111;
  const auto run = [&] {
    sgemm(kRowMajor, kPlain, kPlain, n, n, n, 1.0f, a, 0, n, b, 0, n, 0.0f, c, 0, n, &queue,
          nullptr);
    cl.clFinish(queue);
  };
  run();
  for (auto _ : state) run();
  set_rate(state, flops(n));
  for (const cl_mem memory : {a, b, c}) cl.clReleaseMemObject(memory);
} catch (const Error& error) {
  state.SkipWithError(error.what());
}

}  // namespace
}  // namespace sampan::bench

int main(int argc, char** argv) {
  using namespace sampan::bench;
  // One core for the CPU device: the peak beside it is one core's, too.
  ::setenv("SAMPAN_CPU_DEVICES", "0", /*overwrite=*/0);
  std::vector<Ratio> ratios;
  benchmark::RegisterBenchmark("fma_peak_1_core", fma_peak)->UseRealTime();
  for (const std::uint64_t n : kSizes) {
    const std::string size = std::to_string(n);
    benchmark::RegisterBenchmark(("cpu_gemm_" + size).c_str(), gemm, "cpu", n)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(("opencl_gemm_" + size).c_str(), gemm, "opencl", n)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(("clblast_gemm_" + size).c_str(), clblast, n)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    ratios.push_back({"CPU, 1 core: gemm f32 " + size + "^3 / FMA peak, GFLOP/s",
                      "cpu_gemm_" + size, "fma_peak_1_core", n == 1024 ? ">= 0.60" : "", true});
    ratios.push_back({"OpenCL: gemm f32 " + size + "^3 / CLBlast, GFLOP/s", "opencl_gemm_" + size,
                      "clblast_gemm_" + size, ">= 4.0", true});
  }
  return run_and_compare(argc, argv, ratios);
}
