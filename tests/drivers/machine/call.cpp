#include "call.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

namespace sampan::emulator {
namespace {

constinit thread_local bool calling_back = false;
std::atomic<bool> is_fork{false};

}  // namespace

bool in_host_callback() { return calling_back; }
HostCallbackScope::HostCallbackScope() { calling_back = true; }
HostCallbackScope::~HostCallbackScope() { calling_back = false; }

bool forked() { return is_fork.load(std::memory_order_relaxed); }

void remember_process() {
  static std::once_flag once;
  std::call_once(once, [] { pthread_atfork(nullptr, nullptr, [] { is_fork = true; }); });
}

void TraceValue::set_hex(std::uint64_t value) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string digits;
  do {
    digits.insert(digits.begin(), kDigits[value & 15]);
    value >>= 4;
  } while (value != 0);
  text = "0x" + digits;
}

void trace_call(const char* name, std::initializer_list<TraceValue> arguments, int code) {
  std::string line = std::to_string(gettid()) + " " + name + "(";
  const char* separator = "";
  for (const TraceValue& argument : arguments) {
    line += separator + argument.text;
    separator = ", ";
  }
  Control::of_library().trace(line + ") = " + std::to_string(code));
}

}  // namespace sampan::emulator
