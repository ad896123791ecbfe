// What every function of the Level Zero driver does around its own body.
#pragma once

#include <level_zero/ze_api.h>

#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <string>

#include "machine/call.h"
#include "machine/control.h"

namespace sampan::emulator::ze {

/// Thrown by what refuses a call; the call returns the code.
struct Refusal {
  ze_result_t code;
};

/// Throws Refusal unless `holds`.
inline void require(bool holds, ze_result_t otherwise) {
  if (!holds) throw Refusal{otherwise};
}

/// As above for a mistake that real drivers needn't see: it is reported, too.
inline void demand(bool holds, ze_result_t otherwise, const char* mistake) {
  if (holds) return;
  Control::of_library().report(mistake);
  throw Refusal{otherwise};
}

inline void require_pointer(const void* pointer) {
  require(pointer != nullptr, ZE_RESULT_ERROR_INVALID_NULL_POINTER);
}

/// A descriptor that must be there and say what it is.
template <typename Desc>
void require_desc(const Desc* desc, ze_structure_type_t type) {
  require_pointer(desc);
  demand(desc->stype == type, ZE_RESULT_ERROR_INVALID_ARGUMENT,
         "a descriptor's stype isn't that of its structure");
}

/// A function's name as a template argument.
template <std::size_t kBytes>
struct Name {
  consteval Name(const char (&from)[kBytes]) {  // NOLINT: conversion is the point
    for (std::size_t i = 0; i < kBytes; ++i) text[i] = from[i];
  }
  char text[kBytes]{};
};

/// Runs the body of the driver's function `name`: counts it, fails it if its turn has come, keeps
/// every exception in, writes the trace. One that `frees` does so also where it is made to fail.
template <typename Body, typename... Arguments>
ze_result_t call(const char* name, bool frees, Body&& body,
                 const Arguments&... arguments) noexcept {
  Control& control = Control::of_library();
  const std::optional<int> injected = control.begin_call(name);
  ze_result_t result = ZE_RESULT_SUCCESS;
  if (!injected || frees) {
    try {
      result = body();
    } catch (const Refusal& refusal) {
      result = refusal.code;
    } catch (const std::bad_alloc&) {
      result = ZE_RESULT_ERROR_OUT_OF_HOST_MEMORY;
    } catch (const std::exception& error) {
      control.report(std::string(name) + ": " + error.what());
      result = ZE_RESULT_ERROR_UNKNOWN;
    }
  }
  if (injected) result = static_cast<ze_result_t>(*injected);
  if (control.tracing()) trace_call(name, {TraceValue(arguments)...}, static_cast<int>(result));
  return result;
}

template <Name kName, auto kBody, bool kFrees, typename... Parameters>
constexpr auto make_entry(ze_result_t (*)(Parameters...)) {
  return +[](Parameters... parameters) -> ze_result_t {
    return call(
        kName.text, kFrees, [&] { return kBody(parameters...); }, parameters...);
  };
}

/// A table's slot: the function `kBody`, known to the world as `kName`.
template <Name kName, auto kBody>
inline constexpr auto kEntry = make_entry<kName, kBody, false>(kBody);
/// The same for a function that frees something.
template <Name kName, auto kBody>
inline constexpr auto kFreeingEntry = make_entry<kName, kBody, true>(kBody);

}  // namespace sampan::emulator::ze
