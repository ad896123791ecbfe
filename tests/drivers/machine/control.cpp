#include "control.h"

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "status.h"

namespace sampan::emulator {
namespace {

constexpr std::string_view kKindNames[] = {
    "context", "stream",       "event",   "module", "function", "graph", "node",   "exec", "memory",
    "host",    "registration", "program", "queue",  "fence",    "pool",  "kernel", "log"};
static_assert(std::size(kKindNames) == static_cast<unsigned>(Kind::count_));

/// Kinds that "live" does not add up: contexts belong to the driver, functions to their modules and
/// nodes to their graphs.
constexpr bool adds_to_live(Kind kind) {
  return kind != Kind::context && kind != Kind::function && kind != Kind::node;
}

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

/// What stands before `separator`; `text` keeps what stands after it. All of it if there is none.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return head;
}

/// splitmix64, a published constant sequence: https://prng.di.unimi.it/splitmix64.c
std::uint64_t scrambled(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

Control& Control::of_library() {
  static Control& control = *new Control;
  return control;
}

Control::Control() {
  if (const char* commands = std::getenv("SAMPAN_EMU_FAULT")) apply(commands);
}

int Control::apply(std::string_view commands) {
  while (!commands.empty()) {
    if (!apply_one(take(commands, ';'))) return 1;
  }
  return 0;
}

std::optional<Control::Fault> Control::parse_fail(std::string_view text) {
  Fault fault;
  const bool numbers =
      parse_number(take(text, ':'), fault.at) && parse_number(take(text, ':'), fault.code);
  if (!numbers || fault.at == 0 || fault.code == 0) return std::nullopt;
  fault.name = text;
  return fault;
}

std::optional<Control::Fault> Control::parse_lose(std::string_view text) {
  Fault fault;
  fault.code = static_cast<int>(Status::uncorrectable_ecc);
  if (!parse_number(take(text, '@'), fault.device) || fault.device < 0) return std::nullopt;
  if (!parse_number(take(text, ':'), fault.at) || fault.at == 0) return std::nullopt;
  if (!text.empty() && !parse_number(text, fault.code)) return std::nullopt;
  return fault;
}

bool Control::apply_one(std::string_view command) {
  std::string_view value = command;
  const std::string_view name = take(value, '=');
  if (name == "reset") {
    reset();
    return true;
  }
  std::lock_guard lock(mutex_);
  if (name == "fail" || name == "lose") {
    const std::optional<Fault> fault = name == "fail" ? parse_fail(value) : parse_lose(value);
    if (!fault) return false;
    faults_.push_back(*fault);
    has_faults_ = true;
    return true;
  }
  std::uint64_t number = 0;
  if (name == "oom" || name == "delay") {
    if (!parse_number(value, number)) return false;
    if (name == "oom") memory_limit_ = number;
    if (name == "delay") delay_state_ = number == 0 ? 0 : scrambled(number) | 1;
    return true;
  }
  if (name == "hang") {
    hanging_ = value;
    has_hang_ = !value.empty();
    return true;
  }
  if (name == "trace") {
    trace_file_.close();
    trace_file_.clear();
    if (!value.empty()) trace_file_.open(std::string(value), std::ios::app);
    tracing_ = trace_file_.is_open();
    return value.empty() || tracing_;
  }
  return false;
}

void Control::reset() {
  std::lock_guard lock(mutex_);
  faults_.clear();
  has_faults_ = false;
  hanging_.clear();
  has_hang_ = false;
  memory_limit_ = UINT64_MAX;
  delay_state_ = 0;
  trace_file_.close();
  tracing_ = false;
  last_report_.clear();
  calls_ = 0;
  injected_ = 0;
  reports_ = 0;
}

std::uint64_t Control::count(std::string_view what) const {
  if (what == "calls") return calls_;
  if (what == "injected") return injected_;
  if (what == "reports") return reports_;
  if (what == "bytes") return used_bytes_;
  std::uint64_t sum = 0;
  for (unsigned i = 0; i < live_.size(); ++i) {
    if (what.starts_with("live.") && what.substr(5) == kKindNames[i]) return live_[i];
    if (adds_to_live(static_cast<Kind>(i))) sum += live_[i];
  }
  return what == "live" ? sum : UINT64_MAX;
}

std::optional<int> Control::begin_call(std::string_view name) {
  calls_.fetch_add(1, std::memory_order_relaxed);
  if (!has_faults_.load(std::memory_order_relaxed)) return std::nullopt;
  std::optional<int> code;
  std::vector<Fault> lost;
  std::function<void(int, int)> lose;
  {
    std::lock_guard lock(mutex_);
    for (Fault& fault : faults_) {
      if (!fault.name.empty() && fault.name != name) continue;
      if (fault.device >= 0 && !lose_) continue;  // there are no devices yet
      if (++fault.seen != fault.at) continue;
      injected_.fetch_add(1);
      if (fault.device < 0) {
        code = fault.code;
      } else {
        lost.push_back(fault);
      }
    }
    lose = lose_;
  }
  for (const Fault& fault : lost) {
    lose(fault.device, fault.code);
  }
  return code;
}

void Control::trace(const std::string& line) {
  std::lock_guard lock(mutex_);
  if (trace_file_.is_open()) trace_file_ << line << std::endl;
}

void Control::report(std::string sentence) {
  reports_.fetch_add(1);
  if (tracing()) trace("# " + sentence);
  std::lock_guard lock(mutex_);
  last_report_ = std::move(sentence);
}

const char* Control::last_report() {
  static thread_local std::string copy;
  std::lock_guard lock(mutex_);
  copy = last_report_;
  return copy.c_str();
}

std::uint64_t Control::chance() {
  std::uint64_t state = delay_state_.load(std::memory_order_relaxed);
  if (state == 0) return 0;
  state = delay_state_.fetch_add(0x9e3779b97f4a7c15u & ~std::uint64_t{1}) | 1;
  return scrambled(state);
}

void Control::delay() {
  const std::uint64_t number = chance();
  if (number != 0) std::this_thread::sleep_for(std::chrono::microseconds(number % 200));
}

bool Control::hangs(std::string_view kernel) const {
  if (!has_hang_.load(std::memory_order_relaxed)) return false;
  std::lock_guard lock(mutex_);
  return hanging_ == kernel;
}

void Control::on_lose(std::function<void(int device, int code)> lose) {
  std::lock_guard lock(mutex_);
  lose_ = std::move(lose);
}

void Control::on_fail(std::function<void(int code)> fail) {
  std::lock_guard lock(mutex_);
  fail_ = std::move(fail);
}

void Control::fail_current(int code) {
  std::function<void(int)> fail;
  {
    std::lock_guard lock(mutex_);
    fail = fail_;
  }
  if (fail) fail(code);
}

void wait_until(const std::function<bool()>& over) {
  for (auto pause = std::chrono::microseconds(10); !over();) {
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::microseconds(200));
  }
}

}  // namespace sampan::emulator
