// Graphs: recording, replaying, updating; driver's own or replayed by Sampan.
#include <utility>

#include "conformance.h"
#include "sampan/ops/elementwise.h"
#include "sampan/ops/gemm.h"

namespace sampan::conformance {
namespace {

constexpr std::uint32_t kElems = 1000;

using Values = std::vector<std::uint32_t>;

// A stream with two buffers of kElems numbers: `a` all 1, `b` all 0.
struct Bench {
  Bench() {
    stream.fill(a.view(DType::u32), 1u);
    stream.fill(b.view(DType::u32), 0u);
  }
  std::uint64_t step(const Buffer& on, std::uint32_t factor, std::uint32_t term) {
    return stream.launch(kernel, items64(kElems), kElems, factor, term, on);
  }
  void expect(const Buffer& buffer, std::uint32_t value) {
    EXPECT_EQ(download<std::uint32_t>(stream, buffer), Values(kElems, value));
  }
  Stream stream = device().create_stream();
  Kernel kernel = helper_kernel("advance");
  Buffer a = device().allocate(kElems * 4), b = device().allocate(kElems * 4);
};

void replay_chain(std::uint32_t nodes, std::uint32_t times) {
  Bench bench;
  bench.stream.begin_recording();
  for (std::uint32_t i = 0; i < nodes; ++i) EXPECT_EQ(bench.step(bench.a, 3, i), i);
  const Graph graph = bench.stream.end_recording();
  EXPECT_EQ(graph.node_count(), nodes);
  bench.expect(bench.a, 1);  // recording runs nothing
  std::uint32_t expected = 1;
  for (std::uint32_t t = 0; t < times; ++t) {
    bench.stream.replay(graph);
    for (std::uint32_t i = 0; i < nodes; ++i) expected = expected * 3 + i;
  }
  bench.expect(bench.a, expected);
}

void add_replay(CaseList& cases) {
  for (const auto& [nodes, times] :
       {std::pair(1u, 1u), std::pair(1u, 100u), std::pair(20u, 100u), std::pair(1000u, 3u)}) {
    cases.add("Graph", "Replay/" + std::to_string(nodes) + "x" + std::to_string(times),
              [n = nodes, t = times] { replay_chain(n, t); });
  }
  cases.add("Graph", "OfNothing", [] {
    Bench bench;
    bench.stream.begin_recording();
    const Graph graph = bench.stream.end_recording();
    EXPECT_TRUE(graph);
    EXPECT_EQ(graph.node_count(), 0u);
    bench.stream.replay(graph);
    bench.expect(bench.a, 1);
  });
  cases.add("Graph", "TellsWhetherItIsNative", [] {
    Bench bench;
    bench.stream.begin_recording();
    bench.step(bench.a, 2, 0);
    const Graph graph = bench.stream.end_recording();
    EXPECT_EQ(graph.device(), device());
    EXPECT_TRUE(device().info().has_graphs || !graph.is_native());
  });
  cases.add("Graph", "HoldsCopiesAndFills", [] {
    Bench bench;
    bench.stream.begin_recording();
    bench.stream.fill(bench.a.view(DType::u32), 5u);
    bench.step(bench.a, 2, 1);
    bench.stream.copy(bench.b.view(DType::u32), bench.a.view(DType::u32));
    bench.step(bench.b, 10, 0);
    bench.stream.fill(bench.a.view(DType::u32, {1}, 40), 7u);
    const Graph graph = bench.stream.end_recording();
    EXPECT_EQ(graph.node_count(), 5u);
    for (int i = 0; i < 3; ++i) bench.stream.replay(graph);
    Values expected(kElems, 11);
    expected[10] = 7;
    EXPECT_EQ(download<std::uint32_t>(bench.stream, bench.a), expected);
    bench.expect(bench.b, 110);
  });
  cases.add("Graph", "MixesWithOtherWork", [] {
    Bench bench;
    bench.stream.begin_recording();
    bench.step(bench.a, 3, 1);
    const Graph graph = bench.stream.end_recording();
    std::uint32_t expected = 1;
    for (std::uint32_t i = 0; i < 50; ++i) {
      bench.stream.replay(graph);
      bench.step(bench.a, 5, i);
      expected = (expected * 3 + 1) * 5 + i;
    }
    bench.expect(bench.a, expected);
  });
  cases.add("Graph", "ReplaysOnAnotherStream", [] {
    Bench bench;
    bench.stream.begin_recording();
    bench.step(bench.a, 3, 1);
    const Graph graph = bench.stream.end_recording();
    bench.stream.synchronize();
    Stream other = device().create_stream();
    other.replay(graph);
    other.replay(graph);
    other.synchronize();
    bench.expect(bench.a, 13);
  });
  cases.add("Graph", "ReplayDoesNotWait", [] {
    Bench bench;
    bench.stream.begin_recording();
    bench.step(bench.a, 3, 1);
    const Graph graph = bench.stream.end_recording();
    Gate gate(bench.stream);
    for (int i = 0; i < 10; ++i) bench.stream.replay(graph);
    EXPECT_FALSE(bench.stream.ready());
    gate.open();
    bench.expect(bench.a, 88573);  // (3^11 - 1) / 2
  });
  cases.add("Graph", "TwoOfThemAlternate", [] {
    Bench bench;
    Graph graphs[2];
    for (std::uint32_t g = 0; g < 2; ++g) {
      bench.stream.begin_recording();
      bench.step(bench.a, 3 + 2 * g, g);
      graphs[g] = bench.stream.end_recording();
    }
    std::uint32_t expected = 1;
    for (int i = 0; i < 20; ++i) {
      for (const Graph& graph : graphs) bench.stream.replay(graph);
      expected = (expected * 3) * 5 + 1;
    }
    bench.expect(bench.a, expected);
  });
}

void add_lifetime(CaseList& cases) {
  cases.add("Graph", "OutlivesItsStreamAndModule", [] {
    const Buffer data = device().allocate(kElems * 4);
    Graph graph;
    {
      const Module module = device().load(Code::dialect(
          "own", "#include \"sampan_kernel.h\"\n"
                 "KERNEL_FLAT(add, 1, 1, 1)(GLOBAL u32* out) { out[GID(0)] += 2; }\n"));
      Stream stream = device().create_stream();
      stream.begin_recording();
      LaunchConfig config;
      config.grid.x = kElems;
      stream.launch(module.kernel("add"), config, data);
      graph = stream.end_recording();
    }
    Stream stream = device().create_stream();
    stream.fill(data.view(DType::u32), 1u);
    stream.replay(graph);
    EXPECT_EQ(download<std::uint32_t>(stream, data), Values(kElems, 3));
  });
  cases.add("Graph", "DestroyedWithReplaysInFlight", [] {
    Bench bench;
    Gate gate(bench.stream);
    {
      bench.stream.begin_recording();
      bench.step(bench.a, 3, 1);
      const Graph graph = bench.stream.end_recording();
      bench.stream.replay(graph);
    }
    gate.open();
    bench.expect(bench.a, 4);
  });
  cases.add("Graph", "StreamDestroyedWhileRecording", [] {
    Stream stream = device().create_stream();
    const Buffer data = device().allocate(4);
    stream.begin_recording();
    stream.fill(data.view(DType::u32), 1u);
  });
  cases.add("Graph", "CopiesShareUpdates", [] {
    Bench bench;
    bench.stream.begin_recording();
    const std::uint64_t node = bench.step(bench.a, 3, 1);
    Graph graph = bench.stream.end_recording();
    const Graph same = graph;
    graph.update(node, kElems, 7u, 2u, bench.a);
    bench.stream.replay(same);
    bench.expect(bench.a, 9);
  });
}

void add_updates(CaseList& cases) {
  cases.add("Graph", "UpdatedValues", [] {
    Bench bench;
    bench.stream.begin_recording();
    const std::uint64_t first = bench.step(bench.a, 3, 1);
    bench.stream.copy(bench.b.view(DType::u32), bench.a.view(DType::u32));
    const std::uint64_t second = bench.step(bench.b, 1, 0);
    Graph graph = bench.stream.end_recording();
    EXPECT_EQ(second, 2u);
    std::uint32_t a = 1, b = 0;
    for (std::uint32_t i = 0; i < 20; ++i) {
      graph.update(first, kElems, 2 * i + 1, i, bench.a);
      graph.update(second, kElems, 1u, 100 * i, bench.b);
      bench.stream.replay(graph);
      a = a * (2 * i + 1) + i;
      b = a + 100 * i;
    }
    bench.expect(bench.a, a);
    bench.expect(bench.b, b);
  });
  cases.add("Graph", "UpdatedBuffer", [] {
    Bench bench;
    bench.stream.begin_recording();
    const std::uint64_t node = bench.step(bench.a, 3, 1);
    Graph graph = bench.stream.end_recording();
    bench.stream.replay(graph);
    graph.update(node, kElems, 3u, 1u, bench.b);
    bench.stream.replay(graph);
    bench.expect(bench.a, 4);
    bench.expect(bench.b, 1);
  });
  cases.add("Graph", "UpdateReachesLaterReplaysOnly", [] {
    Bench bench;
    bench.stream.begin_recording();
    const std::uint64_t node = bench.step(bench.a, 3, 1);
    Graph graph = bench.stream.end_recording();
    Gate gate(bench.stream);
    bench.stream.replay(graph);
    graph.update(node, kElems, 100u, 0u, bench.a);
    bench.stream.replay(graph);
    gate.open();
    bench.expect(bench.a, 400);
  });
}

// Plans record like launches.
void add_plans(CaseList& cases) {
  cases.add("Graph", "HoldsPlans", [] {
    Stream stream = device().create_stream();
    const ops::ElementwisePlan add(device(),
                                   {.kind = ops::Elementwise::add, .elems = 4});
    const ops::GemmPlan gemm(device(), {.m = 2, .n = 2, .k = 2});
    const Buffer x = upload(stream, std::vector<float>{1, 2, 3, 4});
    const Buffer y = stream.allocate(16), z = stream.allocate(16);
    stream.begin_recording();
    add.run(stream, x.view(DType::f32), x.view(DType::f32), y.view(DType::f32));
    gemm.run(stream, {.a = x.view(DType::f32, {2, 2}),
                      .b = y.view(DType::f32, {2, 2}),
                      .d = z.view(DType::f32, {2, 2})});
    const Graph graph = stream.end_recording();
    EXPECT_GE(graph.node_count(), 2u);
    for (int i = 0; i < 3; ++i) {
      stream.fill(y.view(DType::f32), 0.0f);
      stream.fill(z.view(DType::f32), 0.0f);
      stream.replay(graph);
      EXPECT_EQ(download<float>(stream, z), (std::vector<float>{14, 20, 30, 44}));
    }
  });
}

struct Refusal {
  const char* name;
  void (*call)(Bench& bench);
};

// Calls that may not be recorded. The recording goes on behind them.
constexpr Refusal kNotRecorded[] = {
    {"CopyFromHost",
     [](Bench& b) { b.stream.copy_from_host(b.a.view(DType::u8), std::span<const std::byte>(test_bytes(kElems * 4))); }},
    {"CopyToHost",
     [](Bench& b) {
       std::vector<std::byte> host(kElems * 4);
       b.stream.copy_to_host(std::span(host), b.a.view(DType::u8));
     }},
    {"Record",
     [](Bench& b) {
       Event event = device().create_event();
       b.stream.record(event);
     }},
    {"Wait", [](Bench& b) { b.stream.wait(device().create_event()); }},
    {"HostFunction", [](Bench& b) { b.stream.host_function([] {}); }},
    {"BeginAgain", [](Bench& b) { b.stream.begin_recording(); }},
    {"ReplayOfAnotherGraph",
     [](Bench& b) {
       Stream other = device().create_stream();
       other.begin_recording();
       const Graph graph = other.end_recording();
       b.stream.replay(graph);
     }},
    {"WrongArguments",
     [](Bench& b) { b.stream.launch(b.kernel, items64(64), 1u, 1u, b.a); }},
    {"OverlappingCopy",
     [](Bench& b) {
       b.stream.copy(b.a.view(DType::u32, {10}), b.a.view(DType::u32, {10}, 4));
     }},
    {"MisalignedFill",
     [](Bench& b) { b.stream.fill(b.a.view(DType::u8, {4}, 1), std::uint32_t{1}); }},
};

void add_refusals(CaseList& cases) {
  for (const Refusal& row : kNotRecorded) {
    cases.add("GraphRefuses", row.name, [&row] {
      Bench bench;
      bench.stream.begin_recording();
      bench.step(bench.a, 2, 1);
      expect_error(ErrorCode::invalid_argument, [&] { row.call(bench); });
      bench.step(bench.a, 5, 0);
      const Graph graph = bench.stream.end_recording();
      EXPECT_EQ(graph.node_count(), 2u);
      bench.stream.replay(graph);
      bench.expect(bench.a, 15);
    });
  }
  cases.add("GraphRefuses", "EndWithoutBegin", [] {
    Bench bench;
    expect_error(ErrorCode::invalid_argument,
                 [&] { static_cast<void>(bench.stream.end_recording()); }, {"recording"});
    bench.expect(bench.a, 1);
  });
  cases.add("GraphRefuses", "EmptyGraph", [] {
    Bench bench;
    Graph none;
    EXPECT_FALSE(none);
    EXPECT_EQ(none.node_count(), 0u);
    EXPECT_FALSE(none.is_native());
    expect_error(ErrorCode::invalid_argument, [&] { bench.stream.replay(none); });
    expect_error(ErrorCode::invalid_argument, [&] { none.update(0, 1u); });
  });
  cases.add("GraphRefuses", "WrongUpdates", [] {
    Bench bench;
    bench.stream.begin_recording();
    bench.step(bench.a, 2, 1);
    bench.stream.fill(bench.b.view(DType::u32), 1u);
    Graph graph = bench.stream.end_recording();
    const auto refused = [](const std::function<void()>& call) {
      expect_error(ErrorCode::invalid_argument, call);
    };
    refused([&] { graph.update(1, kElems, 2u, 1u, bench.a); });       // a fill
    refused([&] { graph.update(2, kElems, 2u, 1u, bench.a); });       // behind the end
    refused([&] { graph.update(UINT64_MAX, kElems, 2u, 1u, bench.a); });
    refused([&] { graph.update(0, kElems, 2u, bench.a); });           // one argument less
    refused([&] { graph.update(0, kElems, 2u, 1u, bench.a, 1u); });   // one more
    refused([&] { graph.update(0, kElems, 2u, 1u, 1u); });            // a value for a buffer
    for (const Device& other : other_devices()) {
      const Buffer foreign = other.allocate(kElems * 4);
      refused([&] { graph.update(0, kElems, 2u, 1u, foreign); });
    }
    bench.stream.replay(graph);
    bench.expect(bench.a, 3);
  });
  cases.add("GraphRefuses", "StreamOfAnotherDevice", [] {
    Bench bench;
    bench.stream.begin_recording();
    bench.step(bench.a, 2, 1);
    const Graph graph = bench.stream.end_recording();
    for (const Device& other : other_devices()) {
      Stream theirs = other.create_stream();
      expect_error(ErrorCode::invalid_argument, [&] { theirs.replay(graph); },
                   {device().id(), other.id()});
    }
  });
}

}  // namespace

void add_graph_cases(CaseList& cases) {
  add_replay(cases);
  add_lifetime(cases);
  add_updates(cases);
  add_plans(cases);
  add_refusals(cases);
}

}  // namespace sampan::conformance
