#include "backends/common/environment.h"

#include <sys/auxv.h>

#include <cstdlib>

namespace sampan::common {

std::string Environment::value(const char* name) const {
  if (privileged || !lookup) return {};
  const char* found = lookup(name);
  return found == nullptr ? std::string() : std::string(found);
}

Environment Environment::of_process() {
  return {.privileged = getauxval(AT_SECURE) != 0,
          .lookup = [](const char* name) -> const char* { return std::getenv(name); }};
}

}  // namespace sampan::common
