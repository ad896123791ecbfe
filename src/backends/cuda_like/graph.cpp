#include "backends/cuda_like/graph.h"

#include <algorithm>
#include <memory>
#include <string>

#include "backends/cuda_like/copy.h"
#include "backends/cuda_like/launch.h"
#include "backends/cuda_like/memory.h"

namespace sampan::cuda_like {
namespace {

constexpr const char* kMaking = "Making a graph";

const std::string* replay_name() {
  static const auto* const kName = new std::string("graph");
  return kName;
}

sampan_code_t create(sampan_device_t* device, const sampan_graph_node_t* nodes,
                     std::uint32_t node_count, sampan_graph_t** out, sampan_error_t* error) {
  return guarded(*device->context(), error, [&] {
    *out = std::make_unique<sampan_graph>(*device, nodes, node_count).release();
  });
}

void destroy(sampan_graph_t* graph) { dispose(graph); }

sampan_code_t update(sampan_graph_t* graph, std::uint32_t index, const sampan_arg_t* args,
                     std::uint32_t arg_count, sampan_error_t* error) {
  return guarded(*graph->device().context(), error, [&] { graph->update(index, args, arg_count); });
}

sampan_code_t replay(sampan_graph_t* graph, sampan_stream_t* stream, std::uint64_t sequence,
                     sampan_error_t* error) {
  return guarded(*stream, error, [&] { graph->replay(*stream, sequence); });
}

}  // namespace

const sampan_graph_table_t kGraphTable = {
    .size = sizeof(sampan_graph_table_t),
    .reserved = 0,
    .create = create,
    .destroy = destroy,
    .update = update,
    .replay = replay,
};

Graph::Graph(Device& device, const sampan_graph_node_t* nodes, std::uint32_t count)
    : device_(device) {
  check(api().graph_create, During::kAllocation, kMaking, &graph_, 0u);
  try {
    build(nodes, count);
  } catch (...) {
    release();
    throw;
  }
}

Graph::~Graph() {
  quietly(*device_.context(), [this] { release(); });
}

void Graph::release() noexcept {
  if (exec_ != nullptr) (void)api().exec_destroy(exec_);
  (void)api().graph_destroy(graph_);
}

void Graph::build(const sampan_graph_node_t* nodes, std::uint32_t count) {
  nodes_.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    nodes_.emplace_back();
    switch (nodes[i].kind) {
      case SAMPAN_NODE_LAUNCH:
        add_launch(nodes[i].launch);
        break;
      case SAMPAN_NODE_COPY:
        add_copy(nodes[i]);
        break;
      case SAMPAN_NODE_FILL:
        add_fill(nodes[i]);
        break;
      default:
        throw Failure(SAMPAN_UNSUPPORTED,
                      "This backend knows no graph node " + std::to_string(nodes[i].kind));
    }
    nodes_.back().handle = last_;
  }
  check(shape().instantiate, During::kAllocation, kMaking, &exec_, graph_);
}

void Graph::add_launch(const sampan_launch_t& launch) {
  if (launch.cooperative != 0) {
    throw Failure(SAMPAN_UNSUPPORTED, "Graphs take no cooperative launch");
  }
  Node& node = nodes_.back();
  node.kernel = launch.kernel;
  node.what.function = launch.kernel->function();
  std::ranges::copy(launch.grid, node.what.grid);
  std::ranges::copy(launch.group, node.what.group);
  node.what.shared_bytes = launch.kernel->local_bytes(launch.local_bytes);
  Arguments arguments(*launch.kernel, launch.args, launch.arg_count);
  node.what.arguments = arguments.pointers();
  DriverNode made = nullptr;
  check(shape().add_kernel, During::kAllocation, kMaking, &made, graph_, last(),
        std::cref(node.what));
  last_ = made;
}

void Graph::add_copy(const sampan_graph_node_t& node) {
  DriverNode made = nullptr;
  check(shape().add_copy, During::kAllocation, kMaking, &made, graph_, last(),
        device_.context()->handle(), node.dst.memory->address() + node.dst.offset_bytes,
        node.src.memory->address() + node.src.offset_bytes,
        static_cast<std::size_t>(node.size_bytes));
  last_ = made;
}

// The driver fills with at most four bytes: a longer pattern is a column for each word.
void Graph::add_fill(const sampan_graph_node_t& node) {
  const Pattern pattern(node.pattern, node.pattern_bytes);
  const std::uint32_t element_bytes = std::min(pattern.size_bytes, 4u);
  const std::uint32_t words = pattern.size_bytes / element_bytes;
  const std::size_t patterns = node.size_bytes / pattern.size_bytes;
  for (std::uint32_t word = 0; word < words; ++word) {
    FillNode what{};
    what.dst = node.dst.memory->address() + node.dst.offset_bytes + 4 * word;
    what.value = pattern.words[word];
    what.element_bytes = element_bytes;
    what.width = words == 1 ? patterns : 1;
    what.rows = words == 1 ? 1 : patterns;
    what.pitch_bytes = words == 1 ? node.size_bytes : pattern.size_bytes;
    DriverNode made = nullptr;
    check(shape().add_fill, During::kAllocation, kMaking, &made, graph_, last(),
          device_.context()->handle(), std::cref(what));
    last_ = made;
  }
}

void Graph::update(std::uint32_t index, const sampan_arg_t* args, std::uint32_t count) {
  const std::lock_guard lock(mutex_);
  Node& node = nodes_[index];
  Arguments arguments(*node.kernel, args, count);
  node.what.arguments = arguments.pointers();
  check(shape().set_kernel, During::kSubmission, "Updating a graph", exec_, node.handle,
        std::cref(node.what));
}

void Graph::replay(Stream& stream, std::uint64_t sequence) {
  {
    const std::lock_guard lock(mutex_);
    check(api().graph_launch, During::kSubmission, "Replaying a graph", exec_, stream.handle());
  }
  stream.progress().note_launch(sequence, replay_name());
}

}  // namespace sampan::cuda_like
