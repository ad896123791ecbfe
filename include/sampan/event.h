#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

namespace sampan {

class Device;
namespace core {
class EventImpl;
}

struct EventOptions {
  bool timing = false;  ///< Take a device timestamp; `elapsed_ns` needs it at both ends.
};

/// A point on a stream; move-only. `Stream::record` sets it, `Stream::wait` and the host wait for
/// it. An event that was never recorded counts as complete. Free-threaded.
class Event {
 public:
  Event() noexcept = default;
  explicit Event(std::shared_ptr<core::EventImpl> impl) noexcept;

  [[nodiscard]] explicit operator bool() const noexcept { return impl_ != nullptr; }
  [[nodiscard]] Device device() const;

  /// True once all work before the point has completed. Throws the failure of that work.
  [[nodiscard]] bool ready() const;
  /// Blocks until then; throws the failure of that work; `timeout` if the time passes first.
  void wait() const;
  void wait_for(std::chrono::nanoseconds limit) const;
  /// Device clock at the point, ns since an unknown start. not_ready, unsupported (no timing).
  [[nodiscard]] std::uint64_t timestamp_ns() const;

  [[nodiscard]] const std::shared_ptr<core::EventImpl>& impl() const noexcept { return impl_; }

 private:
  std::shared_ptr<core::EventImpl> impl_;
};

/// Device time between two events of one device, both recorded with timing and complete. Negative
/// if `end` came first.
[[nodiscard]] std::int64_t elapsed_ns(const Event& begin, const Event& end);

}  // namespace sampan
