// Runs one small kernel, right or wrong in one respect, on the first OpenCL device: what a checker
// of kernels must pass or find.
//
//   sampan_faulty_kernels sound|race|uninitialised|out_of_bounds
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sampan/device.h"
#include "sampan/error.h"
#include "sampan/launch.h"
#include "sampan/module.h"
#include "sampan/stream.h"

namespace {

constexpr std::uint32_t kItems = 64;

struct Fault {
  std::string_view name;
  std::string_view barrier;   // between writing local memory and reading what others wrote
  std::uint32_t input_elems;  // of kItems: what is written before the kernel reads all
  std::uint32_t first_elem;   // where the kernel writes; the output holds kItems
};
constexpr Fault kFaults[] = {{"sound", "BARRIER();", kItems, 0},
                             {"race", "", kItems, 0},
                             {"uninitialised", "BARRIER();", kItems - 1, 0},
                             {"out_of_bounds", "BARRIER();", kItems, 1}};

void run(const Fault& fault) {
  const sampan::Device device = sampan::device("opencl:0");
  // Less than a shared block takes: each buffer ends where its block does.
  device.set_memory_budget(1 << 20);
  const std::string text =
      "#include \"sampan_kernel.h\"\nKERNEL(reverse, 64, 1, 1)"
      "(const GLOBAL u32* in, GLOBAL u32* out, u32 first) {\n"
      "  LOCAL_POOL(u32, pool, 64);\n"
      "  pool[LID(0)] = in[LID(0)];\n  " +
      std::string(fault.barrier) + "\n  out[first + LID(0)] = pool[63 - LID(0)];\n}\n";
  sampan::Stream stream = device.create_stream();
  const sampan::Buffer in = device.allocate(kItems * 4), out = device.allocate(kItems * 4);
  // Not a fill, which Oclgrind doesn't take for writing.
  const std::vector<std::uint32_t> values(fault.input_elems, 7);
  stream.copy_from_host(in.view(sampan::DType::u32, {values.size()}), std::span(values));
  const sampan::Module module = device.load(sampan::Code::dialect("reverse", text));
  stream.launch(module.kernel("reverse"), {.grid = {1}, .group = {kItems}}, in, out,
                fault.first_elem);
  stream.synchronize();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view wanted = argc == 2 ? argv[1] : "";
  for (const Fault& fault : kFaults) {
    if (fault.name != wanted) continue;
    try {
      run(fault);
      return 0;
    } catch (const sampan::Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      return 1;
    }
  }
  std::fprintf(stderr, "usage: sampan_faulty_kernels sound|race|uninitialised|out_of_bounds\n");
  return 2;
}
