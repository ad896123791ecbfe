#include <array>

#include "path_test.h"

namespace sampan::test {
namespace {

constexpr const char* kSource =
    "__kernel void add(__global int* data, int value) { data[get_global_id(0)] += value; }\n";

class OpenclGraph : public OnPath {
 protected:
  void SetUp() override {
    OnPath::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if ((bench().info().capabilities & SAMPAN_CAP_GRAPH) == 0) {
      GTEST_SKIP() << "UNSUPPORTED: the device has no cl_khr_command_buffer that suits";
    }
    module_ = bench().module(kSource);
    a_ = bench().memory(kBytes);
    b_ = bench().memory(kBytes);
  }
  void TearDown() override {
    a_.reset();
    b_.reset();
    module_.reset();
  }

  [[nodiscard]] static const sampan_graph_table_t& graphs() { return *tables().graph; }

  [[nodiscard]] sampan_graph_node_t node(std::uint32_t kind) const {
    sampan_graph_node_t made{};
    made.size = sizeof made;
    made.kind = kind;
    return made;
  }
  /// Fill a with 5; a += 2; copy a to b; b += 10.
  [[nodiscard]] std::vector<sampan_graph_node_t> nodes() {
    add_to_a_ = {region_arg(a_.get()), value_arg(2)};
    add_to_b_ = {region_arg(b_.get()), value_arg(10)};
    sampan_kernel_t* const add = bench().kernel(module_, "add");
    auto fill = node(SAMPAN_NODE_FILL);
    fill.dst = {a_.get(), 0};
    fill.size_bytes = kBytes;
    fill.pattern[0] = 5;
    fill.pattern_bytes = 4;
    auto first = node(SAMPAN_NODE_LAUNCH);
    first.launch = make_launch(add, add_to_a_, kCount / 8, 8);
    auto copy = node(SAMPAN_NODE_COPY);
    copy.dst = {b_.get(), 0};
    copy.src = {a_.get(), 0};
    copy.size_bytes = kBytes;
    auto second = node(SAMPAN_NODE_LAUNCH);
    second.launch = make_launch(add, add_to_b_, kCount / 8, 8);
    return {fill, first, copy, second};
  }
  [[nodiscard]] Handle<sampan_graph_t> create(const std::vector<sampan_graph_node_t>& all) const {
    Error error;
    sampan_graph_t* made = nullptr;
    EXPECT_CODE(SAMPAN_OK, error,
                graphs().create(bench().device(), all.data(),
                                static_cast<std::uint32_t>(all.size()), &made, error.get()));
    return {made, graphs().destroy};
  }
  void replay(sampan_graph_t* graph, sampan_stream_t* stream) const {
    Error error;
    EXPECT_CODE(SAMPAN_OK, error, graphs().replay(graph, stream, 1, error.get()));
  }
  void expect_b(sampan_stream_t* stream, std::int32_t value) const {
    std::vector<std::int32_t> got(kCount);
    bench().download(stream, got.data(), {b_.get(), 0}, kBytes);
    bench().wait(stream);
    EXPECT_EQ(std::vector<std::int32_t>(kCount, value), got);
  }

  static constexpr std::uint32_t kCount = 1024;
  static constexpr std::uint64_t kBytes = kCount * 4;
  Handle<sampan_memory_t> a_{nullptr, Plugin::get().backend.memory->release};
  Handle<sampan_memory_t> b_{nullptr, Plugin::get().backend.memory->release};

 private:
  Handle<sampan_module_t> module_{nullptr, Plugin::get().backend.module->unload};
  std::array<sampan_arg_t, 2> add_to_a_{}, add_to_b_{};
};
// The extension's copies and fills take buffer objects, which USM memory has none of.
INSTANTIATE_TEST_SUITE_P(Paths, OpenclGraph, ::testing::Values("svm", "buffer"), path_name);

class OpenclLaunchGraph : public OpenclGraph {};
INSTANTIATE_ON_PATHS(OpenclLaunchGraph);

TEST_P(OpenclLaunchGraph, ReplaysLaunches) {
  auto all = nodes();
  const auto graph = create({all[3], all[3]});
  const auto stream = bench().stream();
  const std::vector<std::int32_t> ones(kCount, 1);
  bench().upload(stream.get(), {b_.get(), 0}, ones.data(), kBytes);
  replay(graph.get(), stream.get());
  replay(graph.get(), stream.get());
  expect_b(stream.get(), 41);
}

TEST_P(OpenclLaunchGraph, CopiesAreTakenOrLeftToTheHost) {
  const auto all = nodes();
  Error error;
  sampan_graph_t* made = nullptr;
  const sampan_code_t code = graphs().create(bench().device(), all.data(), 4, &made, error.get());
  const Handle<sampan_graph_t> owner(made, graphs().destroy);
  EXPECT_EQ(GetParam() == std::string("usm") ? SAMPAN_UNSUPPORTED : SAMPAN_OK, code)
      << error.message();
}

TEST_P(OpenclGraph, ReplaysInOrderOnAnyStream) {
  const auto graph = create(nodes());
  const auto plain = bench().stream();
  const auto timed = bench().stream();
  const auto event = bench().event(SAMPAN_EVENT_TIMING);
  Error error;
  ASSERT_CODE(SAMPAN_OK, error, tables().event->record(event.get(), timed.get(), error.get()));
  for (sampan_stream_t* stream : {plain.get(), timed.get()}) {
    for (int i = 0; i < 3; ++i) replay(graph.get(), stream);
    expect_b(stream, 17);
  }
}

TEST_P(OpenclGraph, UpdatedArgumentsCountFromTheNextReplay) {
  const auto graph = create(nodes());
  const auto stream = bench().stream();
  replay(graph.get(), stream.get());
  expect_b(stream.get(), 17);
  for (const std::int32_t value : {100, -1}) {
    const std::array args{region_arg(b_.get()), value_arg(value)};
    Error error;
    ASSERT_CODE(SAMPAN_OK, error, graphs().update(graph.get(), 3, args.data(), 2, error.get()));
    replay(graph.get(), stream.get());
    expect_b(stream.get(), 7 + value);
  }
}

TEST_P(OpenclGraph, NodesAreReadBeforeCreateReturns) {
  Handle<sampan_graph_t> graph(nullptr, graphs().destroy);
  {
    auto all = nodes();
    graph = create(all);
    std::memset(static_cast<void*>(all.data()), 0xFF, all.size() * sizeof all[0]);
  }
  const auto stream = bench().stream();
  replay(graph.get(), stream.get());
  expect_b(stream.get(), 17);
}

TEST_P(OpenclGraph, AnEmptyGraph) {
  const auto graph = create({});
  const auto stream = bench().stream();
  replay(graph.get(), stream.get());
  bench().wait(stream.get());
}

TEST_P(OpenclGraph, PinnedMemoryIsLeftToTheHost) {
  const auto pinned = bench().memory(kBytes, SAMPAN_MEMORY_HOST);
  auto copy = node(SAMPAN_NODE_COPY);
  copy.dst = {b_.get(), 0};
  copy.src = {pinned.get(), 0};
  copy.size_bytes = kBytes;
  Error error;
  sampan_graph_t* made = nullptr;
  const sampan_code_t code = graphs().create(bench().device(), &copy, 1, &made, error.get());
  EXPECT_TRUE(code == SAMPAN_OK || code == SAMPAN_UNSUPPORTED) << error.message();
  const Handle<sampan_graph_t> owner(made, graphs().destroy);
}

}  // namespace
}  // namespace sampan::test
