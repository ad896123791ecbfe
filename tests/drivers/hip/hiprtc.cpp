// hipRTC, which libamdhip64 has in it.
#include "architectures.h"
#include "exports.h"
#include "image.h"
#include "program.h"
#include "types.h"

namespace sampan::emulator::hip {
namespace {

unsigned architecture(const std::string& name) {
  return architecture_number(name.empty() ? kArchitecture : name);
}

const Rtc& rtc() {
  static const Rtc kRtc{{{"__HIPCC_RTC__ 1", "__HIPCC__ 1", "__HIP__ 1", "__HIP_PLATFORM_AMD__ 1",
                          "__HIP_DEVICE_COMPILE__ 1", "__AMDGCN__ 1"},
                         {"--gpu-architecture=", "--offload-arch="},
                         {"--std=", "-std="},
                         {"-O", "-f", "-m", "-W", "-w", "-g", "--hip-version="},
                         false},
                        &architecture};
  return kRtc;
}

std::string code(const Program& program) {
  return pack_image({kElfMachine, program.architecture}, program.shared_object);
}

hiprtcResult result(int status) { return static_cast<hiprtcResult>(status); }

}  // namespace

SAMPAN_EMU_EXPORT hiprtcResult hiprtcVersion(int* out_major, int* out_minor) {
  if (out_major == nullptr || out_minor == nullptr)
    return result(static_cast<int>(RtcStatus::invalid_input));
  *out_major = 6;
  *out_minor = 0;
  return result(0);
}

SAMPAN_EMU_EXPORT const char* hiprtcGetErrorString(hiprtcResult status) {
  static thread_local std::string text;
  text = std::string("HIPRTC_") + rtc_status_name(static_cast<RtcStatus>(status));
  return text.c_str();
}

SAMPAN_EMU_EXPORT hiprtcResult hiprtcCreateProgram(hiprtcProgram* program, const char* text,
                                                   const char* name, int header_count,
                                                   const char** headers,
                                                   const char** header_names) {
  return result(rtc_create("hiprtcCreateProgram", reinterpret_cast<void**>(program), text, name,
                           header_count, headers, header_names));
}

SAMPAN_EMU_EXPORT hiprtcResult hiprtcDestroyProgram(hiprtcProgram* program) {
  return result(rtc_destroy("hiprtcDestroyProgram", reinterpret_cast<void**>(program)));
}

SAMPAN_EMU_EXPORT hiprtcResult hiprtcCompileProgram(hiprtcProgram program, int count,
                                                    const char** options) {
  return result(rtc_compile("hiprtcCompileProgram", rtc(), program, count, options));
}

SAMPAN_EMU_EXPORT hiprtcResult hiprtcGetProgramLogSize(hiprtcProgram program,
                                                       std::size_t* out_bytes) {
  return result(rtc_size("hiprtcGetProgramLogSize", program, &rtc_log, false, out_bytes));
}

SAMPAN_EMU_EXPORT hiprtcResult hiprtcGetProgramLog(hiprtcProgram program, char* out) {
  return result(rtc_copy("hiprtcGetProgramLog", program, &rtc_log, false, out));
}

SAMPAN_EMU_EXPORT hiprtcResult hiprtcGetCodeSize(hiprtcProgram program, std::size_t* out_bytes) {
  return result(rtc_size("hiprtcGetCodeSize", program, &code, true, out_bytes));
}

SAMPAN_EMU_EXPORT hiprtcResult hiprtcGetCode(hiprtcProgram program, char* out) {
  return result(rtc_copy("hiprtcGetCode", program, &code, true, out));
}

}  // namespace sampan::emulator::hip
