#include "backends/cpu/thread.h"

#include <sched.h>
#include <signal.h>

#include <cerrno>
#include <cfenv>
#include <cstdint>
#include <memory>
#include <new>

namespace sampan::cpu {
namespace {

constexpr std::size_t kStackBytes = std::size_t{2} << 20;

struct Start {
  const std::vector<unsigned>& cores;
  void (*main)(void* argument);
  void* argument;
};

void bind_to(const std::vector<unsigned>& cores) {
  if (cores.empty()) return;
  unsigned last = 0;
  for (const unsigned core : cores) last = core > last ? core : last;
  cpu_set_t* set = CPU_ALLOC(last + 1);
  if (set == nullptr) return;
  const std::size_t bytes = CPU_ALLOC_SIZE(last + 1);
  CPU_ZERO_S(bytes, set);
  for (const unsigned core : cores) CPU_SET_S(core, bytes, set);
  // Fails where a container forbids it; the thread then runs wherever the process may.
  (void)pthread_setaffinity_np(pthread_self(), bytes, set);
  CPU_FREE(set);
}

void* enter(void* argument) {
  const std::unique_ptr<Start> start(static_cast<Start*>(argument));
  std::fesetenv(FE_DFL_ENV);  // else inherited from whoever submitted first
  bind_to(start->cores);
  start->main(start->argument);
  return nullptr;
}

}  // namespace

int Thread::start(const char* name, const std::vector<unsigned>& cores,
                  void (*main)(void* argument), void* argument) {
  std::unique_ptr<Start> start(new (std::nothrow) Start{cores, main, argument});
  if (!start) return ENOMEM;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) sigdelset(&all, fault);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int result = pthread_create(&thread_, &attributes, enter, start.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (result != 0) return result;
  start.release();
  started_ = true;
  pthread_setname_np(thread_, name);
  return 0;
}

void Thread::join() {
  if (started_) pthread_join(thread_, nullptr);
  started_ = false;
}

bool has_stack(std::size_t bytes) noexcept {
  // The lowest address of the thread's stack; 0 before it was asked for, 1 if it isn't known.
  thread_local std::uintptr_t lowest = 0;
  thread_local std::uintptr_t highest = 0;
  if (lowest == 0) {
    lowest = 1;
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
      void* stack = nullptr;
      std::size_t stack_bytes = 0;
      if (pthread_attr_getstack(&attributes, &stack, &stack_bytes) == 0) {
        lowest = reinterpret_cast<std::uintptr_t>(stack);
        highest = lowest + stack_bytes;
      }
      pthread_attr_destroy(&attributes);
    }
  }
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  // Elsewhere than on its own stack: a coroutine of the application, of unknown size.
  return here < highest && here > lowest && here - lowest >= bytes;
}

}  // namespace sampan::cpu
