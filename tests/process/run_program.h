#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sampan_test {

/// A program to run, with the environment of this process changed as said.
struct Program {
  std::vector<std::string> words;  ///< its path and its arguments
  /// Variables to set, or to unset where there is no value.
  std::map<std::string, std::optional<std::string>> environment;
  std::filesystem::path folder;        ///< to run in; empty: here
  unsigned limit_s = 120;              ///< it is ended after that; a sanitizer makes programs slow
  std::uint64_t file_limit_bytes = 0;  ///< largest file it may write; 0: no limit
};

struct Outcome {
  int exit_code = -1;  ///< minus the signal's number if a signal ended it
  std::string out, err;
};

/// Runs it to its end. Throws std::runtime_error if it can't be started.
[[nodiscard]] Outcome run_program(const Program& program);

}  // namespace sampan_test
