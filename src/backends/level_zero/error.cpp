#include "backends/level_zero/error.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

namespace sampan::level_zero {
namespace {

struct CodeRow {
  ze::Result code;
  const char* name;
  sampan_code_t meaning;  // where `meaning_of` doesn't know better
  const char* remedy;     // ends the sentence
};

// Names and numbers: oneAPI Level Zero specification, ze_result_t.
constexpr CodeRow kCodes[] = {
    {0x1, "ZE_RESULT_NOT_READY", SAMPAN_DRIVER_ERROR, ""},
    {0x70000001, "ZE_RESULT_ERROR_DEVICE_LOST", SAMPAN_DEVICE_LOST,
     "the device is lost; close it and open it again"},
    {0x70000002, "ZE_RESULT_ERROR_OUT_OF_HOST_MEMORY", SAMPAN_OUT_OF_HOST_MEMORY,
     "free host memory and try again"},
    {0x70000003, "ZE_RESULT_ERROR_OUT_OF_DEVICE_MEMORY", SAMPAN_OUT_OF_DEVICE_MEMORY,
     "free device memory and try again"},
    {0x70000004, "ZE_RESULT_ERROR_MODULE_BUILD_FAILURE", SAMPAN_COMPILE_FAILED,
     "see the build log"},
    {0x70000005, "ZE_RESULT_ERROR_MODULE_LINK_FAILURE", SAMPAN_COMPILE_FAILED, "see the build log"},
    {0x70000006, "ZE_RESULT_ERROR_DEVICE_REQUIRES_RESET", SAMPAN_DEVICE_LOST,
     "the device must be reset"},
    {0x70000007, "ZE_RESULT_ERROR_DEVICE_IN_LOW_POWER_STATE", SAMPAN_DRIVER_ERROR,
     "the device sleeps; wake it up"},
    {0x70010000, "ZE_RESULT_ERROR_INSUFFICIENT_PERMISSIONS", SAMPAN_DRIVER_ERROR,
     "this user may not use the device"},
    {0x70010001, "ZE_RESULT_ERROR_NOT_AVAILABLE", SAMPAN_DRIVER_ERROR,
     "another program uses the device alone"},
    {0x70020000, "ZE_RESULT_ERROR_DEPENDENCY_UNAVAILABLE", SAMPAN_DRIVER_ERROR,
     "a library that the driver needs is missing"},
    {0x78000001, "ZE_RESULT_ERROR_UNINITIALIZED", SAMPAN_DRIVER_ERROR,
     "the driver isn't initialised"},
    {0x78000002, "ZE_RESULT_ERROR_UNSUPPORTED_VERSION", SAMPAN_UNSUPPORTED,
     "the driver is too old for this"},
    {0x78000003, "ZE_RESULT_ERROR_UNSUPPORTED_FEATURE", SAMPAN_UNSUPPORTED,
     "the device or its driver can't"},
    {0x78000004, "ZE_RESULT_ERROR_INVALID_ARGUMENT", SAMPAN_INVALID_ARGUMENT, ""},
    {0x78000005, "ZE_RESULT_ERROR_INVALID_NULL_HANDLE", SAMPAN_DRIVER_ERROR, ""},
    {0x78000006, "ZE_RESULT_ERROR_HANDLE_OBJECT_IN_USE", SAMPAN_DRIVER_ERROR, ""},
    {0x78000007, "ZE_RESULT_ERROR_INVALID_NULL_POINTER", SAMPAN_DRIVER_ERROR, ""},
    {0x78000008, "ZE_RESULT_ERROR_INVALID_SIZE", SAMPAN_DRIVER_ERROR, ""},
    {0x78000009, "ZE_RESULT_ERROR_UNSUPPORTED_SIZE", SAMPAN_OUT_OF_DEVICE_MEMORY,
     "the device takes no single allocation so large"},
    {0x7800000a, "ZE_RESULT_ERROR_UNSUPPORTED_ALIGNMENT", SAMPAN_DRIVER_ERROR, ""},
    {0x7800000b, "ZE_RESULT_ERROR_INVALID_SYNCHRONIZATION_OBJECT", SAMPAN_DRIVER_ERROR, ""},
    {0x7800000c, "ZE_RESULT_ERROR_INVALID_ENUMERATION", SAMPAN_DRIVER_ERROR, ""},
    {0x7800000d, "ZE_RESULT_ERROR_UNSUPPORTED_ENUMERATION", SAMPAN_UNSUPPORTED,
     "the device or its driver can't"},
    {0x7800000f, "ZE_RESULT_ERROR_INVALID_NATIVE_BINARY", SAMPAN_INVALID_BINARY,
     "the code is damaged or made for another device or driver; build it anew"},
    {0x78000011, "ZE_RESULT_ERROR_INVALID_KERNEL_NAME", SAMPAN_NOT_FOUND,
     "the module has no kernel of that name"},
    {0x78000013, "ZE_RESULT_ERROR_INVALID_GROUP_SIZE_DIMENSION", SAMPAN_INVALID_ARGUMENT,
     "the kernel fixes another group size, or the device takes no group so large"},
    {0x78000014, "ZE_RESULT_ERROR_INVALID_GLOBAL_WIDTH_DIMENSION", SAMPAN_INVALID_ARGUMENT,
     "the grid is too large"},
    {0x78000015, "ZE_RESULT_ERROR_INVALID_KERNEL_ARGUMENT_INDEX", SAMPAN_INVALID_ARGUMENT,
     "the kernel takes fewer arguments"},
    {0x78000016, "ZE_RESULT_ERROR_INVALID_KERNEL_ARGUMENT_SIZE", SAMPAN_INVALID_ARGUMENT,
     "the argument has another size"},
    {0x78000017, "ZE_RESULT_ERROR_INVALID_KERNEL_ATTRIBUTE_VALUE", SAMPAN_INVALID_ARGUMENT, ""},
    {0x78000018, "ZE_RESULT_ERROR_INVALID_MODULE_UNLINKED", SAMPAN_INVALID_BINARY,
     "the code needs another module"},
    {0x78000019, "ZE_RESULT_ERROR_INVALID_COMMAND_LIST_TYPE", SAMPAN_DRIVER_ERROR, ""},
    {0x7800001a, "ZE_RESULT_ERROR_OVERLAPPING_REGIONS", SAMPAN_INVALID_ARGUMENT,
     "source and destination overlap"},
    {0x7ffffffe, "ZE_RESULT_ERROR_UNKNOWN", SAMPAN_DRIVER_ERROR, ""},
};

const CodeRow* row_of(ze::Result code) {
  const auto* const found = std::ranges::find(kCodes, code, &CodeRow::code);
  return found == std::end(kCodes) ? nullptr : found;
}

// An argument that the driver refuses is the caller's mistake only where the caller chose it.
sampan_code_t meaning_of(const CodeRow* row, During during) {
  if (row == nullptr) return SAMPAN_DRIVER_ERROR;
  const bool callers = during == During::kSubmission || during == During::kBuild;
  return row->meaning == SAMPAN_INVALID_ARGUMENT && !callers ? sampan_code_t{SAMPAN_DRIVER_ERROR}
                                                             : row->meaning;
}

std::uint32_t flags_of(sampan_code_t code, During during) {
  if (code == SAMPAN_DEVICE_LOST) return SAMPAN_ERROR_STICKY | SAMPAN_ERROR_DEVICE_LOST;
  if (during == During::kExecution) return SAMPAN_ERROR_STICKY;
  const bool memory = code == SAMPAN_OUT_OF_DEVICE_MEMORY || code == SAMPAN_OUT_OF_HOST_MEMORY;
  return memory ? std::uint32_t{SAMPAN_ERROR_RETRYABLE} : 0u;
}

std::string number_of(ze::Result code) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", code);
  return text;
}

}  // namespace

std::string code_name(ze::Result code) {
  const CodeRow* const row = row_of(code);
  return row != nullptr ? row->name : "Level Zero error " + number_of(code);
}

Failure failure_of(ze::Result code, const char* call, During during, std::string_view doing) {
  const CodeRow* const row = row_of(code);
  const sampan_code_t meaning = meaning_of(row, during);
  std::string message = std::string(doing) + " failed: " + call + " returned " + code_name(code) +
                        " (" + number_of(code) + ")";
  if (row != nullptr && *row->remedy != '\0') message += std::string("; ") + row->remedy;
  Failure failure(meaning, std::move(message));
  failure.flags = flags_of(meaning, during);
  failure.driver_code = code;
  failure.driver_call = call;
  return failure;
}

}  // namespace sampan::level_zero
