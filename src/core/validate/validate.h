#pragma once

#include <cstdint>
#include <span>

#include "sampan/device.h"
#include "sampan/graph.h"
#include "sampan/launch.h"
#include "sampan/module.h"
#include "sampan/stream.h"

/// Every check of what callers hand in, once: backends rely on it and check nothing of this again.
/// All throw invalid_argument with one sentence that names the argument and the way out.
namespace sampan::core {

class DeviceImpl;
class EventImpl;
class GraphImpl;
class OpHandle;
class OpenDevice;
class StreamImpl;

constexpr std::size_t kMaxArgs = 64;  ///< arguments of one launch

/// The object behind a handle, which must not be empty.
[[nodiscard]] DeviceImpl& require(const Device& device);
[[nodiscard]] StreamImpl& require(const Stream& stream);
[[nodiscard]] GraphImpl& require(const Graph& graph);
[[nodiscard]] EventImpl& require_event(const Event& event);

void check_allocation(std::uint64_t size_bytes, const DeviceInfo& info);
void check_launch(const StreamImpl& stream, const Kernel& kernel, const LaunchConfig& config,
                  std::span<const Arg> args);
void check_args(const OpenDevice& device, const KernelImpl& kernel, std::span<const Arg> args);
void check_op(const StreamImpl& stream, const OpHandle* op, std::span<const Arg> args,
              const View& workspace);

/// How a copy between views moves bytes.
struct CopyShape {
  std::uint64_t size_bytes = 0;  ///< dense; 0: nothing to do
  bool is_2d = false;
  Stream::Copy2d area;  ///< if is_2d
};
/// Devices, dtypes, shapes, layouts and overlap of `Stream::copy`.
[[nodiscard]] CopyShape check_copy(const View& dst, const View& src);
/// The view must lie on the stream's device, be dense and hold exactly `host_bytes`.
void check_host_copy(const StreamImpl& stream, const View& view, std::uint64_t host_bytes);
void check_copy_2d(const StreamImpl& stream, const Buffer& dst, const Buffer& src,
                   const Stream::Copy2d& area);
void check_fill(const StreamImpl& stream, const View& dst, std::size_t pattern_bytes);
/// The device must be the stream's (as opened now).
void check_same_device(const StreamImpl& stream, const OpenDevice& device, const char* what);

}  // namespace sampan::core
