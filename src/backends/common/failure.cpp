#include "backends/common/failure.h"

#include <new>

#include "backends/common/text.h"

namespace sampan::common {
namespace {

// Starts a record anew: everything but what the caller owns.
void clear(sampan_error_t* error, sampan_code_t code) {
  error->code = code;
  error->flags = 0;
  error->driver_code = 0;
  error->sequence = 0;
  error->driver_call[0] = '\0';
  error->kernel[0] = '\0';
  error->message[0] = '\0';
  if (error->detail != nullptr && error->detail_bytes > 0) error->detail[0] = '\0';
}

}  // namespace

sampan_code_t write_failure(const Failure& failure, sampan_error_t* error) noexcept {
  clear(error, failure.code);
  error->flags = failure.flags;
  error->driver_code = failure.driver_code;
  error->sequence = failure.sequence;
  copy_text(failure.driver_call, error->driver_call, sizeof error->driver_call);
  copy_text(failure.kernel, error->kernel, sizeof error->kernel);
  copy_text(failure.message, error->message, sizeof error->message);
  if (error->detail != nullptr) copy_text(failure.detail, error->detail, error->detail_bytes);
  return failure.code;
}

sampan_code_t write_current_exception(sampan_error_t* error) noexcept {
  try {
    throw;
  } catch (const Failure& failure) {
    return write_failure(failure, error);
  } catch (const std::bad_alloc&) {
    clear(error, SAMPAN_OUT_OF_HOST_MEMORY);
    error->flags = SAMPAN_ERROR_RETRYABLE;
    copy_text("The backend found no host memory; free some and try again", error->message,
              sizeof error->message);
  } catch (const std::exception& other) {
    clear(error, SAMPAN_INTERNAL);
    copy_text(other.what(), error->message, sizeof error->message);
  } catch (...) {
    clear(error, SAMPAN_INTERNAL);
    copy_text("An unknown exception in the backend", error->message, sizeof error->message);
  }
  return error->code;
}

sampan_code_t write_not_ready(sampan_error_t* error) noexcept {
  clear(error, SAMPAN_NOT_READY);
  copy_text("The work has not completed", error->message, sizeof error->message);
  return SAMPAN_NOT_READY;
}

}  // namespace sampan::common
