// Faults, call trace and counters of one emulated library.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sampan::emulator {

/// What is counted while it lives.
enum class Kind : unsigned {
  context,
  stream,
  event,
  module,
  function,
  graph,
  node,
  exec,
  memory,
  host,
  registration,
  program,
  queue,
  fence,
  pool,
  kernel,
  log,
  count_
};

/// Free-threaded. Each emulated library has one, set up from SAMPAN_EMU_FAULT and changed by
/// sampan_emu_control; README.md lists the commands.
class Control {
 public:
  /// This library's; lives for ever.
  static Control& of_library();

  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  /// Obeys commands separated by ';'. Returns 0, or 1 at the first one that is not understood;
  /// those before it are in force.
  int apply(std::string_view commands);

  /// The figure called `what`; UINT64_MAX for an unknown name.
  [[nodiscard]] std::uint64_t count(std::string_view what) const;

  /// Counts one call of the driver's API. The code that it is to fail with, if any. Loses a device
  /// whose turn it is.
  [[nodiscard]] std::optional<int> begin_call(std::string_view name);

  [[nodiscard]] bool tracing() const { return tracing_.load(std::memory_order_relaxed); }
  void trace(const std::string& line);

  /// Remembers one sentence about a mistake of the program (a kernel's fault, damaged memory); it
  /// goes into the trace, too.
  void report(std::string sentence);
  /// The last report, or "". Valid until the calling thread asks again.
  [[nodiscard]] const char* last_report();

  void add_live(Kind kind, int change) {
    live_[static_cast<unsigned>(kind)].fetch_add(static_cast<std::uint64_t>(change),
                                                 std::memory_order_relaxed);
  }
  void add_used_bytes(std::int64_t change) {
    used_bytes_.fetch_add(static_cast<std::uint64_t>(change), std::memory_order_relaxed);
  }

  /// How many bytes of device memory may be used at most; from `oom=`.
  [[nodiscard]] std::uint64_t memory_limit() const { return memory_limit_.load(); }

  /// Sleeps for up to 0.2 ms where `delay=` is in force. Called before each piece of a stream's
  /// work.
  void delay();
  /// The next number of the schedule that `delay=SEED` chose; 0 where there is none.
  [[nodiscard]] std::uint64_t chance();
  /// Whether kernels of that name hang.
  [[nodiscard]] bool hangs(std::string_view kernel) const;

  /// Called, with no lock held, with the code that the calling thread's context is to fail with.
  void on_fail(std::function<void(int code)> fail);
  void fail_current(int code);

  /// Called, with no lock held, with the number of a device to lose and the code to fail with.
  void on_lose(std::function<void(int device, int code)> lose);

 private:
  struct Fault {
    std::uint64_t at = 0;    // fails at this call, counted from 1
    std::uint64_t seen = 0;  // calls that matched
    int code = 0;
    std::string name;  // of the calls that count; empty: all
    int device = -1;   // 0 or more: lost instead
  };

  Control();
  bool apply_one(std::string_view command);
  void reset();
  static std::optional<Fault> parse_fail(std::string_view text);
  static std::optional<Fault> parse_lose(std::string_view text);

  std::atomic<std::uint64_t> calls_{0};
  std::array<std::atomic<std::uint64_t>, static_cast<unsigned>(Kind::count_)> live_{};
  std::atomic<std::uint64_t> used_bytes_{0};
  std::atomic<std::uint64_t> reports_{0};
  std::atomic<std::uint64_t> injected_{0};
  std::atomic<std::uint64_t> memory_limit_{UINT64_MAX};
  std::atomic<std::uint64_t> delay_state_{0};
  std::atomic<bool> tracing_{false};
  std::atomic<bool> has_faults_{false};
  std::atomic<bool> has_hang_{false};

  mutable std::mutex mutex_;  // guards what follows
  std::vector<Fault> faults_;
  std::string hanging_;
  std::ofstream trace_file_;
  std::string last_report_;
  std::function<void(int, int)> lose_;
  std::function<void(int)> fail_;
};

/// Waits, asleep most of the time, until `over` is true.
void wait_until(const std::function<bool()>& over);

}  // namespace sampan::emulator
