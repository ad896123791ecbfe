#include "core/stream.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/bridge.h"
#include "core/buffer.h"
#include "core/error.h"
#include "core/event.h"
#include "core/module.h"
#include "core/open_device.h"
#include "core/stream_directory.h"
#include "core/trace.h"
#include "core/validate/validate.h"

namespace sampan::core {

std::shared_ptr<StreamImpl> StreamImpl::create(std::shared_ptr<OpenDevice> device,
                                               const StreamOptions& options) {
  device->require_current();
  auto stream = std::make_shared<StreamImpl>(std::move(device));
  sampan_stream_options_t raw{sizeof(raw), options.priority};
  ErrorRecord error;
  const OpenDevice& owner = *stream->device_;
  check(owner.backend.stream.create(owner.handle(), &raw, &stream->handle_, error.raw()), error,
        owner.backend.name);
  stream->key_ = StreamDirectory::add(stream);
  return stream;
}

StreamImpl::StreamImpl(std::shared_ptr<OpenDevice> device) noexcept : device_(std::move(device)) {}

StreamImpl::~StreamImpl() {
  if (handle_ == nullptr) return;
  // First the wait, then the name: who finds the name gone takes the work for done.
  device_->backend.stream.destroy(handle_);
  StreamDirectory::remove(key_);
  audit::stream_gone(key_);
}

// ---- Common steps of every call --------------------------------------------------------------

std::unique_lock<std::mutex> StreamImpl::begin_work(bool allowed_while_recording) {
  device_->require_current();
  std::unique_lock lock(mutex_);
  if (recording_ && !allowed_while_recording) [[unlikely]] {
    throw_invalid("this call can't be recorded; end the recording first");
  }
  return lock;
}

void StreamImpl::use(BufferImpl& buffer, std::uint64_t begin_bytes, std::uint64_t size_bytes,
                     audit::Access access, const char* work) {
  if (audit::kActive) [[unlikely]] {
    audit::touch(key_, position() + 1, work,
                 {&buffer, begin_bytes, begin_bytes + size_bytes, access});
  }
  buffer.note_use(key_);
}

void StreamImpl::use(const View& view, audit::Access access, const char* work) {
  use(*view.impl(), view.offset_bytes(), view.span_bytes(), access, work);
}

void StreamImpl::use(const Arg& arg, audit::Access access, const std::string& work) {
  if (arg.is_value() || arg.buffer() == nullptr) return;
  if (audit::kActive) [[unlikely]] {
    audit::touch(key_, position() + 1, work,
                 {arg.buffer(), arg.range_begin_bytes(),
                  arg.range_begin_bytes() + arg.range_bytes(), access});
  }
  arg.buffer()->note_use(key_);
}

// Kernels that are not of the dialect don't say what they write: their memory counts as read.
void StreamImpl::use_args(const KernelImpl& kernel, std::span<const Arg> args) {
  for (std::size_t i = 0; i < args.size(); ++i) {
    const bool writes = i < kernel.accesses.size() && kernel.accesses[i] == Access::write;
    use(args[i], writes ? audit::Access::write : audit::Access::read, kernel.name);
  }
}

void StreamImpl::use_args(const OpHandle& op, std::span<const Arg> args) {
  for (std::size_t i = 0; i < args.size(); ++i) {
    use(args[i], op.writes(i, args.size()) ? audit::Access::write : audit::Access::read, op.name());
  }
}

namespace {

// Work has ended if it completed or its stream failed. A driver that can't tell leaves that open:
// memory that the work uses may not be given away.
bool has_ended(sampan_code_t code, const sampan_error_t& error) noexcept {
  return code == SAMPAN_OK || code == SAMPAN_DEVICE_LOST ||
         (error.flags & SAMPAN_ERROR_STICKY) != 0;
}

}  // namespace

bool StreamImpl::completed(std::uint64_t position) noexcept {
  if (completed_.load(std::memory_order_acquire) >= position) return true;
  const std::uint64_t before = this->position();
  ErrorRecord error;
  const auto code = device_->backend.stream.query(handle_, error.raw());
  if (has_ended(code, error.get())) complete_up_to(before);
  return completed_.load(std::memory_order_acquire) >= position;
}

void StreamImpl::complete_up_to(std::uint64_t position) noexcept {
  std::uint64_t known = completed_.load(std::memory_order_relaxed);
  while (known < position && !completed_.compare_exchange_weak(known, position)) {
  }
}

void StreamImpl::finish_work(sampan_code_t code, ErrorRecord& error) {
  if (code != SAMPAN_OK) [[unlikely]]
    audit::withdraw(key_, position() + 1);
  check(code, error, device_->backend.name);
  advance();
}

// ---- Work ------------------------------------------------------------------------------------

std::uint64_t StreamImpl::submit(RecordedNode&& node) {
  recording_->push_back(std::move(node));
  return recording_->size() - 1;
}

std::uint64_t StreamImpl::launch(const Kernel& kernel, const LaunchConfig& config,
                                 std::span<const Arg> args) {
  const auto lock = begin_work(true);
  if (recording_) [[unlikely]] {
    return submit(LaunchNode{kernel.shared_impl(), config, {args.begin(), args.end()}});
  }
  const TraceSpan span(device_, handle_, key_, "launch", &kernel.impl()->name);
  use_args(*kernel.impl(), args);
  std::array<sampan_arg_t, kMaxArgs> raw;
  for (std::size_t i = 0; i < args.size(); ++i) raw[i] = to_abi(args[i]);
  const std::uint64_t sequence = position() + 1;
  const sampan_launch_t launch =
      to_abi(*kernel.impl(), config, std::span(raw.data(), args.size()), sequence);
  ErrorRecord error;
  finish_work(device_->backend.stream.launch(handle_, &launch, error.raw()), error);
  return sequence;
}

void StreamImpl::copy(const View& dst, const View& src, std::uint64_t size_bytes) {
  const auto lock = begin_work(true);
  if (recording_) {
    submit(CopyNode{dst, src, size_bytes});
    return;
  }
  enqueue(CopyNode{dst, src, size_bytes}, 0);
}

void StreamImpl::copy_2d(BufferImpl& dst, BufferImpl& src, const Stream::Copy2d& area) {
  const auto lock = begin_work(false);
  const TraceSpan span(device_, handle_, key_, "copy_2d", nullptr);
  const auto extent = [&](std::uint64_t pitch) { return pitch * (area.rows - 1) + area.row_bytes; };
  use(src, area.src_offset_bytes, extent(area.src_pitch_bytes), audit::Access::read, "copy_2d");
  use(dst, area.dst_offset_bytes, extent(area.dst_pitch_bytes), audit::Access::write, "copy_2d");
  sampan_copy_2d_t raw{};
  raw.size = sizeof(raw);
  raw.dst = dst.region(area.dst_offset_bytes);
  raw.src = src.region(area.src_offset_bytes);
  raw.dst_pitch_bytes = area.dst_pitch_bytes;
  raw.src_pitch_bytes = area.src_pitch_bytes;
  raw.row_bytes = area.row_bytes;
  raw.rows = area.rows;
  ErrorRecord error;
  finish_work(device_->backend.stream.copy_2d(handle_, &raw, error.raw()), error);
}

void StreamImpl::copy_peer(const View& dst, const View& src, std::uint64_t size_bytes) {
  const auto lock = begin_work(false);
  const TraceSpan span(device_, handle_, key_, "copy_peer", nullptr);
  use(src, audit::Access::read, "copy");
  use(dst, audit::Access::write, "copy");
  ErrorRecord error;
  finish_work(
      device_->backend.peer.copy(handle_, to_region(dst), to_region(src), size_bytes, error.raw()),
      error);
}

void StreamImpl::copy_from_host(BufferImpl& dst, std::uint64_t offset_bytes,
                                std::span<const std::byte> host) {
  const auto lock = begin_work(false);
  const TraceSpan span(device_, handle_, key_, "copy_from_host", nullptr);
  use(dst, offset_bytes, host.size(), audit::Access::write, "copy_from_host");
  ErrorRecord error;
  finish_work(device_->backend.stream.copy_to_device(handle_, dst.region(offset_bytes), host.data(),
                                                     host.size(), error.raw()),
              error);
}

void StreamImpl::copy_to_host(std::span<std::byte> host, BufferImpl& src,
                              std::uint64_t offset_bytes) {
  const auto lock = begin_work(false);
  const TraceSpan span(device_, handle_, key_, "copy_to_host", nullptr);
  use(src, offset_bytes, host.size(), audit::Access::read, "copy_to_host");
  ErrorRecord error;
  finish_work(device_->backend.stream.copy_to_host(handle_, host.data(), src.region(offset_bytes),
                                                   host.size(), error.raw()),
              error);
}

void StreamImpl::fill(const View& dst, std::span<const std::byte> pattern,
                      std::uint64_t size_bytes) {
  const auto lock = begin_work(true);
  FillNode node{dst, {}, static_cast<std::uint32_t>(pattern.size()), size_bytes};
  std::copy(pattern.begin(), pattern.end(), node.pattern.begin());
  if (recording_) {
    submit(std::move(node));
    return;
  }
  enqueue(node, 0);
}

std::uint64_t StreamImpl::run_op(const std::shared_ptr<OpHandle>& op, std::span<const Arg> args,
                                 const View& workspace) {
  const auto lock = begin_work(true);
  if (recording_) return submit(OpNode{op, {args.begin(), args.end()}, workspace});
  const TraceSpan span(device_, handle_, key_, "operation", &op->name());
  use_args(*op, args);
  std::array<sampan_arg_t, kMaxArgs> raw;
  for (std::size_t i = 0; i < args.size(); ++i) raw[i] = to_abi(args[i]);
  sampan_region_t scratch{};
  if (workspace) {
    use(workspace, audit::Access::write, "an operation's workspace");
    scratch = to_region(workspace);
  }
  const std::uint64_t sequence = position() + 1;
  ErrorRecord error;
  finish_work(device_->backend.ops.run(op->raw(), handle_, raw.data(),
                                       static_cast<std::uint32_t>(args.size()), scratch, sequence,
                                       error.raw()),
              error);
  return sequence;
}

void StreamImpl::use_node(const RecordedNode& node) {
  if (const auto* copy = std::get_if<CopyNode>(&node)) {
    use(copy->src, audit::Access::read, "copy");
    use(copy->dst, audit::Access::write, "copy");
  } else if (const auto* fill = std::get_if<FillNode>(&node)) {
    use(fill->dst, audit::Access::write, "fill");
  } else if (const auto* launch = std::get_if<LaunchNode>(&node)) {
    use_args(*launch->kernel, launch->args);
  } else if (const auto* op = std::get_if<OpNode>(&node)) {
    use_args(*op->op, op->args);
    if (op->workspace) use(op->workspace, audit::Access::write, "an operation's workspace");
  }
}

// Enqueues a recorded node; the mutex is held. Launches and operations of a replay take this way,
// too: their argument vectors exist already.
void StreamImpl::enqueue(const RecordedNode& node, std::uint64_t sequence) {
  constexpr const char* kKinds[] = {"launch", "copy", "fill", "operation"};
  const auto* launch = std::get_if<LaunchNode>(&node);
  const auto* op = std::get_if<OpNode>(&node);
  const TraceSpan span(device_, handle_, key_, kKinds[node.index()],
                       launch != nullptr ? &launch->kernel->name
                       : op != nullptr   ? &op->op->name()
                                         : nullptr);
  use_node(node);
  const Backend& backend = device_->backend;
  ErrorRecord error;
  sampan_code_t code = SAMPAN_OK;
  if (const auto* copy = std::get_if<CopyNode>(&node)) {
    code = backend.stream.copy(handle_, to_region(copy->dst), to_region(copy->src),
                               copy->size_bytes, error.raw());
  } else if (const auto* fill = std::get_if<FillNode>(&node)) {
    code = backend.stream.fill(handle_, to_region(fill->dst), fill->pattern.data(),
                               fill->pattern_bytes, fill->size_bytes, error.raw());
  } else {
    const auto& args = launch != nullptr ? launch->args : op->args;
    std::array<sampan_arg_t, kMaxArgs> raw;
    for (std::size_t i = 0; i < args.size(); ++i) raw[i] = to_abi(args[i]);
    if (launch != nullptr) {
      const sampan_launch_t abi =
          to_abi(*launch->kernel, launch->config, std::span(raw.data(), args.size()), sequence);
      code = backend.stream.launch(handle_, &abi, error.raw());
    } else {
      sampan_region_t scratch{};
      if (op->workspace) scratch = to_region(op->workspace);
      code =
          backend.ops.run(op->op->raw(), handle_, raw.data(),
                          static_cast<std::uint32_t>(args.size()), scratch, sequence, error.raw());
    }
  }
  finish_work(code, error);
}

// ---- Order -----------------------------------------------------------------------------------

void StreamImpl::record(EventImpl& event) {
  const auto lock = begin_work(false);
  const auto handle = event.fresh();
  ErrorRecord error;
  check(device_->backend.event.record(handle->raw(), handle_, error.raw()), error,
        device_->backend.name);
  audit::recorded(handle.get(), key_, position());
}

void StreamImpl::wait(const std::shared_ptr<EventHandle>& event) {
  const auto lock = begin_work(false);
  std::shared_ptr<EventHandle> local = event;
  if (&event->device()->backend != &device_->backend) {
    local = std::make_shared<EventHandle>(device_, SAMPAN_EVENT_SIGNALLED);
    bridge(event, local);
  }
  ErrorRecord error;
  check(device_->backend.stream.wait_event(handle_, local->raw(), error.raw()), error,
        device_->backend.name);
  audit::waited(key_, event.get());
  advance();
}

void StreamImpl::order_before(StreamImpl& later) {
  std::shared_ptr<EventHandle> handle;
  {
    const std::lock_guard lock(mutex_);
    if (!order_event_) order_event_ = std::make_shared<EventImpl>(device_, 0);
    handle = order_event_->fresh();
    ErrorRecord error;
    check(device_->backend.event.record(handle->raw(), handle_, error.raw()), error,
          device_->backend.name);
    audit::recorded(handle.get(), key_, position());
  }
  later.wait(handle);
}

StreamImpl& StreamImpl::transfer_stream(OpenDevice& device) {
  const auto has_failed = [](StreamImpl& stream) {
    try {
      static_cast<void>(stream.ready());
      return false;
    } catch (const Error&) {
      return true;
    }
  };
  // One that failed, or whose device was reopened, takes no more work.
  std::erase_if(transfers_, [&](const auto& stream) { return has_failed(*stream); });
  for (const auto& stream : transfers_) {
    if (stream->device().get() == &device) return *stream;
  }
  transfers_.push_back(create(device.shared_from_this(), {}));
  return *transfers_.back();
}

void StreamImpl::host_function(std::function<void()> function) {
  const auto lock = begin_work(false);
  auto owned = std::make_unique<std::function<void()>>(std::move(function));
  const auto run = [](void* context, std::int32_t failed) {
    const std::unique_ptr<std::function<void()>> call(static_cast<std::function<void()>*>(context));
    if (failed == 0) (*call)();
  };
  ErrorRecord error;
  check(device_->backend.stream.host_function(handle_, run, owned.get(), error.raw()), error,
        device_->backend.name);
  static_cast<void>(owned.release());
  advance();
}

void StreamImpl::flush() {
  const auto lock = begin_work(false);
  ErrorRecord error;
  check(device_->backend.stream.flush(handle_, error.raw()), error, device_->backend.name);
}

bool StreamImpl::ready() {
  device_->require_current();
  const std::uint64_t before = position();
  ErrorRecord error;
  const auto code = device_->backend.stream.query(handle_, error.raw());
  if (code == SAMPAN_NOT_READY) return false;
  if (has_ended(code, error.get())) complete_up_to(before);
  check(code, error, device_->backend.name);
  audit::synchronized(key_, before);
  return true;
}

void StreamImpl::wait_on_host(std::uint64_t timeout_ns) {
  const std::uint64_t before = position();
  ErrorRecord error;
  const auto code = device_->backend.stream.wait(handle_, timeout_ns, error.raw());
  if (has_ended(code, error.get())) complete_up_to(before);
  check(code, error, device_->backend.name);
  audit::synchronized(key_, before);
}

// ---- Recording -------------------------------------------------------------------------------

void StreamImpl::begin_recording() {
  const auto lock = begin_work(false);
  recording_ = std::make_unique<std::vector<RecordedNode>>();
}

std::shared_ptr<GraphImpl> StreamImpl::end_recording() {
  const auto lock = begin_work(true);
  if (!recording_) throw_invalid("this stream is not recording");
  const auto nodes = std::move(recording_);
  return std::make_shared<GraphImpl>(device_, std::move(*nodes));
}

void StreamImpl::replay(GraphImpl& graph) {
  const auto lock = begin_work(false);
  if (graph.native() == nullptr) {
    for (const RecordedNode& node : graph.nodes()) enqueue(node, position() + 1);
    return;
  }
  for (const RecordedNode& node : graph.nodes()) use_node(node);
  ErrorRecord error;
  finish_work(device_->backend.graph.replay(graph.native(), handle_, position() + 1, error.raw()),
              error);
}

}  // namespace sampan::core
