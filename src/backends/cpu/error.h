// How the CPU backend reports errors across the plug-in ABI.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include "backends/common/text.h"
#include "sampan/plugin/backend.h"

namespace sampan::cpu {

/// The first cause that made a stream or an event fail. Plain data: copied from the one that failed
/// into all that wait for it.
struct Failure {
  sampan_code_t code = SAMPAN_OK;
  std::uint64_t sequence = 0;
  char kernel[sizeof(sampan_error_t::kernel)] = {};
  char message[sizeof(sampan_error_t::message)] = {};
};

/// Copies `text`, truncated to the array.
template <std::size_t N>
void copy_text(char (&to)[N], const char* text) {
  std::snprintf(to, N, "%s", text);
}

/// Fills `error` with a code, its flags and a printf-style sentence; returns the code.
[[gnu::format(printf, 3, 4)]] inline sampan_code_t fail(sampan_error_t* error, sampan_code_t code,
                                                        const char* format, ...) {
  error->code = code;
  error->flags = code == SAMPAN_OUT_OF_DEVICE_MEMORY || code == SAMPAN_OUT_OF_HOST_MEMORY ||
                         code == SAMPAN_TIMEOUT
                     ? std::uint32_t{SAMPAN_ERROR_RETRYABLE}
                     : 0u;
  if (code == SAMPAN_DEVICE_LOST) error->flags = SAMPAN_ERROR_STICKY | SAMPAN_ERROR_DEVICE_LOST;
  error->driver_code = 0;
  error->sequence = 0;
  error->driver_call[0] = '\0';
  error->kernel[0] = '\0';
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
  return code;
}

/// As `fail`, for a call of the operating system that set `system_error` (an errno value).
inline sampan_code_t fail_system(sampan_error_t* error, sampan_code_t code, const char* call,
                                 int system_error, const char* what_to_do) {
  fail(error, code, "%s failed: %s; %s", call, common::errno_text(system_error).c_str(),
       what_to_do);
  error->driver_code = system_error;
  copy_text(error->driver_call, call);
  return code;
}

/// Reports the failure that a stream or an event keeps.
inline sampan_code_t report(sampan_error_t* error, const Failure& failure) {
  fail(error, failure.code, "%s", failure.message);
  error->flags |= SAMPAN_ERROR_STICKY;
  error->sequence = failure.sequence;
  copy_text(error->kernel, failure.kernel);
  return failure.code;
}

/// Runs `body`, which returns a code, and turns whatever it throws into a code: nothing may be
/// thrown across the ABI.
template <typename Body>
sampan_code_t guarded(sampan_error_t* error, Body body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return fail(error, SAMPAN_OUT_OF_HOST_MEMORY,
                "the process is out of host memory; free some and try again");
  } catch (const std::exception& exception) {
    return fail(error, SAMPAN_INTERNAL, "the CPU backend failed in an unforeseen way: %s",
                exception.what());
  } catch (...) {
    return fail(error, SAMPAN_INTERNAL, "the CPU backend failed in an unforeseen way");
  }
}

/// Hands a filled struct to a caller whose version of it may be shorter (its `size` says so).
template <typename Struct>
void copy_out(Struct* out, const Struct& filled) {
  const std::uint32_t room = out->size < sizeof(Struct) ? out->size : sizeof(Struct);
  std::memcpy(out, &filled, room);
  out->size = room;
}

}  // namespace sampan::cpu
