#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "core/backend_op.h"
#include "core/module.h"
#include "sampan/graph.h"
#include "sampan/launch.h"
#include "sampan/module.h"
#include "sampan/view.h"

namespace sampan::core {

class BufferImpl;
class OpenDevice;
class StreamImpl;

/// One piece of work, with everything needed to enqueue it later.
struct LaunchNode {
  std::shared_ptr<KernelImpl> kernel;
  LaunchConfig config;
  std::vector<Arg> args;
};
struct CopyNode {
  View dst, src;
  std::uint64_t size_bytes = 0;
};
struct FillNode {
  View dst;
  std::array<std::byte, 16> pattern{};
  std::uint32_t pattern_bytes = 0;
  std::uint64_t size_bytes = 0;
};
struct OpNode {
  std::shared_ptr<OpHandle> op;
  std::vector<Arg> args;
  View workspace;
};
using RecordedNode = std::variant<LaunchNode, CopyNode, FillNode, OpNode>;

/// What stands behind a Graph: the recorded nodes and, where the device takes them all, the
/// driver's graph. One caller at a time.
class GraphImpl {
 public:
  GraphImpl(std::shared_ptr<OpenDevice> device, std::vector<RecordedNode> nodes);
  GraphImpl(const GraphImpl&) = delete;
  ~GraphImpl();

  [[nodiscard]] const std::shared_ptr<OpenDevice>& device() const noexcept { return device_; }
  [[nodiscard]] const std::vector<RecordedNode>& nodes() const noexcept { return nodes_; }
  [[nodiscard]] sampan_graph_t* native() const noexcept { return native_; }
  void update(std::uint64_t node, std::span<const Arg> args);

 private:
  void create_native();

  std::shared_ptr<OpenDevice> device_;
  std::vector<RecordedNode> nodes_;
  sampan_graph_t* native_ = nullptr;
};

/// Arguments as the ABI takes them.
[[nodiscard]] sampan_arg_t to_abi(const Arg& arg) noexcept;
[[nodiscard]] sampan_region_t to_region(const View& view) noexcept;
[[nodiscard]] sampan_launch_t to_abi(const KernelImpl& kernel, const LaunchConfig& config,
                                     std::span<const sampan_arg_t> args,
                                     std::uint64_t sequence) noexcept;

}  // namespace sampan::core
