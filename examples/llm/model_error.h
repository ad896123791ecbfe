#pragma once

#include <concepts>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sampan::llm {

/// A model folder or a prompt that can't be used. what() is one sentence on one line: the file (or
/// the prompt), the byte offset, tensor or field at fault, and what to do about it.
class ModelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// `text` made safe to show: control characters and bytes that aren't UTF-8 as \xNN, so that a
/// hostile name can't break the line or drive the terminal; cut after about 120 bytes.
[[nodiscard]] std::string printable(std::string_view text);

/// printable(text) in single quotes.
[[nodiscard]] std::string in_quotes(std::string_view text);

namespace detail {

inline void append(std::string& out, std::string_view part) { out += part; }

template <std::integral Integer>
void append(std::string& out, Integer part) {
  out += std::to_string(part);
}

}  // namespace detail

/// Throws ModelError with "<file>: <parts...>". Text that comes from a file goes through
/// in_quotes().
template <class... Parts>
[[noreturn]] void fail(std::string_view file, const Parts&... parts) {
  std::string message = printable(file) + ": ";
  (detail::append(message, parts), ...);
  throw ModelError(message);
}

}  // namespace sampan::llm
