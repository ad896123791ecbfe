#pragma once

#include <mutex>
#include <vector>

#include "backends/cuda_like/device.h"
#include "backends/cuda_like/stream.h"
#include "sampan/plugin/backend.h"

namespace sampan::cuda_like {

/// Recorded work as a graph of the driver's, one node after the other. Free-threaded.
class Graph {
 public:
  /// The context is current. Throws Failure: UNSUPPORTED for what the driver's graphs can't hold.
  Graph(Device& device, const sampan_graph_node_t* nodes, std::uint32_t count);
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  ~Graph();

  [[nodiscard]] Device& device() const { return device_; }

  // The context is current. They throw Failure.
  void update(std::uint32_t index, const sampan_arg_t* args, std::uint32_t count);
  void replay(Stream& stream, std::uint64_t sequence);

 private:
  /// Of a launch; other nodes have no kernel.
  struct Node {
    DriverNode handle = nullptr;
    sampan_kernel_t* kernel = nullptr;
    KernelNode what{};
  };

  void build(const sampan_graph_node_t* nodes, std::uint32_t count);
  void add_launch(const sampan_launch_t& launch);
  void add_copy(const sampan_graph_node_t& node);
  void add_fill(const sampan_graph_node_t& node);
  [[nodiscard]] const DriverNode* last() const { return last_ != nullptr ? &last_ : nullptr; }
  void release() noexcept;

  Device& device_;
  DriverGraph graph_ = nullptr;
  DriverExec exec_ = nullptr;
  DriverNode last_ = nullptr;
  std::vector<Node> nodes_;
  std::mutex mutex_;
};

extern const sampan_graph_table_t kGraphTable;

}  // namespace sampan::cuda_like

/// What the ABI calls a graph.
struct sampan_graph final : sampan::cuda_like::Graph {
  using Graph::Graph;
};
