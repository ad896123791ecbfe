#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include "variant.h"

extern "C" void variant_do(int what) {
  switch (what) {
    case VARIANT_THROWS:
      throw std::runtime_error("the acme card is on fire");
    case VARIANT_EXITS:
      std::exit(7);
    case VARIANT_ABORTS:
      std::abort();
    case VARIANT_CRASHES:
      std::signal(SIGSEGV, SIG_DFL);  // a sanitizer's report isn't what is tested
      std::raise(SIGSEGV);
      return;
    case VARIANT_HANGS:
      for (;;) ::pause();
    default:
      return;
  }
}
