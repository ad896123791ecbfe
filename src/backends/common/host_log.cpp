#include "backends/common/host_log.h"

#include <atomic>

namespace sampan::common {
namespace {

std::atomic<const sampan_host_t*> the_host{nullptr};
std::atomic<const char*> the_domain{""};

}  // namespace

void set_host(const sampan_host_t* host, const char* domain) noexcept {
  the_domain.store(domain);
  the_host.store(host);
}

void log(std::int32_t level, const std::string& message) noexcept {
  const sampan_host_t* const host = the_host.load();
  if (host != nullptr && host->log != nullptr) {
    host->log(host->context, level, the_domain.load(), message.c_str());
  }
}

}  // namespace sampan::common
