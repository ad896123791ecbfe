#include "backends/skeleton/error.h"

#include <cstdio>

namespace sampan::skeleton {

sampan_code_t report(sampan_error_t* error, sampan_code_t code, const char* message) {
  error->code = code;
  error->flags = 0;
  error->driver_code = 0;
  error->sequence = 0;
  error->driver_call[0] = '\0';
  error->kernel[0] = '\0';
  std::snprintf(error->message, sizeof error->message, "%s", message);
  if (error->detail != nullptr && error->detail_bytes > 0) error->detail[0] = '\0';
  return code;
}

sampan_code_t unsupported(sampan_error_t* error, const char* what) {
  char message[128];
  std::snprintf(message, sizeof message, "The skeleton backend has no %s; it drives no device",
                what);
  return report(error, SAMPAN_UNSUPPORTED, message);
}

}  // namespace sampan::skeleton
