// What every function of a face does around its own body.
#pragma once

#include <exception>
#include <initializer_list>
#include <new>
#include <optional>
#include <string>
#include <type_traits>

#include "control.h"
#include "status.h"

namespace sampan::emulator {

/// Whether the calling thread is running a callback of the program's, from which the driver may not
/// be called.
[[nodiscard]] bool in_host_callback();

/// Makes it so between construction and destruction.
class HostCallbackScope {
 public:
  HostCallbackScope();
  ~HostCallbackScope();
  HostCallbackScope(const HostCallbackScope&) = delete;
  HostCallbackScope& operator=(const HostCallbackScope&) = delete;
};

/// Whether the process is a fork of the one that initialised the driver, in which nothing works.
[[nodiscard]] bool forked();
/// Remembers the process.
void remember_process();

/// An argument as the trace shows it.
struct TraceValue {
  template <typename T>
  TraceValue(const T& value) {  // NOLINT: conversion is the point
    if constexpr (std::is_convertible_v<T, const char*>) {
      const char* const words = value;
      text = words == nullptr ? "null" : "\"" + std::string(words) + "\"";
    } else if constexpr (std::is_pointer_v<T>) {
      set_hex(reinterpret_cast<std::uint64_t>(value));
    } else if constexpr (std::is_enum_v<T>) {
      text = std::to_string(static_cast<int>(value));
    } else if constexpr (sizeof(T) == 8 && std::is_unsigned_v<T>) {
      set_hex(value);
    } else {
      text = std::to_string(value);
    }
  }
  void set_hex(std::uint64_t value);
  std::string text;
};

/// One line of the trace: thread, name(arguments) = code.
void trace_call(const char* name, std::initializer_list<TraceValue> arguments, int code);

/// What a call that is to fail has done when it fails.
enum class Effect {
  none,
  done  ///< all: it frees something, and real drivers report earlier failures from such calls
};

/// Runs the body of the driver's function `name`: counts it, fails it if its turn has come, keeps
/// every exception in, writes the trace. An injected code of the sticky kind fails the current
/// context, too.
template <Effect kEffect, typename Body, typename... Arguments>
Status call(const char* name, Body&& body, const Arguments&... arguments) noexcept {
  Control& control = Control::of_library();
  const std::optional<int> injected = control.begin_call(name);
  Status status = Status::ok;
  if (forked()) {
    status = Status::not_initialized;
  } else if (in_host_callback()) {
    status = Status::not_permitted;
  } else if (!injected || kEffect == Effect::done) {
    try {
      status = body();
    } catch (const Refusal& refusal) {
      status = refusal.status;
    } catch (const std::bad_alloc&) {
      status = Status::out_of_memory;
    } catch (const std::exception& error) {
      control.report(std::string(name) + ": " + error.what());
      status = Status::unknown;
    }
  }
  if (injected) {
    status = static_cast<Status>(*injected);
    if (is_sticky(*injected)) control.fail_current(*injected);
  }
  if (control.tracing()) trace_call(name, {TraceValue(arguments)...}, static_cast<int>(status));
  return status;
}

}  // namespace sampan::emulator
