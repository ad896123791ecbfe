#include "backends/opencl/error.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>

#include "backends/opencl/text.h"

namespace sampan::opencl {
namespace {

struct CodeRow {
  cl::Int code;
  const char* name;
  sampan_code_t meaning;  // where `adjusted` doesn't know better
  const char* remedy;     // ends the sentence
};

// Names and numbers: OpenCL 3.0 API specification, appendix F; cl_khr_icd; NVIDIA's -9999 is
// undocumented and seen where a kernel or copy leaves its memory.
constexpr CodeRow kCodes[] = {
    {-1, "CL_DEVICE_NOT_FOUND", SAMPAN_NOT_FOUND, "the platform has no such device"},
    {-2, "CL_DEVICE_NOT_AVAILABLE", SAMPAN_DEVICE_LOST,
     "the device is lost; close it and open it again"},
    {-3, "CL_COMPILER_NOT_AVAILABLE", SAMPAN_UNSUPPORTED,
     "the driver has no compiler; load native code instead"},
    {-4, "CL_MEM_OBJECT_ALLOCATION_FAILURE", SAMPAN_OUT_OF_DEVICE_MEMORY,
     "free device memory and try again"},
    {-5, "CL_OUT_OF_RESOURCES", SAMPAN_OUT_OF_DEVICE_MEMORY, "free device memory and try again"},
    {-6, "CL_OUT_OF_HOST_MEMORY", SAMPAN_OUT_OF_HOST_MEMORY, "free host memory and try again"},
    {-7, "CL_PROFILING_INFO_NOT_AVAILABLE", SAMPAN_DRIVER_ERROR, ""},
    {-8, "CL_MEM_COPY_OVERLAP", SAMPAN_INVALID_ARGUMENT, "source and destination overlap"},
    {-11, "CL_BUILD_PROGRAM_FAILURE", SAMPAN_COMPILE_FAILED, "see the build log"},
    {-12, "CL_MAP_FAILURE", SAMPAN_DRIVER_ERROR, ""},
    {-13, "CL_MISALIGNED_SUB_BUFFER_OFFSET", SAMPAN_INVALID_ARGUMENT,
     "offsets must be multiples of the device's offset_alignment_bytes"},
    {-14, "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST", SAMPAN_LAUNCH_FAILED,
     "work that it waited for has failed"},
    {-15, "CL_COMPILE_PROGRAM_FAILURE", SAMPAN_COMPILE_FAILED, "see the build log"},
    {-16, "CL_LINKER_NOT_AVAILABLE", SAMPAN_UNSUPPORTED, "the driver has no linker"},
    {-17, "CL_LINK_PROGRAM_FAILURE", SAMPAN_COMPILE_FAILED, "see the build log"},
    {-30, "CL_INVALID_VALUE", SAMPAN_DRIVER_ERROR, ""},
    {-32, "CL_INVALID_PLATFORM", SAMPAN_DRIVER_ERROR, ""},
    {-33, "CL_INVALID_DEVICE", SAMPAN_DRIVER_ERROR, ""},
    {-34, "CL_INVALID_CONTEXT", SAMPAN_DRIVER_ERROR, ""},
    {-35, "CL_INVALID_QUEUE_PROPERTIES", SAMPAN_DRIVER_ERROR, ""},
    {-36, "CL_INVALID_COMMAND_QUEUE", SAMPAN_DRIVER_ERROR, ""},
    {-37, "CL_INVALID_HOST_PTR", SAMPAN_DRIVER_ERROR, ""},
    {-38, "CL_INVALID_MEM_OBJECT", SAMPAN_DRIVER_ERROR, ""},
    {-42, "CL_INVALID_BINARY", SAMPAN_INVALID_BINARY,
     "the code is damaged or made for another device or driver; build it anew"},
    {-43, "CL_INVALID_BUILD_OPTIONS", SAMPAN_COMPILE_FAILED,
     "the compiler doesn't take these options"},
    {-44, "CL_INVALID_PROGRAM", SAMPAN_INVALID_BINARY,
     "the code is damaged or made for another device or driver; build it anew"},
    {-45, "CL_INVALID_PROGRAM_EXECUTABLE", SAMPAN_INVALID_BINARY,
     "the code holds nothing that this device can run"},
    {-46, "CL_INVALID_KERNEL_NAME", SAMPAN_NOT_FOUND, "the module has no kernel of that name"},
    {-47, "CL_INVALID_KERNEL_DEFINITION", SAMPAN_DRIVER_ERROR, ""},
    {-48, "CL_INVALID_KERNEL", SAMPAN_DRIVER_ERROR, ""},
    {-49, "CL_INVALID_ARG_INDEX", SAMPAN_INVALID_ARGUMENT, "the kernel takes fewer arguments"},
    {-50, "CL_INVALID_ARG_VALUE", SAMPAN_INVALID_ARGUMENT, "the argument is of another kind"},
    {-51, "CL_INVALID_ARG_SIZE", SAMPAN_INVALID_ARGUMENT, "the argument has another size"},
    {-52, "CL_INVALID_KERNEL_ARGS", SAMPAN_INVALID_ARGUMENT, "the kernel takes more arguments"},
    {-53, "CL_INVALID_WORK_DIMENSION", SAMPAN_INVALID_ARGUMENT, ""},
    {-54, "CL_INVALID_WORK_GROUP_SIZE", SAMPAN_INVALID_ARGUMENT,
     "the kernel fixes another group size, or the device takes no group so large"},
    {-55, "CL_INVALID_WORK_ITEM_SIZE", SAMPAN_INVALID_ARGUMENT,
     "the device takes no group so large"},
    {-57, "CL_INVALID_EVENT_WAIT_LIST", SAMPAN_DRIVER_ERROR, ""},
    {-58, "CL_INVALID_EVENT", SAMPAN_DRIVER_ERROR, ""},
    {-59, "CL_INVALID_OPERATION", SAMPAN_DRIVER_ERROR, ""},
    {-61, "CL_INVALID_BUFFER_SIZE", SAMPAN_OUT_OF_DEVICE_MEMORY,
     "the device takes no single allocation so large"},
    {-63, "CL_INVALID_GLOBAL_WORK_SIZE", SAMPAN_INVALID_ARGUMENT, "the grid is too large"},
    {-64, "CL_INVALID_PROPERTY", SAMPAN_DRIVER_ERROR, ""},
    {-1001, "CL_PLATFORM_NOT_FOUND_KHR", SAMPAN_NOT_FOUND, "no OpenCL driver is installed"},
    {-1138, "CL_INVALID_COMMAND_BUFFER_KHR", SAMPAN_DRIVER_ERROR, ""},
    {-1139, "CL_INVALID_SYNC_POINT_WAIT_LIST_KHR", SAMPAN_DRIVER_ERROR, ""},
    {-1140, "CL_INCOMPATIBLE_COMMAND_QUEUE_KHR", SAMPAN_DRIVER_ERROR, ""},
    {-9999, "NVIDIA's unnamed code", SAMPAN_ILLEGAL_ACCESS,
     "a kernel or a copy touched memory that it may not"},
};

const CodeRow* row_of(cl::Int code) {
  const auto* const found = std::ranges::find(kCodes, code, &CodeRow::code);
  return found == std::end(kCodes) ? nullptr : found;
}

// Running work reports what a kernel did wrong through the codes of exhausted resources.
bool blames_kernel(cl::Int code, During during) {
  return during == During::kExecution && code == cl::kOutOfResources;
}

std::uint32_t flags_of(sampan_code_t code, During during) {
  if (code == SAMPAN_DEVICE_LOST) return SAMPAN_ERROR_STICKY | SAMPAN_ERROR_DEVICE_LOST;
  if (during == During::kExecution) return SAMPAN_ERROR_STICKY;
  const bool memory = code == SAMPAN_OUT_OF_DEVICE_MEMORY || code == SAMPAN_OUT_OF_HOST_MEMORY;
  return memory ? std::uint32_t{SAMPAN_ERROR_RETRYABLE} : 0u;
}

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

std::string code_name(cl::Int code) {
  const CodeRow* const row = row_of(code);
  return row != nullptr ? row->name : "OpenCL error " + std::to_string(code);
}

Failure failure_of(cl::Int code, const char* call, During during, std::string_view doing) {
  const CodeRow* const row = row_of(code);
  sampan_code_t meaning = row != nullptr ? row->meaning : sampan_code_t{SAMPAN_DRIVER_ERROR};
  std::string remedy = row != nullptr ? row->remedy : "";
  if (blames_kernel(code, during)) {
    meaning = SAMPAN_LAUNCH_FAILED;
    remedy = "a kernel needs more than the device has, or touched memory that it may not";
  } else if (during == During::kExecution && meaning == SAMPAN_INVALID_ARGUMENT) {
    meaning = SAMPAN_DRIVER_ERROR;
  }
  std::string message = std::string(doing) + " failed: " + call + " returned " + code_name(code) +
                        " (" + std::to_string(code) + ")";
  if (!remedy.empty()) message += "; " + remedy;
  Failure failure(meaning, std::move(message));
  failure.flags = flags_of(meaning, during);
  failure.driver_code = code;
  failure.driver_call = call;
  return failure;
}

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
    copy_text("The OpenCL backend found no host memory; free some and try again", error->message,
              sizeof error->message);
  } catch (const std::exception& other) {
    clear(error, SAMPAN_INTERNAL);
    copy_text(other.what(), error->message, sizeof error->message);
  } catch (...) {
    clear(error, SAMPAN_INTERNAL);
    copy_text("An unknown exception in the OpenCL backend", error->message, sizeof error->message);
  }
  return error->code;
}

sampan_code_t write_not_ready(sampan_error_t* error) noexcept {
  clear(error, SAMPAN_NOT_READY);
  copy_text("The work has not completed", error->message, sizeof error->message);
  return SAMPAN_NOT_READY;
}

}  // namespace sampan::opencl
