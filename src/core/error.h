#pragma once

#include <string>
#include <string_view>

#include "sampan/error.h"
#include "sampan/plugin/backend.h"

namespace sampan::core {

/// The error record of one call into a backend, with room for a build log if asked for.
class ErrorRecord {
 public:
  ErrorRecord() noexcept { reset(nullptr, 0); }
  explicit ErrorRecord(std::string& detail) noexcept { reset(detail.data(), detail.size()); }

  [[nodiscard]] sampan_error_t* raw() noexcept { return &raw_; }
  [[nodiscard]] const sampan_error_t& get() const noexcept { return raw_; }

 private:
  // Only the words that a backend may leave alone: clearing 800 bytes would show in every launch.
  void reset(char* detail, std::size_t bytes) noexcept;

  sampan_error_t raw_;
};

/// What a backend reported. Codes from a newer minor become driver_error, with the number kept.
[[nodiscard]] ErrorInfo to_info(sampan_code_t code, const sampan_error_t& raw,
                                std::string_view backend);

[[noreturn]] void throw_error(sampan_code_t code, const sampan_error_t& raw,
                              std::string_view backend);

/// Throws unless `code` is SAMPAN_OK.
inline void check(sampan_code_t code, ErrorRecord& record, std::string_view backend) {
  if (code != SAMPAN_OK) [[unlikely]]
    throw_error(code, record.get(), backend);
}

[[noreturn]] void throw_invalid(std::string message);
[[noreturn]] void throw_unsupported(std::string message);

}  // namespace sampan::core
