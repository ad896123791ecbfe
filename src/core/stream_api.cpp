#include <algorithm>
#include <utility>

#include "core/buffer.h"
#include "core/device.h"
#include "core/error.h"
#include "core/event.h"
#include "core/graph.h"
#include "core/open_device.h"
#include "core/stream.h"
#include "core/transfer.h"
#include "core/validate/validate.h"
#include "sampan/stream.h"

namespace sampan {

using core::require;

Stream::Stream(std::shared_ptr<core::StreamImpl> impl) noexcept : impl_(std::move(impl)) {}

Device Stream::device() const { return impl_ ? core::device_of(*impl_->device()) : Device(); }

std::uint64_t Stream::launch_span(const Kernel& kernel, const LaunchConfig& config,
                                  std::span<const Arg> args) {
  core::StreamImpl& impl = require(*this);
  core::check_launch(impl, kernel, config, args);
  if (config.grid.x == 0 || config.grid.y == 0 || config.grid.z == 0) return impl.position();
  return impl.launch(kernel, config, args);
}

Buffer Stream::allocate(std::uint64_t size_bytes, MemoryKind kind) {
  core::StreamImpl& impl = require(*this);
  core::check_allocation(size_bytes, impl.device()->info);
  return Buffer(impl.device()->allocate(size_bytes, kind, &impl));
}

void Stream::copy(const View& dst, const View& src) {
  core::StreamImpl& impl = require(*this);
  const core::CopyShape shape = core::check_copy(dst, src);
  if (shape.size_bytes == 0) return;
  if (dst.impl()->device() != src.impl()->device()) {
    if (shape.is_2d) {
      core::throw_invalid("a copy between devices takes dense views; pack them first");
    }
    core::copy_between_devices(impl, dst, src, shape.size_bytes);
    return;
  }
  core::check_same_device(impl, *dst.impl()->device(), "destination");
  if (shape.is_2d) {
    impl.copy_2d(*dst.impl(), *src.impl(), shape.area);
  } else {
    impl.copy(dst, src, shape.size_bytes);
  }
}

void Stream::copy_from_host(const View& dst, std::span<const std::byte> host) {
  core::StreamImpl& impl = require(*this);
  core::check_host_copy(impl, dst, host.size());
  if (!host.empty()) impl.copy_from_host(*dst.impl(), dst.offset_bytes(), host);
}

void Stream::copy_to_host(std::span<std::byte> host, const View& src) {
  core::StreamImpl& impl = require(*this);
  core::check_host_copy(impl, src, host.size());
  if (!host.empty()) impl.copy_to_host(host, *src.impl(), src.offset_bytes());
}

void Stream::copy_2d(const Buffer& dst, const Buffer& src, const Copy2d& area) {
  core::StreamImpl& impl = require(*this);
  core::check_copy_2d(impl, dst, src, area);
  if (area.rows != 0 && area.row_bytes != 0) impl.copy_2d(*dst.impl(), *src.impl(), area);
}

void Stream::fill(const View& dst, std::span<const std::byte> pattern) {
  core::StreamImpl& impl = require(*this);
  core::check_fill(impl, dst, pattern.size());
  if (dst.elems() != 0) impl.fill(dst, pattern, dst.span_bytes());
}

void Stream::record(Event& event) {
  core::StreamImpl& impl = require(*this);
  core::EventImpl& target = core::require_event(event);
  core::check_same_device(impl, *target.device(), "event");
  impl.record(target);
}

void Stream::wait(const Event& event) {
  core::StreamImpl& impl = require(*this);
  core::EventImpl& source = core::require_event(event);
  source.device()->require_current();
  impl.wait(source.current());
}

void Stream::host_function(std::function<void()> function) {
  if (!function) core::throw_invalid("host_function needs a function, this one is empty");
  require(*this).host_function(std::move(function));
}

void Stream::flush() { require(*this).flush(); }
bool Stream::ready() const { return require(*this).ready(); }

void Stream::synchronize() const {
  core::StreamImpl& impl = require(*this);
  // First the wait: copies of an earlier life may still use the caller's memory.
  impl.wait_on_host(SAMPAN_WAIT_FOREVER);
  impl.device()->require_current();
}

void Stream::synchronize_for(std::chrono::nanoseconds limit) const {
  core::StreamImpl& impl = require(*this);
  impl.wait_on_host(static_cast<std::uint64_t>(std::max<std::int64_t>(limit.count(), 0)));
  impl.device()->require_current();
}

void Stream::begin_recording() { require(*this).begin_recording(); }
Graph Stream::end_recording() { return Graph(require(*this).end_recording()); }

void Stream::replay(const Graph& graph) {
  core::StreamImpl& impl = require(*this);
  core::GraphImpl& recorded = require(graph);
  core::check_same_device(impl, *recorded.device(), "graph");
  impl.replay(recorded);
}

void* Stream::native() const {
  core::StreamImpl& impl = require(*this);
  impl.device()->require_current();
  void* handle = nullptr;
  core::ErrorRecord error;
  const core::Backend& backend = impl.device()->backend;
  core::check(backend.stream.native(impl.handle(), &handle, error.raw()), error, backend.name);
  return handle;
}

}  // namespace sampan
