#include "core/environment.h"

#include <cstdlib>
#include <vector>

#include "sampan/log.h"

namespace sampan {
namespace core {

std::string env(const char* name) {
  const char* value = ::secure_getenv(name);
  return value != nullptr ? value : "";
}

bool env_flag(const char* name) {
  const std::string value = env(name);
  return !value.empty() && value != "0";
}

}  // namespace core

std::vector<EnvironmentVariable> environment() {
  struct Row {
    const char *name, *meaning;
  };
  static constexpr Row kRows[] = {
      {"SAMPAN_DEVICES",
       "comma-separated selectors; only these devices are visible, in this order"},
      {"SAMPAN_PLUGIN_PATH", "colon-separated folders or manifests of further plug-ins"},
      {"SAMPAN_LOG", "error, warning, info or debug: log to stderr from this level on"},
      {"SAMPAN_TRACE", "file to write a Chrome/Perfetto trace to"},
      {"SAMPAN_VALIDATE", "1: track leaks, use after free and unsynchronised access"},
      {"SAMPAN_CACHE_DIR", "folder of compiled code (default: XDG_CACHE_HOME or ~/.cache/sampan)"},
      {"SAMPAN_CACHE_MAX_MB", "size limit of that folder in MiB (default 512)"},
      {"SAMPAN_OPS_PROVIDER", "backend, portable or host: forces who implements the operations"},
      {"SAMPAN_CPU_DEVICES",
       "all (default), numa, or core lists such as 0-3;4-7: one CPU device each"},
      {"SAMPAN_CPU_ISA",
       "v2, v3, v4 or v4_bf16: highest instruction level that the CPU backend uses"},
      {"SAMPAN_CPU_MEMORY_MB", "memory limit of each CPU device in MiB"},
      {"SAMPAN_CXX", "C++ compiler for portable kernels on the CPU (default: c++, g++, clang++)"},
      {"SAMPAN_OPENCL_LIBRARY", "OpenCL loader or driver to open (default: libOpenCL.so.1)"},
      {"SAMPAN_OPENCL_MEMORY", "svm, usm or buffer: forces how OpenCL memory is allocated"},
      {"SAMPAN_OPENCL_BINARIES",
       "1 or 0: whether compiled OpenCL programs are cached (default: unless the driver does)"},
      {"SAMPAN_TEST_DRIVERS",
       "1, or a folder: CUDA, HIP and Level Zero use the emulated drivers of the tests, no others"},
      {"XDG_CACHE_HOME", "compiled code is cached in its folder sampan (default: ~/.cache)"},
      {"XDG_DATA_HOME",
       "plug-ins are found in its folder sampan/plugins (default: ~/.local/share)"},
      {"HOME", "the ~ above; without it compiled code is kept in memory alone"},
      {"TMPDIR", "folder of the files that a compilation needs (default: /tmp)"},
      {"PATH", "where the C++ compiler for portable kernels is looked for"},
  };
  std::vector<EnvironmentVariable> result;
  for (const Row& row : kRows) {
    const char* value = ::secure_getenv(row.name);
    result.push_back({row.name, row.meaning, value != nullptr ? value : "", value != nullptr});
  }
  return result;
}

}  // namespace sampan
