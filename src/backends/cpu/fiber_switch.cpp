#include "backends/cpu/fiber_switch.h"

#include <cstdint>
#include <cstring>

#if defined(__SANITIZE_ADDRESS__)
#define SAMPAN_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SAMPAN_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define SAMPAN_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SAMPAN_TSAN 1
#endif
#endif
#if defined(SAMPAN_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(SAMPAN_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

#if SAMPAN_FIBER_HAS_ASM
// Saves the callee-saved registers on the running stack, stores its pointer, goes on at another.
extern "C" __attribute__((visibility("hidden"))) void sampan_cpu_fiber_switch(void** save,
                                                                              void* load);
// First code of a fresh context: calls the function in one saved register with another.
extern "C" __attribute__((visibility("hidden"))) void sampan_cpu_fiber_start();

#if defined(__x86_64__)
asm(R"(
.text
.hidden sampan_cpu_fiber_switch
.globl sampan_cpu_fiber_switch
.type sampan_cpu_fiber_switch,@function
sampan_cpu_fiber_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size sampan_cpu_fiber_switch,.-sampan_cpu_fiber_switch
.hidden sampan_cpu_fiber_start
.globl sampan_cpu_fiber_start
.type sampan_cpu_fiber_start,@function
sampan_cpu_fiber_start:
  .cfi_startproc
  .cfi_undefined rip
  movq %r12, %rdi
  call *%r13
  ud2
  .cfi_endproc
.size sampan_cpu_fiber_start,.-sampan_cpu_fiber_start
)");
#else
asm(R"(
.text
.hidden sampan_cpu_fiber_switch
.globl sampan_cpu_fiber_switch
.type sampan_cpu_fiber_switch,%function
sampan_cpu_fiber_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size sampan_cpu_fiber_switch,.-sampan_cpu_fiber_switch
.hidden sampan_cpu_fiber_start
.globl sampan_cpu_fiber_start
.type sampan_cpu_fiber_start,%function
sampan_cpu_fiber_start:
  .cfi_startproc
  .cfi_undefined x30
  mov x0, x19
  blr x20
  brk #1
  .cfi_endproc
.size sampan_cpu_fiber_start,.-sampan_cpu_fiber_start
)");
#endif
#endif

namespace sampan::cpu {
namespace {

#if SAMPAN_FIBER_HAS_ASM
// The stack as sampan_cpu_fiber_switch leaves it, resting before sampan_cpu_fiber_start.
void* fresh_stack(void* stack, std::size_t stack_bytes, void (*entry)(void*), void* argument) {
  const std::uintptr_t top =
      (reinterpret_cast<std::uintptr_t>(stack) + stack_bytes) & ~std::uintptr_t{63};
  const auto word = [](auto value) { return reinterpret_cast<std::uintptr_t>(value); };
#if defined(__x86_64__)
  // r15 r14 r13 r12 rbx rbp, return address; the call then sees an aligned stack.
  const std::uintptr_t frame[] = {
      0, 0, word(entry), word(argument), 0, 0, word(&sampan_cpu_fiber_start), 0, 0};
#else
  std::uintptr_t frame[20] = {word(argument), word(entry)};
  frame[11] = word(&sampan_cpu_fiber_start);
#endif
  void* stack_pointer = reinterpret_cast<void*>(top - sizeof frame);
  std::memcpy(stack_pointer, frame, sizeof frame);
  return stack_pointer;
}
#endif

void unpoison([[maybe_unused]] const void* stack, [[maybe_unused]] std::size_t stack_bytes) {
#if defined(SAMPAN_ASAN)
  // Frames that were abandoned leave red zones behind.
  __asan_unpoison_memory_region(stack, stack_bytes);
#endif
}

}  // namespace

FiberContext::~FiberContext() { forget(); }

void FiberContext::forget() noexcept {
  if (!prepared_) return;
  unpoison(stack_, stack_bytes_);
#if defined(SAMPAN_TSAN)
  __tsan_destroy_fiber(tsan_fiber_);
#endif
  prepared_ = false;
}

void FiberContext::enter(void* self) {
  auto* context = static_cast<FiberContext*>(self);
  context->arrived();
  context->entry_(context->argument_);
  __builtin_unreachable();
}

void FiberContext::prepare(void* stack, std::size_t stack_bytes, void (*entry)(void* argument),
                           void* argument) noexcept {
  forget();
  entry_ = entry;
  argument_ = argument;
  stack_ = stack;
  stack_bytes_ = stack_bytes;
  fake_stack_ = nullptr;
  prepared_ = true;
#if defined(SAMPAN_TSAN)
  tsan_fiber_ = __tsan_create_fiber(0);
#endif
#if SAMPAN_FIBER_HAS_ASM
  stack_pointer_ = fresh_stack(stack, stack_bytes, &FiberContext::enter, this);
#else
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack;
  context_.uc_stack.ss_size = stack_bytes;
  context_.uc_link = nullptr;
  const auto address = reinterpret_cast<std::uintptr_t>(this);
  // makecontext passes ints only.
  const auto start = +[](unsigned high, unsigned low) {
    enter(reinterpret_cast<void*>(std::uintptr_t{high} << 16 << 16 | low));
  };
  makecontext(&context_, reinterpret_cast<void (*)()>(start), 2,
              static_cast<unsigned>(address >> 16 >> 16), static_cast<unsigned>(address));
#endif
}

void FiberContext::switch_to(FiberContext& from, FiberContext& to) noexcept {
  to.switched_from_ = &from;
#if defined(SAMPAN_ASAN)
  __sanitizer_start_switch_fiber(&from.fake_stack_, to.stack_, to.stack_bytes_);
#endif
#if defined(SAMPAN_TSAN)
  if (!from.prepared_) from.tsan_fiber_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(to.tsan_fiber_, 0);
#endif
#if SAMPAN_FIBER_HAS_ASM
  sampan_cpu_fiber_switch(&from.stack_pointer_, to.stack_pointer_);
#else
  swapcontext(&from.context_, &to.context_);
#endif
  from.arrived();
}

void FiberContext::arrived() noexcept {
#if defined(SAMPAN_ASAN)
  const void* stack = nullptr;
  std::size_t stack_bytes = 0;
  __sanitizer_finish_switch_fiber(fake_stack_, &stack, &stack_bytes);
  switched_from_->stack_ = stack;
  switched_from_->stack_bytes_ = stack_bytes;
#endif
}

}  // namespace sampan::cpu
