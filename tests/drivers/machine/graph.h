// Recorded work with dependencies, and its replay.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

#include "launch.h"
#include "transfer.h"

namespace sampan::emulator {

/// A kernel with the arguments that it had when the node was made or updated.
struct LaunchTask {
  std::shared_ptr<Kernel> kernel;
  LaunchShape shape;
  std::shared_ptr<Arguments> arguments;
};
struct HostTask {
  void (*function)(void*) = nullptr;
  void* argument = nullptr;
};

/// Empty nodes only join others.
using Task = std::variant<std::monostate, LaunchTask, Copy, Fill, HostTask>;

class Graph;

struct Node {
  Graph* graph = nullptr;
  std::size_t index = 0;  ///< in its graph
};

/// Nodes come after those that they depend on, since those must be there first. Free-threaded.
class Graph {
 public:
  struct Step {
    Task task;
    std::vector<std::size_t> after;  // indices
  };

  /// Throws Refusal{invalid_value} where a dependency is a node of another graph.
  [[nodiscard]] std::shared_ptr<Node> add(Task task,
                                          const std::vector<std::shared_ptr<Node>>& after);
  [[nodiscard]] std::vector<Step> steps() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Step> steps_;
};

/// A graph that can be launched; later changes of the graph don't matter to it. Free-threaded.
class Exec {
 public:
  Exec(Context& context, const Graph& graph);

  [[nodiscard]] Context& context() const { return context_; }

  /// Changes what later launches do. Throws Refusal{invalid_value} for a node that is not one of
  /// the graph's kernels, or a kernel of another context.
  void update(const Node& node, LaunchTask task);

  /// Appends one run. Runs of one Exec follow each other, also on different streams.
  void launch(Stream& stream);

 private:
  using Steps = std::vector<Graph::Step>;
  static void run(const Stream& stream, const Steps& steps);

  Context& context_;
  const Graph* const graph_;  // to tell its nodes; may be gone
  std::mutex mutex_;          // guards what follows
  std::shared_ptr<const Steps> steps_;
  std::shared_ptr<Moment> last_run_;
};

}  // namespace sampan::emulator
