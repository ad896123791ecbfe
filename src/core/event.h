#pragma once

#include <memory>
#include <mutex>

#include "sampan/event.h"
#include "sampan/plugin/backend.h"

namespace sampan::core {

class OpenDevice;

/// A backend's event, destroyed with its last owner.
class EventHandle {
 public:
  EventHandle(std::shared_ptr<OpenDevice> device, std::uint32_t flags);
  EventHandle(const EventHandle&) = delete;
  ~EventHandle();

  [[nodiscard]] sampan_event_t* raw() const noexcept { return handle_; }
  [[nodiscard]] const std::shared_ptr<OpenDevice>& device() const noexcept { return device_; }

 private:
  std::shared_ptr<OpenDevice> device_;
  sampan_event_t* handle_ = nullptr;
};

/// What stands behind an Event. Recording while somebody else still holds the handle (a wait of
/// another backend that has not ended) takes a new handle, so that a waiter keeps the point it
/// asked for.
class EventImpl {
 public:
  EventImpl(std::shared_ptr<OpenDevice> device, std::uint32_t flags);

  [[nodiscard]] const std::shared_ptr<OpenDevice>& device() const noexcept { return device_; }
  /// The handle of the last record; keeps it alive.
  [[nodiscard]] std::shared_ptr<EventHandle> current() const;
  /// A handle that nobody else holds, for the next record.
  [[nodiscard]] std::shared_ptr<EventHandle> fresh();

 private:
  std::shared_ptr<OpenDevice> device_;
  std::uint32_t flags_;
  mutable std::mutex mutex_;
  std::shared_ptr<EventHandle> handle_;
};

}  // namespace sampan::core
