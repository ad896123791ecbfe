#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>

#include "backends/cuda_like/driver_api.h"

namespace sampan::cuda_like {

/// What a stream's driver is asked to call. The driver leaves out what lies behind a failure, so it
/// gets pointers to what is kept here. One caller at a time; must outlive the driver's stream.
class DriverCalls {
 public:
  DriverCalls() = default;
  DriverCalls(const DriverCalls&) = delete;
  DriverCalls& operator=(const DriverCalls&) = delete;

  /// The driver runs `task` after all earlier work of `stream`; later work waits for it. It may not
  /// call the driver and must not throw. `doing` is for messages. The context is current. Throws
  /// Failure.
  void enqueue(DriverStream stream, std::function<void()> task, const char* doing);

 private:
  struct Call {
    std::function<void()> task;
    std::atomic<bool> done{false};
  };
  std::deque<std::unique_ptr<Call>> calls_;
};

}  // namespace sampan::cuda_like
