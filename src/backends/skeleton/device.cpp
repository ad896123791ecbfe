#include "backends/skeleton/device.h"

#include "backends/skeleton/error.h"

namespace sampan::skeleton {
namespace {

// Enumerate once, or at each call where devices come and go. Answering 0 devices is no error;
// answer NOT_FOUND with a sentence where the user would want to know why (no driver: what to
// install).
sampan_code_t count(uint32_t* out_count, sampan_error_t*) {
  *out_count = 0;
  return SAMPAN_OK;
}

// Fill min(out->size, sizeof *out) bytes. `language` decides which text `module.load` is given,
// `tile_class` the row of kernels/tuning that portable kernels start from.
sampan_code_t describe(uint32_t, sampan_device_info_t*, sampan_error_t* error) {
  return report(error, SAMPAN_NOT_FOUND, "The skeleton backend has no device");
}

sampan_code_t open(uint32_t, sampan_device_t**, sampan_error_t* error) {
  return report(error, SAMPAN_NOT_FOUND, "The skeleton backend has no device");
}

void close(sampan_device_t*) {}

sampan_code_t memory_info(sampan_device_t*, uint64_t*, uint64_t*, sampan_error_t* error) {
  return unsupported(error, "device.memory_info");
}

// Remember a lost device in the handle and answer from there; this is called often.
sampan_code_t status(sampan_device_t*, sampan_error_t* error) {
  return unsupported(error, "device.status");
}

sampan_code_t native(sampan_device_t*, void**, sampan_error_t* error) {
  return unsupported(error, "device.native");
}

// Read CLOCK_MONOTONIC before and after the device's clock and take the middle of the narrowest
// of a few tries.
sampan_code_t clock(sampan_device_t*, uint64_t*, uint64_t*, sampan_error_t* error) {
  return unsupported(error, "device.clock");
}

}  // namespace

const sampan_device_table_t kDeviceTable = {
    .size = sizeof(sampan_device_table_t),
    .reserved = 0,
    .count = count,
    .describe = describe,
    .open = open,
    .close = close,
    .memory_info = memory_info,
    .status = status,
    .native = native,
    .clock = clock,
};

}  // namespace sampan::skeleton
