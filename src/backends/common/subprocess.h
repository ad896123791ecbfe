#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sampan::common {

/// A program to run, such as a compiler.
struct ProcessRequest {
  /// The program, looked up in PATH where it holds no slash, and its arguments, passed on
  /// byte for byte: no shell takes part.
  std::vector<std::string> argv;
  /// After this the program and all of its process group are killed.
  std::chrono::milliseconds timeout = std::chrono::minutes(2);
  /// How much of its output is kept; the rest is read and dropped.
  std::size_t max_output_bytes = std::size_t{256} << 10;
};

struct ProcessResult {
  bool succeeded = false;  ///< it ran and ended with exit status 0
  bool started = false;
  bool timed_out = false;
  int exit_status = -1;  ///< of a program that ended by itself, else -1
  int signal = 0;        ///< that ended it, else 0
  std::string output;    ///< the start of stdout and stderr together, in the order written
  std::uint64_t dropped_output_bytes = 0;
  std::string explanation;  ///< how it went, in one sentence, for a message to the user
};

/// Runs a program to its end and returns how it went; never throws for what the program does.
///
/// The program gets this process's environment, /dev/null as stdin, default signal handling, a
/// process group of its own, and no other open file. Blocks until it ends or runs out of time; a
/// process that it leaves behind is not waited for. Safe from any thread. In a process that
/// ignores SIGCHLD or reaps all children, the exit status is lost: that is reported as a failure.
[[nodiscard]] ProcessResult run_process(const ProcessRequest& request);

}  // namespace sampan::common
