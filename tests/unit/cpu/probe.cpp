// What has to happen in a process of its own: settings are read once, forks and exits happen once.
// Prints what it found; exits with 0 if that was as the ABI says.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "plugin.h"

namespace sampan_test {
namespace {

constexpr const char* kSlow = R"(
KERNEL_FLAT(slow, 1, 1, 1)(GLOBAL u32* out, u64 rounds) {
  u32 x = GID(0);
  for (u64 i = 0; i < rounds; ++i) { x = x * 1664525u + 1013904223u; out[GID(0)] = x; }
}
)";

// Lists the devices: "ordinal threads memory isa tile_class".
int list_devices() {
  ErrorRecord error;
  std::uint32_t count = 0;
  if (backend().device->count(&count, &error) != SAMPAN_OK) {
    std::printf("error: %s\n", error.record.message);
    return 1;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    sampan_device_info_t info{};
    info.size = sizeof info;
    if (backend().device->describe(i, &info, &error) != SAMPAN_OK) return 1;
    std::printf("%u %u %" PRIu64 " %s %s\n", i, info.compute_units, info.memory_bytes, info.isa,
                info.tile_class);
  }
  return 0;
}

// Allocates a MiB at a time until that fails, frees one, and goes on.
int fill_memory() {
  const Device device = open_device();
  ErrorRecord error;
  std::vector<Memory> blocks;
  const auto take = [&] {
    sampan_memory_t* memory = nullptr;
    const auto code =
        backend().memory->allocate(device.get(), SAMPAN_MEMORY_DEVICE, 1 << 20, &memory, &error);
    if (code == SAMPAN_OK) blocks.emplace_back(memory);
    return code;
  };
  while (take() == SAMPAN_OK) {
  }
  std::printf("%zu blocks, then: %s\n", blocks.size(), error.record.message);
  if (error.record.code != SAMPAN_OUT_OF_DEVICE_MEMORY) return 1;
  std::uint64_t left_bytes = 1;
  std::uint64_t total_bytes = 0;
  if (backend().device->memory_info(device.get(), &left_bytes, &total_bytes, &error) != SAMPAN_OK) {
    return 1;
  }
  std::printf("free %" PRIu64 " of %" PRIu64 "\n", left_bytes, total_bytes);
  blocks.pop_back();
  return take() == SAMPAN_OK ? 0 : 1;
}

std::uint64_t free_bytes(const Device& device) {
  ErrorRecord error;
  std::uint64_t left = 0;
  std::uint64_t total = 0;
  const auto code = backend().device->memory_info(device.get(), &left, &total, &error);
  return code == SAMPAN_OK ? left : 0;
}

// Makes plans whose constant B wants a packed copy of a MiB: while the device has the room and,
// without a copy, when it has none. Says what the first took and gave back.
int pack_weights() {
  const Device device = open_device();
  ErrorRecord error;
  sampan_gemm_desc_t desc{};
  desc.size = sizeof desc;
  desc.a_type = desc.b_type = desc.c_type = desc.d_type = SAMPAN_F32;
  desc.b_constant = 1;
  desc.m = desc.n = desc.k = desc.lda = desc.ldb = desc.ldc = desc.ldd = 512;
  desc.batch = 1;
  desc.alpha = 1;
  const auto plan_takes = [&]() -> std::uint64_t {
    const std::uint64_t before = free_bytes(device);
    sampan_op_plan_t* plan = nullptr;
    std::uint64_t workspace_bytes = 0;
    if (backend().ops->plan(device.get(), SAMPAN_OP_GEMM, &desc, &plan, &workspace_bytes, &error) !=
        SAMPAN_OK) {
      return UINT64_MAX;
    }
    const std::uint64_t taken = before - free_bytes(device);
    backend().ops->destroy(plan);
    return free_bytes(device) == before ? taken : UINT64_MAX;
  };
  const std::uint64_t taken = plan_takes();
  const Memory most = allocate(device.get(), free_bytes(device) - 1000);
  std::printf("took %" PRIu64 ", then %" PRIu64 "\n", taken, plan_takes());
  return 0;
}

// Compiles from source and says how that went.
int compile() {
  const Device device = open_device();
  Module module;
  ErrorRecord error;
  const auto code = load_source(device.get(), dialect_source(kSlow, {"slow"}), module, error);
  std::printf("%d %s\n", code, code == SAMPAN_OK ? "" : error.record.message);
  return 0;
}

// "-DA=1 -DB=F32" of two JSON objects, sorted by name.
std::string definitions(const nlohmann::json& tile, const nlohmann::json& types) {
  std::map<std::string, std::string> sorted;
  for (const auto* object : {&tile, &types}) {
    for (const auto& [name, value] : object->items()) {
      sorted[name] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  }
  std::string text;
  for (const auto& [name, value] : sorted) {
    text += (text.empty() ? "-D" : " -D") + name + "=" + value;
  }
  return text;
}

// Loads the built-in module `name` compiled with `options`, and finds its `entries`. The text given
// does not compile, so only code that is built in can load. Says what failed.
bool load_builtin(const Device& device, const std::string& name, const std::string& options,
                  const nlohmann::json& entries) {
  sampan_module_desc_t desc{};
  desc.size = sizeof desc;
  desc.format = SAMPAN_FORMAT_SOURCE;
  desc.code = "#error";
  desc.code_bytes = 6;
  desc.name = name.c_str();
  desc.options = options.c_str();
  desc.builtin = 1;
  ErrorRecord error;
  sampan_module_t* raw = nullptr;
  if (backend().module->load(device.get(), &desc, &raw, &error) != SAMPAN_OK) {
    std::printf("%s %s: %s\n", name.c_str(), options.c_str(), error.record.message);
    return false;
  }
  const Module module(raw);
  for (const std::string entry : entries) {
    sampan_kernel_t* found = nullptr;
    if (backend().module->kernel(raw, entry.c_str(), &found, &error) != SAMPAN_OK) {
      std::printf("%s\n", error.record.message);
      return false;
    }
  }
  return true;
}

// Loads every variant that the tile table has for this device's class.
int load_builtins() {
  std::ifstream file(SAMPAN_TILES);
  const nlohmann::json table = nlohmann::json::parse(file);
  const Device device = open_device();
  ErrorRecord error;
  sampan_device_info_t info{};
  info.size = sizeof info;
  if (backend().device->describe(0, &info, &error) != SAMPAN_OK) return 1;
  int loaded = 0;
  for (const auto& [name, tiles] : table["targets"][info.tile_class].items()) {
    const auto& description = table["kernels"][name];
    for (const auto& types : description["types"]) {
      for (const auto& tile : tiles) {
        if (!load_builtin(device, name, definitions(tile, types), description["entries"])) return 1;
        ++loaded;
      }
    }
  }
  std::printf("%s: %d loaded\n", info.tile_class, loaded);
  return loaded > 0 ? 0 : 1;
}

// Leaves with launches in flight, by way of exit and static destructors.
int exit_in_flight() {
  static Device device = open_device();
  static Module module = load(device.get(), kSlow, {"slow"});
  static Memory memory = allocate(device.get(), 1024);
  static Stream streams[] = {create_stream(device.get()), create_stream(device.get())};
  static Event event = create_event(device.get());
  ErrorRecord error;
  for (const Stream& stream : streams) {
    for (int i = 0; i < 20; ++i) {
      if (launch(stream, kernel(module, "slow"), {64, 1, 1}, {1, 1, 1},
                 {region(memory), value(std::uint64_t{200'000})}, error) != SAMPAN_OK) {
        return 1;
      }
    }
  }
  // Half of the handles are left to the process, as a program that exits in a hurry does.
  (void)streams[0].release();
  (void)memory.release();
  (void)module.release();
  (void)event.release();
  (void)streams[1].release();
  (void)device.release();
  std::exit(0);
}

int run_once(const Device& device) {
  ErrorRecord error;
  const Memory memory = allocate(device.get(), 64);
  const Stream stream = create_stream(device.get());
  const std::uint32_t five = 5;
  if (backend().stream->fill(stream.get(), {memory.get(), 0}, &five, 4, 64, &error) != SAMPAN_OK ||
      wait(stream, error) != SAMPAN_OK) {
    return 1;
  }
  return host_pointer<std::uint32_t>(memory)[15] == 5 ? 0 : 1;
}

// In the child every call on the parent's handles says DEVICE_LOST, none hangs, and a device opened
// there works.
int check_child(Device device, Stream stream, Event event, Memory memory, Module module) {
  ErrorRecord error;
  const std::uint32_t five = 5;
  const sampan_region_t place{memory.get(), 0};
  sampan_kernel_t* unused = nullptr;
  const sampan_code_t codes[] = {
      backend().device->status(device.get(), &error),
      backend().stream->fill(stream.get(), place, &five, 4, 4, &error),
      backend().stream->query(stream.get(), &error),
      wait(stream, error),
      backend().event->record(event.get(), stream.get(), &error),
      backend().event->wait(event.get(), SAMPAN_WAIT_FOREVER, &error),
      backend().event->query(event.get(), &error),
      backend().module->kernel(module.get(), "slow", &unused, &error),
  };
  for (std::size_t i = 0; i < std::size(codes); ++i) {
    if (codes[i] != SAMPAN_DEVICE_LOST) {
      std::printf("call %zu in the child returned %d\n", i, codes[i]);
      return 1;
    }
  }
  std::printf("child: %s\n", error.record.message);
  event.reset();
  stream.reset();
  module.reset();
  memory.reset();
  device.reset();
#if defined(__SANITIZE_THREAD__)
  return 0;  // ThreadSanitizer ends a forked child that starts a thread
#else
  return run_once(open_device());
#endif
}

int fork_with_work_in_flight() {
  Device device = open_device();
  Module module = load(device.get(), kSlow, {"slow"});
  Memory memory = allocate(device.get(), 1024);
  Stream stream = create_stream(device.get());
  Event event = create_event(device.get());
  ErrorRecord error;
  if (launch(stream, kernel(module, "slow"), {64, 1, 1}, {1, 1, 1},
             {region(memory), value(std::uint64_t{500'000})}, error) != SAMPAN_OK ||
      backend().event->record(event.get(), stream.get(), &error) != SAMPAN_OK) {
    return 1;
  }
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const int result = check_child(std::move(device), std::move(stream), std::move(event),
                                   std::move(memory), std::move(module));
    std::fflush(stdout);
    _exit(result);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    std::printf("the child ended with status %d\n", status);
    return 1;
  }
  // The parent goes on as if nothing had happened.
  if (wait(stream, error) != SAMPAN_OK) return 1;
  return run_once(device);
}

bool leaves_objects = false;  // on purpose: the process ends in the middle, or forks

int run_probe(std::string_view what) {
  if (what == "devices") return list_devices();
  if (what == "memory") return fill_memory();
  if (what == "packed") return pack_weights();
  if (what == "compile") return compile();
  if (what == "builtins") return load_builtins();
  leaves_objects = what == "exit" || what == "fork";
  if (what == "exit") return exit_in_flight();
  if (what == "fork") return fork_with_work_in_flight();
  std::fprintf(stderr, "unknown probe\n");
  return 2;
}

}  // namespace
}  // namespace sampan_test

// LeakSanitizer asks at the exit.
extern "C" int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() { return sampan_test::leaves_objects ? 1 : 0; }

int main(int argc, char** argv) { return argc == 2 ? sampan_test::run_probe(argv[1]) : 2; }
