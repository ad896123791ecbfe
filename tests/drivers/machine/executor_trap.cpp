// Faults of kernels: invalid addresses, overflown stacks, division by zero.
#include <signal.h>
#include <ucontext.h>

#include <iterator>
#include <mutex>

#include "executor.h"

namespace sampan::emulator {
namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
struct sigaction previous[std::size(kSignals)];

/// What would have happened without the trap.
void pass_on(int signal, siginfo_t* info, void* context) {
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    if (kSignals[i] != signal) continue;
    const struct sigaction& before = previous[i];
    if ((before.sa_flags & SA_SIGINFO) != 0) {
      before.sa_sigaction(signal, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
      before.sa_handler(signal);
    } else {
      sigaction(signal, &before, nullptr);  // the fault comes again
    }
  }
}

/// Makes the interrupted thread go on with `function` on the stack that ends at `stack_end`.
void divert(void* context, void (*function)(), std::uintptr_t stack_end) {
  mcontext_t& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  machine.gregs[REG_RIP] = static_cast<greg_t>(reinterpret_cast<std::uintptr_t>(function));
  machine.gregs[REG_RSP] = static_cast<greg_t>(stack_end - 8);  // as after a call
#elif defined(__aarch64__)
  machine.pc = reinterpret_cast<std::uintptr_t>(function);
  machine.sp = stack_end;
#else
#error "teach divert this processor's program counter and stack pointer"
#endif
}

/// A signal stack for this thread, which lives as long as it does: an overflown stack can't take
/// the handler's frame.
struct SignalStack {
  SignalStack() : memory(std::make_unique<std::byte[]>(kBytes)) {
    stack_t old{};
    sigaltstack(nullptr, &old);
    if ((old.ss_flags & SS_DISABLE) == 0) return;
    stack_t mine{};
    mine.ss_sp = memory.get();
    mine.ss_size = kBytes;
    installed = sigaltstack(&mine, nullptr) == 0;
  }
  ~SignalStack() {
    if (!installed) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
  }
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

  static constexpr std::size_t kBytes = std::size_t{64} << 10;
  std::unique_ptr<std::byte[]> memory;
  bool installed = false;
};

}  // namespace

struct FaultTrap {
  static void install() {
    static std::once_flag once;
    std::call_once(once, [] {
      struct sigaction action {};
      action.sa_sigaction = &FaultTrap::handle;
      action.sa_flags = SA_SIGINFO | SA_ONSTACK;
      for (std::size_t i = 0; i < std::size(kSignals); ++i)
        sigaction(kSignals[i], &action, &previous[i]);
    });
    static thread_local const SignalStack kStack;
    (void)kStack;
  }

  static void handle(int signal, siginfo_t* info, void* context) {
    BlockExecutor* const executor = BlockExecutor::running;
    if (executor == nullptr) return pass_on(signal, info, context);
    const auto stack = reinterpret_cast<std::uintptr_t>(executor->stack_of(executor->current_));
    const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(info->si_addr) - stack;
    executor->signal_ = signal;
    executor->in_guard_page_ = offset < sampan_emulator::kStackBytes;
    divert(context, &BlockExecutor::land,
           stack + sampan_emulator::kStackBytes - (std::size_t{32} << 10));
  }
};

// Runs on the faulty thread's stack, whose frames nobody goes back to: nothing here may own memory.
void BlockExecutor::land() {
  BlockExecutor& self = *running;
  self.faulted_ = true;
  cpu::FiberContext::switch_to(self.fibers_[self.current_]->context, self.outside_);
  __builtin_unreachable();
}

BlockExecutor::Outcome BlockExecutor::fault() const {
  const std::string who = name_of(current_);
  if (in_guard_page_) return {Status::launch_failed, who + " needs more stack than there is"};
  if (signal_ == SIGSEGV || signal_ == SIGBUS) {
    return {Status::illegal_address, who + " accessed an invalid address"};
  }
  return {Status::launch_failed, who + " ran an instruction that failed"};
}

TrapScope::TrapScope(BlockExecutor& executor) {
  FaultTrap::install();
  BlockExecutor::running = &executor;
}

TrapScope::~TrapScope() { BlockExecutor::running = nullptr; }

}  // namespace sampan::emulator
