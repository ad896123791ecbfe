#include "sampan/plugin/backend.h"

#include <algorithm>
#include <cstring>

#include "backends/common/host_log.h"
#include "backends/cuda_like/device.h"
#include "backends/cuda_like/event.h"
#include "backends/cuda_like/graph.h"
#include "backends/cuda_like/memory.h"
#include "backends/cuda_like/module.h"
#include "backends/cuda_like/stream.h"
#include "backends/cuda_like/vendor.h"

namespace sampan::cuda_like {
namespace {

void check_abi(const sampan_host_t& host) {
  const bool suits = host.abi_major == SAMPAN_ABI_MAJOR && host.abi_minor_min <= SAMPAN_ABI_MINOR &&
                     host.abi_minor_max >= SAMPAN_ABI_MINOR;
  if (suits) return;
  throw Failure(SAMPAN_UNSUPPORTED,
                std::string("The ") + vendor().title + " backend was built for plug-in ABI " +
                    std::to_string(SAMPAN_ABI_MAJOR) + "." + std::to_string(SAMPAN_ABI_MINOR) +
                    ", which this Sampan doesn't take; install the backend of the same release");
}

sampan_backend_t tables() {
  sampan_backend_t backend{};
  backend.abi_major = SAMPAN_ABI_MAJOR;
  backend.abi_minor = SAMPAN_ABI_MINOR;
  backend.name = vendor().backend;
  backend.version = SAMPAN_VERSION;
  backend.build_id = vendor().build_id;
  backend.driver_path = driver().path.c_str();
  backend.capabilities = SAMPAN_CAP_MEMORY | SAMPAN_CAP_STREAM | SAMPAN_CAP_EVENT |
                         SAMPAN_CAP_MODULE | SAMPAN_CAP_GRAPH | SAMPAN_CAP_PEER;
  backend.device = &kDeviceTable;
  backend.memory = &kMemoryTable;
  backend.stream = &kStreamTable;
  backend.event = &kEventTable;
  backend.module = &kModuleTable;
  backend.graph = &kGraphTable;
  backend.peer = &kPeerTable;
  return backend;
}

}  // namespace
}  // namespace sampan::cuda_like

sampan_code_t sampan_backend_query(const sampan_host_t* host, sampan_backend_t* out,
                                   sampan_error_t* error) {
  using namespace sampan::cuda_like;
  return guarded(error, [&] {
    check_abi(*host);
    sampan::common::set_host(host, vendor().backend);
    if (!driver().error.empty()) throw Failure(SAMPAN_NOT_FOUND, driver().error);
    sampan_backend_t backend = tables();
    backend.size = std::min<std::uint32_t>(out->size, sizeof backend);
    std::memcpy(out, &backend, backend.size);
  });
}
