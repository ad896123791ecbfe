#include <cstring>
#include <utility>

#include "mock.h"

struct sampan_graph {
  sampan_device_t* device = nullptr;
  std::vector<sampan_graph_node_t> nodes;
  std::vector<std::vector<sampan_arg_t>> args;  // of the launches among the nodes
};

namespace mock {
namespace {

using Table = sampan_graph_table_t;

Command node_command(sampan_graph_t& graph, std::size_t index) {
  const sampan_graph_node_t node = graph.nodes[index];
  Command command;
  command.node_kind = node.kind;
  if (node.kind == SAMPAN_NODE_LAUNCH) {
    sampan_launch_t launch = node.launch;
    launch.args = graph.args[index].data();
    return launch_command(*graph.device, launch);
  }
  std::byte* to = bytes_of(node.dst, node.size_bytes, graph.device);
  command.uses = {node.dst.memory};
  if (node.kind == SAMPAN_NODE_FILL) {
    command.run =
        sure_work([=] { repeat_pattern(to, node.size_bytes, node.pattern, node.pattern_bytes); });
  } else {
    const std::byte* from = bytes_of(node.src, node.size_bytes, graph.device);
    command.uses.push_back(node.src.memory);
    command.run = sure_work([=] { std::memcpy(to, from, node.size_bytes); });
  }
  return command;
}

sampan_code_t create(sampan_device_t* device, const sampan_graph_node_t* nodes,
                     std::uint32_t node_count, sampan_graph_t** out, sampan_error_t* error) {
  return call("graph.create", device, error, [&](auto&) {
    auto* graph = make_child<sampan_graph_t>(SAMPAN_MOCK_LIVE_GRAPHS, device);
    graph->nodes.assign(nodes, nodes + node_count);
    for (const sampan_graph_node_t& node : graph->nodes) {
      const bool launches = node.kind == SAMPAN_NODE_LAUNCH;
      graph->args.emplace_back(node.launch.args,
                               node.launch.args + (launches ? node.launch.arg_count : 0));
    }
    *out = graph;
    return SAMPAN_OK;
  });
}

void destroy(sampan_graph_t* graph) {
  const std::lock_guard lock(state().mutex);
  drop_child(SAMPAN_MOCK_LIVE_GRAPHS, graph);
}

sampan_code_t update(sampan_graph_t* graph, std::uint32_t index, const sampan_arg_t* args,
                     std::uint32_t arg_count, sampan_error_t* error) {
  return call("graph.update", graph->device, error, [&](auto&) {
    if (index >= graph->nodes.size() || graph->nodes[index].kind != SAMPAN_NODE_LAUNCH) {
      violation("graph.update of a node that is no launch");
    } else {
      graph->args[index].assign(args, args + arg_count);
    }
    return SAMPAN_OK;
  });
}

// One command: a failing node ends the replay, and the nodes after it don't run.
sampan_code_t replay(sampan_graph_t* graph, sampan_stream_t* stream, std::uint64_t sequence,
                     sampan_error_t* error) {
  return call("graph.replay", stream->device, error, [&](auto&) -> sampan_code_t {
    if (stream->failure) return report(error, *stream->failure);
    std::vector<Command> nodes;
    Command whole;
    whole.node_kind = SAMPAN_NODE_LAUNCH;
    whole.sequence = sequence;
    for (std::size_t i = 0; i < graph->nodes.size(); ++i) {
      nodes.push_back(node_command(*graph, i));
      whole.uses.insert(whole.uses.end(), nodes.back().uses.begin(), nodes.back().uses.end());
      if (whole.kernel.empty()) whole.kernel = nodes.back().kernel;
    }
    whole.run = work([nodes = std::move(nodes)]() -> std::optional<Failure> {
      for (const Command& node : nodes) {
        if (auto failure = node.run(nullptr)) return failure;
      }
      return std::nullopt;
    });
    return enqueue(*stream, std::move(whole), error);
  });
}

}  // namespace

const Table kGraphTable = {sizeof(Table), 0, create, destroy, update, replay};

}  // namespace mock
