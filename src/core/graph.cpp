#include "core/graph.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/buffer.h"
#include "core/device.h"
#include "core/error.h"
#include "core/log.h"
#include "core/open_device.h"
#include "core/validate/validate.h"

namespace sampan {
namespace core {

sampan_arg_t to_abi(const Arg& arg) noexcept {
  sampan_arg_t raw;
  if (arg.is_value()) {
    raw.kind = SAMPAN_ARG_VALUE;
    raw.size_bytes = arg.size_bytes();
    std::memcpy(raw.u.value, arg.value(), sizeof(raw.u.value));
  } else {
    raw.kind = SAMPAN_ARG_REGION;
    raw.size_bytes = 0;
    raw.u.region =
        arg.buffer() != nullptr ? arg.buffer()->region(arg.offset_bytes()) : sampan_region_t{};
  }
  return raw;
}

sampan_region_t to_region(const View& view) noexcept {
  return view.impl()->region(view.offset_bytes());
}

sampan_launch_t to_abi(const KernelImpl& kernel, const LaunchConfig& config,
                       std::span<const sampan_arg_t> args, std::uint64_t sequence) noexcept {
  return {
      .size = sizeof(sampan_launch_t),
      .arg_count = static_cast<std::uint32_t>(args.size()),
      .kernel = kernel.handle,
      .args = args.data(),
      .grid = {config.grid.x, config.grid.y, config.grid.z},
      .group = {config.group.x, config.group.y, config.group.z},
      .local_bytes = config.local_bytes,
      .cooperative = config.cooperative ? 1u : 0u,
      .sequence = sequence,
  };
}

namespace {

std::vector<sampan_arg_t> to_abi_args(std::span<const Arg> args) {
  std::vector<sampan_arg_t> raw;
  raw.reserve(args.size());
  for (const Arg& arg : args) raw.push_back(to_abi(arg));
  return raw;
}

}  // namespace

GraphImpl::GraphImpl(std::shared_ptr<OpenDevice> device, std::vector<RecordedNode> nodes)
    : device_(std::move(device)), nodes_(std::move(nodes)) {
  create_native();
}

GraphImpl::~GraphImpl() {
  if (native_ != nullptr) device_->backend.graph.destroy(native_);
}

// Leaves native_ empty where the driver has no graphs or doesn't take one of the nodes.
void GraphImpl::create_native() {
  if (native_ != nullptr) device_->backend.graph.destroy(std::exchange(native_, nullptr));
  if (!device_->info.has_graphs || nodes_.empty()) return;
  std::vector<sampan_graph_node_t> raw(nodes_.size());
  std::vector<std::vector<sampan_arg_t>> args(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    raw[i].size = sizeof(raw[i]);
    if (const auto* launch = std::get_if<LaunchNode>(&nodes_[i])) {
      args[i] = to_abi_args(launch->args);
      raw[i].kind = SAMPAN_NODE_LAUNCH;
      raw[i].launch = to_abi(*launch->kernel, launch->config, args[i], i);
    } else if (const auto* copy = std::get_if<CopyNode>(&nodes_[i])) {
      raw[i].kind = SAMPAN_NODE_COPY;
      raw[i].dst = to_region(copy->dst);
      raw[i].src = to_region(copy->src);
      raw[i].size_bytes = copy->size_bytes;
    } else if (const auto* fill = std::get_if<FillNode>(&nodes_[i])) {
      raw[i].kind = SAMPAN_NODE_FILL;
      raw[i].dst = to_region(fill->dst);
      raw[i].size_bytes = fill->size_bytes;
      raw[i].pattern_bytes = fill->pattern_bytes;
      std::memcpy(raw[i].pattern, fill->pattern.data(), fill->pattern_bytes);
    } else {
      return;  // an operation of the backend's own: no driver graph knows it
    }
  }
  ErrorRecord error;
  const auto code = device_->backend.graph.create(
      device_->handle(), raw.data(), static_cast<std::uint32_t>(raw.size()), &native_, error.raw());
  if (code == SAMPAN_OK) return;
  native_ = nullptr;
  const ErrorInfo info = to_info(code, error.get(), device_->backend.name);
  if (code != SAMPAN_UNSUPPORTED) throw Error(info);
  log(LogLevel::info, "graph", device_->info.id + " replays node by node: " + info.message);
}

void GraphImpl::update(std::uint64_t node, std::span<const Arg> args) {
  device_->require_current();
  auto* launch = node < nodes_.size() ? std::get_if<LaunchNode>(&nodes_[node]) : nullptr;
  if (launch == nullptr) {
    throw_invalid("node " + std::to_string(node) + " of the graph is not a launch");
  }
  if (args.size() != launch->args.size()) {
    throw_invalid("launch " + std::to_string(node) + " was recorded with " +
                  std::to_string(launch->args.size()) + " arguments, not " +
                  std::to_string(args.size()));
  }
  check_args(*device_, *launch->kernel, args);
  launch->args.assign(args.begin(), args.end());
  if (native_ == nullptr) return;
  const auto raw = to_abi_args(args);
  ErrorRecord error;
  const auto code =
      device_->backend.graph.update(native_, static_cast<std::uint32_t>(node), raw.data(),
                                    static_cast<std::uint32_t>(raw.size()), error.raw());
  if (code == SAMPAN_UNSUPPORTED) {
    create_native();
  } else {
    check(code, error, device_->backend.name);
  }
}

}  // namespace core

Graph::Graph(std::shared_ptr<core::GraphImpl> impl) noexcept : impl_(std::move(impl)) {}
Device Graph::device() const { return impl_ ? core::device_of(*impl_->device()) : Device(); }
std::uint32_t Graph::node_count() const noexcept {
  return impl_ ? static_cast<std::uint32_t>(impl_->nodes().size()) : 0;
}
bool Graph::is_native() const noexcept { return impl_ && impl_->native() != nullptr; }
void Graph::update_span(std::uint64_t node, std::span<const Arg> args) {
  if (!impl_) core::throw_invalid("this graph is empty; record one with Stream::begin_recording");
  impl_->update(node, args);
}

}  // namespace sampan
