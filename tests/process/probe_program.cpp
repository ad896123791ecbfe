#include "probe_program.h"

#include "sampan/sampan.h"

namespace sampan_test {

Outcome run_probe(const std::string& scenario, const std::string& device,
                  const std::map<std::string, std::optional<std::string>>& environment) {
  Program program;
  program.words = {SAMPAN_TEST_PROBE, scenario, device};
  program.environment = environment;
  return run_program(program);
}

std::vector<std::string> probed_devices() {
  std::vector<std::string> ids;
  for (const sampan::Device& device : sampan::devices()) {
    if (device.id() == "cpu:0" || device.id() == "opencl:0") ids.push_back(device.id());
  }
  return ids;
}

std::string backend_of(const std::string& device) { return device.substr(0, device.find(':')); }

}  // namespace sampan_test
