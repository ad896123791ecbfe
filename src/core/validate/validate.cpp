#include "core/validate/validate.h"

#include <algorithm>
#include <string>

#include "core/backend_op.h"
#include "core/buffer.h"
#include "core/checked.h"
#include "core/device.h"
#include "core/error.h"
#include "core/event.h"
#include "core/graph.h"
#include "core/module.h"
#include "core/open_device.h"
#include "core/stream.h"
#include "core/validate/audit.h"

namespace sampan::core {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

template <class Impl>
Impl& require_impl(Impl* impl, const char* what, const char* maker) {
  if (impl == nullptr) [[unlikely]] {
    throw_invalid(std::string("this ") + what + " is empty; make one with " + maker);
  }
  return *impl;
}

const BufferImpl& require_buffer(const View& view, const char* what) {
  if (view.impl() == nullptr) {
    throw_invalid(std::string("the ") + what + " is an empty view; give it a buffer");
  }
  audit::require_live(view.impl());
  return *view.impl();
}

void check_extents(const char* what, const std::array<std::uint32_t, 3>& extents,
                   const std::array<std::uint32_t, 3>& limits) {
  for (int i = 0; i < 3; ++i) {
    if (extents[i] > limits[i]) {
      throw_invalid(std::string("the ") + what + "'s extent " + "xyz"[i] + " is " +
                    number(extents[i]) + ", the device takes at most " + number(limits[i]));
    }
  }
}

void check_group(const KernelImpl& kernel, const Dim3& group, const DeviceInfo& info) {
  const std::uint32_t* fixed = kernel.info.group;
  if (fixed[0] != 0 && (group.x != fixed[0] || group.y != fixed[1] || group.z != fixed[2])) {
    throw_invalid("kernel '" + kernel.name + "' has groups of " + number(fixed[0]) + "x" +
                  number(fixed[1]) + "x" + number(fixed[2]) + " items, the launch asks for " +
                  number(group.x) + "x" + number(group.y) + "x" + number(group.z));
  }
  if (group.x == 0 || group.y == 0 || group.z == 0) {
    throw_invalid("a group of kernel '" + kernel.name +
                  "' has no items; every extent is at least 1");
  }
  check_extents("group", {group.x, group.y, group.z}, info.max_group);
  const std::uint64_t items = std::uint64_t{group.x} * group.y * group.z;
  const std::uint64_t limit =
      kernel.info.max_group_items != 0 ? kernel.info.max_group_items : info.max_group_items;
  if (items > limit) {
    throw_invalid("kernel '" + kernel.name + "' can have groups of " + number(limit) +
                  " items on " + info.id + ", the launch asks for " + number(items));
  }
}

// Bytes [begin, end) of a buffer that a view covers.
bool overlap(const View& a, const View& b) {
  if (a.impl() != b.impl()) return false;
  const std::uint64_t a_end = a.offset_bytes() + a.span_bytes();
  const std::uint64_t b_end = b.offset_bytes() + b.span_bytes();
  return a.offset_bytes() < b_end && b.offset_bytes() < a_end;
}

bool has_dense_rows(const View& view) {
  return view.rank() == 2 && (view.stride(1) == 1 || view.dim(1) == 1) &&
         (view.stride(0) >= view.dim(1) || view.dim(0) == 1) && bits(view.dtype()) >= 8;
}

// Bytes from the first row's start to the last row's end; nullopt on overflow.
std::optional<std::uint64_t> area_bytes(std::uint64_t pitch, std::uint64_t row,
                                        std::uint64_t rows) {
  const auto step = checked_mul(pitch, rows - 1);
  return step ? checked_add(*step, row) : std::nullopt;
}

}  // namespace

DeviceImpl& require(const Device& device) {
  return require_impl(device.impl().get(), "device", "sampan::device");
}
StreamImpl& require(const Stream& stream) {
  return require_impl(stream.impl(), "stream", "Device::create_stream");
}
GraphImpl& require(const Graph& graph) {
  return require_impl(graph.impl().get(), "graph", "Stream::begin_recording");
}
EventImpl& require_event(const Event& event) {
  return require_impl(event.impl().get(), "event", "Device::create_event");
}

void check_same_device(const StreamImpl& stream, const OpenDevice& device, const char* what) {
  if (&device == stream.device().get()) [[likely]]
    return;
  device.require_current();
  throw_invalid(std::string("the ") + what + " belongs to " + device.info.id + ", the stream to " +
                stream.device()->info.id);
}

void check_allocation(std::uint64_t size_bytes, const DeviceInfo& info) {
  if (info.max_allocation_bytes != 0 && size_bytes > info.max_allocation_bytes) {
    ErrorInfo error;
    error.code = ErrorCode::out_of_device_memory;
    error.backend = info.backend;
    error.message = info.id + " can't give " + number(size_bytes) +
                    " bytes: its limit for one allocation is " + number(info.max_allocation_bytes) +
                    " of " + number(info.memory_bytes) + " in all; ask for less at once";
    throw Error(std::move(error));
  }
}

void check_args(const OpenDevice& device, const KernelImpl& kernel, std::span<const Arg> args) {
  if (args.size() > kMaxArgs) {
    throw_invalid("kernel '" + kernel.name + "' is given " + number(args.size()) +
                  " arguments; a launch takes at most " + number(kMaxArgs));
  }
  if (kernel.info.arg_count != UINT32_MAX && args.size() != kernel.info.arg_count) {
    throw_invalid("kernel '" + kernel.name + "' takes " + number(kernel.info.arg_count) +
                  " arguments, the launch gives " + number(args.size()));
  }
  const std::uint64_t alignment = device.info.offset_alignment_bytes;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (i < kernel.accesses.size() && (kernel.accesses[i] == Access::value) != args[i].is_value()) {
      throw_invalid("argument " + number(i) + " of kernel '" + kernel.name + "' is a " +
                    (args[i].is_value() ? "value, the kernel takes memory"
                                        : "buffer, the kernel takes a value"));
    }
    // Not every driver compares the sizes: PoCL 3.1 takes the bytes that come first.
    if (i < kernel.value_bytes.size() && kernel.value_bytes[i] != 0 &&
        kernel.value_bytes[i] != args[i].size_bytes()) {
      throw_invalid("argument " + number(i) + " of kernel '" + kernel.name + "' takes " +
                    number(kernel.value_bytes[i]) + " bytes, the launch gives a value of " +
                    number(args[i].size_bytes()));
    }
    const BufferImpl* buffer = args[i].buffer();
    if (buffer == nullptr) continue;
    audit::require_live(buffer);
    if (buffer->device().get() != &device) {
      buffer->device()->require_current();
      throw_invalid("argument " + number(i) + " of kernel '" + kernel.name + "' lies on " +
                    buffer->device()->info.id + ", the kernel on " + device.info.id +
                    "; copy it there first");
    }
    if (args[i].offset_bytes() % alignment != 0) {
      throw_invalid("argument " + number(i) + " of kernel '" + kernel.name + "' starts at offset " +
                    number(args[i].offset_bytes()) + ", " + device.info.id +
                    " needs multiples of " + number(alignment));
    }
  }
}

void check_launch(const StreamImpl& stream, const Kernel& kernel, const LaunchConfig& config,
                  std::span<const Arg> args) {
  const KernelImpl& impl = require_impl(kernel.impl(), "kernel", "Module::kernel");
  const OpenDevice& device = *impl.module->device();
  check_same_device(stream, device, "kernel");
  check_group(impl, config.group, device.info);
  check_extents("grid", {config.grid.x, config.grid.y, config.grid.z}, device.info.max_grid);
  if (config.local_bytes > device.info.local_memory_bytes) {
    throw_invalid("kernel '" + impl.name + "' is given " + number(config.local_bytes) +
                  " bytes of local memory, " + device.info.id + " has " +
                  number(device.info.local_memory_bytes) + " for a group");
  }
  check_args(device, impl, args);
}

void check_op(const StreamImpl& stream, const OpHandle* op, std::span<const Arg> args,
              const View& workspace) {
  const OpHandle& handle = require_impl(op, "operation", "BackendOp::make");
  check_same_device(stream, *handle.device(), "operation");
  if (args.size() > kMaxArgs) throw_invalid("an operation takes at most 64 arguments");
  for (const Arg& arg : args) {
    audit::require_live(arg.buffer());
    if (arg.buffer() != nullptr) check_same_device(stream, *arg.buffer()->device(), "argument");
  }
  if (handle.workspace_bytes() == 0) return;
  check_same_device(stream, *require_buffer(workspace, "workspace").device(), "workspace");
  if (workspace.span_bytes() < handle.workspace_bytes()) {
    throw_invalid("the operation needs a workspace of " + number(handle.workspace_bytes()) +
                  " bytes, it is given " + number(workspace.span_bytes()));
  }
}

CopyShape check_copy(const View& dst, const View& src) {
  require_buffer(dst, "destination");
  require_buffer(src, "source");
  if (dst.dtype() != src.dtype() || !std::ranges::equal(dst.shape(), src.shape())) {
    throw_invalid("source and destination of a copy need the same element type and shape");
  }
  CopyShape shape;
  if (dst.elems() == 0) return shape;
  if (overlap(dst, src)) {
    throw_invalid("source and destination of a copy overlap in one buffer; copy through a third");
  }
  shape.size_bytes = bytes_for(dst.dtype(), dst.elems());
  if (dst.is_dense() && src.is_dense()) return shape;
  if (!has_dense_rows(dst) || !has_dense_rows(src)) {
    throw_invalid("a copy takes dense views, or rank 2 with dense rows; use a kernel for others");
  }
  const std::uint64_t elem = bits(dst.dtype()) / 8;
  shape.is_2d = true;
  shape.area = {dst.offset_bytes(),   dst.stride(0) * elem, src.offset_bytes(),
                src.stride(0) * elem, dst.dim(1) * elem,    dst.dim(0)};
  // One row needs no pitch, and a driver may refuse one below the row.
  shape.area.dst_pitch_bytes = std::max(shape.area.dst_pitch_bytes, shape.area.row_bytes);
  shape.area.src_pitch_bytes = std::max(shape.area.src_pitch_bytes, shape.area.row_bytes);
  return shape;
}

void check_host_copy(const StreamImpl& stream, const View& view, std::uint64_t host_bytes) {
  check_same_device(stream, *require_buffer(view, "device side of the copy").device(),
                    "device side of the copy");
  if (!view.is_dense()) throw_invalid("a copy from or to host memory takes a dense view");
  if (view.span_bytes() != host_bytes) {
    throw_invalid("the view holds " + number(view.span_bytes()) + " bytes, the host memory " +
                  number(host_bytes));
  }
}

void check_copy_2d(const StreamImpl& stream, const Buffer& dst, const Buffer& src,
                   const Stream::Copy2d& area) {
  const BufferImpl& to = require_impl(dst.impl(), "destination buffer", "Device::allocate");
  const BufferImpl& from = require_impl(src.impl(), "source buffer", "Device::allocate");
  check_same_device(stream, *to.device(), "destination");
  check_same_device(stream, *from.device(), "source");
  if (area.rows == 0 || area.row_bytes == 0) return;
  if (area.dst_pitch_bytes < area.row_bytes || area.src_pitch_bytes < area.row_bytes) {
    throw_invalid("the pitches of a 2-D copy must be at least a row's " + number(area.row_bytes) +
                  " bytes");
  }
  const auto dst_bytes = area_bytes(area.dst_pitch_bytes, area.row_bytes, area.rows);
  const auto src_bytes = area_bytes(area.src_pitch_bytes, area.row_bytes, area.rows);
  if (!dst_bytes || !fits(area.dst_offset_bytes, *dst_bytes, to.size_bytes())) {
    throw_invalid("the 2-D copy leaves its destination of " + number(to.size_bytes()) + " bytes");
  }
  if (!src_bytes || !fits(area.src_offset_bytes, *src_bytes, from.size_bytes())) {
    throw_invalid("the 2-D copy leaves its source of " + number(from.size_bytes()) + " bytes");
  }
  if (&to == &from && area.dst_offset_bytes < area.src_offset_bytes + *src_bytes &&
      area.src_offset_bytes < area.dst_offset_bytes + *dst_bytes) {
    throw_invalid("source and destination of a 2-D copy overlap in one buffer");
  }
}

void check_fill(const StreamImpl& stream, const View& dst, std::size_t pattern_bytes) {
  check_same_device(stream, *require_buffer(dst, "destination").device(), "destination");
  if (pattern_bytes != 1 && pattern_bytes != 2 && pattern_bytes != 4 && pattern_bytes != 8 &&
      pattern_bytes != 16) {
    throw_invalid("a fill pattern has 1, 2, 4, 8 or 16 bytes, not " + number(pattern_bytes));
  }
  if (!dst.is_dense() || dst.span_bytes() % pattern_bytes != 0 ||
      dst.offset_bytes() % pattern_bytes != 0) {
    throw_invalid(
        "a fill takes a dense view whose offset and size are multiples of the pattern's " +
        number(pattern_bytes) + " bytes");
  }
}

}  // namespace sampan::core
