#include "program.h"

#include <cstring>
#include <new>
#include <stdexcept>
#include <vector>

#include "call.h"
#include "handle_table.h"

namespace sampan::emulator {
namespace {

HandleTable<Program>& programs() {
  static HandleTable<Program>& table = *new HandleTable<Program>(Kind::program);
  return table;
}

struct RtcRefusal {
  RtcStatus status;
};

std::shared_ptr<Program> require_program(void* handle) {
  std::shared_ptr<Program> program = programs().find(handle);
  if (program == nullptr) throw RtcRefusal{RtcStatus::invalid_program};
  return program;
}

void require_input(bool good) {
  if (!good) throw RtcRefusal{RtcStatus::invalid_input};
}

template <Effect kEffect = Effect::none, typename Body, typename... Arguments>
int rtc_call(const char* name, Body&& body, const Arguments&... arguments) {
  const auto inner = [&] {
    RtcStatus status = RtcStatus::success;
    try {
      status = body();
    } catch (const RtcRefusal& refusal) {
      status = refusal.status;
    } catch (const std::bad_alloc&) {
      status = RtcStatus::out_of_memory;
    } catch (const std::exception& error) {
      Control::of_library().report(std::string(name) + ": " + error.what());
      status = RtcStatus::internal_error;
    }
    return static_cast<Status>(status);
  };
  return static_cast<int>(call<kEffect>(name, inner, arguments...));
}

std::string text_of(void* handle, ProgramText text, bool compiled_only) {
  const std::shared_ptr<Program> program = require_program(handle);
  if (compiled_only && !program->compiled) throw RtcRefusal{RtcStatus::invalid_program};
  return text(*program);
}

}  // namespace

const char* rtc_status_name(RtcStatus status) {
  switch (status) {
    case RtcStatus::success:
      return "SUCCESS";
    case RtcStatus::out_of_memory:
      return "ERROR_OUT_OF_MEMORY";
    case RtcStatus::invalid_input:
      return "ERROR_INVALID_INPUT";
    case RtcStatus::invalid_program:
      return "ERROR_INVALID_PROGRAM";
    case RtcStatus::invalid_option:
      return "ERROR_INVALID_OPTION";
    case RtcStatus::compilation:
      return "ERROR_COMPILATION";
    case RtcStatus::internal_error:
      return "ERROR_INTERNAL_ERROR";
  }
  return "ERROR_UNKNOWN";
}

int rtc_create(const char* call, void** out_program, const char* text, const char* name,
               int header_count, const char* const* headers, const char* const* names) {
  return rtc_call(call, [&] {
    require_input(out_program != nullptr && text != nullptr && header_count >= 0);
    require_input(header_count == 0 || (headers != nullptr && names != nullptr));
    auto program = std::make_shared<Program>();
    program->source.name = name != nullptr && *name != '\0' ? name : "default_program";
    program->source.text = text;
    for (int i = 0; i < header_count; ++i)
      program->source.headers.emplace_back(names[i], headers[i]);
    *out_program = programs().add(std::move(program));
    return RtcStatus::success;
  });
}

int rtc_destroy(const char* call, void** program) {
  return rtc_call<Effect::done>(call, [&] {
    require_input(program != nullptr);
    if (programs().remove(*program) == nullptr) return RtcStatus::invalid_program;
    *program = nullptr;
    return RtcStatus::success;
  });
}

int rtc_compile(const char* call, const Rtc& rtc, void* handle, int option_count,
                const char* const* options) {
  return rtc_call(
      call,
      [&] {
        const std::shared_ptr<Program> program = require_program(handle);
        require_input(option_count >= 0 && (option_count == 0 || options != nullptr));
        Options parsed;
        try {
          parsed = parse_options(rtc.language, {options, options + option_count});
        } catch (const std::invalid_argument& error) {
          program->log = std::string("error: ") + error.what() + "\n";
          return RtcStatus::invalid_option;
        }
        program->architecture_name = parsed.architecture;
        program->architecture = rtc.architecture(parsed.architecture);
        if (program->architecture == 0) {
          program->log =
              "error: invalid value for --gpu-architecture (-arch): " + parsed.architecture + "\n";
          return RtcStatus::invalid_option;
        }
        Compiled result = compile(rtc.language, parsed, program->source);
        program->compiled = result.succeeded;
        program->log = std::move(result.log);
        program->shared_object = std::move(result.shared_object);
        return result.succeeded ? RtcStatus::success : RtcStatus::compilation;
      },
      handle, option_count);
}

int rtc_size(const char* call, void* program, ProgramText text, bool compiled_only,
             std::size_t* out_bytes) {
  return rtc_call(call, [&] {
    require_input(out_bytes != nullptr);
    *out_bytes = text_of(program, text, compiled_only).size();
    return RtcStatus::success;
  });
}

int rtc_copy(const char* call, void* program, ProgramText text, bool compiled_only, char* out) {
  return rtc_call(call, [&] {
    require_input(out != nullptr);
    const std::string all = text_of(program, text, compiled_only);
    std::memcpy(out, all.data(), all.size());
    return RtcStatus::success;
  });
}

std::string rtc_log(const Program& program) { return program.log + '\0'; }

}  // namespace sampan::emulator
