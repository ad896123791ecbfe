#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sampan {

/// What went wrong. The values are those of the plug-in ABI (plugin/backend.h), which explains
/// each.
enum class ErrorCode : std::int32_t {
  invalid_argument = 1,
  unsupported = 2,
  out_of_device_memory = 3,
  out_of_host_memory = 4,
  device_lost = 5,
  not_found = 6,
  compile_failed = 7,
  invalid_binary = 8,
  launch_failed = 9,
  illegal_access = 10,
  timeout = 11,
  not_ready = 12,
  driver_error = 13,
  internal = 14,
};

/// "out_of_device_memory"; "unknown" for a value from a newer plug-in.
[[nodiscard]] std::string_view to_string(ErrorCode code) noexcept;

/// Everything known about a failure. Plain data; `Error` carries it.
struct ErrorInfo {
  ErrorCode code = ErrorCode::internal;
  std::string message;      ///< One sentence: the cause and the way out.
  std::string backend;      ///< "opencl"; empty if no backend took part.
  std::string driver_call;  ///< "clEnqueueNDRangeKernel"; empty if no driver call failed.
  std::int64_t driver_code = 0;
  std::string kernel;  ///< Kernel of the launch that failed, for asynchronous failures.
  std::uint64_t sequence =
      0;                     ///< That launch's number on its stream (`Stream::launch` returns it).
  std::string detail;        ///< Long text, a build log for instance.
  bool retryable = false;    ///< The same call may succeed later.
  bool sticky = false;       ///< The stream (or device) stays failed.
  bool device_lost = false;  ///< `Device::reopen` is the way on.
};

/// The one exception type of Sampan. Cheap to copy. `what()` is a full line: code, backend,
/// message, driver call and code.
class Error : public std::runtime_error {
 public:
  explicit Error(ErrorInfo info);
  Error(ErrorCode code, std::string message);

  [[nodiscard]] ErrorCode code() const noexcept { return info_->code; }
  [[nodiscard]] const ErrorInfo& info() const noexcept { return *info_; }

 private:
  std::shared_ptr<const ErrorInfo> info_;
};

}  // namespace sampan
