// Points on streams that others can wait for.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "backends/cpu/device.h"
#include "backends/cpu/error.h"
#include "backends/cpu/parking.h"
#include "sampan/plugin/backend.h"

namespace sampan::cpu {

/// One record of an event: reached once, with or without a failure. Shared by the event, the
/// command that reaches it and the commands that wait for it.
class EventPoint {
 public:
  EventPoint* retain() noexcept {
    references_.fetch_add(1, std::memory_order_relaxed);
    return this;
  }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  /// True if only the caller holds it, who makes sure that nobody else comes to.
  [[nodiscard]] bool unshared() const noexcept {
    return references_.load(std::memory_order_acquire) == 1;
  }
  /// Makes an unshared point new.
  void reset() noexcept { state_.store(kPending, std::memory_order_relaxed); }

  /// Reaches the point, with a failure where there is one.
  void reach(const Failure* failure, std::uint64_t timestamp_ns) noexcept;

  [[nodiscard]] bool reached() const noexcept {
    return state_.load(std::memory_order_seq_cst) != kPending;
  }
  /// Of a point that was reached; null if without failure.
  [[nodiscard]] const Failure* failure() const noexcept {
    return state_.load(std::memory_order_seq_cst) == kFailed ? &failure_ : nullptr;
  }
  [[nodiscard]] std::uint64_t timestamp_ns() const noexcept { return timestamp_ns_; }

  /// Waits until it is reached; false if the deadline comes first.
  [[nodiscard]] bool wait(std::uint64_t deadline_ns, std::uint64_t spin_ns) noexcept;

 private:
  enum State : std::uint32_t { kPending, kDone, kFailed };

  std::atomic<std::uint32_t> references_{1};
  std::atomic<std::uint32_t> state_{kPending};
  std::uint64_t timestamp_ns_ = 0;  // this and failure_: constant once reached
  Failure failure_;
  ParkingSpot spot_;
};

/// Holds one reference to a point.
class EventPointRef {
 public:
  EventPointRef() = default;
  explicit EventPointRef(EventPoint* owned) noexcept : point_(owned) {}
  EventPointRef(EventPointRef&& other) noexcept : point_(other.detach()) {}
  EventPointRef& operator=(EventPointRef&& other) noexcept {
    EventPoint* point = other.detach();
    if (point_ != nullptr) point_->release();
    point_ = point;
    return *this;
  }
  ~EventPointRef() {
    if (point_ != nullptr) point_->release();
  }

  [[nodiscard]] EventPoint* get() const noexcept { return point_; }
  EventPoint* operator->() const noexcept { return point_; }
  explicit operator bool() const noexcept { return point_ != nullptr; }
  /// Gives the reference to the caller.
  [[nodiscard]] EventPoint* detach() noexcept {
    EventPoint* point = point_;
    point_ = nullptr;
    return point;
  }

 private:
  EventPoint* point_ = nullptr;
};

/// The handle: its latest point. Free-threaded.
class Event {
 public:
  /// Throws std::bad_alloc.
  Event(Device& device, std::uint32_t flags);
  /// A signalled event that nobody signalled fails now, so that no stream waits for ever.
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  [[nodiscard]] Device& device() const noexcept { return device_; }
  [[nodiscard]] bool timing() const noexcept { return (flags_ & SAMPAN_EVENT_TIMING) != 0; }

  /// A new point that replaces the latest; two references, one of them the caller's. Throws
  /// std::bad_alloc.
  [[nodiscard]] EventPointRef renew();
  /// Of a signalled event: reaches its point; false if that has happened before.
  [[nodiscard]] bool signal(const Failure* failure) noexcept;
  /// The latest point; empty if there was no record.
  [[nodiscard]] EventPointRef latest() const noexcept;

 private:
  Device& device_;
  const std::uint32_t flags_;
  mutable std::mutex mutex_;
  EventPointRef latest_;
};

extern const sampan_event_table_t kEventTable;

/// The stream table's wait_event.
sampan_code_t stream_wait_event(sampan_stream_t* stream, sampan_event_t* event,
                                sampan_error_t* error);

}  // namespace sampan::cpu

struct sampan_event final : sampan::cpu::Event {
  using Event::Event;
};
