// What the CUDA and HIP backends make of a driver's failures. On the emulated drivers, which fail
// on command; through the plug-in's ABI. One program for each backend.
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "plugin.h"

namespace sampan::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kText = R"(
extern "C" __global__ void store(unsigned* out, unsigned value) { out[threadIdx.x] = value; }
extern "C" __global__ void wild(unsigned* out) { out[1ull << 40] = 1; }
)";

const sampan_backend_t& tables() { return Plugin::get().backend; }

// The driver's own controls (tests/drivers/README.md).
void control(const std::string& commands) {
  static void* const kLibrary = dlopen(tables().driver_path, RTLD_NOW | RTLD_LOCAL);
  static const auto kControl =
      reinterpret_cast<int (*)(const char*)>(dlsym(kLibrary, "sampan_emu_control"));
  ASSERT_EQ(kControl(commands.c_str()), 0) << commands;
}

class CudaLike : public testing::Test {
 protected:
  ~CudaLike() override { control("reset"); }
};

// A device with a stream, memory and the two kernels.
struct Rig {
  Bench bench;
  Handle<sampan_memory_t> data = bench.memory(4096);
  Handle<sampan_module_t> module = bench.module(kText);
  sampan_kernel_t* store = bench.kernel(module, "store");
  sampan_kernel_t* wild = bench.kernel(module, "wild");
  Handle<sampan_stream_t> stream = bench.stream();
  std::vector<sampan_arg_t> wild_args{region_arg(data.get())};
  std::vector<sampan_arg_t> store_args{region_arg(data.get()), value_arg(7u)};

  sampan_code_t launch_store(sampan_stream_t* on, std::uint64_t sequence, Error& error) {
    const sampan_launch_t launch = make_launch(store, store_args, 1, 64, sequence);
    return tables().stream->launch(on, &launch, error.get());
  }
  sampan_code_t launch_wild(std::uint64_t sequence, Error& error) {
    const sampan_launch_t launch = make_launch(wild, wild_args, 1, 1, sequence);
    return tables().stream->launch(stream.get(), &launch, error.get());
  }
};

sampan_code_t wait(sampan_stream_t* stream, Error& error) {
  return tables().stream->wait(stream, SAMPAN_WAIT_FOREVER, error.get());
}

// ---- A kernel that fails ----------------------------------------------------------------------

TEST_F(CudaLike, FailedKernelIsNamedAndTheDeviceOpensAgain) {
  {
    Rig s;
    const auto other = s.bench.stream();
    Error error;
    ASSERT_CODE(SAMPAN_OK, error, s.launch_store(s.stream.get(), 1, error));
    ASSERT_CODE(SAMPAN_OK, error, wait(s.stream.get(), error));
    ASSERT_CODE(SAMPAN_OK, error, s.launch_wild(2, error));
    for (int i = 0; i < 2; ++i) {
      ASSERT_CODE(SAMPAN_ILLEGAL_ACCESS, error, wait(s.stream.get(), error));
      EXPECT_STREQ(error->kernel, "wild");
      EXPECT_EQ(error->sequence, 2u);
      EXPECT_EQ(error->driver_code, 700);
      EXPECT_STRNE(error->driver_call, "");
      EXPECT_EQ(error->flags, std::uint32_t{SAMPAN_ERROR_STICKY | SAMPAN_ERROR_DEVICE_LOST});
    }
    EXPECT_CODE(SAMPAN_ILLEGAL_ACCESS, error, s.launch_store(s.stream.get(), 3, error));
    EXPECT_CODE(SAMPAN_DEVICE_LOST, error, s.launch_store(other.get(), 1, error));
    EXPECT_CODE(SAMPAN_DEVICE_LOST, error, wait(other.get(), error));
    EXPECT_CODE(SAMPAN_DEVICE_LOST, error, tables().device->status(s.bench.device(), error.get()));
    // As long as anything of its old life is there, it can't start a new one.
    sampan_device_t* again = nullptr;
    EXPECT_CODE(SAMPAN_DEVICE_LOST, error, tables().device->open(0, &again, error.get()));
  }
  Rig s;
  Error error;
  std::vector<std::uint32_t> values(64);
  ASSERT_CODE(SAMPAN_OK, error, s.launch_store(s.stream.get(), 1, error));
  s.bench.download(s.stream.get(), values.data(), {s.data.get(), 0}, 256);
  s.bench.wait(s.stream.get());
  EXPECT_EQ(values, std::vector<std::uint32_t>(64, 7));
}

TEST_F(CudaLike, OneOfSeveralLaunchesIsBlamedHonestly) {
  Rig s;
  Error error;
  ASSERT_CODE(SAMPAN_OK, error, s.launch_store(s.stream.get(), 1, error));
  ASSERT_CODE(SAMPAN_OK, error, wait(s.stream.get(), error));
  control("delay=1");
  const auto flow = s.bench.event(SAMPAN_EVENT_SIGNALLED);
  ASSERT_CODE(SAMPAN_OK, error,
              tables().stream->wait_event(s.stream.get(), flow.get(), error.get()));
  ASSERT_CODE(SAMPAN_OK, error, s.launch_store(s.stream.get(), 2, error));
  ASSERT_CODE(SAMPAN_OK, error, s.launch_wild(3, error));
  ASSERT_CODE(SAMPAN_OK, error, s.launch_store(s.stream.get(), 4, error));
  ASSERT_CODE(SAMPAN_OK, error, tables().event->signal(flow.get(), SAMPAN_OK, error.get()));
  ASSERT_CODE(SAMPAN_ILLEGAL_ACCESS, error, wait(s.stream.get(), error));
  EXPECT_NE(error.message().find("3 launches after number 1 up to number 4"), std::string::npos)
      << error.message();
}

TEST_F(CudaLike, ValidationNamesTheLaunch) {
  const ScopedVariable validate("SAMPAN_VALIDATE", "1");
  Rig s;
  Error error;
  const auto flow = s.bench.event(SAMPAN_EVENT_SIGNALLED);
  ASSERT_CODE(SAMPAN_OK, error,
              tables().stream->wait_event(s.stream.get(), flow.get(), error.get()));
  ASSERT_CODE(SAMPAN_OK, error, s.launch_store(s.stream.get(), 11, error));
  ASSERT_CODE(SAMPAN_OK, error, s.launch_wild(12, error));
  ASSERT_CODE(SAMPAN_OK, error, s.launch_store(s.stream.get(), 13, error));
  ASSERT_CODE(SAMPAN_OK, error, tables().event->signal(flow.get(), SAMPAN_OK, error.get()));
  ASSERT_CODE(SAMPAN_ILLEGAL_ACCESS, error, wait(s.stream.get(), error));
  EXPECT_STREQ(error->kernel, "wild") << error.message();
  EXPECT_EQ(error->sequence, 12u);
}

// Calls of a host function, and with which `failed`.
struct Calls {
  std::atomic<int> good{0}, failed{0};
  static void note(void* context, std::int32_t failed) {
    auto& calls = *static_cast<Calls*>(context);
    (failed == 0 ? calls.good : calls.failed)++;
  }
};

TEST_F(CudaLike, HostFunctionBehindAFailureIsTold) {
  Calls before, behind;
  {
    Rig s;
    Error error;
    ASSERT_CODE(SAMPAN_OK, error,
                tables().stream->host_function(s.stream.get(), Calls::note, &before, error.get()));
    const auto flow = s.bench.event(SAMPAN_EVENT_SIGNALLED);
    ASSERT_CODE(SAMPAN_OK, error,
                tables().stream->wait_event(s.stream.get(), flow.get(), error.get()));
    ASSERT_CODE(SAMPAN_OK, error, s.launch_wild(1, error));
    ASSERT_CODE(SAMPAN_OK, error,
                tables().stream->host_function(s.stream.get(), Calls::note, &behind, error.get()));
    ASSERT_CODE(SAMPAN_OK, error, tables().event->signal(flow.get(), SAMPAN_OK, error.get()));
    // Nobody waits: it is told all the same.
    for (int i = 0; i < 5000 && behind.failed == 0; ++i) std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(before.good, 1);
  EXPECT_EQ(before.failed, 0);
  EXPECT_EQ(behind.good, 0);
  EXPECT_EQ(behind.failed, 1);
}

// ---- Signals -----------------------------------------------------------------------------------

TEST_F(CudaLike, FailedSignalFailsAllWhoWait) {
  Calls calls;
  Rig s;
  const auto second = s.bench.stream();
  const auto gate = s.bench.event(SAMPAN_EVENT_SIGNALLED);
  const auto passed = s.bench.event();
  Error error;
  ASSERT_CODE(SAMPAN_OK, error,
              tables().stream->wait_event(s.stream.get(), gate.get(), error.get()));
  ASSERT_CODE(SAMPAN_OK, error, s.launch_store(s.stream.get(), 1, error));
  ASSERT_CODE(SAMPAN_OK, error, tables().event->record(passed.get(), s.stream.get(), error.get()));
  ASSERT_CODE(SAMPAN_OK, error,
              tables().stream->wait_event(second.get(), passed.get(), error.get()));
  ASSERT_CODE(SAMPAN_OK, error,
              tables().stream->host_function(second.get(), Calls::note, &calls, error.get()));
  EXPECT_CODE(SAMPAN_NOT_READY, error, tables().stream->query(second.get(), error.get()));
  EXPECT_CODE(SAMPAN_TIMEOUT, error, tables().stream->wait(second.get(), 2'000'000, error.get()));
  ASSERT_CODE(SAMPAN_OK, error,
              tables().event->signal(gate.get(), SAMPAN_DRIVER_ERROR, error.get()));
  EXPECT_CODE(SAMPAN_DRIVER_ERROR, error, wait(second.get(), error));
  EXPECT_EQ(error->flags & SAMPAN_ERROR_STICKY, std::uint32_t{SAMPAN_ERROR_STICKY});
  EXPECT_CODE(SAMPAN_DRIVER_ERROR, error, wait(s.stream.get(), error));
  EXPECT_CODE(SAMPAN_DRIVER_ERROR, error,
              tables().event->wait(passed.get(), SAMPAN_WAIT_FOREVER, error.get()));
  EXPECT_CODE(SAMPAN_DRIVER_ERROR, error, s.launch_store(second.get(), 2, error));
  EXPECT_EQ(calls.good, 0);
  EXPECT_EQ(calls.failed, 1);
  const auto third = s.bench.stream();
  EXPECT_CODE(SAMPAN_OK, error, s.launch_store(third.get(), 1, error));
  EXPECT_CODE(SAMPAN_OK, error, wait(third.get(), error));
}

TEST_F(CudaLike, DestroyedSignalFails) {
  Rig s;
  Error error;
  {
    const auto gate = s.bench.event(SAMPAN_EVENT_SIGNALLED);
    ASSERT_CODE(SAMPAN_OK, error,
                tables().stream->wait_event(s.stream.get(), gate.get(), error.get()));
  }
  EXPECT_CODE(SAMPAN_LAUNCH_FAILED, error, wait(s.stream.get(), error));
  EXPECT_NE(error.message().find("destroyed"), std::string::npos) << error.message();
}

// ---- Ordinary memory ---------------------------------------------------------------------------

// The driver reads pageable memory when it is called; the stream's order must hold all the same.
TEST_F(CudaLike, OrdinaryMemoryIsReadInOrder) {
  Rig s;
  Error error;
  std::vector<std::uint8_t> host(5'000'001, 1), back(host.size());
  const auto big = s.bench.memory(host.size());
  const auto gate = s.bench.event(SAMPAN_EVENT_SIGNALLED);
  ASSERT_CODE(SAMPAN_OK, error,
              tables().stream->wait_event(s.stream.get(), gate.get(), error.get()));
  ASSERT_CODE(SAMPAN_OK, error,
              tables().stream->copy_to_device(s.stream.get(), {big.get(), 0}, host.data(),
                                              host.size(), error.get()));
  ASSERT_CODE(SAMPAN_OK, error,
              tables().stream->copy_to_host(s.stream.get(), back.data(), {big.get(), 0},
                                            back.size(), error.get()));
  const auto expected = pattern_bytes(host.size(), 3);
  std::ranges::copy(expected, host.begin());
  EXPECT_EQ(back, std::vector<std::uint8_t>(back.size()));
  ASSERT_CODE(SAMPAN_OK, error, tables().event->signal(gate.get(), SAMPAN_OK, error.get()));
  ASSERT_CODE(SAMPAN_OK, error, wait(s.stream.get(), error));
  EXPECT_EQ(back, expected);
}

// ---- Codes -------------------------------------------------------------------------------------

struct Injected {
  int code;
  sampan_code_t meaning;
  std::uint32_t flags;
};
constexpr Injected kAllocation[] = {
    {2, SAMPAN_OUT_OF_DEVICE_MEMORY, SAMPAN_ERROR_RETRYABLE},
    {304, SAMPAN_OUT_OF_HOST_MEMORY, SAMPAN_ERROR_RETRYABLE},
    {801, SAMPAN_UNSUPPORTED, 0},
    {999, SAMPAN_DRIVER_ERROR, 0},
};

TEST_F(CudaLike, CodesKeepTheirMeaning) {
  Rig s;
  for (const Injected& row : kAllocation) {
    control("fail=1:" + std::to_string(row.code) + ":" SAMPAN_TEST_ALLOCATE);
    Error error;
    sampan_memory_t* out = nullptr;
    EXPECT_CODE(
        row.meaning, error,
        tables().memory->allocate(s.bench.device(), SAMPAN_MEMORY_DEVICE, 4096, &out, error.get()));
    EXPECT_EQ(error->driver_code, row.code);
    EXPECT_STREQ(error->driver_call, SAMPAN_TEST_ALLOCATE);
    EXPECT_EQ(error->flags, row.flags) << row.code;
    EXPECT_EQ(out, nullptr);
    EXPECT_NE(s.bench.memory(4096), nullptr);
  }
  control("fail=1:2:" SAMPAN_TEST_HOST_ALLOCATE);
  Error error;
  sampan_memory_t* out = nullptr;
  EXPECT_CODE(
      SAMPAN_OUT_OF_HOST_MEMORY, error,
      tables().memory->allocate(s.bench.device(), SAMPAN_MEMORY_HOST, 4096, &out, error.get()));
}

TEST_F(CudaLike, LostDeviceIsLostForAll) {
  {
    Rig s;
    const auto other = s.bench.stream();
    control("lose=0@1:46");
    Error error;
    EXPECT_CODE(SAMPAN_DEVICE_LOST, error, wait(s.stream.get(), error));
    EXPECT_CODE(SAMPAN_DEVICE_LOST, error, wait(other.get(), error));
    EXPECT_CODE(SAMPAN_DEVICE_LOST, error, s.launch_store(other.get(), 1, error));
    EXPECT_NE(error->flags & SAMPAN_ERROR_DEVICE_LOST, 0u);
    control("reset");
  }
  Rig s;
  Error error;
  EXPECT_CODE(SAMPAN_OK, error, s.launch_store(s.stream.get(), 1, error));
  EXPECT_CODE(SAMPAN_OK, error, wait(s.stream.get(), error));
}

// ---- Code
// ----------------------------------------------------------------------------------------

struct BadCode {
  const char* name;
  std::string bytes;
  const char* in_message;
};

std::string elf_head(std::uint16_t machine) {
  std::string head(
      "\x7f"
      "ELF\x02\x01\x01",
      7);
  head.resize(64);
  head[18] = static_cast<char>(machine & 0xff);
  head[19] = static_cast<char>(machine >> 8);
  return head;
}

TEST_F(CudaLike, WrongCodeIsRefusedWithASentence) {
  Bench bench;
  std::string cut = elf_head(SAMPAN_TEST_MACHINE);
  cut[0x28] = 64;  // the sections begin behind the end
  cut[0x3c] = 5;
  const BadCode rows[] = {
      {"garbage", "\x01\x02\x03 no code at all", "is neither"},
      {"a shared library", elf_head(62), "another kind of device"},
      {"a cut image", cut, "cut short"},
      {"one byte", "x", "is neither"},
  };
  for (const BadCode& row : rows) {
    Error error;
    sampan_module_desc_t desc{};
    desc.size = sizeof desc;
    desc.format = SAMPAN_FORMAT_NATIVE;
    desc.code = row.bytes.data();
    desc.code_bytes = row.bytes.size();
    desc.name = row.name;
    desc.options = "";
    sampan_module_t* out = nullptr;
    EXPECT_CODE(SAMPAN_INVALID_BINARY, error,
                tables().module->load(bench.device(), &desc, &out, error.get()));
    EXPECT_NE(error.message().find(row.in_message), std::string::npos) << error.message();
    EXPECT_NE(error.message().find(row.name), std::string::npos) << error.message();
  }
}

TEST_F(CudaLike, UnknownKernelIsNamed) {
  Bench bench;
  const auto module = bench.module(kText);
  Error error;
  sampan_kernel_t* out = nullptr;
  EXPECT_CODE(SAMPAN_NOT_FOUND, error,
              tables().module->kernel(module.get(), "nothing", &out, error.get()));
  EXPECT_NE(error.message().find("'nothing'"), std::string::npos) << error.message();
}

// ---- A fork
// --------------------------------------------------------------------------------------

TEST_F(CudaLike, ForkIsRefused) {
  Rig s;
  const pid_t child = fork();
  if (child == 0) {
    Error error;
    const bool refused = s.launch_store(s.stream.get(), 1, error) == SAMPAN_DEVICE_LOST &&
                         error.message().find("forked") != std::string::npos;
    tables().stream->destroy(s.stream.release());
    _exit(refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  Error error;
  EXPECT_CODE(SAMPAN_OK, error, s.launch_store(s.stream.get(), 1, error));
  EXPECT_CODE(SAMPAN_OK, error, wait(s.stream.get(), error));
}

}  // namespace
}  // namespace sampan::test
