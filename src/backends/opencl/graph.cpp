#include "backends/opencl/graph.h"

#include <string>
#include <utility>

namespace sampan::opencl {
namespace {

const std::string* replay_name() {
  static const auto* const kName = new std::string("graph");
  return kName;
}

// In all commands the queue is null: the extension keeps the parameter for later versions.

// The buffer object over a region's memory.
cl::Mem buffer_of(const sampan_region_t& region) {
  const cl::Mem buffer = region.memory->mapped() ? nullptr : region.memory->as_buffer();
  if (buffer == nullptr) {
    throw Failure(SAMPAN_UNSUPPORTED,
                  "Command buffers take no copies and fills of pinned or USM memory");
  }
  return buffer;
}

sampan_code_t create(sampan_device_t* device, const sampan_graph_node_t* nodes,
                     std::uint32_t node_count, sampan_graph_t** out, sampan_error_t* error) {
  return guarded(*device, error, [&] {
    if (!device->traits().native_graphs) {
      throw Failure(SAMPAN_UNSUPPORTED, "No native graphs: " + device->traits().why_no_graphs);
    }
    *out = std::make_unique<sampan_graph>(*device, nodes, node_count).release();
  });
}

void destroy(sampan_graph_t* graph) { dispose(graph); }

sampan_code_t update(sampan_graph_t* graph, std::uint32_t index, const sampan_arg_t* args,
                     std::uint32_t arg_count, sampan_error_t* error) {
  return guarded(graph->device(), error, [&] { graph->update(index, args, arg_count); });
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

CommandBuffer::CommandBuffer(const ExtensionApi& extension, cl::Queue queue)
    : extension_(&extension) {
  const cl::Property properties[] = {cl::kCommandBufferFlagsKhr,
                                     cl::kCommandBufferSimultaneousUseKhr, 0};
  cl::Int code = cl::kSuccess;
  handle_ = extension.create_command_buffer(1, &queue, properties, &code);
  check(code, "clCreateCommandBufferKHR", During::kAllocation, "Making a graph");
}

CommandBuffer::CommandBuffer(CommandBuffer&& other) noexcept
    : extension_(other.extension_), handle_(std::exchange(other.handle_, nullptr)) {}

CommandBuffer& CommandBuffer::operator=(CommandBuffer&& other) noexcept {
  std::swap(extension_, other.extension_);
  std::swap(handle_, other.handle_);
  return *this;
}

CommandBuffer::~CommandBuffer() {
  if (handle_ != nullptr) (void)extension_->release_command_buffer(handle_);
}

Graph::Graph(Device& device, const sampan_graph_node_t* nodes, std::uint32_t count)
    : device_(device) {
  nodes_.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    Node& node = nodes_.emplace_back();
    node.what = nodes[i];
    if (node.what.kind != SAMPAN_NODE_LAUNCH) continue;
    const sampan_launch_t& launch = node.what.launch;
    if (launch.cooperative != 0) {
      throw Failure(SAMPAN_UNSUPPORTED, "OpenCL can't promise that all groups run at once");
    }
    node.args.assign(launch.args, launch.args + launch.arg_count);
    node.kernel = std::make_unique<KernelInstance>(*launch.kernel);
  }
  recorded_[0] = record(false);
}

CommandBuffer Graph::record(bool profiled) {
  const OwnedQueue queue = device_.make_queue(profiled, 0);
  const ExtensionApi& extension = device_.traits().extension;
  CommandBuffer commands(extension, queue.get());
  cl::SyncPoint last = 0;
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    const std::uint32_t after_count = i == 0 ? 0 : 1;
    cl::Int code = cl::kSuccess;
    switch (node.what.kind) {
      case SAMPAN_NODE_LAUNCH:
        code = record_launch(commands, node, &last, after_count);
        break;
      case SAMPAN_NODE_COPY:
        code = record_copy(commands, node, &last, after_count);
        break;
      case SAMPAN_NODE_FILL:
        code = record_fill(commands, node, &last, after_count);
        break;
      default:
        throw Failure(SAMPAN_UNSUPPORTED,
                      "The OpenCL backend knows no graph node " + std::to_string(node.what.kind));
    }
    check(code, "clCommand…KHR", During::kSubmission,
          "Recording node " + std::to_string(i) + " of a graph");
  }
  check(extension.finalize_command_buffer(commands.get()), "clFinalizeCommandBufferKHR",
        During::kSubmission, "Finishing a graph");
  return commands;
}

cl::Int Graph::record_launch(const CommandBuffer& into, Node& node, cl::SyncPoint* after,
                             std::uint32_t after_count) {
  node.kernel->set_args(node.args.data(), static_cast<std::uint32_t>(node.args.size()));
  if (!node.kernel->pinned().empty()) {
    throw Failure(SAMPAN_UNSUPPORTED, "Command buffers take no pinned memory as an argument");
  }
  const Range range(node.what.launch);
  const cl::SyncPoint before = *after;
  return device_.traits().extension.command_nd_range_kernel(
      into.get(), nullptr, nullptr, node.kernel->handle(), 3, nullptr, range.global.data(),
      range.local.data(), after_count, after_count != 0 ? &before : nullptr, after, nullptr);
}

cl::Int Graph::record_copy(const CommandBuffer& into, const Node& node, cl::SyncPoint* after,
                           std::uint32_t after_count) {
  const sampan_region_t& dst = node.what.dst;
  const sampan_region_t& src = node.what.src;
  const cl::SyncPoint before = *after;
  return device_.traits().extension.command_copy_buffer(
      into.get(), nullptr, buffer_of(src), buffer_of(dst), src.offset_bytes, dst.offset_bytes,
      node.what.size_bytes, after_count, after_count != 0 ? &before : nullptr, after, nullptr);
}

cl::Int Graph::record_fill(const CommandBuffer& into, const Node& node, cl::SyncPoint* after,
                           std::uint32_t after_count) {
  const sampan_region_t& dst = node.what.dst;
  const cl::SyncPoint before = *after;
  return device_.traits().extension.command_fill_buffer(
      into.get(), nullptr, buffer_of(dst), node.what.pattern, node.what.pattern_bytes,
      dst.offset_bytes, node.what.size_bytes, after_count, after_count != 0 ? &before : nullptr,
      after, nullptr);
}

void Graph::update(std::uint32_t index, const sampan_arg_t* args, std::uint32_t count) {
  const std::lock_guard lock(mutex_);
  nodes_[index].args.assign(args, args + count);
  recorded_ = {};
}

void Graph::replay(Stream& stream, std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  CommandBuffer& commands = recorded_[stream.profiled() ? 1 : 0];
  if (commands.get() == nullptr) commands = record(stream.profiled());
  cl::Queue queue = stream.queue();
  check(device_.traits().extension.enqueue_command_buffer(1, &queue, commands.get(), 0, nullptr,
                                                          nullptr),
        "clEnqueueCommandBufferKHR", During::kSubmission, "Replaying a graph");
  stream.progress().note_launch(sequence, replay_name());
}

}  // namespace sampan::opencl
