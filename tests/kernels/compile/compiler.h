// Compilers that turn a kernel into code for a device that is not there.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "units.h"

namespace sampan::kernel_compile {

struct Outcome {
  bool passed = false;
  std::string detail;  ///< why not, or what the compiler said about registers
};

class Compiler {
 public:
  virtual ~Compiler() = default;
  [[nodiscard]] virtual Outcome compile(const Unit& unit) = 0;
};

/// A compiler, or the reason why this machine has none.
struct Found {
  std::unique_ptr<Compiler> compiler;
  std::string unsupported;
};

/// NVRTC to machine code of `arch` ("sm_90"); a unit that spills registers fails.
[[nodiscard]] Found find_nvrtc(const std::filesystem::path& kernels, const std::string& arch);

/// hipRTC to machine code of `arch` ("gfx90a"); a unit that spills vector registers fails.
[[nodiscard]] Found find_hiprtc(const std::filesystem::path& kernels, const std::string& arch);

/// clang, opt and llvm-spirv of LLVM 15 to SPIR-V 1.2, checked by spirv-val.
[[nodiscard]] Found find_spirv(const std::filesystem::path& kernels);

}  // namespace sampan::kernel_compile
