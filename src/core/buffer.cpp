#include "core/buffer.h"

#include <algorithm>
#include <utility>

#include "core/device.h"
#include "core/error.h"
#include "core/open_device.h"
#include "core/stream.h"
#include "core/stream_directory.h"

namespace sampan {
namespace core {

BufferImpl::BufferImpl(std::shared_ptr<OpenDevice> device, MemoryKind kind, sampan_memory_t* memory,
                       PoolGrant grant, std::uint64_t size_bytes)
    : device_(std::move(device)),
      memory_(memory),
      grant_(std::move(grant)),
      size_bytes_(size_bytes),
      kind_(kind),
      is_foreign_(false) {
  audit::add_buffer(this);
}

BufferImpl::BufferImpl(std::shared_ptr<OpenDevice> device, MemoryKind kind, sampan_memory_t* memory,
                       std::uint64_t size_bytes, std::function<void()> on_release)
    : device_(std::move(device)),
      memory_(memory),
      size_bytes_(size_bytes),
      kind_(kind),
      is_foreign_(true),
      on_release_(std::move(on_release)) {
  audit::add_buffer(this);
}

BufferImpl::~BufferImpl() {
  audit::remove_buffer(this);
  if (memory_ == nullptr) {
    if (on_release_) on_release_();
    return;
  }
  std::vector<StreamPoint> points;
  for (const StreamKey key : users_) {
    if (const auto point = StreamDirectory::now(key)) points.push_back(*point);
  }
  if (is_foreign_) {
    for (const StreamPoint& point : points) StreamDirectory::wait_on_host(point);
    device_->backend.memory.release(memory_);
    if (on_release_) on_release_();
  } else {
    device_->give_back(kind_, grant_, std::move(points));
  }
}

void BufferImpl::note_new_user(StreamKey stream) {
  const std::lock_guard lock(users_mutex_);
  if (std::find(users_.begin(), users_.end(), stream) == users_.end()) users_.push_back(stream);
  last_user_.store(stream, std::memory_order_relaxed);
}

void* BufferImpl::host_data() const {
  if (memory_ == nullptr) return nullptr;
  ErrorRecord error;
  void* base = nullptr;
  const auto code = device_->backend.memory.host_address(memory_, &base, error.raw());
  // Memory of the other kinds is there to be reached: no address would crash whoever asks.
  if (code == SAMPAN_UNSUPPORTED && kind_ == MemoryKind::device) return nullptr;
  check(code, error, device_->backend.name);
  return static_cast<std::byte*>(base) + grant_.offset_bytes;
}

}  // namespace core

Buffer::Buffer(std::unique_ptr<core::BufferImpl> impl) noexcept : impl_(std::move(impl)) {}
Buffer::Buffer() noexcept = default;
Buffer::Buffer(Buffer&&) noexcept = default;
Buffer& Buffer::operator=(Buffer&&) noexcept = default;
Buffer::~Buffer() = default;

std::uint64_t Buffer::size_bytes() const noexcept { return impl_ ? impl_->size_bytes() : 0; }
MemoryKind Buffer::kind() const noexcept { return impl_ ? impl_->kind() : MemoryKind::device; }
Device Buffer::device() const { return impl_ ? core::device_of(*impl_->device()) : Device(); }
View Buffer::view(DType dtype) const {
  return View(*this, dtype, {size_bytes() * 8 / bits(dtype)}, 0);
}
void* Buffer::host_data() const {
  if (!impl_) return nullptr;
  impl_->device()->require_current();
  return impl_->host_data();
}
void* Buffer::native() const {
  if (!impl_ || impl_->memory() == nullptr) return nullptr;
  impl_->device()->require_current();
  core::ErrorRecord error;
  void* handle = nullptr;
  const auto& backend = impl_->device()->backend;
  core::check(backend.memory.native(impl_->memory(), &handle, error.raw()), error, backend.name);
  return handle;
}
std::uint64_t Buffer::native_offset_bytes() const {
  return impl_ ? impl_->block_offset_bytes() : 0;
}

}  // namespace sampan
