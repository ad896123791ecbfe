#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "backends/opencl/api_types.h"
#include "backends/opencl/teardown.h"
#include "sampan/plugin/backend.h"

namespace sampan::opencl {

/// Why a call failed: what `sampan_error_t` carries, with room for any length. Thrown inside the
/// plug-in, kept as the first cause by streams and devices; never crosses the C ABI.
struct Failure final : public std::exception {
  Failure(sampan_code_t failure_code, std::string text)
      : code(failure_code), message(std::move(text)) {}

  [[nodiscard]] const char* what() const noexcept override { return message.c_str(); }

  sampan_code_t code;
  std::uint32_t flags = 0;
  std::int64_t driver_code = 0;
  std::uint64_t sequence = 0;
  std::string driver_call;
  std::string kernel;
  std::string message;
  std::string detail;
};

/// What the driver was doing when it returned a code; some codes mean different things.
enum class During {
  kQuery,       ///< asking for facts
  kAllocation,  ///< creating an object
  kBuild,       ///< compiling or linking
  kSubmission,  ///< handing over work: nothing was enqueued
  kExecution    ///< the status of work that was enqueued
};

/// "CL_OUT_OF_RESOURCES", or "OpenCL error -12345" for a code that no specification has.
[[nodiscard]] std::string code_name(cl::Int code);

/// The failure that `code`, returned by `call`, stands for. `doing` says what was attempted and
/// starts the message: "Creating a queue".
[[nodiscard]] Failure failure_of(cl::Int code, const char* call, During during,
                                 std::string_view doing);

/// Throws `failure_of` unless `code` is CL_SUCCESS.
inline void check(cl::Int code, const char* call, During during, std::string_view doing) {
  if (code != cl::kSuccess) [[unlikely]] {
    throw failure_of(code, call, during, doing);
  }
}

/// Writes `failure` to the caller's record and returns its code.
sampan_code_t write_failure(const Failure& failure, sampan_error_t* error) noexcept;

/// Writes the exception being handled; a failure of any other type becomes OUT_OF_HOST_MEMORY or
/// INTERNAL. Only inside a catch block.
sampan_code_t write_current_exception(sampan_error_t* error) noexcept;

/// NOT_READY, which isn't a failure, cheap enough for a loop of queries.
sampan_code_t write_not_ready(sampan_error_t* error) noexcept;

/// Runs `body`, which returns a code or nothing, and turns what it throws into `error`: the outer
/// layer of every function of the ABI.
template <typename Body>
[[nodiscard]] sampan_code_t guarded(sampan_error_t* error, Body&& body) noexcept {
  try {
    const Visit visit;
    if constexpr (std::is_void_v<std::invoke_result_t<Body>>) {
      body();
      return SAMPAN_OK;
    } else {
      return body();
    }
  } catch (...) {
    return write_current_exception(error);
  }
}

}  // namespace sampan::opencl
