#include "backends/cpu/stream.h"

#include "backends/cpu/float_environment.h"

namespace sampan::cpu {
namespace {

// A waiting thread gives the leader this long to start before it runs the queue itself. The leader,
// if it spins, takes 0.15 us (EPYC Zen 5, 2026-11-22).
constexpr std::uint64_t kLeaderStartNs = 200;

// Stack that a waiting thread needs to run kernels.
constexpr std::size_t kKernelStackBytes = SAMPAN_CPU_STACK_BYTES + (64u << 10);

}  // namespace

Stream::Stream(Device& device) : device_(device) { device.retired().add_stream(*this); }

Stream::~Stream() {
  if (device_.lost()) return;
  if (leader_.started()) {
    (void)wait_for_count(queue_.submitted(), kNever);
    stop_.store(true, std::memory_order_seq_cst);
    leader_spot_.notify();
    leader_.join();
  }
  device_.retired().remove_stream(*this);
}

// ---- Submitting ---------------------------------------------------------------------------------

sampan_code_t Stream::check(sampan_error_t* error) const noexcept {
  if (device_.lost()) return device_.check(error);
  const Failure* first = failure();
  return first == nullptr ? sampan_code_t{SAMPAN_OK} : report(error, *first);
}

sampan_code_t Stream::start_leader(sampan_error_t* error) noexcept {
  if (leader_.started()) return SAMPAN_OK;
  const int result = leader_.start(
      "sampan-stream", device_.place().cores,
      [](void* self) { static_cast<Stream*>(self)->lead(); }, this);
  if (result == 0) return SAMPAN_OK;
  return guarded(error, [&] {
    return fail_system(error, SAMPAN_OUT_OF_HOST_MEMORY, "pthread_create", result,
                       "the stream needs a thread: end some, or raise the limit (ulimit -u)");
  });
}

void* Stream::make_room(std::size_t bytes, sampan_error_t* error) noexcept {
  for (;;) {
    if (void* room = queue_.reserve(bytes)) return room;
    const std::uint64_t target = queue_.room_after() + 1;
    const auto room_or_stalled = [&] {
      ask_to_wake_at(target);
      return queue_.completed() >= target || stalled_.load(std::memory_order_seq_cst);
    };
    if (!spin_until(room_or_stalled, device_.spin_ns())) {
      (void)progress_.park_until(room_or_stalled, kNever);
    }
    if (queue_.completed() < target && !queue_.grow()) {
      fail(error, SAMPAN_OUT_OF_HOST_MEMORY,
           "the stream's queue is full and can't grow, as the process is out of memory; wait for "
           "the stream before enqueuing more");
      return nullptr;
    }
  }
}

Stream::Stall::Stall(Stream& stream) noexcept : stream_(stream) {
  stream_.stalled_.store(true, std::memory_order_seq_cst);
  stream_.progress_.notify();
}

Stream::Stall::~Stall() { stream_.stalled_.store(false, std::memory_order_seq_cst); }

// ---- Waiting ------------------------------------------------------------------------------------

sampan_code_t Stream::query(sampan_error_t* error) const noexcept {
  if (const auto code = check(error); code != SAMPAN_OK) return code;
  if (!queue_.pending()) return SAMPAN_OK;
  return fail(error, SAMPAN_NOT_READY, "the stream's work has not completed");
}

sampan_code_t Stream::wait(std::uint64_t timeout_ns, sampan_error_t* error) noexcept {
  if (device_.lost()) return device_.check(error);
  const std::uint64_t target = queue_.submitted();
  const std::uint64_t deadline_ns = timeout_ns == 0 ? 0 : deadline_after(timeout_ns);
  if (!wait_for_count(target, deadline_ns)) {
    return fail(error, SAMPAN_TIMEOUT,
                "the stream's work did not complete within %llu ns; it goes on, wait again for it",
                static_cast<unsigned long long>(timeout_ns));
  }
  return check(error);
}

// Must precede the test of the condition: see ParkingSpot.
void Stream::ask_to_wake_at(std::uint64_t target) noexcept {
  std::uint64_t current = wake_at_.load(std::memory_order_seq_cst);
  while (target < current &&
         !wake_at_.compare_exchange_weak(current, target, std::memory_order_seq_cst)) {
  }
}

bool Stream::wait_for_count(std::uint64_t target, std::uint64_t deadline_ns) noexcept {
  const auto reached = [&] { return queue_.completed() >= target; };
  if (reached()) return true;
  if (deadline_ns == kNever) {
    const bool leader_awake = !leader_absent_.load(std::memory_order_relaxed);
    if (leader_awake && spin_until(reached, std::min(kLeaderStartNs, device_.spin_ns())))
      return true;
    help_until(target);
  }
  const std::uint64_t now = deadline_ns == kNever ? 0 : now_ns();
  if (deadline_ns <= now) return reached();
  if (spin_until(reached, std::min(device_.spin_ns(), deadline_ns - now))) return true;
  return progress_.park_until(
      [&] {
        ask_to_wake_at(target);
        return reached();
      },
      deadline_ns);
}

// ---- Running ------------------------------------------------------------------------------------

bool Stream::take_baton() noexcept {
  bool taken = baton_taken_.load(std::memory_order_seq_cst);
  return !taken && baton_taken_.compare_exchange_strong(taken, true, std::memory_order_seq_cst);
}

void Stream::put_baton() noexcept { baton_taken_.store(false, std::memory_order_seq_cst); }

void Stream::lead() noexcept {
  const auto called = [this] {
    return (queue_.pending() && !baton_taken_.load(std::memory_order_seq_cst)) ||
           stop_.load(std::memory_order_seq_cst);
  };
  for (;;) {
    if (!spin_until(called, device_.spin_ns())) leader_spot_.park_until(called, kNever);
    if (stop_.load(std::memory_order_seq_cst)) return;
    if (!take_baton()) continue;
    leader_absent_.store(false, std::memory_order_relaxed);
    while (Command* command = queue_.front()) execute(*command);
    put_baton();
  }
}

void Stream::help_until(std::uint64_t target) noexcept {
  if (!has_stack(kKernelStackBytes) || !take_baton()) return;
  leader_absent_.store(true, std::memory_order_relaxed);
  {
    const DefaultFloatEnvironment environment;
    while (queue_.completed() < target) {
      Command* command = queue_.front();
      if (command->type->leader_only) break;
      execute(*command);
    }
  }
  put_baton();
  if (queue_.pending()) leader_spot_.notify();
}

void Stream::execute(Command& command) noexcept {
  const CommandType& type = *command.type;
  if (failure() != nullptr) {
    if (type.drop != nullptr) type.drop(*this, command);
  } else if (profile_.call != nullptr && type.node_kind != 0) {
    run_profiled(command);
  } else {
    type.run(*this, command);
  }
  if (queue_.pop(command) >= wake_at_.load(std::memory_order_seq_cst)) {
    wake_at_.exchange(kNever, std::memory_order_seq_cst);
    progress_.notify();
  }
}

void Stream::run_profiled(Command& command) noexcept {
  sampan_interval_t interval{};
  interval.size = sizeof interval;
  interval.kind = command.type->node_kind;
  interval.sequence = command.sequence;
  interval.begin_ns = now_ns();
  command.type->run(*this, command);
  interval.end_ns = now_ns();
  profile_.call(profile_.context, &interval);
}

void Stream::fail_with(const Failure& failure) noexcept {
  if (failed_.load(std::memory_order_relaxed)) return;
  failure_ = failure;
  failed_.store(true, std::memory_order_release);
}

}  // namespace sampan::cpu
