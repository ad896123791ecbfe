// What Sampan adds to a launch, an allocation and a graph, beside the plain way on the same
// machine.
#include <omp.h>

#include <array>
#include <chrono>
#include <optional>

#include "opencl_raw.h"
#include "ratios.h"
#include "sampan/sampan.h"

namespace sampan::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kEmptyDialect = R"(#include "sampan_kernel.h"
KERNEL_FLAT(empty, 1, 1, 1)(u32 n, GLOBAL f32* x) { if (n == 12345u) x[0] = 0.0f; }
)";
constexpr const char* kEmptyOpenCl =
    "kernel __attribute__((reqd_work_group_size(1, 1, 1))) "
    "void empty(uint n, global float* x) { if (n == 12345u) x[0] = 0.0f; }";
// Launches between two waits: enough to see the cost of one, few enough that no queue fills up.
constexpr int kBatch = 256;
// Batches of one repetition. Their number is fixed, as the library would choose it by the timed part
// alone, which is a small part of what a batch takes.
constexpr int kBatches = 40;

struct Rig {
  Device device;
  Stream stream;
  Module module;
  Kernel kernel;
  Buffer buffer;

  explicit Rig(const char* selector)
      : device(sampan::device(selector)),
        stream(device.create_stream()),
        module(device.load(Code::dialect("bench_empty", kEmptyDialect))),
        kernel(module.kernel("empty")),
        buffer(stream.allocate(64)) {}
  void launch() { stream.launch(kernel, {}, std::uint32_t{0}, buffer); }
};

Rig* rig(benchmark::State& state, const char* selector) {
  static std::map<std::string, std::optional<Rig>> rigs;
  auto& slot = rigs[selector];
  if (!slot) {
    try {
      slot.emplace(selector);
    } catch (const Error& error) {
      state.SkipWithError(error.what());
      return nullptr;
    }
  }
  return &*slot;
}

void openmp_region(benchmark::State& state) {
  for (auto _ : state) {
#pragma omp parallel
    { asm volatile("" ::: "memory"); }
  }
}

void launch_and_wait(benchmark::State& state, const char* selector) {
  Rig* const r = rig(state, selector);
  if (r == nullptr) return;
  for (auto _ : state) {
    r->launch();
    r->stream.synchronize();
  }
}

// Time of the calls alone; the waits lie between the batches, untimed.
template <class Enqueue, class Wait>
void time_batches(benchmark::State& state, const Enqueue& enqueue, const Wait& wait) {
  for (auto _ : state) {
    const auto start = Clock::now();
    for (int i = 0; i < kBatch; ++i) enqueue();
    const auto end = Clock::now();
    wait();
    state.SetIterationTime(std::chrono::duration<double>(end - start).count() / kBatch);
  }
}

void launches(benchmark::State& state, const char* selector) {
  if (Rig* const r = rig(state, selector)) {
    time_batches(
        state, [&] { r->launch(); }, [&] { r->stream.synchronize(); });
  }
}

void raw_opencl_launches(benchmark::State& state) {
  static const OpenClRaw cl;
  Rig* const r = rig(state, "opencl");
  if (r == nullptr) return;
  if (!cl.problem.empty()) return state.SkipWithError(cl.problem.c_str());
  const auto queue = static_cast<cl_command_queue>(r->stream.native());
  const cl_context context = cl.context_of(queue);
  const cl_kernel kernel = cl.build(context, kEmptyOpenCl, "empty");
  const cl_mem memory = cl.clCreateBuffer(context, CL_MEM_READ_WRITE, 64, nullptr, nullptr);
  const cl_uint n = 0;
  const std::size_t one = 1;
  time_batches(
      state,
      [&] {
        cl.clSetKernelArg(kernel, 0, sizeof(n), &n);
        cl.clSetKernelArg(kernel, 1, sizeof(memory), &memory);
        cl.clEnqueueNDRangeKernel(queue, kernel, 1, nullptr, &one, &one, 0, nullptr, nullptr);
      },
      [&] { cl.clFinish(queue); });
  cl.clReleaseMemObject(memory);
}

void graph_replay(benchmark::State& state, const char* selector) {
  Rig* const r = rig(state, selector);
  if (r == nullptr) return;
  r->stream.begin_recording();
  for (int i = 0; i < kBatch; ++i) r->launch();
  const Graph graph = r->stream.end_recording();
  for (auto _ : state) {
    const auto start = Clock::now();
    r->stream.replay(graph);
    const auto end = Clock::now();
    r->stream.synchronize();
    state.SetIterationTime(std::chrono::duration<double>(end - start).count() / kBatch);
  }
}

void allocate_and_free(benchmark::State& state, const char* selector) {
  Rig* const r = rig(state, selector);
  if (r == nullptr) return;
  for (auto _ : state) {
    const Buffer buffer = r->stream.allocate(4096);
    benchmark::DoNotOptimize(buffer.impl());
  }
}

void host_malloc(benchmark::State& state) {
  for (auto _ : state) {
    void* pointer = std::malloc(4096);
    benchmark::DoNotOptimize(pointer);
    std::free(pointer);
  }
}

}  // namespace
}  // namespace sampan::bench

int main(int argc, char** argv) {
  using namespace sampan::bench;
  const auto add = [](const char* name, auto function, auto... args) {
    return benchmark::RegisterBenchmark(name, function, args...);
  };
  add("openmp_region", openmp_region)->UseRealTime();
  add("cpu_launch_and_wait", launch_and_wait, "cpu")->UseRealTime();
  add("cpu_launch", launches, "cpu")->UseManualTime()->Iterations(kBatches);
  add("cpu_graph_replay", graph_replay, "cpu")->UseManualTime()->Iterations(kBatches);
  add("cpu_allocate_free", allocate_and_free, "cpu")->UseRealTime();
  add("malloc_free", host_malloc)->UseRealTime();
  add("opencl_raw_launch", raw_opencl_launches)->UseManualTime()->Iterations(kBatches);
  add("opencl_launch", launches, "opencl")->UseManualTime()->Iterations(kBatches);
  add("opencl_graph_replay", graph_replay, "opencl")->UseManualTime()->Iterations(kBatches);
  return run_and_compare(
      argc, argv,
      {{"CPU: empty launch + wait / OpenMP parallel region, ns", "cpu_launch_and_wait",
        "openmp_region", "<= 1.0"},
       {"CPU: graph replay per node / launch, ns", "cpu_graph_replay", "cpu_launch", ""},
       {"CPU: pool allocate + free / malloc + free, ns", "cpu_allocate_free", "malloc_free", ""},
       {"OpenCL: launch / raw clEnqueueNDRangeKernel, ns", "opencl_launch", "opencl_raw_launch",
        "ours - base <= 300 ns"},
       {"OpenCL: graph replay per node / launch, ns", "opencl_graph_replay", "opencl_launch", ""}});
}
