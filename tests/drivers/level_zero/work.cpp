#include "work.h"

#include <algorithm>
#include <chrono>

namespace sampan::emulator::ze {

std::mutex& world() {
  static auto* const mutex = new std::mutex;
  return *mutex;
}

std::condition_variable& world_changed() {
  static auto* const bell = new std::condition_variable;
  return *bell;
}

ze_result_t wait_in_world(std::unique_lock<std::mutex>& lock, std::uint64_t timeout_ns,
                          const std::function<bool()>& done, const std::function<bool()>& broken) {
  using Clock = std::chrono::steady_clock;
  constexpr std::uint64_t kYearNs = 31'536'000'000'000'000u;
  const auto end = Clock::now() + std::chrono::nanoseconds(std::min(timeout_ns, kYearNs));
  for (;;) {
    if (broken()) return ZE_RESULT_ERROR_DEVICE_LOST;
    if (done()) return ZE_RESULT_SUCCESS;
    if (world_changed().wait_until(lock, end) == std::cv_status::timeout) {
      return broken() ? ZE_RESULT_ERROR_DEVICE_LOST
                      : (done() ? ZE_RESULT_SUCCESS : ZE_RESULT_NOT_READY);
    }
  }
}

Queue::~Queue() {
  {
    const std::lock_guard lock(world());
    ending_ = true;
    for (Command& command : commands_) {
      for (const auto& event : command.waits) --event->pending_waits;
      if (command.signal) --command.signal->pending_signals;
    }
    commands_.clear();
  }
  world_changed().notify_all();
  if (thread_.joinable()) thread_.join();
}

void Queue::push(std::vector<Command> commands) {
  {
    const std::lock_guard lock(world());
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
    for (Command& command : commands) {
      for (const auto& event : command.waits) ++event->pending_waits;
      if (command.signal) {
        ++command.signal->pending_signals;
        command.signal->signaller = &device_;
      }
      commands_.push_back(std::move(command));
    }
  }
  world_changed().notify_all();
}

ze_result_t Queue::synchronize(std::uint64_t timeout_ns) {
  std::unique_lock lock(world());
  return wait_in_world(
      lock, timeout_ns, [this] { return commands_.empty() && !busy_; },
      [this] { return context_->lost[device_.index].load(); });
}

bool Queue::idle() {
  const std::lock_guard lock(world());
  return (commands_.empty() && !busy_) || context_->lost[device_.index];
}

// A command that may run now: one before the first barrier, or that barrier if it is the first.
std::deque<Command>::iterator Queue::next_ready() {
  const auto ready = [](const Command& command) {
    return std::ranges::all_of(command.waits, [](const auto& event) { return event->signalled; });
  };
  if (commands_.empty()) return commands_.end();
  if (commands_.front().barrier) {
    return ready(commands_.front()) ? commands_.begin() : commands_.end();
  }
  const auto end = std::ranges::find_if(commands_, &Command::barrier);
  std::vector<std::deque<Command>::iterator> found;
  for (auto it = commands_.begin(); it != end; ++it) {
    if (ready(*it)) found.push_back(it);
  }
  if (found.empty()) return commands_.end();
  return found[Control::of_library().chance() % found.size()];
}

void Queue::work() {
  std::unique_lock lock(world());
  for (;;) {
    auto next = commands_.end();
    world_changed().wait(lock, [&] {
      const bool lost = context_->lost[device_.index];
      next = lost ? commands_.end() : next_ready();
      return ending_ || next != commands_.end();
    });
    if (ending_) return;
    Command command = std::move(*next);
    commands_.erase(next);
    busy_ = true;
    lock.unlock();
    Control::of_library().delay();
    const std::uint64_t begin_ticks = device_.ticks();
    if (command.run) command.run();
    lock.lock();
    busy_ = false;
    finish(command, begin_ticks);
    world_changed().notify_all();
  }
}

void Queue::finish(Command& command, std::uint64_t begin_ticks) {
  for (const auto& event : command.waits) --event->pending_waits;
  if (command.signal) --command.signal->pending_signals;
  if (context_->lost[device_.index]) return;
  if (command.signal) {
    Event& event = *command.signal;
    if (event.signalled && !command.resets) {
      Control::of_library().report("an event was signalled that is signalled already");
    }
    event.signalled = !command.resets;
    event.begin_ticks = begin_ticks;
    event.end_ticks = device_.ticks();
  }
  if (command.fence) command.fence->signalled = true;
}

}  // namespace sampan::emulator::ze
