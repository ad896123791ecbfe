#include "backends/cuda_like/host_call.h"

namespace sampan::cuda_like {
namespace {

// Waits without end; true if the point failed.
bool fails(Point& point) noexcept {
  try {
    (void)point.wait(SAMPAN_WAIT_FOREVER);
    return false;
  } catch (const std::exception&) {
    return true;
  }
}

}  // namespace

// What the work before waited for has been passed, too. The driver may not be called in here.
void HostCall::run_in_order() noexcept {
  bool failed = false;
  try {
    progress_->settle(mark_);
  } catch (const std::exception&) {
    failed = true;
  }
  run(failed);
}

void HostCall::run_after_failure(Point& before) noexcept {
  if (fails(before)) run(true);
}

void HostCall::run_after(Point& before) noexcept { run(fails(before)); }

void HostCall::run(bool failed) noexcept {
  if (!claimed_.exchange(true)) function_(context_, failed ? 1 : 0);
}

}  // namespace sampan::cuda_like
