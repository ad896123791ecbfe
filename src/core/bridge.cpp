#include "core/bridge.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/open_device.h"

namespace sampan::core {
namespace {

// How long one source is waited for before the others are looked at: short enough that a chain of
// chunks flows, long enough to let the driver sleep.
constexpr std::uint64_t kSliceNs = 100'000;

class Bridge {
 public:
  void add(std::shared_ptr<EventHandle> source, std::shared_ptr<EventHandle> target) {
    const std::lock_guard lock(mutex_);
    if (!started_) {
      std::thread([this] { run(); }).detach();
      started_ = true;
    }
    added_.push_back({std::move(source), std::move(target)});
    changed_.notify_one();
  }

 private:
  struct Pair {
    std::shared_ptr<EventHandle> source, target;
  };

  [[noreturn]] void run() {
    std::vector<Pair> pending;
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        if (pending.empty()) changed_.wait(lock, [this] { return !added_.empty(); });
        std::move(added_.begin(), added_.end(), std::back_inserter(pending));
        added_.clear();
      }
      const bool moved = std::erase_if(pending, [](const Pair& pair) { return finish(pair); }) > 0;
      if (!moved && !pending.empty()) {
        const EventHandle& first = *pending.front().source;
        ErrorRecord error;
        first.device()->backend.event.wait(first.raw(), kSliceNs, error.raw());
      }
    }
  }

  // Signals the target if the source has ended; true then.
  static bool finish(const Pair& pair) {
    ErrorRecord error;
    const auto code = pair.source->device()->backend.event.query(pair.source->raw(), error.raw());
    if (code == SAMPAN_NOT_READY) return false;
    const auto& events = pair.target->device()->backend.event;
    ErrorRecord failure, ignored;
    const auto signalled = events.signal(pair.target->raw(), code, failure.raw());
    // Who waits must not wait for ever: the failure to tell them is what they are told.
    if (signalled != SAMPAN_OK) events.signal(pair.target->raw(), signalled, ignored.raw());
    return true;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Pair> added_;
  bool started_ = false;
};

}  // namespace

void bridge(std::shared_ptr<EventHandle> source, std::shared_ptr<EventHandle> target) {
  // Never destroyed: its thread runs until the process ends.
  static Bridge* const instance = new Bridge;
  instance->add(std::move(source), std::move(target));
}

}  // namespace sampan::core
