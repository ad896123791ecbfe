// Runs the input as one or two programs of public API calls on the CPU device, side by side. Errors
// are answers; a crash, a hang, a leak, or memory still in use afterwards is a defect.
//
// Byte 0: 0 to 127: one program of all the rest. Above: two, each of one half.

#include <cstdint>
#include <cstdlib>
#include <thread>

#include "api_program.h"

namespace sampan::fuzz {
namespace {

constexpr std::uint64_t kBudgetBytes = 16 << 20;

constexpr std::string_view kKernels = R"(#include "sampan_kernel.h"

KERNEL_FLAT(count_up, 64, 1, 1)(GLOBAL u8* data, u32 size) {
  const u32 i = GID(0) * 64 + LID(0);
  if (data != 0 && i < size) data[i] = (u8)(data[i] + 1);
}

KERNEL(rotate, 64, 1, 1)(GLOBAL u8* data, u32 size, u8 step) {
  LOCAL_POOL(u8, pool, 64);
  const u32 i = GID(0) * 64 + LID(0);
  pool[LID(0)] = data != 0 && i < size ? data[i] : 0;
  BARRIER();
  if (data != 0 && i < size) data[i] = pool[(LID(0) + step) % 64];
}

KERNEL(diverge, 64, 1, 1)(const GLOBAL u8* data, u32 size, u8 step) {
  if (LID(0) < step) BARRIER();
}
)";

Device open_cpu() {
  ::setenv("SAMPAN_DEVICES", "cpu", 1);
  return device("cpu");
}

// Of the device as it is open now.
struct Prepared {
  Device device = open_cpu();
  std::vector<Kernel> kernels = load_kernels(device);
};

void check(bool holds) {
  if (!holds) std::abort();
}

void run_programs(Shared& shared, std::span<const std::uint8_t> bytes, bool two) {
  const std::size_t split = two ? bytes.size() / 2 : bytes.size();
  std::thread second;
  if (two) second = std::thread([&] { Program(shared, bytes.subspan(split)).run(); });
  Program(shared, bytes.first(split)).run();
  if (two) second.join();
}

}  // namespace

std::vector<Kernel> load_kernels(const Device& device) {
  const Module module = device.load(Code::dialect("fuzz_api", kKernels));
  return {module.kernel("count_up"), module.kernel("rotate"), module.kernel("diverge")};
}

}  // namespace sampan::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  using namespace sampan::fuzz;
  static Prepared prepared;
  if (size_bytes == 0) return 0;
  prepared.device.set_memory_budget(kBudgetBytes);
  Shared shared{prepared.device, prepared.kernels, {}, {}};
  for (sampan::Event& event : shared.events) event = prepared.device.create_event();
  run_programs(shared, std::span(data, size_bytes).subspan(1), data[0] > 127);
  if (shared.reopened) prepared.kernels = load_kernels(prepared.device);
  check(prepared.device.pool_stats().in_use_bytes == 0);
  return 0;
}
