#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "backends/level_zero/device.h"
#include "backends/level_zero/point.h"
#include "sampan/plugin/backend.h"

namespace sampan::level_zero {

/// What the ABI calls an event: the last point that was recorded, or one that the host signals.
/// Free-threaded.
class Event {
 public:
  /// `flags`: SAMPAN_EVENT_*. Throws Failure.
  Event(Device& device, std::uint32_t flags);
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  /// One that was never signalled fails, so that nobody waits for ever.
  ~Event();

  [[nodiscard]] Device& device() const { return device_; }
  [[nodiscard]] bool timed() const { return (flags_ & SAMPAN_EVENT_TIMING) != 0; }
  [[nodiscard]] bool signalled_by_host() const { return (flags_ & SAMPAN_EVENT_SIGNALLED) != 0; }

  /// Null where nothing was recorded, or only an idle stream: then it is complete.
  [[nodiscard]] std::shared_ptr<Point> point() const;
  void record(std::shared_ptr<Point> point);

  /// Throws Failure: it was signalled before.
  void signal(sampan_code_t code);

  /// False while not complete. Throws Failure: the cause, or the event takes no time.
  [[nodiscard]] bool timestamp(std::uint64_t* out_ns) const;

 private:
  Device& device_;
  const std::uint32_t flags_;
  mutable std::mutex mutex_;
  std::shared_ptr<Point> point_;
  std::uint64_t host_ns_ = 0;  // when it was recorded or signalled
};

extern const sampan_event_table_t kEventTable;

}  // namespace sampan::level_zero

/// What the ABI calls an event.
struct sampan_event final : sampan::level_zero::Event {
  using Event::Event;
};
