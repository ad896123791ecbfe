#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "mock.h"

namespace mock {
namespace {

constexpr std::uint64_t kOwnMemoryBytes[] = {96ull << 20, 48ull << 20, 24ull << 20};

template <std::size_t N>
void copy_text(char (&to)[N], const std::string& text) {
  std::snprintf(to, N, "%s", text.c_str());
}

std::uint32_t flags_of(sampan_code_t code) {
  switch (code) {
    case SAMPAN_DEVICE_LOST:
      return SAMPAN_ERROR_STICKY | SAMPAN_ERROR_DEVICE_LOST;
    case SAMPAN_OUT_OF_DEVICE_MEMORY:
    case SAMPAN_OUT_OF_HOST_MEMORY:
    case SAMPAN_TIMEOUT:
      return SAMPAN_ERROR_RETRYABLE;
    default:
      return 0;
  }
}

bool read_number(std::string_view text, std::uint64_t& out) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
  return problem == std::errc{} && end == text.data() + text.size();
}

// "12:3" into the call and the code.
bool read_fail_call(std::string_view text, Faults& out) {
  const std::size_t colon = text.find(':');
  std::uint64_t code = SAMPAN_DRIVER_ERROR;
  if (!read_number(text.substr(0, colon), out.fail_call)) return false;
  if (colon != std::string_view::npos && !read_number(text.substr(colon + 1), code)) return false;
  out.fail_code = static_cast<sampan_code_t>(code);
  return true;
}

bool read_word(const std::string& word, Faults& faults, std::uint64_t& devices,
               std::uint64_t& host_access) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos) return false;
  const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
  if (key == "fail_call") return read_fail_call(value, faults);
  std::uint64_t* const target = key == "lose_call"      ? &faults.lose_call
                                : key == "fail_launch"  ? &faults.fail_launch
                                : key == "hang_launch"  ? &faults.hang_launch
                                : key == "delay_us"     ? &faults.delay_us
                                : key == "memory_bytes" ? &faults.memory_bytes
                                : key == "devices"      ? &devices
                                : key == "host_access"  ? &host_access
                                                        : nullptr;
  return target != nullptr && read_number(value, *target);
}

// ---- The control table -----------------------------------------------------------------------

int control_script(const char* words) {
  const std::lock_guard lock(state().mutex);
  return read_script(words).empty() ? 0 : -1;
}

void control_reset() {
  const std::lock_guard lock(state().mutex);
  State& s = state();
  s.faults = {};
  s.calls = 0;
  s.call_names.clear();
  s.first_violation.clear();
  ++s.hangs_released;
  s.changed.notify_all();
}

std::uint64_t control_calls() {
  const std::lock_guard lock(state().mutex);
  return state().calls;
}

const char* control_call_name(std::uint64_t number) {
  const std::lock_guard lock(state().mutex);
  const auto& names = state().call_names;
  return number >= 1 && number <= names.size() ? names[number - 1] : "";
}

void control_release_hangs() {
  const std::lock_guard lock(state().mutex);
  ++state().hangs_released;
  state().changed.notify_all();
}

void control_lose_device(std::uint32_t ordinal) {
  const std::lock_guard lock(state().mutex);
  if (ordinal < kMaxDevices && state().open[ordinal] != nullptr) {
    state().open[ordinal]->is_lost = true;
  }
  state().changed.notify_all();
}

std::uint64_t control_live(std::uint32_t kind) {
  const std::lock_guard lock(state().mutex);
  return kind < SAMPAN_MOCK_LIVE_KINDS ? state().live[kind] : 0;
}

const char* control_first_violation() {
  const std::lock_guard lock(state().mutex);
  return state().first_violation.c_str();
}

}  // namespace

State& state() {
  static State* const instance = new State;
  return *instance;
}

std::string read_script(const std::string& text) {
  State& s = state();
  Faults faults = s.faults;
  std::uint64_t devices = s.device_count, host_access = s.host_access ? 1 : 0;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!read_word(word, faults, devices, host_access) || devices > kMaxDevices) return word;
  }
  // Calls are counted from the script on.
  if (faults.fail_call != s.faults.fail_call) faults.fail_call += s.calls;
  if (faults.lose_call != s.faults.lose_call) faults.lose_call += s.calls;
  s.faults = faults;
  s.device_count = static_cast<std::uint32_t>(devices);
  s.host_access = host_access != 0;
  return {};
}

std::uint64_t memory_bytes_of(std::uint32_t ordinal) {
  if (state().faults.memory_bytes != 0) return state().faults.memory_bytes;
  return kOwnMemoryBytes[ordinal % std::size(kOwnMemoryBytes)];
}

sampan_code_t fail(sampan_error_t* error, sampan_code_t code, const char* format, ...) {
  error->code = code;
  error->flags = flags_of(code);
  error->driver_code = 0;
  error->sequence = 0;
  error->driver_call[0] = error->kernel[0] = '\0';
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(error->message, sizeof(error->message), format, arguments);
  va_end(arguments);
  return code;
}

sampan_code_t report(sampan_error_t* error, const Failure& failure) {
  fail(error, failure.code, "%s", failure.message.c_str());
  error->flags |= SAMPAN_ERROR_STICKY;
  error->sequence = failure.sequence;
  copy_text(error->kernel, failure.kernel);
  return failure.code;
}

Failure lost(const sampan_device_t& device) {
  return {SAMPAN_DEVICE_LOST,
          0,
          {},
          "mock device " + std::to_string(device.ordinal) + " is lost; reopen it"};
}

sampan_code_t report_lost(sampan_error_t* error, const sampan_device_t& device) {
  return report(error, lost(device));
}

void violation(const std::string& what) {
  if (state().first_violation.empty()) state().first_violation = what;
}

sampan_code_t count_call(const char* name, sampan_device_t* device, sampan_error_t* error) {
  State& s = state();
  ++s.calls;
  s.call_names.push_back(name);
  if (s.calls == s.faults.lose_call && device != nullptr) {
    device->is_lost = true;
    s.changed.notify_all();
  }
  if (s.calls != s.faults.fail_call) return SAMPAN_OK;
  fail(error, s.faults.fail_code, "the mock was told to fail call %llu",
       static_cast<unsigned long long>(s.calls));
  copy_text(error->driver_call, name);
  error->driver_code = -1;
  return s.faults.fail_code;
}

}  // namespace mock

extern "C" SAMPAN_PLUGIN_EXPORT const SampanMockControl* sampan_mock_control() {
  static const SampanMockControl control = {
      &mock::control_script,    &mock::control_reset,           &mock::control_calls,
      &mock::control_call_name, &mock::control_release_hangs,   &mock::control_lose_device,
      &mock::control_live,      &mock::control_first_violation,
  };
  return &control;
}
