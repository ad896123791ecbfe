#include "backends/cpu/thread_pool.h"

#include <cstdio>

namespace sampan::cpu {

ThreadPool::ThreadPool(unsigned threads, const std::vector<unsigned>& cores, std::uint64_t spin_ns)
    : helper_count_(threads > 0 ? threads - 1 : 0),
      cores_(cores),
      spin_ns_(spin_ns),
      helpers_(std::make_unique<Helper[]>(helper_count_)) {}

ThreadPool::~ThreadPool() {
  stop_.store(true, std::memory_order_seq_cst);
  idle_.notify();
  for (unsigned i = 0; i < helper_count_; ++i) helpers_[i].thread.join();
}

void ThreadPool::abandon() noexcept {
  for (unsigned i = 0; i < helper_count_; ++i) helpers_[i].thread.forget();
}

void ThreadPool::start_helpers() {
  started_ = true;
  for (unsigned i = 0; i < helper_count_; ++i) {
    Helper& helper = helpers_[i];
    helper.pool = this;
    char name[24];
    std::snprintf(name, sizeof name, "sampan-w%u", i + 1);
    const int result = helper.thread.start(
        name, cores_,
        [](void* argument) {
          auto* self = static_cast<Helper*>(argument);
          self->pool->help(self->worker);
        },
        &helper);
    if (result != 0) return;  // at the process's limit of threads: those that run share the work
  }
}

void ThreadPool::run(void (*share)(void* context, Worker& worker), void* context,
                     Worker& self) noexcept {
  if (helper_count_ == 0 || busy_.exchange(true, std::memory_order_acquire)) {
    share(context, self);
    return;
  }
  if (!started_) start_helpers();
  share_ = share;
  context_ = context;
  state_.store(kOpen, std::memory_order_seq_cst);
  jobs_.fetch_add(1, std::memory_order_seq_cst);
  idle_.notify();

  share(context, self);

  // Helpers that have not come by now are not waited for.
  state_.fetch_and(~kOpen, std::memory_order_seq_cst);
  const auto all_left = [this] { return state_.load(std::memory_order_seq_cst) == 0; };
  if (!spin_until(all_left, spin_ns_)) left_.park_until(all_left, kNever);
  busy_.store(false, std::memory_order_release);
}

bool ThreadPool::join_job() noexcept {
  std::uint32_t state = state_.load(std::memory_order_seq_cst);
  while ((state & kOpen) != 0) {
    if (state_.compare_exchange_weak(state, state + 1, std::memory_order_seq_cst)) return true;
  }
  return false;
}

void ThreadPool::leave_job() noexcept {
  if (state_.fetch_sub(1, std::memory_order_seq_cst) == 1) left_.notify();
}

void ThreadPool::help(Worker& worker) noexcept {
  std::uint64_t seen = 0;
  const auto called = [&] {
    return jobs_.load(std::memory_order_seq_cst) != seen || stop_.load(std::memory_order_seq_cst);
  };
  for (;;) {
    if (!spin_until(called, spin_ns_)) idle_.park_until(called, kNever);
    if (stop_.load(std::memory_order_seq_cst)) return;
    seen = jobs_.load(std::memory_order_seq_cst);
    if (join_job()) {
      share_(context_, worker);
      leave_job();
    }
  }
}

}  // namespace sampan::cpu
