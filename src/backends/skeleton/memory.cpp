#include "backends/skeleton/memory.h"

#include "backends/skeleton/error.h"

namespace sampan::skeleton {
namespace {

// Running out is OUT_OF_DEVICE_MEMORY with SAMPAN_ERROR_RETRYABLE: the host then trims its pool
// and asks again.
sampan_code_t allocate(sampan_device_t*, uint32_t, uint64_t, sampan_memory_t**,
                       sampan_error_t* error) {
  return unsupported(error, "memory.allocate");
}

sampan_code_t register_host(sampan_device_t*, void*, uint64_t, sampan_memory_t**,
                            sampan_error_t* error) {
  return unsupported(error, "memory.register_host");
}

sampan_code_t wrap(sampan_device_t*, void*, uint64_t, sampan_memory_t**, sampan_error_t* error) {
  return unsupported(error, "memory.wrap");
}

void release(sampan_memory_t*) {}

sampan_code_t host_address(sampan_memory_t*, void**, sampan_error_t* error) {
  return unsupported(error, "memory.host_address");
}

sampan_code_t native(sampan_memory_t*, void**, sampan_error_t* error) {
  return unsupported(error, "memory.native");
}

}  // namespace

const sampan_memory_table_t kMemoryTable = {
    .size = sizeof(sampan_memory_table_t),
    .reserved = 0,
    .allocate = allocate,
    .register_host = register_host,
    .wrap = wrap,
    .release = release,
    .host_address = host_address,
    .native = native,
};

}  // namespace sampan::skeleton
