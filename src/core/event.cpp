#include "core/event.h"

#include <utility>

#include "core/device.h"
#include "core/error.h"
#include "core/open_device.h"
#include "core/validate/audit.h"

namespace sampan {
namespace core {

EventHandle::EventHandle(std::shared_ptr<OpenDevice> device, std::uint32_t flags)
    : device_(std::move(device)) {
  ErrorRecord error;
  check(device_->backend.event.create(device_->handle(), flags, &handle_, error.raw()), error,
        device_->backend.name);
}
EventHandle::~EventHandle() {
  audit::event_gone(this);
  if (handle_ != nullptr) device_->backend.event.destroy(handle_);
}

EventImpl::EventImpl(std::shared_ptr<OpenDevice> device, std::uint32_t flags)
    : device_(std::move(device)),
      flags_(flags),
      handle_(std::make_shared<EventHandle>(device_, flags)) {}

std::shared_ptr<EventHandle> EventImpl::current() const {
  const std::lock_guard lock(mutex_);
  return handle_;
}

std::shared_ptr<EventHandle> EventImpl::fresh() {
  const std::lock_guard lock(mutex_);
  if (handle_.use_count() > 1) handle_ = std::make_shared<EventHandle>(device_, flags_);
  return handle_;
}

namespace {

const EventImpl& require_made(const std::shared_ptr<EventImpl>& impl) {
  if (impl == nullptr) throw_invalid("this event is empty; make one with Device::create_event");
  return *impl;
}

const EventImpl& require(const std::shared_ptr<EventImpl>& impl) {
  const EventImpl& event = require_made(impl);
  event.device()->require_current();
  return event;
}

void wait(const EventImpl& event, std::uint64_t timeout_ns) {
  const auto handle = event.current();
  const Backend& backend = event.device()->backend;
  ErrorRecord error;
  check(backend.event.wait(handle->raw(), timeout_ns, error.raw()), error, backend.name);
  audit::host_waited(handle.get());
  // Only now: copies of an earlier life may have used the caller's memory until here.
  event.device()->require_current();
}

}  // namespace
}  // namespace core

Event::Event(std::shared_ptr<core::EventImpl> impl) noexcept : impl_(std::move(impl)) {}

Device Event::device() const { return impl_ ? core::device_of(*impl_->device()) : Device(); }

bool Event::ready() const {
  const core::EventImpl& event = core::require(impl_);
  const auto handle = event.current();
  const core::Backend& backend = event.device()->backend;
  core::ErrorRecord error;
  const auto code = backend.event.query(handle->raw(), error.raw());
  if (code == SAMPAN_NOT_READY) return false;
  core::check(code, error, backend.name);
  core::audit::host_waited(handle.get());
  return true;
}

void Event::wait() const { core::wait(core::require_made(impl_), SAMPAN_WAIT_FOREVER); }
void Event::wait_for(std::chrono::nanoseconds limit) const {
  core::wait(core::require_made(impl_),
             static_cast<std::uint64_t>(std::max<std::int64_t>(limit.count(), 0)));
}

std::uint64_t Event::timestamp_ns() const {
  const core::EventImpl& event = core::require(impl_);
  const auto handle = event.current();
  const core::Backend& backend = event.device()->backend;
  core::ErrorRecord error;
  std::uint64_t timestamp = 0;
  core::check(backend.event.timestamp(handle->raw(), &timestamp, error.raw()), error, backend.name);
  return timestamp;
}

std::int64_t elapsed_ns(const Event& begin, const Event& end) {
  if (core::require(begin.impl()).device() != core::require(end.impl()).device()) {
    core::throw_invalid("elapsed_ns needs two events of one device");
  }
  return static_cast<std::int64_t>(end.timestamp_ns() - begin.timestamp_ns());
}

}  // namespace sampan
