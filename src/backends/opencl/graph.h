#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "backends/opencl/device.h"
#include "backends/opencl/launch.h"
#include "backends/opencl/stream.h"
#include "sampan/plugin/backend.h"

namespace sampan::opencl {

/// Owns a command buffer of cl_khr_command_buffer.
class CommandBuffer {
 public:
  CommandBuffer() = default;
  /// Takes commands for queues like `queue`. Throws Failure.
  CommandBuffer(const ExtensionApi& extension, cl::Queue queue);
  CommandBuffer(CommandBuffer&& other) noexcept;
  CommandBuffer& operator=(CommandBuffer&& other) noexcept;
  ~CommandBuffer();

  [[nodiscard]] cl::CommandBuffer get() const { return handle_; }

 private:
  const ExtensionApi* extension_ = nullptr;
  cl::CommandBuffer handle_ = nullptr;
};

/// Nodes as a command buffer of the driver's. The extension binds a buffer to the properties of a
/// queue, so there is one for queues that profile and one for those that don't, each recorded at
/// its first use. Updating arguments records anew. Free-threaded.
class Graph {
 public:
  /// Throws Failure, UNSUPPORTED for memory that has no buffer object or is pinned.
  Graph(Device& device, const sampan_graph_node_t* nodes, std::uint32_t count);
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  [[nodiscard]] Device& device() const { return device_; }

  /// See sampan_graph_table_t. Throw Failure.
  void update(std::uint32_t index, const sampan_arg_t* args, std::uint32_t count);
  void replay(Stream& stream, std::uint64_t sequence);

 private:
  struct Node {
    sampan_graph_node_t what;
    std::vector<sampan_arg_t> args;
    std::unique_ptr<KernelInstance> kernel;  // of a launch; holds its arguments
  };

  [[nodiscard]] CommandBuffer record(bool profiled);
  cl::Int record_launch(const CommandBuffer& into, Node& node, cl::SyncPoint* after,
                        std::uint32_t after_count);
  cl::Int record_copy(const CommandBuffer& into, const Node& node, cl::SyncPoint* after,
                      std::uint32_t after_count);
  cl::Int record_fill(const CommandBuffer& into, const Node& node, cl::SyncPoint* after,
                      std::uint32_t after_count);

  Device& device_;
  std::mutex mutex_;
  std::vector<Node> nodes_;
  std::array<CommandBuffer, 2> recorded_;  // [profiled]
};

extern const sampan_graph_table_t kGraphTable;

}  // namespace sampan::opencl

/// What the ABI calls a graph.
struct sampan_graph final : sampan::opencl::Graph {
  using Graph::Graph;
};
