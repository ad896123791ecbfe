#include "backends/skeleton/module.h"

#include "backends/skeleton/error.h"

namespace sampan::skeleton {
namespace {

// SOURCE comes in the device's language with the dialect's headers spliced in. Compile with
// desc->options and the device's compile_options; put the compiler's log into error->detail and
// its first error into the message. Keep results with `backends/common/code_cache.h`: everything
// that decides them is a field of the key.
sampan_code_t load(sampan_device_t*, const sampan_module_desc_t*, sampan_module_t**,
                   sampan_error_t* error) {
  return unsupported(error, "module.load");
}

void unload(sampan_module_t*) {}

sampan_code_t kernel(sampan_module_t*, const char*, sampan_kernel_t**, sampan_error_t* error) {
  return unsupported(error, "module.kernel");
}

sampan_code_t kernel_info(sampan_kernel_t*, sampan_kernel_info_t*, sampan_error_t* error) {
  return unsupported(error, "module.kernel_info");
}

sampan_code_t binary(sampan_module_t*, void (*)(void*, const void*, uint64_t), void*,
                     sampan_error_t* error) {
  return unsupported(error, "module.binary");
}

}  // namespace

const sampan_module_table_t kModuleTable = {
    .size = sizeof(sampan_module_table_t),
    .reserved = 0,
    .load = load,
    .unload = unload,
    .kernel = kernel,
    .kernel_info = kernel_info,
    .binary = binary,
};

}  // namespace sampan::skeleton
