// The plug-in's entry: identity and tables.
#include "backends/cpu/backend.h"

#include "backends/cpu/device.h"
#include "backends/cpu/event.h"
#include "backends/cpu/memory.h"
#include "backends/cpu/module.h"
#include "backends/cpu/op_plan.h"
#include "backends/cpu/stream.h"

namespace sampan::cpu {
namespace {

const sampan_host_t* host = nullptr;  // set once, by the query

constexpr std::uint32_t kAbiMinor = SAMPAN_ABI_MINOR;

sampan_backend_t describe_backend() {
  sampan_backend_t backend{};
  backend.abi_major = SAMPAN_ABI_MAJOR;
  backend.abi_minor = kAbiMinor;
  backend.name = "cpu";
  backend.version = SAMPAN_VERSION;
  backend.build_id = kBuildId;
  backend.capabilities = kCapabilities;
  backend.device = &kDeviceTable;
  backend.memory = &kMemoryTable;
  backend.stream = &kStreamTable;
  backend.event = &kEventTable;
  backend.module = &kModuleTable;
  backend.peer = &kPeerTable;
  backend.profile = &kProfileTable;
  backend.ops = &kOpsTable;
  return backend;
}

}  // namespace

const std::uint64_t kCapabilities = SAMPAN_CAP_MEMORY | SAMPAN_CAP_STREAM | SAMPAN_CAP_EVENT |
                                    SAMPAN_CAP_MODULE | SAMPAN_CAP_PEER | SAMPAN_CAP_PROFILE |
                                    SAMPAN_CAP_OPS;

void log_line(std::int32_t level, const char* message) noexcept {
  if (host != nullptr && host->log != nullptr) host->log(host->context, level, "cpu", message);
}

}  // namespace sampan::cpu

extern "C" sampan_code_t sampan_backend_query(const sampan_host_t* host, sampan_backend_t* out,
                                              sampan_error_t* error) {
  using namespace sampan::cpu;
  if (host->abi_major != SAMPAN_ABI_MAJOR || host->abi_minor_min > kAbiMinor ||
      host->abi_minor_max < kAbiMinor) {
    return fail(error, SAMPAN_UNSUPPORTED,
                "the CPU backend speaks plug-in ABI %u.%u, the host %u.%u to %u.%u; install both "
                "from the same release",
                SAMPAN_ABI_MAJOR, kAbiMinor, host->abi_major, host->abi_minor_min, host->abi_major,
                host->abi_minor_max);
  }
  sampan::cpu::host = host;
  sampan::common::watch_forks();
  copy_out(out, describe_backend());
  return SAMPAN_OK;
}
