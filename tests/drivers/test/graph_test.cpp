// Graphs: dependencies, replay, updates.
#include <algorithm>

#include "fixture.h"

namespace sampan::test {
namespace {

class EmulatedGraph : public DriverTest {
 protected:
  void SetUp() override {
    DriverTest::SetUp();
    kernel = load(
        "extern \"C\" __global__ void k(unsigned* p, unsigned factor) { *p = *p * factor + 1; }",
        "k");
    word = upload(std::vector<unsigned>{0});
    result = upload(std::vector<unsigned>{0});
    ASSERT_EQ(f.graph_create(&graph, 0), kOk);
  }
  void TearDown() override {
    for (const Address address : {word, result}) EXPECT_EQ(f.free(address), kOk);
    EXPECT_EQ(f.module_unload(kernel.module), kOk);
    if (exec != nullptr) {
      EXPECT_EQ(f.exec_destroy(exec), kOk);
    }
    EXPECT_EQ(f.graph_destroy(graph), kOk);
    DriverTest::TearDown();
  }

  /// A node that sets *word = *word * factor + 1.
  Handle add_kernel(const std::vector<Handle>& after, unsigned factor) {
    Handle node = nullptr;
    void* arguments[] = {&word, &factor};
    EXPECT_EQ(driver.add_kernel(&node, graph, after, {kernel.function, {1}, {1}, arguments}), kOk);
    return node;
  }

  Loaded kernel;
  Address word = 0, result = 0;
  Handle graph = nullptr, exec = nullptr;
};

// Whatever order the machine chooses, it is one that the dependencies allow.
TEST_P(EmulatedGraph, NodesFollowTheirDependencies) {
  Handle fill = nullptr, copy = nullptr;
  ASSERT_EQ(driver.add_fill(&fill, graph, {}, word, 5, 1), kOk);
  const Handle first = add_kernel({fill}, 10), second = add_kernel({first}, 100);
  ASSERT_EQ(driver.add_copy(&copy, graph, {second}, result, word, 4), kOk);
  ASSERT_EQ(driver.instantiate(&exec, graph), kOk);
  for (unsigned seed = 0; seed < 8; ++seed) {
    ASSERT_EQ(f.control(("delay=" + std::to_string(seed)).c_str()), 0);
    ASSERT_EQ(f.fill32(result, 0, 1, stream), kOk);
    ASSERT_EQ(f.graph_launch(exec, stream), kOk);
    EXPECT_EQ(download<unsigned>(result, 1)[0], (5u * 10 + 1) * 100 + 1) << seed;
  }
}

TEST_P(EmulatedGraph, IndependentNodesRunInAnyOrder) {
  Handle fill = nullptr;
  ASSERT_EQ(driver.add_fill(&fill, graph, {}, word, 5, 1), kOk);
  (void)add_kernel({fill}, 10);
  (void)add_kernel({fill}, 100);
  ASSERT_EQ(driver.instantiate(&exec, graph), kOk);
  std::vector<unsigned> seen;
  for (unsigned seed = 1; seed < 40; ++seed) {
    ASSERT_EQ(f.control(("delay=" + std::to_string(seed)).c_str()), 0);
    ASSERT_EQ(f.graph_launch(exec, stream), kOk);
    seen.push_back(download<unsigned>(word, 1)[0]);
  }
  const auto saw = [&](unsigned value) {
    return std::find(seen.begin(), seen.end(), value) != seen.end();
  };
  EXPECT_TRUE(saw((5 * 10 + 1) * 100 + 1));
  EXPECT_TRUE(saw((5 * 100 + 1) * 10 + 1)) << "delay=SEED never chose the other order";
}

TEST_P(EmulatedGraph, UpdatesChangeLaterLaunches) {
  const Handle node = add_kernel({}, 2);
  ASSERT_EQ(driver.instantiate(&exec, graph), kOk);
  ASSERT_EQ(f.graph_launch(exec, stream), kOk);  // 0 * 2 + 1
  unsigned factor = 7;
  void* arguments[] = {&word, &factor};
  ASSERT_EQ(driver.update_kernel(exec, node, {kernel.function, {1}, {1}, arguments}), kOk);
  ASSERT_EQ(f.graph_launch(exec, stream), kOk);  // 1 * 7 + 1
  EXPECT_EQ(download<unsigned>(word, 1)[0], 8u);
}

TEST_P(EmulatedGraph, RunsOfOneGraphFollowEachOther) {
  (void)add_kernel({}, 1);  // counts
  ASSERT_EQ(driver.instantiate(&exec, graph), kOk);
  Handle other = nullptr;
  ASSERT_EQ(f.stream_create(&other, kNonBlocking, 0), kOk);
  ASSERT_EQ(f.stream_wait(stream), kOk);
  ASSERT_EQ(f.control("delay=3"), 0);
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(f.graph_launch(exec, i % 2 == 0 ? stream : other), kOk);
  }
  ASSERT_EQ(f.stream_wait(other), kOk);
  EXPECT_EQ(download<unsigned>(word, 1)[0], 50u);
  EXPECT_EQ(f.stream_destroy(other), kOk);
}

TEST_P(EmulatedGraph, PartsAreChecked) {
  Handle node = nullptr, other_graph = nullptr, other_exec = nullptr;
  const Handle mine = add_kernel({}, 1);
  ASSERT_EQ(f.graph_create(&other_graph, 0), kOk);
  EXPECT_EQ(driver.add_fill(&node, other_graph, {mine}, word, 0, 1), kInvalidValue)
      << "a node of another graph";
  EXPECT_EQ(driver.add_fill(&node, graph, {graph}, word, 0, 1), kInvalidHandle) << "no node";
  EXPECT_EQ(driver.add_fill(&node, graph, {}, word, 0, 2), kInvalidValue) << "past the end";
  EXPECT_EQ(driver.add_copy(&node, graph, {}, result, word, 5), kInvalidValue) << "past the end";
  ASSERT_EQ(driver.instantiate(&other_exec, other_graph), kOk);
  unsigned factor = 1;
  void* arguments[] = {&word, &factor};
  EXPECT_EQ(driver.update_kernel(other_exec, mine, {kernel.function, {1}, {1}, arguments}),
            kInvalidValue);
  EXPECT_EQ(f.exec_destroy(other_exec), kOk);
  EXPECT_EQ(f.graph_launch(other_exec, stream), kInvalidHandle);
  EXPECT_EQ(f.graph_destroy(other_graph), kOk);
  EXPECT_EQ(f.graph_destroy(other_graph), kInvalidHandle);
}

// Memory that is gone when a graph runs.
TEST_P(EmulatedGraph, FreedMemoryFailsTheRun) {
  Handle node = nullptr;
  Address brief = 0;
  ASSERT_EQ(f.allocate(&brief, 4), kOk);
  ASSERT_EQ(driver.add_copy(&node, graph, {}, brief, word, 4), kOk);
  ASSERT_EQ(driver.instantiate(&exec, graph), kOk);
  ASSERT_EQ(f.free(brief), kOk);
  ASSERT_EQ(f.graph_launch(exec, stream), kOk);
  EXPECT_EQ(f.stream_wait(stream), kIllegalAddress);
  ASSERT_EQ(f.graph_destroy(graph), kOk);  // graphs belong to no device
  ASSERT_EQ(driver.reset_current(), kOk);
  SetUp();  // TearDown wants what the reset took
  exec = nullptr;
}

SAMPAN_ON_BOTH_DRIVERS(EmulatedGraph);

}  // namespace
}  // namespace sampan::test
