// libnvrtc.
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <iterator>

#include "exports.h"
#include "image.h"
#include "program.h"

#if defined(SAMPAN_EMU_VENDOR_HEADERS)
#include <nvrtc.h>
#else
enum nvrtcResult : int {};
using nvrtcProgram = struct _nvrtcProgram*;
#endif

namespace sampan::emulator::cuda {
namespace {

constexpr unsigned kNvidia = 190;
constexpr unsigned kArchitectures[] = {75, 80, 86, 87, 88, 89, 90, 100, 103, 110, 120, 121};
constexpr const char* kVirtual = "compute_";

/// The number in "sm_90" or "compute_90a"; 0 for one that this compiler doesn't know.
unsigned architecture(const std::string& name) {
  if (name.empty()) return kArchitectures[0];
  const std::size_t digits = name.find('_') + 1;
  unsigned number = 0;
  const char* const end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + std::min(digits, name.size()), end, number);
  const bool suffixed = parsed.ptr + 1 == end && (*parsed.ptr == 'a' || *parsed.ptr == 'f');
  const bool known = std::find(std::begin(kArchitectures), std::end(kArchitectures), number) !=
                     std::end(kArchitectures);
  const bool shaped = name.starts_with("sm_") || name.starts_with(kVirtual);
  return shaped && known && (parsed.ptr == end || suffixed) ? number : 0;
}

const Rtc& rtc() {
  static const Rtc kRtc{
      {{"__CUDACC__ 1", "__CUDACC_RTC__ 1", "__CUDA_ARCH__ 900", "SAMPAN_EMULATED_CUDA 1"},
       {"--gpu-architecture=", "-arch="},
       {"--std=", "-std="},
       {"--fmad",
        "-fmad",
        "--use_fast_math",
        "-use_fast_math",
        "--ftz",
        "-ftz",
        "--prec-",
        "-prec-",
        "--maxrregcount",
        "-maxrregcount",
        "-lineinfo",
        "--generate-line-info",
        "-G",
        "--device-debug",
        "-default-device",
        "--device-as-default-execution-space",
        "--extra-device-vectorization",
        "-extra-device-vectorization",
        "--restrict",
        "-restrict",
        "-w",
        "--disable-warnings",
        "--ptxas-options",
        "-Xptxas",
        "--dopt",
        "-dopt",
        "--minimal",
        "-minimal"},
       true},
      &architecture};
  return kRtc;
}

bool is_virtual(const Program& program) {
  return program.architecture_name.empty() || program.architecture_name.starts_with(kVirtual);
}

/// Empty for a virtual architecture, as the real compiler's.
std::string cubin(const Program& program) {
  if (is_virtual(program)) return {};
  return pack_image({kNvidia, program.architecture}, program.shared_object);
}

std::string ptx(const Program& program) {
  return pack_ptx(program.architecture, program.shared_object) + '\0';
}

nvrtcResult result(int status) { return static_cast<nvrtcResult>(status); }

}  // namespace

SAMPAN_EMU_EXPORT nvrtcResult nvrtcVersion(int* out_major, int* out_minor) {
  if (out_major == nullptr || out_minor == nullptr)
    return result(static_cast<int>(RtcStatus::invalid_input));
  *out_major = 13;
  *out_minor = 0;
  return result(0);
}

SAMPAN_EMU_EXPORT const char* nvrtcGetErrorString(nvrtcResult code) {
  static thread_local std::string text;
  text = std::string("NVRTC_") + rtc_status_name(static_cast<RtcStatus>(code));
  return text.c_str();
}

SAMPAN_EMU_EXPORT nvrtcResult nvrtcGetNumSupportedArchs(int* out_count) {
  if (out_count == nullptr) return result(static_cast<int>(RtcStatus::invalid_input));
  *out_count = static_cast<int>(std::size(kArchitectures));
  return result(0);
}

SAMPAN_EMU_EXPORT nvrtcResult nvrtcGetSupportedArchs(int* out_numbers) {
  if (out_numbers == nullptr) return result(static_cast<int>(RtcStatus::invalid_input));
  std::copy(std::begin(kArchitectures), std::end(kArchitectures), out_numbers);
  return result(0);
}

SAMPAN_EMU_EXPORT nvrtcResult nvrtcCreateProgram(nvrtcProgram* program, const char* text,
                                                 const char* name, int header_count,
                                                 const char* const* headers,
                                                 const char* const* header_names) {
  return result(rtc_create("nvrtcCreateProgram", reinterpret_cast<void**>(program), text, name,
                           header_count, headers, header_names));
}

SAMPAN_EMU_EXPORT nvrtcResult nvrtcDestroyProgram(nvrtcProgram* program) {
  return result(rtc_destroy("nvrtcDestroyProgram", reinterpret_cast<void**>(program)));
}

SAMPAN_EMU_EXPORT nvrtcResult nvrtcCompileProgram(nvrtcProgram program, int count,
                                                  const char* const* options) {
  return result(rtc_compile("nvrtcCompileProgram", rtc(), program, count, options));
}

SAMPAN_EMU_EXPORT nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram program, std::size_t* out_bytes) {
  return result(rtc_size("nvrtcGetProgramLogSize", program, &rtc_log, false, out_bytes));
}

SAMPAN_EMU_EXPORT nvrtcResult nvrtcGetProgramLog(nvrtcProgram program, char* out) {
  return result(rtc_copy("nvrtcGetProgramLog", program, &rtc_log, false, out));
}

SAMPAN_EMU_EXPORT nvrtcResult nvrtcGetCUBINSize(nvrtcProgram program, std::size_t* out_bytes) {
  return result(rtc_size("nvrtcGetCUBINSize", program, &cubin, true, out_bytes));
}

SAMPAN_EMU_EXPORT nvrtcResult nvrtcGetCUBIN(nvrtcProgram program, char* out) {
  return result(rtc_copy("nvrtcGetCUBIN", program, &cubin, true, out));
}

SAMPAN_EMU_EXPORT nvrtcResult nvrtcGetPTXSize(nvrtcProgram program, std::size_t* out_bytes) {
  return result(rtc_size("nvrtcGetPTXSize", program, &ptx, true, out_bytes));
}

SAMPAN_EMU_EXPORT nvrtcResult nvrtcGetPTX(nvrtcProgram program, char* out) {
  return result(rtc_copy("nvrtcGetPTX", program, &ptx, true, out));
}

}  // namespace sampan::emulator::cuda
