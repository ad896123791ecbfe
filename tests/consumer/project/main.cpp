#include <sampan/ops/elementwise.h>
#include <sampan/sampan.h>

#include <cstdint>
#include <cstdio>
#include <vector>

int main() {
  try {
    for (const sampan::BackendInfo& backend : sampan::backends()) {
      std::printf("%s: %s\n", backend.name.c_str(),
                  std::string(to_string(backend.status)).c_str());
    }
    sampan::Stream stream = sampan::device("cpu").create_stream();
    const sampan::Buffer buffer = stream.allocate(4000);
    std::vector<std::uint32_t> values(1000);
    stream.fill(buffer.view(sampan::DType::u32), std::uint32_t{7});
    stream.copy_to_host(std::span(values), buffer.view(sampan::DType::u32));
    stream.synchronize();
    if (values != std::vector<std::uint32_t>(1000, 7)) return 2;
  } catch (const sampan::Error& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
  // Errors cross the library's boundary as what they are.
  try {
    static_cast<void>(sampan::device("no_such_device"));
    return 3;
  } catch (const sampan::Error& error) {
    if (error.code() != sampan::ErrorCode::not_found) return 4;
  }
  std::printf("consumer works\n");
  return 0;
}
