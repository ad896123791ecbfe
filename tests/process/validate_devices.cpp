#include "validate_devices.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "sampan/sampan.h"

namespace sampan_test {
namespace {

bool has(const std::vector<sampan::Device>& devices, const std::string& id) {
  return std::any_of(devices.begin(), devices.end(),
                     [&](const sampan::Device& device) { return device.id() == id; });
}

int first_core() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  ::sched_getaffinity(0, sizeof cores, &cores);
  int core = 0;
  while (core < CPU_SETSIZE && !CPU_ISSET(core, &cores)) ++core;
  return core;
}

std::vector<DevicePair> find_pairs() {
  const std::vector<DevicePair> wanted = {{"cpu", "cpu:0", "cpu:0"},
                                          {"cpu_cpu", "cpu:0", "cpu:1"},
                                          {"opencl", "opencl:0", "opencl:0"},
                                          {"cpu_opencl", "cpu:0", "opencl:0"},
                                          {"opencl_cpu", "opencl:0", "cpu:0"}};
  const auto devices = sampan::devices();
  std::vector<DevicePair> found;
  for (const DevicePair& pair : wanted) {
    if (has(devices, pair.near) && has(devices, pair.far)) found.push_back(pair);
  }
  return found;
}

}  // namespace

const std::vector<DevicePair>& device_pairs() {
  static const std::vector<DevicePair> pairs = find_pairs();
  return pairs;
}

std::vector<std::string> single_devices() {
  std::vector<std::string> names;
  for (const DevicePair& pair : device_pairs()) {
    if (pair.near == pair.far) names.push_back(pair.near);
  }
  return names;
}

void require_validation(char** words) {
  if (std::getenv("SAMPAN_VALIDATE") != nullptr) return;
  const std::string core = std::to_string(first_core());
  ::setenv("SAMPAN_VALIDATE", "1", 1);
  ::setenv("SAMPAN_CPU_DEVICES", (core + ";" + core).c_str(), 1);
  ::execv("/proc/self/exe", words);
  std::perror("this program can't be started again");
  std::exit(1);
}

}  // namespace sampan_test
