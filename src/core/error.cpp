#include "core/error.h"

#include <cstring>
#include <utility>

namespace sampan {

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::out_of_device_memory:
      return "out_of_device_memory";
    case ErrorCode::out_of_host_memory:
      return "out_of_host_memory";
    case ErrorCode::device_lost:
      return "device_lost";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::compile_failed:
      return "compile_failed";
    case ErrorCode::invalid_binary:
      return "invalid_binary";
    case ErrorCode::launch_failed:
      return "launch_failed";
    case ErrorCode::illegal_access:
      return "illegal_access";
    case ErrorCode::timeout:
      return "timeout";
    case ErrorCode::not_ready:
      return "not_ready";
    case ErrorCode::driver_error:
      return "driver_error";
    case ErrorCode::internal:
      return "internal";
  }
  return "unknown";
}

namespace {

std::string line(const ErrorInfo& info) {
  std::string text(to_string(info.code));
  if (!info.backend.empty()) text += " [" + info.backend + "]";
  text += ": " + info.message;
  if (!info.kernel.empty()) {
    text += " (kernel '" + info.kernel + "', launch " + std::to_string(info.sequence) + ")";
  }
  if (!info.driver_call.empty()) {
    text += " (" + info.driver_call + " returned " + std::to_string(info.driver_code) + ")";
  }
  return text;
}

ErrorInfo plain(ErrorCode code, std::string message) {
  ErrorInfo info;
  info.code = code;
  info.message = std::move(message);
  info.device_lost = code == ErrorCode::device_lost;
  return info;
}

// A plug-in's array may lack its terminating zero.
template <std::size_t N>
std::string text_of(const char (&array)[N]) {
  return {array, strnlen(array, N)};
}

}  // namespace

Error::Error(ErrorInfo info)
    : std::runtime_error(line(info)), info_(std::make_shared<const ErrorInfo>(std::move(info))) {}
Error::Error(ErrorCode code, std::string message) : Error(plain(code, std::move(message))) {}

namespace core {

void ErrorRecord::reset(char* detail, std::size_t bytes) noexcept {
  raw_.size = sizeof(raw_);
  raw_.code = SAMPAN_OK;
  raw_.flags = 0;
  raw_.reserved = 0;
  raw_.driver_code = 0;
  raw_.sequence = 0;
  raw_.driver_call[0] = raw_.kernel[0] = raw_.message[0] = '\0';
  raw_.detail = bytes > 0 ? detail : nullptr;
  raw_.detail_bytes = bytes;
  if (bytes > 0) detail[0] = '\0';
}

ErrorInfo to_info(sampan_code_t code, const sampan_error_t& raw, std::string_view backend) {
  ErrorInfo info;
  info.backend = backend;
  info.message = text_of(raw.message);
  info.driver_call = text_of(raw.driver_call);
  info.driver_code = raw.driver_code;
  info.kernel = text_of(raw.kernel);
  info.sequence = raw.sequence;
  if (raw.detail != nullptr) info.detail = raw.detail;
  info.code = static_cast<ErrorCode>(code);
  if (to_string(info.code) == "unknown") {
    info.code = ErrorCode::driver_error;
    info.message += " (code " + std::to_string(code) + " of a newer plug-in)";
  }
  if (info.message.empty()) info.message = "the backend gave no message";
  info.retryable = (raw.flags & SAMPAN_ERROR_RETRYABLE) != 0;
  info.sticky = (raw.flags & SAMPAN_ERROR_STICKY) != 0;
  info.device_lost =
      (raw.flags & SAMPAN_ERROR_DEVICE_LOST) != 0 || info.code == ErrorCode::device_lost;
  return info;
}

void throw_error(sampan_code_t code, const sampan_error_t& raw, std::string_view backend) {
  throw Error(to_info(code, raw, backend));
}

void throw_invalid(std::string message) {
  throw Error(ErrorCode::invalid_argument, std::move(message));
}
void throw_unsupported(std::string message) {
  throw Error(ErrorCode::unsupported, std::move(message));
}

}  // namespace core
}  // namespace sampan
