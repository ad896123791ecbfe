#include "backends/opencl/host.h"

#include <atomic>

namespace sampan::opencl {
namespace {

std::atomic<const sampan_host_t*> the_host{nullptr};

}  // namespace

void set_host(const sampan_host_t* host) noexcept { the_host.store(host); }

void log(std::int32_t level, const std::string& message) noexcept {
  const sampan_host_t* const host = the_host.load();
  if (host != nullptr && host->log != nullptr) {
    host->log(host->context, level, "opencl", message.c_str());
  }
}

}  // namespace sampan::opencl
