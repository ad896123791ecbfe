#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "backends/cuda_like/device.h"
#include "backends/cuda_like/point.h"
#include "sampan/plugin/backend.h"

namespace sampan::cuda_like {

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

  /// Null where nothing was recorded: then it is complete.
  [[nodiscard]] std::shared_ptr<Point> point() const;
  /// `base`: of a timed event.
  void record(std::shared_ptr<Point> point, std::shared_ptr<TimeBase> base);

  /// Throws Failure: it was signalled before.
  void signal(sampan_code_t code);

  /// False while not complete. The context is current. Throws Failure: the cause, or the event
  /// takes no time.
  [[nodiscard]] bool timestamp(std::uint64_t* out_ns) const;

 private:
  Device& device_;
  const std::uint32_t flags_;
  mutable std::mutex mutex_;
  std::shared_ptr<Point> point_;
  std::shared_ptr<TimeBase> base_;
  std::uint64_t signalled_ns_ = 0;  // on the host's clock, which the device's starts with
};

extern const sampan_event_table_t kEventTable;

}  // namespace sampan::cuda_like

/// What the ABI calls an event.
struct sampan_event final : sampan::cuda_like::Event {
  using Event::Event;
};
