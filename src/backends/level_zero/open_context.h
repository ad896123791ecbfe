#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "backends/level_zero/api.h"
#include "backends/level_zero/event_pool.h"

namespace sampan::level_zero {

/// The driver's context that the open devices of one driver share, so that memory and events of
/// one can be used on the other. Free-threaded.
class OpenContext {
 public:
  /// The context that devices of `driver` are opened in now. Throws Failure.
  [[nodiscard]] static std::shared_ptr<OpenContext> of(ze::Driver driver);

  /// Throws Failure.
  explicit OpenContext(ze::Driver driver);
  OpenContext(const OpenContext&) = delete;
  OpenContext& operator=(const OpenContext&) = delete;
  ~OpenContext();

  [[nodiscard]] ze::Context handle() const { return handle_; }
  [[nodiscard]] EventPool& events() { return *events_; }

  /// A device of it was lost: those opened later get another context.
  void retire() noexcept { retired_.store(true); }

 private:
  ze::Context handle_ = nullptr;
  std::atomic<bool> retired_{false};
  std::unique_ptr<EventPool> events_;
};

/// An event of a context's pool, given back when it ends. `Point` knows when that may be.
class OwnedEvent {
 public:
  OwnedEvent() = default;
  /// Throws Failure.
  explicit OwnedEvent(std::shared_ptr<OpenContext> context)
      : context_(std::move(context)), slot_(context_->events().take()) {}
  OwnedEvent(OwnedEvent&& other) noexcept
      : context_(std::move(other.context_)), slot_(std::exchange(other.slot_, {})) {}
  OwnedEvent& operator=(OwnedEvent&&) = delete;
  ~OwnedEvent() {
    if (slot_.event != nullptr) context_->events().give(slot_);
  }

  [[nodiscard]] ze::Event get() const { return slot_.event; }
  [[nodiscard]] const OpenContext* context() const { return context_.get(); }

 private:
  std::shared_ptr<OpenContext> context_;
  EventPool::Slot slot_;
};

}  // namespace sampan::level_zero
