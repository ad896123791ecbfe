// Compiles every kernel for one target, without a device.
//
// compile_kernels KERNELS_FOLDER TARGET [--arch ARCH] [--extra FILE] [--only FILE] [--verbose]
//   TARGET    nvrtc, hiprtc or spirv
//   --arch    sm_80, gfx90a, …; of nvrtc and hiprtc
//   --extra   a kernel file from elsewhere, compiled as well, with VW alone
//   --only    one kernel file, as "gemm.k"
// Prints a line for each failure and one for the target: PASS, FAIL, or UNSUPPORTED with the
// reason. Exit code: 0 passed, 1 failed, 2 bad usage, 77 the compiler is missing. The environment's
// SAMPAN_REQUIRE_COMPILERS, as "hiprtc spirv", names targets whose missing compiler is a failure.
#include <cstdlib>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "compiler.h"

namespace {

using namespace sampan::kernel_compile;

constexpr int kPassed = 0, kFailed = 1, kUsage = 2, kUnsupported = 77;

struct Options {
  std::filesystem::path kernels;
  std::string target, arch, extra, only;
  bool verbose = false;
};

bool parse(const std::vector<std::string>& words, Options& options) {
  std::vector<std::string> positional;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--verbose") {
      options.verbose = true;
    } else if (words[i] == "--arch" || words[i] == "--extra" || words[i] == "--only") {
      if (i + 1 == words.size()) return false;
      std::string& value = words[i] == "--arch"    ? options.arch
                           : words[i] == "--extra" ? options.extra
                                                   : options.only;
      value = words[++i];
    } else {
      positional.push_back(words[i]);
    }
  }
  if (positional.size() != 2) return false;
  options.kernels = positional[0];
  options.target = positional[1];
  return true;
}

int compile_all(const Options& options, Compiler& compiler,
                const std::vector<std::string>& device_classes, const std::string& title) {
  int compiled = 0, failed = 0;
  for (const std::string& device_class : device_classes) {
    std::vector<Unit> units = read_units(options.kernels, device_class);
    if (!options.extra.empty()) {
      const std::string lanes = device_class == "opencl-cpu" ? "VW=16" : "VW=4";
      units.push_back({std::filesystem::absolute(options.extra).string(), {lanes}});
    }
    for (const Unit& unit : units) {
      if (!options.only.empty() && unit.file != options.only) continue;
      const Outcome outcome = compiler.compile(unit);
      ++compiled;
      if (!outcome.passed) {
        ++failed;
        std::cout << "FAIL " << title << " " << unit.name() << "\n" << outcome.detail << "\n";
      } else if (options.verbose) {
        std::cout << title << " " << unit.name() << ": " << outcome.detail << "\n";
      }
    }
  }
  std::cout << (failed == 0 && compiled > 0 ? "PASS " : "FAIL ") << title << ": " << compiled
            << " compiled, " << failed << " failed\n";
  return failed == 0 && compiled > 0 ? kPassed : kFailed;
}

bool is_required(const std::string& target) {
  const char* const targets = std::getenv("SAMPAN_REQUIRE_COMPILERS");
  std::istringstream in(targets == nullptr ? "" : targets);
  for (std::string word; in >> word;) {
    if (word == target) return true;
  }
  return false;
}

int run(const Options& options) {
  Found found;
  std::vector<std::string> device_classes;
  if (options.target == "nvrtc") {
    found = find_nvrtc(options.kernels, options.arch.empty() ? "sm_80" : options.arch);
    device_classes = {"cuda"};
  } else if (options.target == "hiprtc") {
    found = find_hiprtc(options.kernels, options.arch.empty() ? "gfx90a" : options.arch);
    device_classes = {"hip"};
  } else if (options.target == "spirv") {
    found = find_spirv(options.kernels);
    device_classes = {"opencl-gpu", "opencl-cpu"};
  } else {
    std::cerr << "unknown target '" << options.target << "': nvrtc, hiprtc or spirv\n";
    return kUsage;
  }
  const std::string title = options.target + (options.arch.empty() ? "" : " " + options.arch);
  if (!found.compiler) {
    const bool required = is_required(options.target);
    std::cout << (required ? "FAIL " : "UNSUPPORTED ") << title << ": " << found.unsupported
              << (required ? "; SAMPAN_REQUIRE_COMPILERS names it\n" : "\n");
    return required ? kFailed : kUnsupported;
  }
  return compile_all(options, *found.compiler, device_classes, title);
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  if (!parse({argv + 1, argv + argc}, options)) {
    std::cerr << "usage: compile_kernels KERNELS_FOLDER nvrtc|hiprtc|spirv [--arch ARCH] "
                 "[--extra FILE] [--only FILE] [--verbose]\n";
    return kUsage;
  }
  return run(options);
} catch (const std::exception& error) {
  std::cerr << "compile_kernels: " << error.what() << "\n";
  return kFailed;
}
