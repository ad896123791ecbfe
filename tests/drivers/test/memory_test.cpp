// Device and host memory: what is refused, what is poisoned, what is counted.
#include <algorithm>
#include <cstring>

#include "fixture.h"

namespace sampan::test {
namespace {

class EmulatedMemory : public DriverTest {
 protected:
  [[nodiscard]] Address allocate(std::size_t bytes) {
    Address address = 0;
    EXPECT_EQ(f.allocate(&address, bytes), kOk);
    return address;
  }
};

TEST_P(EmulatedMemory, IsPoisoned) {
  const Address address = allocate(1000);
  const auto bytes = download<unsigned char>(address, 1000);
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), 0xCD), 1000);
  EXPECT_EQ(address % 256, 0u);
  EXPECT_EQ(f.free(address), kOk);
}

TEST_P(EmulatedMemory, FaultsOnTheHost) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Address address = allocate(16);
  EXPECT_DEATH(*reinterpret_cast<volatile char*>(address) = 1, "");
  EXPECT_EQ(f.free(address), kOk);
}

TEST_P(EmulatedMemory, CopiesAreChecked) {
  const Address block = allocate(64), other = allocate(64);
  char host[128] = {};
  struct Case {
    const char* what;
    Result result;
  };
  const Case cases[] = {
      {"one byte past the end", f.to_device(block, host, 65, stream)},
      {"from the middle past the end", f.to_host(host, block + 32, 33, stream)},
      {"before the beginning", f.to_device(block - 1, host, 2, stream)},
      {"a host address as a device's",
       f.to_device(reinterpret_cast<Address>(host), host, 4, stream)},
      {"a device address as a host's",
       f.to_device(block, reinterpret_cast<const void*>(other), 4, stream)},
      {"null on the host", f.to_device(block, nullptr, 4, stream)},
      {"null on the device", f.to_host(host, 0, 4, stream)},
      {"between devices, past the source", f.on_device(block, other + 1, 64, stream)},
      {"a fill past the end", f.fill8(block, 1, 65, stream)},
      {"a fill that isn't aligned", f.fill32(block + 2, 1, 1, stream)},
      {"a fill of shorts that isn't aligned", f.fill16(block + 1, 1, 1, stream)},
  };
  for (const Case& one : cases) EXPECT_EQ(one.result, kInvalidValue) << one.what;
  EXPECT_EQ(f.to_device(block, host, 64, stream), kOk);
  EXPECT_EQ(f.to_device(block, nullptr, 0, stream), kOk) << "nothing to copy";
  EXPECT_EQ(f.stream_wait(stream), kOk);
  EXPECT_EQ(f.free(block), kOk);
  EXPECT_EQ(f.free(other), kOk);
}

TEST_P(EmulatedMemory, FreedMemoryIsGone) {
  const Address block = allocate(64);
  char host[4] = {};
  EXPECT_EQ(f.free(block + 4), kInvalidValue) << "not the beginning";
  EXPECT_EQ(f.free(block), kOk);
  EXPECT_EQ(f.free(block), kInvalidValue) << "twice";
  EXPECT_EQ(f.to_device(block, host, 4, stream), kInvalidValue);
  EXPECT_EQ(f.free(0), kOk);
}

TEST_P(EmulatedMemory, AsyncFreeForbidsLaterUse) {
  Address block = 0;
  char host[4] = {};
  ASSERT_EQ(f.allocate_async(&block, 64, stream), kOk);
  ASSERT_EQ(f.fill8(block, 7, 64, stream), kOk);
  ASSERT_EQ(f.free_async(block, stream), kOk);
  EXPECT_EQ(f.to_host(host, block, 4, stream), kInvalidValue);
  EXPECT_EQ(f.free_async(block, stream), kInvalidValue);
  EXPECT_EQ(f.stream_wait(stream), kOk);
  EXPECT_EQ(f.count("live.memory"), 0u);
}

TEST_P(EmulatedMemory, RunsOut) {
  std::size_t free_before = 0, free_after = 0, total = 0;
  ASSERT_EQ(f.memory_info(&free_before, &total), kOk);
  EXPECT_EQ(free_before, total);
  Address block = 0, more = 0;
  EXPECT_EQ(f.allocate(&block, total + 1), kOutOfMemory);
  ASSERT_EQ(f.allocate(&block, total - 100), kOk);
  ASSERT_EQ(f.memory_info(&free_after, &total), kOk);
  EXPECT_EQ(free_after, 100u);
  EXPECT_EQ(f.allocate(&more, 101), kOutOfMemory);
  EXPECT_EQ(f.allocate(&more, 100), kOk);
  EXPECT_EQ(f.free(block), kOk);
  EXPECT_EQ(f.free(more), kOk);
}

TEST_P(EmulatedMemory, AsyncAllocationWaitsForWhatTheStreamFrees) {
  std::size_t free_bytes = 0, total = 0;
  ASSERT_EQ(f.memory_info(&free_bytes, &total), kOk);
  Address first = 0, second = 0;
  ASSERT_EQ(f.control("delay=1"), 0);
  ASSERT_EQ(f.allocate_async(&first, total / 2 + 1, stream), kOk);
  ASSERT_EQ(f.free_async(first, stream), kOk);
  EXPECT_EQ(f.allocate_async(&second, total / 2 + 1, stream), kOk);
  EXPECT_EQ(f.free_async(second, stream), kOk);
  EXPECT_EQ(f.stream_wait(stream), kOk);
}

TEST_P(EmulatedMemory, PlanesAreCopiedRowByRow) {
  constexpr std::size_t kWidth = 5, kHeight = 3, kPitch = 8;
  std::vector<unsigned char> host(kPitch * kHeight);
  for (std::size_t i = 0; i < host.size(); ++i) host[i] = static_cast<unsigned char>(i);
  const Address src = upload(host), dst = allocate(kWidth * kHeight);
  EXPECT_EQ(driver.copy_2d(dst, kWidth - 1, src, kPitch, kWidth, kHeight, stream), kInvalidValue)
      << "short pitch";
  EXPECT_EQ(driver.copy_2d(dst, kPitch, src, kPitch, kWidth, kHeight, stream), kInvalidValue)
      << "last row too far";
  ASSERT_EQ(driver.copy_2d(dst, kWidth, src, kPitch, kWidth, kHeight, stream), kOk);
  const auto packed = download<unsigned char>(dst, kWidth * kHeight);
  for (std::size_t i = 0; i < packed.size(); ++i)
    EXPECT_EQ(packed[i], i / kWidth * kPitch + i % kWidth) << i;
  EXPECT_EQ(f.free(src), kOk);
  EXPECT_EQ(f.free(dst), kOk);
}

TEST_P(EmulatedMemory, FillsHaveTheirElements) {
  const Address block = allocate(16);
  ASSERT_EQ(f.fill32(block, 0x01020304u, 4, stream), kOk);
  ASSERT_EQ(f.fill16(block + 4, 0x0506, 2, stream), kOk);
  ASSERT_EQ(f.fill8(block + 9, 7, 1, stream), kOk);
  EXPECT_EQ(download<unsigned>(block, 4),
            (std::vector<unsigned>{0x01020304u, 0x05060506u, 0x01020704u, 0x01020304u}));
  EXPECT_EQ(f.free(block), kOk);
}

TEST_P(EmulatedMemory, HostMemoryIsPinnedAndRegistered) {
  void* pinned = nullptr;
  Address address = 0;
  std::vector<char> own(4096);
  ASSERT_EQ(f.host_allocate(&pinned, 100, 1), kOk);
  EXPECT_EQ(f.host_address(&address, pinned, 0), kOk);
  EXPECT_EQ(address, reinterpret_cast<Address>(pinned));
  EXPECT_EQ(f.host_address(&address, own.data(), 0), kInvalidValue) << "not known yet";
  EXPECT_EQ(f.count("live.host"), 1u);
  ASSERT_EQ(f.host_register(own.data(), 4096, 0), kOk);
  EXPECT_EQ(f.host_register(own.data() + 100, 8, 0), kAlreadyRegistered);
  EXPECT_EQ(f.host_register(pinned, 100, 0), kAlreadyRegistered);
  EXPECT_EQ(f.host_free(own.data()), kInvalidValue);
  EXPECT_EQ(f.host_unregister(pinned), kNotRegistered);
  EXPECT_EQ(f.count("live.registration"), 1u);
  EXPECT_EQ(f.host_unregister(own.data()), kOk);
  EXPECT_EQ(f.host_unregister(own.data()), kNotRegistered);
  EXPECT_EQ(f.host_free(pinned), kOk);
  EXPECT_EQ(f.host_free(pinned), kInvalidValue);
}

TEST_P(EmulatedMemory, DamageAroundABlockIsReported) {
  const Loaded kernel = load("extern \"C\" __global__ void k(char* p, int at) { p[at] = 1; }", "k");
  for (const int at : {-1, 100}) {
    const Address block = allocate(100);  // 256 bytes with the slack before the inaccessible page
    ASSERT_EQ(launch(kernel.function, {1}, {1}, 0, block, at), kOk);
    ASSERT_EQ(f.stream_wait(stream), kOk);
    const std::uint64_t before = f.count("reports");
    EXPECT_EQ(f.free(block), kOk);
    EXPECT_EQ(f.count("reports"), before + 1) << at;
  }
  EXPECT_EQ(f.module_unload(kernel.module), kOk);
}

SAMPAN_ON_BOTH_DRIVERS(EmulatedMemory);

}  // namespace
}  // namespace sampan::test
