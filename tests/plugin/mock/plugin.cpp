#include <dlfcn.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string_view>

#include "mock.h"

namespace {

// The plug-in's own file says its name, "mock" for libsampan_mock.so and mock.so alike: a copy
// under another name is another backend, with state of its own.
const std::string& own_name() {
  static const std::string* const name = [] {
    Dl_info info{};
    ::dladdr(reinterpret_cast<const void*>(&own_name), &info);
    std::string stem = std::filesystem::path(info.dli_fname).stem().string();
    constexpr std::string_view kPrefix = "libsampan_";
    if (stem.starts_with(kPrefix)) stem.erase(0, kPrefix.size());
    return new std::string(stem);
  }();
  return *name;
}

}  // namespace

extern "C" sampan_code_t sampan_backend_query(const sampan_host_t* host, sampan_backend_t* out,
                                              sampan_error_t* error) {
  try {
    const std::lock_guard lock(mock::state().mutex);
    mock::state().host = host;
    const char* script = std::getenv("SAMPAN_MOCK");
    if (script != nullptr) {
      const std::string bad = mock::read_script(script);
      if (!bad.empty()) {
        return mock::fail(error, SAMPAN_INVALID_ARGUMENT,
                          "SAMPAN_MOCK holds '%s', which means nothing", bad.c_str());
      }
    }
    sampan_backend_t backend{};
    backend.size = out->size;
    backend.abi_major = SAMPAN_ABI_MAJOR;
    backend.abi_minor = SAMPAN_ABI_MINOR;
    backend.name = own_name().c_str();
    backend.version = "1.0";
    backend.build_id = "mock 1";
    backend.capabilities = SAMPAN_CAP_MEMORY | SAMPAN_CAP_STREAM | SAMPAN_CAP_EVENT |
                           SAMPAN_CAP_MODULE | SAMPAN_CAP_GRAPH | SAMPAN_CAP_PEER |
                           SAMPAN_CAP_PROFILE | SAMPAN_CAP_TELEMETRY | SAMPAN_CAP_OPS;
    backend.device = &mock::kDeviceTable;
    backend.memory = &mock::kMemoryTable;
    backend.stream = &mock::kStreamTable;
    backend.event = &mock::kEventTable;
    backend.module = &mock::kModuleTable;
    backend.graph = &mock::kGraphTable;
    backend.peer = &mock::kPeerTable;
    backend.profile = &mock::kProfileTable;
    backend.telemetry = &mock::kTelemetryTable;
    backend.ops = &mock::kOpsTable;
    *out = backend;
    return SAMPAN_OK;
  } catch (const std::exception& exception) {
    return mock::fail(error, SAMPAN_INTERNAL, "the mock can't start: %s", exception.what());
  }
}
