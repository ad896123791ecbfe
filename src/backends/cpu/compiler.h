// The system's C++ compiler, for kernels that come as source.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "backends/common/bytes.h"
#include "backends/cpu/native/isa.h"

namespace sampan::cpu {

/// The machine has no compiler; the message says so and what to do.
struct NoCompiler : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The compiler refused the source; the message names the first error.
struct CompileError : std::runtime_error {
  CompileError(const std::string& message, std::string full_log)
      : std::runtime_error(message), log(std::move(full_log)) {}
  std::string log;
};

struct SourceModule {
  std::string_view name;     ///< for messages
  std::string_view text;     ///< C++ with the dialect's headers spliced in
  std::string_view options;  ///< definitions only, separated by single spaces
  native::IsaLevel isa;
};

/// The shared object of `source`, from the code cache or compiled now (about half a second).
///
/// The compiler is $SAMPAN_CXX (a program, with arguments if need be), else the first of c++, g++
/// and clang++ in PATH that answers --version. Free-threaded. Throws NoCompiler, CompileError,
/// std::runtime_error for a full disk and the like, std::bad_alloc.
[[nodiscard]] common::Bytes compile_kernels(const SourceModule& source);

}  // namespace sampan::cpu
