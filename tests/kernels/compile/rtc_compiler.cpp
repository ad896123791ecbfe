// NVRTC and hipRTC, which share one interface under two prefixes. Both compile without a device.
#include <dlfcn.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <regex>
#include <vector>

#include "compiler.h"

namespace sampan::kernel_compile {
namespace {

using Program = void*;

/// The functions of either library; 0 is success in both.
struct Api {
  int (*create)(Program*, const char* text, const char* name, int headers,
                const char* const* header_texts, const char* const* header_names);
  int (*compile)(Program, int options, const char* const* option_texts);
  int (*log_size)(Program, std::size_t*);
  int (*log)(Program, char*);
  int (*code_size)(Program, std::size_t*);
  int (*code)(Program, char*);
  int (*destroy)(Program*);
};

std::optional<Api> load(const std::vector<std::string>& libraries, const std::string& prefix,
                        const std::string& code) {
  void* library = nullptr;
  for (const std::string& name : libraries) {
    if (library == nullptr) library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  }
  if (library == nullptr) return std::nullopt;
  Api api{};
  const auto bind = [&](auto& function, const std::string& name) {
    function =
        reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, (prefix + name).c_str()));
    return function != nullptr;
  };
  const bool complete = bind(api.create, "CreateProgram") && bind(api.compile, "CompileProgram") &&
                        bind(api.log_size, "GetProgramLogSize") && bind(api.log, "GetProgramLog") &&
                        bind(api.code_size, code + "Size") && bind(api.code, code) &&
                        bind(api.destroy, "DestroyProgram");
  return complete ? std::optional(api) : std::nullopt;
}

/// The largest number that follows one of `key`'s occurrences in MessagePack data, as in the notes
/// of an AMD code object.
std::size_t largest_in_notes(const std::string& code, const std::string& key) {
  std::size_t largest = 0;
  for (std::size_t at = code.find(key); at != std::string::npos; at = code.find(key, at + 1)) {
    const auto byte = [&](std::size_t i) {
      const std::size_t index = at + key.size() + i;
      return index < code.size() ? static_cast<std::size_t>(static_cast<unsigned char>(code[index]))
                                 : 0;
    };
    std::size_t value = byte(0);
    if (value == 0xcc)
      value = byte(1);
    else if (value == 0xcd)
      value = byte(1) << 8 | byte(2);
    else if (value == 0xce)
      value = byte(1) << 24 | byte(2) << 16 | byte(3) << 8 | byte(4);
    largest = std::max(largest, value);
  }
  return largest;
}

Outcome judge_ptxas(const std::string& log) {
  Outcome outcome{true, {}};
  const std::regex spill("(\\d+) bytes spill (stores|loads)");
  for (std::sregex_iterator it(log.begin(), log.end(), spill), end; it != end; ++it) {
    if ((*it)[1] != "0") outcome = {false, "spills registers:\n" + log};
  }
  const std::regex used("Used (\\d+) registers");
  for (std::sregex_iterator it(log.begin(), log.end(), used), end; it != end; ++it) {
    if (outcome.passed) outcome.detail += (outcome.detail.empty() ? "" : ", ") + (*it)[1].str();
  }
  if (outcome.passed && outcome.detail.empty()) {
    return {false, "the compiler reported no registers, so spills cannot be judged:\n" + log};
  }
  if (outcome.passed) outcome.detail += " registers";
  return outcome;
}

Outcome judge_amd(const std::string& code) {
  if (code.find(".vgpr_spill_count") == std::string::npos) {
    return {false, "the code object has no notes, so spills cannot be judged"};
  }
  const std::string registers =
      std::to_string(largest_in_notes(code, ".vgpr_count")) + " registers";
  const std::size_t spills = largest_in_notes(code, ".vgpr_spill_count");
  if (spills != 0) return {false, registers + ", " + std::to_string(spills) + " spilled"};
  return {true, registers};
}

class RtcCompiler final : public Compiler {
 public:
  RtcCompiler(const Api& api, const std::filesystem::path& kernels,
              std::vector<std::string> options, bool is_nvidia)
      : api_(api), kernels_(kernels), options_(std::move(options)), is_nvidia_(is_nvidia) {
    for (const auto& entry : std::filesystem::directory_iterator(kernels / "dialect")) {
      header_names_.push_back(entry.path().filename().string());
      header_texts_.push_back(read_text(entry.path()));
    }
  }

  Outcome compile(const Unit& unit) override {
    std::vector<std::string> options = options_;
    for (const std::string& definition : unit.definitions) options.push_back("-D" + definition);
    const std::string text = read_text(kernels_ / unit.file);
    Program program = nullptr;
    const auto names = pointers(header_names_), texts = pointers(header_texts_);
    if (api_.create(&program, text.c_str(), unit.file.c_str(), static_cast<int>(names.size()),
                    texts.data(), names.data()) != 0) {
      return {false, "the compiler refused to start"};
    }
    const auto arguments = pointers(options);
    const int status = api_.compile(program, static_cast<int>(arguments.size()), arguments.data());
    const std::string log = fetch(program, api_.log_size, api_.log);
    const std::string code =
        status == 0 ? fetch(program, api_.code_size, api_.code) : std::string();
    api_.destroy(&program);
    if (status != 0) return {false, log};
    if (code.empty()) return {false, "the compiler gave no code"};
    return is_nvidia_ ? judge_ptxas(log) : judge_amd(code);
  }

 private:
  static std::vector<const char*> pointers(const std::vector<std::string>& texts) {
    std::vector<const char*> result;
    for (const std::string& text : texts) result.push_back(text.c_str());
    return result;
  }

  static std::string fetch(Program program, int (*size_of)(Program, std::size_t*),
                           int (*read)(Program, char*)) {
    std::size_t size = 0;
    if (size_of(program, &size) != 0 || size == 0) return {};
    std::string result(size, '\0');
    return read(program, result.data()) == 0 ? result : std::string();
  }

  Api api_;
  std::filesystem::path kernels_;
  std::vector<std::string> options_, header_names_, header_texts_;
  bool is_nvidia_;
};

}  // namespace

Found find_nvrtc(const std::filesystem::path& kernels, const std::string& arch) {
  const std::vector<std::string> names = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so",
                                          "/usr/local/cuda/lib64/libnvrtc.so"};
  const auto api = load(names, "nvrtc", "GetCUBIN");
  if (!api) return {nullptr, "libnvrtc is not installed"};
  return {
      std::make_unique<RtcCompiler>(*api, kernels,
                                    std::vector<std::string>{"--gpu-architecture=" + arch,
                                                             "--std=c++17", "--ptxas-options=-v"},
                                    true),
      {}};
}

Found find_hiprtc(const std::filesystem::path& kernels, const std::string& arch) {
  const std::vector<std::string> names = {"libhiprtc.so.7", "libhiprtc.so.6", "libamdhip64.so.7",
                                          "libamdhip64.so.6", "libamdhip64.so.5"};
  const auto api = load(names, "hiprtc", "GetCode");
  if (!api) return {nullptr, "neither libhiprtc nor libamdhip64 is installed"};
  return {std::make_unique<RtcCompiler>(
              *api, kernels, std::vector<std::string>{"--gpu-architecture=" + arch, "-O3"}, false),
          {}};
}

}  // namespace sampan::kernel_compile
