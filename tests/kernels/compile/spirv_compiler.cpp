// OpenCL C to SPIR-V by the command-line tools of LLVM 15.
#include <sys/wait.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "compiler.h"

namespace sampan::kernel_compile {
namespace {

bool runs(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

std::string quoted(const std::string& text) { return "'" + text + "'"; }

class SpirvCompiler final : public Compiler {
 public:
  explicit SpirvCompiler(const std::filesystem::path& kernels) : kernels_(kernels) {
    std::string folder =
        (std::filesystem::temp_directory_path() / "sampan_compile_XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("cannot make " + folder);
    folder_ = folder;
  }
  SpirvCompiler(const SpirvCompiler&) = delete;
  SpirvCompiler& operator=(const SpirvCompiler&) = delete;
  ~SpirvCompiler() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  Outcome compile(const Unit& unit) override {
    std::string defines;
    for (const std::string& definition : unit.definitions) defines += " -D" + definition;
    const std::string base = (folder_ / "kernel").string();
    // Neither -O2 nor simplifycfg: they make code that the translator or the validator refuses.
    const std::array<std::string, 4> steps = {
        "clang-15 --target=spir64 -cl-std=CL1.2 -Xclang -finclude-default-header -O1 -Werror"
        " -Xclang -disable-llvm-passes -emit-llvm -c -x cl -I " +
            quoted((kernels_ / "dialect").string()) + defines + " " +
            quoted((kernels_ / unit.file).string()) + " -o " + quoted(base + ".0.bc"),
        "opt-15 -passes='always-inline,function(sroa,early-cse)' " + quoted(base + ".0.bc") +
            " -o " + quoted(base + ".bc"),
        "llvm-spirv-15 --spirv-max-version=1.2 " + quoted(base + ".bc") + " -o " +
            quoted(base + ".spv"),
        "spirv-val --target-env opencl1.2 " + quoted(base + ".spv")};
    for (const std::string& step : steps) {
      const std::string log = base + ".log";
      if (std::system((step + " >" + quoted(log) + " 2>&1").c_str()) != 0) {
        return {false, step + "\n" + read_text(log)};
      }
    }
    return {true, std::to_string(std::filesystem::file_size(base + ".spv")) + " bytes"};
  }

 private:
  std::filesystem::path kernels_, folder_;
};

}  // namespace

Found find_spirv(const std::filesystem::path& kernels) {
  for (const std::string tool : {"clang-15", "opt-15", "llvm-spirv-15", "spirv-val"}) {
    if (!runs(tool + " --version")) return {nullptr, tool + " is not installed"};
  }
  return {std::make_unique<SpirvCompiler>(kernels), {}};
}

}  // namespace sampan::kernel_compile
