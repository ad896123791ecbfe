#include "backends/cuda_like/driver_calls.h"

#include "backends/cuda_like/driver.h"
#include "backends/cuda_like/error.h"

namespace sampan::cuda_like {

void DriverCalls::enqueue(DriverStream stream, std::function<void()> task, const char* doing) {
  while (!calls_.empty() && calls_.front()->done.load(std::memory_order_acquire)) {
    calls_.pop_front();
  }
  calls_.push_back(std::make_unique<Call>());
  Call& call = *calls_.back();
  call.task = std::move(task);
  const HostFunction run = [](void* user) {
    Call& mine = *static_cast<Call*>(user);
    mine.task();
    mine.done.store(true, std::memory_order_release);
  };
  const Result code = api().launch_host_function(stream, run, &call);
  if (code == kSuccess) return;
  calls_.pop_back();
  throw failure_of(code, api().launch_host_function.symbol, During::kSubmission, doing);
}

}  // namespace sampan::cuda_like
