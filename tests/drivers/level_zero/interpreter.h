// Runs SPIR-V on this machine: llvm-spirv turns it back into LLVM's SPIR, which PoCL takes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "spirv.h"

namespace sampan::emulator::ze {

/// An argument as it was set.
struct KernelArgument {
  bool set = false;
  std::vector<std::byte> value;  ///< of 'v', or the pointer of 'g'
  std::size_t local_bytes = 0;   ///< of 'l'
};

struct KernelFacts {
  std::uint64_t local_bytes = 0, private_bytes = 0;
};

/// Code that has been compiled. Free-threaded.
class Program {
 public:
  /// Null where it can't be compiled; then `log` says why.
  [[nodiscard]] static std::shared_ptr<Program> compile(std::span<const std::byte> spirv,
                                                        std::string& log);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  [[nodiscard]] const std::map<std::string, KernelSignature>& kernels() const { return kernels_; }
  [[nodiscard]] std::span<const std::byte> spirv() const { return spirv_; }
  [[nodiscard]] KernelFacts facts(const std::string& kernel);

  /// Runs a launch to its end. False, and a report, where PoCL refuses.
  bool run(const std::string& kernel, const std::vector<KernelArgument>& arguments,
           std::array<std::uint32_t, 3> groups, std::array<std::uint32_t, 3> group);

 private:
  struct Compiled;  // OpenCL's objects
  Program(std::unique_ptr<Compiled> compiled, std::map<std::string, KernelSignature> kernels,
          std::span<const std::byte> spirv);

  const std::unique_ptr<Compiled> compiled_;
  const std::map<std::string, KernelSignature> kernels_;
  const std::vector<std::byte> spirv_;
};

}  // namespace sampan::emulator::ze
