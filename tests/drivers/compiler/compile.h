// The emulated run-time compilers: the host's C++ compiler behind a prelude.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace sampan::emulator {

struct Source {
  std::string name;  ///< as errors call it
  std::string text;
  std::vector<std::pair<std::string, std::string>> headers;  ///< name and text
};

/// How one compiler differs from another.
struct Language {
  std::vector<std::string> definitions;  ///< "NAME VALUE"
  /// Options that are accepted, by their beginning. Those of `ignored` change nothing here.
  std::vector<std::string> architecture, standard, ignored;
  /// Errors read "FILE(LINE): error" instead of "FILE:LINE:COLUMN: error".
  bool lines_in_parentheses = false;
};

struct Options {
  std::vector<std::string> definitions;  ///< "#define NAME VALUE" or "#undef NAME"
  std::string architecture;              ///< as given; empty if it wasn't
  std::string standard = "c++17";
};

/// Throws std::invalid_argument with a sentence that names the option the compiler doesn't know.
[[nodiscard]] Options parse_options(const Language& language,
                                    const std::vector<std::string>& words);

struct Compiled {
  bool succeeded = false;
  std::string log;
  std::string shared_object;
};

/// Compiles with $SAMPAN_EMU_CXX, else c++. No header but those given is found. Throws
/// std::runtime_error where there is no compiler or no room for its files.
[[nodiscard]] Compiled compile(const Language& language, const Options& options,
                               const Source& source);

}  // namespace sampan::emulator
