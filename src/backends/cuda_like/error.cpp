#include "backends/cuda_like/error.h"

#include <algorithm>

#include "backends/cuda_like/driver.h"

namespace sampan::cuda_like {
namespace {

struct CodeRow {
  Result code;
  sampan_code_t meaning;
  const char* remedy;           // ends the sentence
  bool breaks_context = false;  // of the driver for good
};

constexpr const char* kFreeDevice = "free device memory and try again";
constexpr const char* kWrongCode =
    "the code is damaged or made for another device or driver; build it anew";
constexpr const char* kLost = "the device is lost; close it and open it again";
constexpr const char* kAccess = "a kernel or a copy touched memory that it may not";
constexpr const char* kKernel = "a kernel failed while it ran";

// HIP took the numbers from CUDA (cuda.h 13.0, hip_runtime_api.h 5.2). What isn't listed is a
// DRIVER_ERROR.
constexpr CodeRow kCodes[] = {
    {1, SAMPAN_INVALID_ARGUMENT, "the driver doesn't take one of the values"},
    {2, SAMPAN_OUT_OF_DEVICE_MEMORY, kFreeDevice},
    {4, SAMPAN_DEVICE_LOST, "the driver is shutting down", true},
    {9, SAMPAN_INVALID_ARGUMENT, "the device takes no such grid or group"},
    {46, SAMPAN_DEVICE_LOST, kLost, true},
    {53, SAMPAN_LAUNCH_FAILED, kKernel, true},
    {98, SAMPAN_NOT_FOUND, "the module has no kernel of that name"},
    {100, SAMPAN_NOT_FOUND, "there is no such device"},
    {101, SAMPAN_NOT_FOUND, "there is no such device"},
    {200, SAMPAN_INVALID_BINARY, kWrongCode},
    {201, SAMPAN_DRIVER_ERROR, "the context isn't valid"},
    {209, SAMPAN_INVALID_BINARY, "the code holds nothing for this device; build it for its ISA"},
    {214, SAMPAN_DEVICE_LOST, "the device's memory is faulty", true},
    {217, SAMPAN_UNSUPPORTED, "the devices can't reach each other"},
    {218, SAMPAN_INVALID_BINARY, kWrongCode},
    {220, SAMPAN_DEVICE_LOST, "the link between devices is faulty", true},
    {221, SAMPAN_UNSUPPORTED, "the driver's compiler is missing; load code built for the device"},
    {222, SAMPAN_INVALID_BINARY,
     "the PTX is newer than this driver; update the driver or build for the device"},
    {226, SAMPAN_DEVICE_LOST, kLost, true},
    {300, SAMPAN_INVALID_BINARY, kWrongCode},
    {301, SAMPAN_NOT_FOUND, ""},
    {302, SAMPAN_INVALID_BINARY, kWrongCode},
    {303, SAMPAN_INVALID_BINARY, kWrongCode},
    {304, SAMPAN_OUT_OF_HOST_MEMORY, "the system refused; free host memory and try again"},
    {500, SAMPAN_NOT_FOUND, ""},
    {700, SAMPAN_ILLEGAL_ACCESS, kAccess, true},
    {701, SAMPAN_LAUNCH_FAILED, "the kernel needs more registers or local memory than there are"},
    {702, SAMPAN_LAUNCH_FAILED, "a kernel ran into the system's time limit", true},
    {709, SAMPAN_DEVICE_LOST, "somebody in this process destroyed the device's context", true},
    {710, SAMPAN_LAUNCH_FAILED, "an assertion in a kernel failed", true},
    {712, SAMPAN_UNSUPPORTED, "a page of it is registered already"},
    {714, SAMPAN_LAUNCH_FAILED, kKernel, true},
    {715, SAMPAN_LAUNCH_FAILED, "a kernel ran an instruction that the device lacks", true},
    {716, SAMPAN_ILLEGAL_ACCESS, "a kernel used an address of the wrong alignment", true},
    {717, SAMPAN_ILLEGAL_ACCESS, kAccess, true},
    {718, SAMPAN_ILLEGAL_ACCESS, kAccess, true},
    {719, SAMPAN_LAUNCH_FAILED, kKernel, true},
    {720, SAMPAN_UNSUPPORTED, "the device can't run all groups of this grid at once"},
    {801, SAMPAN_UNSUPPORTED, "this driver or device can't"},
    {802, SAMPAN_DEVICE_LOST, kLost},
    {909, SAMPAN_LAUNCH_FAILED, "the driver gave up waiting", true},
};

const CodeRow* row_of(Result code) noexcept {
  const auto* const found = std::ranges::find(kCodes, code, &CodeRow::code);
  return found == std::end(kCodes) ? nullptr : found;
}

std::uint32_t flags_of(sampan_code_t code, bool breaks) {
  if (code == SAMPAN_DEVICE_LOST) return SAMPAN_ERROR_STICKY | SAMPAN_ERROR_DEVICE_LOST;
  if (breaks) return SAMPAN_ERROR_STICKY;
  const bool memory = code == SAMPAN_OUT_OF_DEVICE_MEMORY || code == SAMPAN_OUT_OF_HOST_MEMORY;
  return memory ? std::uint32_t{SAMPAN_ERROR_RETRYABLE} : 0u;
}

}  // namespace

// Some codes mean something else where they come from.
sampan_code_t meaning_of(Result code, During during) noexcept {
  const CodeRow* const row = row_of(code);
  if (row == nullptr) return SAMPAN_DRIVER_ERROR;
  const bool argument = row->meaning == SAMPAN_INVALID_ARGUMENT;
  if (argument && during == During::kBuild) return SAMPAN_INVALID_BINARY;
  // The host has checked the arguments of everything else.
  if (argument && during != During::kSubmission) return SAMPAN_DRIVER_ERROR;
  return row->meaning;
}

bool breaks_context(Result code) noexcept {
  const CodeRow* const row = row_of(code);
  return row != nullptr && row->breaks_context;
}

Failure failure_of(Result code, const char* call, During during, std::string_view doing) {
  const CodeRow* const row = row_of(code);
  const sampan_code_t meaning = meaning_of(code, during);
  std::string message = std::string(doing) + " failed: " + call + " returned " +
                        shape().error_name(code) + " (" + std::to_string(code) + ")";
  if (row != nullptr && *row->remedy != '\0') message += std::string("; ") + row->remedy;
  Failure failure(meaning, std::move(message));
  failure.flags = flags_of(meaning, breaks_context(code));
  failure.driver_code = code;
  failure.driver_call = call;
  return failure;
}

}  // namespace sampan::cuda_like
