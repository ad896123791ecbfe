#include "backends/common/test_drivers.h"

#include <dlfcn.h>

#include <filesystem>

namespace sampan::common {

std::string test_drivers_folder(const Environment& environment) {
  const std::string value = environment.value("SAMPAN_TEST_DRIVERS");
  if (value != "1") return value;
  // This code is linked into the plug-in itself.
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&test_drivers_folder), &info) == 0) return {};
  std::error_code ignored;
  const auto plugin = std::filesystem::canonical(info.dli_fname, ignored);
  return (plugin.parent_path().parent_path() / "drivers").string();
}

}  // namespace sampan::common
