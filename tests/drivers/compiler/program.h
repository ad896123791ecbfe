// Programs of a run-time compiler, with the interface that NVRTC and hipRTC share.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "compile.h"

namespace sampan::emulator {

/// nvrtcResult and hiprtcResult agree in these.
enum class [[nodiscard]] RtcStatus : int{
    success = 0,        out_of_memory = 1, invalid_input = 3,   invalid_program = 4,
    invalid_option = 5, compilation = 6,   internal_error = 11,
};

/// The name that both compilers use, behind their own prefix: "ERROR_COMPILATION".
[[nodiscard]] const char* rtc_status_name(RtcStatus status);

/// A compiler: its language, and the number of an --gpu-architecture (empty: the default one);
/// 0 where it doesn't know it.
struct Rtc {
  Language language;
  unsigned (*architecture)(const std::string& name);
};

struct Program {
  Source source;
  bool compiled = false;
  std::string log;
  std::string shared_object;
  std::string architecture_name;
  unsigned architecture = 0;
};

/// Each is one function of the interface; `call` names it for faults and the trace.
[[nodiscard]] int rtc_create(const char* call, void** out_program, const char* text,
                             const char* name, int header_count, const char* const* headers,
                             const char* const* names);
[[nodiscard]] int rtc_destroy(const char* call, void** program);
[[nodiscard]] int rtc_compile(const char* call, const Rtc& rtc, void* program, int option_count,
                              const char* const* options);
/// `text` is of the program: its log, or what it compiled to. invalid_program where that is empty
/// and `compiled_only`.
using ProgramText = std::string (*)(const Program&);
[[nodiscard]] int rtc_size(const char* call, void* program, ProgramText text, bool compiled_only,
                           std::size_t* out_bytes);
[[nodiscard]] int rtc_copy(const char* call, void* program, ProgramText text, bool compiled_only,
                           char* out);

/// The log with its terminating zero, as both compilers count it.
[[nodiscard]] std::string rtc_log(const Program& program);

}  // namespace sampan::emulator
