#include "sampan/plugin/backend.h"

#include <algorithm>
#include <cstring>

#include "backends/skeleton/device.h"
#include "backends/skeleton/error.h"
#include "backends/skeleton/event.h"
#include "backends/skeleton/graph.h"
#include "backends/skeleton/memory.h"
#include "backends/skeleton/module.h"
#include "backends/skeleton/stream.h"

namespace sampan::skeleton {
namespace {

sampan_backend_t tables() {
  sampan_backend_t backend{};
  backend.abi_major = SAMPAN_ABI_MAJOR;
  backend.abi_minor = SAMPAN_ABI_MINOR;
  backend.name = "skeleton";
  backend.version = SAMPAN_VERSION;
  backend.build_id = "skeleton-" SAMPAN_VERSION;  // change it whenever generated code may change
  backend.driver_path = nullptr;                  // SharedLibrary::path() of the driver
  // A bit per group that is complete: SAMPAN_CAP_MEMORY | SAMPAN_CAP_STREAM | … A group whose bit
  // is set never answers UNSUPPORTED, so the skeleton, which always does, sets none.
  backend.capabilities = 0;
  backend.device = &kDeviceTable;
  backend.memory = &kMemoryTable;
  backend.stream = &kStreamTable;
  backend.event = &kEventTable;
  backend.module = &kModuleTable;
  backend.graph = &kGraphTable;
  // peer, profile, telemetry and ops: null until there is something behind them.
  return backend;
}

}  // namespace
}  // namespace sampan::skeleton

// Step 1. The sole export. Open the driver's library here, and answer NOT_FOUND with a sentence
// that says what to install where it isn't there.
sampan_code_t sampan_backend_query(const sampan_host_t* host, sampan_backend_t* out,
                                   sampan_error_t* error) {
  using namespace sampan::skeleton;
  if (host->abi_major != SAMPAN_ABI_MAJOR || host->abi_minor_min > SAMPAN_ABI_MINOR ||
      host->abi_minor_max < SAMPAN_ABI_MINOR) {
    return report(error, SAMPAN_UNSUPPORTED,
                  "This Sampan takes no plug-in of the skeleton's version of the ABI");
  }
  sampan_backend_t backend = tables();
  backend.size = std::min<uint32_t>(out->size, sizeof backend);
  std::memcpy(out, &backend, backend.size);
  return SAMPAN_OK;
}
