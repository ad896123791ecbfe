// Prints what Sampan found, one tab-separated line each, and whether the CPU works all the same:
//   backend <name> <status> <path> <reason>
//   device <id> <name>
//   cpu works
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "sampan/sampan.h"

namespace {

// A line break would break the line format; the test wants to see it.
std::string shown(std::string text) {
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;) {
    text.replace(at, 1, "\\n");
  }
  return text;
}

bool cpu_works() {
  sampan::Stream stream = sampan::device("cpu").create_stream();
  const sampan::Buffer buffer = stream.allocate(64);
  std::vector<std::uint32_t> values(16);
  stream.fill(buffer.view(sampan::DType::u32), std::uint32_t{42});
  stream.copy_to_host(std::span(values), buffer.view(sampan::DType::u32));
  stream.synchronize();
  return values == std::vector<std::uint32_t>(16, 42);
}

}  // namespace

int main() {
  try {
    for (const sampan::BackendInfo& backend : sampan::backends()) {
      std::printf("backend\t%s\t%s\t%s\t%s\n", backend.name.c_str(),
                  std::string(to_string(backend.status)).c_str(), backend.path.c_str(),
                  shown(backend.reason).c_str());
    }
    for (const sampan::Device& device : sampan::devices()) {
      std::printf("device\t%s\t%s\n", device.id().c_str(), device.info().name.c_str());
    }
    if (cpu_works()) std::printf("cpu works\n");
  } catch (const std::exception& exception) {
    std::printf("exception\t%s\n", exception.what());
    return 1;
  }
  return 0;
}
