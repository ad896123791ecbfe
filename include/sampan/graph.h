#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "sampan/launch.h"

namespace sampan {

class Device;
namespace core {
class GraphImpl;
}

/// Work recorded once (`Stream::begin_recording`), replayed many times; shared, cheap to copy.
/// Threads: one replay or update at a time.
class Graph {
 public:
  Graph() noexcept = default;
  explicit Graph(std::shared_ptr<core::GraphImpl> impl) noexcept;

  [[nodiscard]] explicit operator bool() const noexcept { return impl_ != nullptr; }
  [[nodiscard]] Device device() const;
  [[nodiscard]] std::uint32_t node_count() const noexcept;
  /// True if the driver replays it, false if Sampan enqueues the nodes one by one.
  [[nodiscard]] bool is_native() const noexcept;

  /// Replaces the arguments of the launch that `Stream::launch` numbered `node` while recording.
  /// Later replays use them. invalid_argument: no such launch, or another number of arguments.
  template <class... Args>
  void update(std::uint64_t node, const Args&... args) {
    const Arg array[] = {Arg(args)...};
    update_span(node, array);
  }
  void update_span(std::uint64_t node, std::span<const Arg> args);

  [[nodiscard]] const std::shared_ptr<core::GraphImpl>& impl() const noexcept { return impl_; }

 private:
  std::shared_ptr<core::GraphImpl> impl_;
};

}  // namespace sampan
