#include "sampan/plugin/backend.h"

#include <algorithm>
#include <cstring>

#include "backends/common/host_log.h"
#include "backends/level_zero/api.h"
#include "backends/level_zero/copy.h"
#include "backends/level_zero/device.h"
#include "backends/level_zero/error.h"
#include "backends/level_zero/event.h"
#include "backends/level_zero/memory.h"
#include "backends/level_zero/module.h"
#include "backends/level_zero/program.h"
#include "backends/level_zero/stream.h"

namespace sampan::level_zero {
namespace {

void check_abi(const sampan_host_t& host) {
  const bool suits = host.abi_major == SAMPAN_ABI_MAJOR && host.abi_minor_min <= SAMPAN_ABI_MINOR &&
                     host.abi_minor_max >= SAMPAN_ABI_MINOR;
  if (suits) return;
  throw Failure(SAMPAN_UNSUPPORTED,
                "The Level Zero backend was built for plug-in ABI " +
                    std::to_string(SAMPAN_ABI_MAJOR) + "." + std::to_string(SAMPAN_ABI_MINOR) +
                    ", which this Sampan doesn't take; install the backend of the same release");
}

sampan_backend_t tables() {
  sampan_backend_t backend{};
  backend.abi_major = SAMPAN_ABI_MAJOR;
  backend.abi_minor = SAMPAN_ABI_MINOR;
  backend.name = "level_zero";
  backend.version = SAMPAN_VERSION;
  backend.build_id = build_id();
  backend.driver_path = loader().path.c_str();
  backend.capabilities = SAMPAN_CAP_MEMORY | SAMPAN_CAP_STREAM | SAMPAN_CAP_EVENT |
                         SAMPAN_CAP_MODULE | SAMPAN_CAP_PEER;
  backend.device = &kDeviceTable;
  backend.memory = &kMemoryTable;
  backend.stream = &kStreamTable;
  backend.event = &kEventTable;
  backend.module = &kModuleTable;
  backend.peer = &kPeerTable;
  return backend;
}

}  // namespace

const char* build_id() { return "level_zero-" SAMPAN_VERSION; }

}  // namespace sampan::level_zero

sampan_code_t sampan_backend_query(const sampan_host_t* host, sampan_backend_t* out,
                                   sampan_error_t* error) {
  using namespace sampan::level_zero;
  return sampan::common::guarded(error, [&] {
    check_abi(*host);
    sampan::common::set_host(host, "level_zero");
    if (!loader().error.empty()) throw Failure(SAMPAN_NOT_FOUND, loader().error);
    sampan_backend_t backend = tables();
    backend.size = std::min<std::uint32_t>(out->size, sizeof backend);
    std::memcpy(out, &backend, backend.size);
  });
}
