#include "backends/cuda_like/host_call.h"

#include "backends/cuda_like/driver.h"

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

void HostCall::enqueue(const std::shared_ptr<HostCall>& call, DriverStream stream) {
  auto kept = std::make_unique<std::shared_ptr<HostCall>>(call);
  // In here the driver may not be called. All work before has run, so what it waited for has, too.
  const HostFunction entry = [](void* user) {
    const std::unique_ptr<std::shared_ptr<HostCall>> mine(
        static_cast<std::shared_ptr<HostCall>*>(user));
    HostCall& self = **mine;
    bool failed = false;
    try {
      self.progress_->settle(self.mark_);
    } catch (const std::exception&) {
      failed = true;
    }
    self.run(failed);
  };
  check(api().launch_host_function, During::kSubmission, "Enqueuing a host function", stream, entry,
        static_cast<void*>(kept.get()));
  (void)kept.release();
}

void HostCall::run_after_failure(Point& before) noexcept {
  if (fails(before)) run(true);
}

void HostCall::run_after(Point& before) noexcept { run(fails(before)); }

void HostCall::run(bool failed) noexcept {
  if (!claimed_.exchange(true)) function_(context_, failed ? 1 : 0);
}

}  // namespace sampan::cuda_like
