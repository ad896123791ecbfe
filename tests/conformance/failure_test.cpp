// Failures stay where they belong, and a device can be closed and opened again.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>

#include "conformance.h"
#include "sampan/ops/elementwise.h"

namespace sampan::conformance {
namespace {

using Values = std::vector<std::uint32_t>;

// ---- A kernel that fails -----------------------------------------------------------------------

// Needs a backend that notices barriers which not all items reach. Elsewhere such a kernel is
// undefined behaviour, and there is no other way to make a correct driver fail on purpose.
Kernel failing_kernel() {
  if (device().info().backend != "cpu") unsupported("no kernel fails in a defined way here");
  return device()
      .load(Code::dialect("failing", R"(#include "sampan_kernel.h"
KERNEL(diverge, 2, 1, 1)(GLOBAL u32* out) {
  if (LID(0) == 0) BARRIER();
  out[LID(0)] = 1;
}
)"))
      .kernel("diverge");
}

// A stream whose third launch failed.
struct FailedStream {
  FailedStream() {
    stream.fill(data.view(DType::u32), 1u);
    LaunchConfig two;
    two.group.x = 2;
    stream.launch(helper_kernel("advance"), items64(64), 64u, 1u, 1u, data);
    sequence = stream.launch(failing, two, data);
  }
  void expect_cause(const std::function<void()>& call) const {
    try {
      call();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::launch_failed) << error.what();
      EXPECT_EQ(error.info().kernel, "diverge");
      EXPECT_EQ(error.info().sequence, sequence);
      EXPECT_TRUE(error.info().sticky);
      EXPECT_FALSE(error.info().device_lost);
      EXPECT_EQ(error.info().backend, device().info().backend);
    }
  }
  Kernel failing = failing_kernel();
  Stream stream = device().create_stream();
  Buffer data = device().allocate(256);
  std::uint64_t sequence = 0;
};

void add_failing_kernels(CaseList& cases) {
  cases.add("FailingKernel", "IsNamedByTheNextWait", [] {
    FailedStream failed;
    failed.expect_cause([&] { failed.stream.synchronize(); });
    failed.expect_cause([&] { failed.stream.synchronize(); });
    failed.expect_cause([&] { static_cast<void>(failed.stream.ready()); });
  });
  cases.add("FailingKernel", "StopsItsStream", [] {
    FailedStream failed;
    failed.expect_cause([&] { failed.stream.synchronize(); });
    const Buffer other = device().allocate(256);
    std::byte host[256];
    Event event = device().create_event();
    failed.expect_cause([&] { failed.stream.fill(other.view(DType::u8), std::uint8_t{1}); });
    failed.expect_cause(
        [&] { failed.stream.copy(other.view(DType::u8), failed.data.view(DType::u8)); });
    failed.expect_cause(
        [&] { failed.stream.copy_to_host(std::span<std::byte>(host), other.view(DType::u8)); });
    failed.expect_cause([&] {
      failed.stream.launch(helper_kernel("advance"), items64(64), 64u, 1u, 1u, other);
    });
    failed.expect_cause([&] { failed.stream.record(event); });
    failed.expect_cause([&] { failed.stream.host_function([] {}); });
  });
  cases.add("FailingKernel", "LeavesOtherStreamsAlone", [] {
    FailedStream failed;
    Stream other = device().create_stream();
    const Buffer data = upload(other, Values(64, 5));
    failed.expect_cause([&] { failed.stream.synchronize(); });
    other.launch(helper_kernel("advance"), items64(64), 64u, 2u, 1u, data);
    EXPECT_EQ(download<std::uint32_t>(other, data), Values(64, 11));
  });
  cases.add("FailingKernel", "ReachesThoseWhoWaitForIt", [] {
    Stream waiting = device().create_stream();
    Stream first = device().create_stream();
    Event event = device().create_event();
    const Kernel failing = failing_kernel();
    const Buffer data = device().allocate(256);
    LaunchConfig two;
    two.group.x = 2;
    Gate gate(first);
    first.launch(failing, two, data);
    first.record(event);
    waiting.wait(event);
    waiting.fill(data.view(DType::u32), 9u);
    gate.open();
    expect_error(ErrorCode::launch_failed, [&] { event.wait(); }, {"diverge"});
    expect_error(ErrorCode::launch_failed, [&] { waiting.synchronize(); }, {"diverge"});
  });
  cases.add("FailingKernel", "SkipsHostFunctionsBehindIt", [] {
    const auto shared = std::make_shared<int>(0);
    {
      FailedStream failed;
      try {
        failed.stream.host_function([shared] { ++*shared; });
      } catch (const Error&) {
        // The failure was known already.
      }
      failed.expect_cause([&] { failed.stream.synchronize(); });
    }
    EXPECT_EQ(*shared, 0);
    EXPECT_EQ(shared.use_count(), 1);
  });
  cases.add("FailingKernel", "GivesItsMemoryBack", [] {
    const std::uint64_t before = device().pool_stats().in_use_bytes;
    {
      FailedStream failed;
      failed.expect_cause([&] { failed.stream.synchronize(); });
    }
    EXPECT_EQ(device().pool_stats().in_use_bytes, before);
    Stream stream = device().create_stream();
    EXPECT_EQ(download<std::uint32_t>(stream, upload(stream, Values(64, 3))), Values(64, 3));
  });
}

// ---- Reopening ---------------------------------------------------------------------------------

// One handle of each kind.
struct Handles {
  Handles() {
    stream.begin_recording();
    stream.launch(kernel, items64(64), 64u, 1u, 1u, buffer);
    graph = stream.end_recording();
  }
  Module module = device().load(Code::dialect(
      "own", "#include \"sampan_kernel.h\"\n"
             "KERNEL_FLAT(advance, 64, 1, 1)(u32 n, u32 factor, u32 term, GLOBAL u32* data) {\n"
             "  if (LID(0) < n) data[LID(0)] = data[LID(0)] * factor + term;\n}\n"));
  Kernel kernel = module.kernel("advance");
  Stream stream = device().create_stream();
  Event event = device().create_event();
  Buffer buffer = device().allocate(256), second = device().allocate(256);
  Graph graph;
};

void reopen() {
  device().reopen();
  forget_kernels();
}

void expect_device_works() {
  Stream stream = device().create_stream();
  const Buffer data = upload(stream, Values(64, 20));
  stream.launch(helper_kernel("advance"), items64(64), 64u, 2u, 2u, data);
  EXPECT_EQ(download<std::uint32_t>(stream, data), Values(64, 42));
}

struct OldCall {
  const char* name;
  void (*call)(Handles& old);
};
constexpr OldCall kOldCalls[] = {
    {"StreamAllocate", [](Handles& h) { static_cast<void>(h.stream.allocate(64)); }},
    {"StreamFill", [](Handles& h) { h.stream.fill(h.buffer.view(DType::u8), std::uint8_t{1}); }},
    {"StreamCopy",
     [](Handles& h) { h.stream.copy(h.buffer.view(DType::u8), h.second.view(DType::u8)); }},
    {"StreamCopyFromHost",
     [](Handles& h) {
       h.stream.copy_from_host(h.buffer.view(DType::u8), std::span<const std::byte>(test_bytes(256)));
     }},
    {"StreamLaunch",
     [](Handles& h) { h.stream.launch(h.kernel, items64(64), 64u, 1u, 1u, h.buffer); }},
    {"StreamRecord", [](Handles& h) { h.stream.record(h.event); }},
    {"StreamWait", [](Handles& h) { h.stream.wait(h.event); }},
    {"StreamHostFunction", [](Handles& h) { h.stream.host_function([] {}); }},
    {"StreamReady", [](Handles& h) { static_cast<void>(h.stream.ready()); }},
    {"StreamSynchronize", [](Handles& h) { h.stream.synchronize(); }},
    {"StreamSynchronizeFor", [](Handles& h) { h.stream.synchronize_for(std::chrono::seconds(1)); }},
    {"StreamBeginRecording", [](Handles& h) { h.stream.begin_recording(); }},
    {"StreamReplay", [](Handles& h) { h.stream.replay(h.graph); }},
    {"StreamFlush", [](Handles& h) { h.stream.flush(); }},
    {"EventWait", [](Handles& h) { h.event.wait(); }},
    {"EventReady", [](Handles& h) { static_cast<void>(h.event.ready()); }},
    {"EventOnANewStream", [](Handles& h) { device().create_stream().wait(h.event); }},
    {"BufferOnANewStream",
     [](Handles& h) {
       device().create_stream().fill(h.buffer.view(DType::u8), std::uint8_t{1});
     }},
    {"BufferHostData", [](Handles& h) { static_cast<void>(h.buffer.host_data()); }},
    {"BufferNative", [](Handles& h) { static_cast<void>(h.buffer.native()); }},
    {"KernelOnANewStream",
     [](Handles& h) {
       const Buffer data = device().allocate(256);
       device().create_stream().launch(h.kernel, items64(64), 64u, 1u, 1u, data);
     }},
    {"ModuleKernel", [](Handles& h) { static_cast<void>(h.module.kernel("advance")); }},
    {"ModuleBinary", [](Handles& h) { static_cast<void>(h.module.binary()); }},
    {"GraphOnANewStream", [](Handles& h) { device().create_stream().replay(h.graph); }},
    {"GraphUpdate", [](Handles& h) { h.graph.update(0, 64u, 1u, 1u, h.buffer); }},
};

int reopen_cycles() {
  const char* value = std::getenv("SAMPAN_TEST_LONG");
  return value != nullptr && std::string_view(value) == "1" ? 1000 : 100;
}

// Drops the handles one by one, each time another one first.
void drop_in_every_order() {
  for (int first = 0; first < 6; ++first) {
    auto old = std::make_unique<Handles>();
    old->stream.fill(old->buffer.view(DType::u32), 1u);
    reopen();
    for (int i = 0; i < 6; ++i) {
      switch ((first + i) % 6) {
        case 0: old->stream = Stream(); break;
        case 1: old->buffer = Buffer(); break;
        case 2: old->event = Event(); break;
        case 3: old->kernel = Kernel(); break;
        case 4: old->module = Module(); break;
        default: old->graph = Graph(); break;
      }
    }
    old.reset();
    expect_device_works();
  }
}

// Threads at work when the device is reopened get device_lost, or finish; nothing else.
void reopen_under_load() {
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0}, lost{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, on = device()] {
        while (!stop) {
          try {
            Stream stream = on.create_stream();
            for (std::uint8_t i = 0; i < 50 && !stop; ++i) {
              const Buffer buffer = stream.allocate(1000);
              stream.fill(buffer.view(DType::u8), i);
              wrong += download<std::uint8_t>(stream, buffer) != std::vector<std::uint8_t>(1000, i);
            }
          } catch (const Error& error) {
            error.code() == ErrorCode::device_lost ? ++lost : ++wrong;
          }
        }
      });
    }
    for (int i = 0; i < 20; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      reopen();
    }
    stop = true;
  }
  EXPECT_EQ(wrong, 0);
  expect_device_works();
}

void add_reopen(CaseList& cases) {
  for (const OldCall& row : kOldCalls) {
    cases.add("Reopen", std::string("OldHandle/") + row.name, [&row] {
      Handles old;
      reopen();
      expect_error(ErrorCode::device_lost, [&] { row.call(old); }, {device().id(), "reopened"});
      expect_device_works();
    });
  }
  cases.add("Reopen", "OldPlan", [] {
    const ops::ElementwisePlan plan(device(), {.kind = ops::Elementwise::add, .elems = 4});
    reopen();
    Stream stream = device().create_stream();
    const Buffer x = upload(stream, std::vector<float>{1, 2, 3, 4});
    expect_error(ErrorCode::device_lost, [&] {
      plan.run(stream, x.view(DType::f32), x.view(DType::f32), x.view(DType::f32));
    });
    const ops::ElementwisePlan next(device(), {.kind = ops::Elementwise::add, .elems = 4});
    next.run(stream, x.view(DType::f32), x.view(DType::f32), x.view(DType::f32));
    EXPECT_EQ(download<float>(stream, x), (std::vector<float>{2, 4, 6, 8}));
  });
  cases.add("Reopen", "KeepsTheDevice", [] {
    const Device before = device();
    const std::string id = before.id();
    reopen();
    EXPECT_EQ(sampan::device(id), before);
    EXPECT_EQ(device().pool_stats().in_use_bytes, 0u);
    expect_device_works();
  });
  cases.add("Reopen", "WithWorkInFlight", [] {
    std::optional<Handles> old(std::in_place);
    {
      Gate gate(old->stream);
      old->stream.fill(old->buffer.view(DType::u32), 1u);
      reopen();
      expect_device_works();
    }
    old.reset();
    expect_device_works();
  });
  cases.add("Reopen", "HandlesDropInAnyOrder", drop_in_every_order);
  cases.add("Reopen", "ManyTimes", [] {
    const int cycles = reopen_cycles();
    for (int i = 0; i < cycles; ++i) {
      Stream stream = device().create_stream();
      const Buffer buffer = stream.allocate(4096);
      stream.fill(buffer.view(DType::u8), std::uint8_t{1});
      device().reopen();
    }
    forget_kernels();
    expect_device_works();
  });
  cases.add("Reopen", "LeavesOtherDevicesAlone", [] {
    for (const Device& other : other_devices()) {
      Stream theirs = other.create_stream();
      const Buffer data = upload(theirs, Values(64, 7));
      reopen();
      EXPECT_EQ(download<std::uint32_t>(theirs, data), Values(64, 7));
    }
  });
  cases.add("Reopen", "UnderLoad", reopen_under_load);
}

}  // namespace

void add_failure_cases(CaseList& cases) {
  add_failing_kernels(cases);
  add_reopen(cases);
}

}  // namespace sampan::conformance
