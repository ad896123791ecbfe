#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "backends/cuda_like/point.h"
#include "backends/cuda_like/progress.h"

namespace sampan::cuda_like {

/// A host function on its way. It runs exactly once: by the driver, which leaves it out where the
/// context broke before, or then by a thread of the backend's. Free-threaded.
class HostCall {
 public:
  using Function = void (*)(void* context, std::int32_t failed);

  HostCall(Function function, void* context, std::shared_ptr<Progress> progress)
      : function_(function),
        context_(context),
        progress_(std::move(progress)),
        mark_(progress_->mark()) {}

  /// As the driver calls it: all work before has run.
  void run_in_order() noexcept;

  /// Waits for `before`, the point in front of it, and runs the function if that failed.
  void run_after_failure(Point& before) noexcept;
  /// The same, and runs it in any case.
  void run_after(Point& before) noexcept;

 private:
  void run(bool failed) noexcept;

  const Function function_;
  void* const context_;
  const std::shared_ptr<Progress> progress_;
  const Mark mark_;
  std::atomic<bool> claimed_{false};
};

}  // namespace sampan::cuda_like
