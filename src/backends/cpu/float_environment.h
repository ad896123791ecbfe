// The floating-point environment that kernels run in.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#else
#include <cfenv>
#endif

namespace sampan::cpu {

/// While in scope, the calling thread rounds to nearest, keeps subnormals and traps nothing, so
/// that a kernel gives the same bits on any thread. Costs a register read where it is so already.
class DefaultFloatEnvironment {
 public:
#if defined(__x86_64__)
  DefaultFloatEnvironment() noexcept : before_(_mm_getcsr()) {
    constexpr unsigned kStatusFlags = 0x3f;
    if ((before_ & ~kStatusFlags) != kDefault) _mm_setcsr(kDefault);
  }
  ~DefaultFloatEnvironment() {
    if (_mm_getcsr() != before_) _mm_setcsr(before_);
  }
#else
  DefaultFloatEnvironment() noexcept {
    std::fegetenv(&before_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloatEnvironment() { std::fesetenv(&before_); }
#endif
  DefaultFloatEnvironment(const DefaultFloatEnvironment&) = delete;
  DefaultFloatEnvironment& operator=(const DefaultFloatEnvironment&) = delete;

 private:
#if defined(__x86_64__)
  static constexpr unsigned kDefault = 0x1f80;
  unsigned before_;
#else
  std::fenv_t before_;
#endif
};

}  // namespace sampan::cpu
