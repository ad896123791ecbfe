// Switching between stacks on one thread, visible to the sanitizers.
#pragma once

#include <cstddef>

#if defined(SAMPAN_FIBER_UCONTEXT) || (!defined(__x86_64__) && !defined(__aarch64__))
#include <ucontext.h>
#define SAMPAN_FIBER_HAS_ASM 0
#else
#define SAMPAN_FIBER_HAS_ASM 1
#endif

namespace sampan::cpu {

/// A stack and the point at which its execution rests.
///
/// `prepare` sets up a fresh one on a stack of the caller's; the thread's own stack needs no
/// preparation, it becomes one by switching away from it. 3-6 ns per switch by assembly on x86-64,
/// 170-230 ns by ucontext (EPYC Zen 5, 2026-11-22). The signal mask and the floating-point
/// environment are not switched (by assembly).
class FiberContext {
 public:
  FiberContext() = default;
  ~FiberContext();
  FiberContext(const FiberContext&) = delete;
  FiberContext& operator=(const FiberContext&) = delete;

  /// The next switch to this context calls `entry(argument)`, which must never return. Forgets
  /// whatever rested here.
  void prepare(void* stack, std::size_t stack_bytes, void (*entry)(void* argument),
               void* argument) noexcept;

  /// Leaves the running context, which is `from`, for `to`; returns when somebody switches back.
  static void switch_to(FiberContext& from, FiberContext& to) noexcept;

 private:
  [[noreturn]] static void enter(void* self);
  void arrived() noexcept;
  void forget() noexcept;

#if SAMPAN_FIBER_HAS_ASM
  void* stack_pointer_ = nullptr;
#else
  ucontext_t context_;
#endif
  void (*entry_)(void* argument) = nullptr;
  void* argument_ = nullptr;
  bool prepared_ = false;

  // For the sanitizers.
  FiberContext* switched_from_ = nullptr;
  const void* stack_ = nullptr;
  std::size_t stack_bytes_ = 0;
  void* fake_stack_ = nullptr;
  [[maybe_unused]] void* tsan_fiber_ = nullptr;
};

}  // namespace sampan::cpu
