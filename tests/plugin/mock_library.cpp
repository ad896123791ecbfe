#include "mock_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "private_folder.h"
#include "sampan/device.h"
#include "sampan/plugin/backend.h"

namespace sampan_test {
namespace {

const PrivateFolder& plugin_folder() {
  static const PrivateFolder folder;
  return folder;
}

}  // namespace

void offer_plugin(const std::string& name, const std::string& library) {
  plugin_folder().copy(library, name + ".so");
  plugin_folder().write(name + ".json",
                        "{\"name\": \"" + name +
                            "\", \"abi\": {\"major\": 1, \"minor_min\": 0, \"minor_max\": " +
                            std::to_string(SAMPAN_ABI_MINOR) + "}, \"path\": \"" + name + ".so\"}");
  ::setenv("SAMPAN_PLUGIN_PATH", plugin_folder().path().c_str(), 1);
}

const SampanMockControl& mock(const std::string& name) {
  for (const sampan::BackendInfo& backend : sampan::backends()) {
    if (backend.name != name) continue;
    void* const library = ::dlopen(backend.path.c_str(), RTLD_NOLOAD | RTLD_NOW);
    if (library == nullptr) throw std::runtime_error(name + " was refused: " + backend.reason);
    return *reinterpret_cast<SampanMockControlFunction>(
        ::dlsym(library, SAMPAN_MOCK_CONTROL_NAME))();
  }
  throw std::runtime_error("Sampan found no backend '" + name + "'");
}

}  // namespace sampan_test
