// Commands, and the threads that run them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "objects.h"

namespace sampan::emulator::ze {

/// One lock over events, fences and what waits for them, and one bell for every change.
[[nodiscard]] std::mutex& world();
[[nodiscard]] std::condition_variable& world_changed();

/// Waits with the world's lock held until `done`, a change for the worse (`broken`, DEVICE_LOST) or
/// `timeout_ns` (UINT64_MAX: never), which gives NOT_READY.
[[nodiscard]] ze_result_t wait_in_world(std::unique_lock<std::mutex>& lock,
                                        std::uint64_t timeout_ns, const std::function<bool()>& done,
                                        const std::function<bool()>& broken);

struct Command {
  std::function<void()> run{};  ///< may be empty
  std::vector<std::shared_ptr<Event>> waits{};
  std::shared_ptr<Event> signal{};
  std::shared_ptr<Fence> fence{};
  bool barrier = false;  ///< all before it first, all behind it later
  bool resets = false;   ///< `signal` is reset, not signalled
};

/// Runs commands on a thread of its own, which starts with the first one. Between barriers Level
/// Zero promises no order but what events give: with `delay=SEED` commands are taken at random.
class Queue {
 public:
  Queue(std::shared_ptr<Context> context, Device& device)
      : context_(std::move(context)), device_(device) {}
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  /// Drops what hasn't begun.
  ~Queue();

  [[nodiscard]] Context& context() const { return *context_; }
  [[nodiscard]] const std::shared_ptr<Context>& shared_context() const { return context_; }
  [[nodiscard]] Device& device() const { return device_; }

  void push(std::vector<Command> commands);
  /// NOT_READY after `timeout_ns`; DEVICE_LOST.
  [[nodiscard]] ze_result_t synchronize(std::uint64_t timeout_ns);
  [[nodiscard]] bool idle();

 private:
  void work();
  [[nodiscard]] std::deque<Command>::iterator next_ready();
  void finish(Command& command, std::uint64_t begin_ticks);

  const std::shared_ptr<Context> context_;
  Device& device_;
  // Guarded by the world's lock.
  std::deque<Command> commands_;
  bool busy_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace sampan::emulator::ze
