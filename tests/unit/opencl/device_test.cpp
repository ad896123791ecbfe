#include <cstdlib>

#include "plugin.h"

namespace sampan::test {
namespace {

const sampan_backend_t& tables() { return Plugin::get().backend; }

TEST(OpenclDevice, TheQueryNamesThePlugIn) {
  ASSERT_EQ(SAMPAN_OK, Plugin::get().query_code) << Plugin::get().query_message;
  EXPECT_STREQ("opencl", tables().name);
  EXPECT_EQ(SAMPAN_ABI_MAJOR, tables().abi_major);
  EXPECT_NE(nullptr, std::strstr(tables().driver_path, "OpenCL"));
  EXPECT_EQ('/', tables().driver_path[0]);
}

TEST(OpenclDevice, EverySetCapabilityHasACompleteGroup) {
  const auto complete = [](const auto* table) {
    if (table == nullptr || table->size != sizeof *table) return false;
    // After the two words at the start, a table is nothing but function pointers.
    constexpr std::size_t kFirst = 2 * sizeof(std::uint32_t);
    const auto* bytes = reinterpret_cast<const unsigned char*>(table);
    for (std::size_t at = kFirst; at < sizeof *table; at += sizeof(void*)) {
      void* function = nullptr;
      std::memcpy(&function, bytes + at, sizeof function);
      if (function == nullptr) return false;
    }
    return true;
  };
  EXPECT_TRUE(complete(tables().device));
  EXPECT_TRUE(complete(tables().memory));
  EXPECT_TRUE(complete(tables().stream));
  EXPECT_TRUE(complete(tables().event));
  EXPECT_TRUE(complete(tables().module));
  EXPECT_TRUE(complete(tables().graph));
  EXPECT_EQ(std::uint64_t{SAMPAN_CAP_MEMORY | SAMPAN_CAP_STREAM | SAMPAN_CAP_EVENT |
                          SAMPAN_CAP_MODULE | SAMPAN_CAP_GRAPH},
            tables().capabilities);
}

TEST(OpenclDevice, DescribesEveryDeviceWithoutOpeningIt) {
  Error error;
  std::uint32_t count = 0;
  ASSERT_CODE(SAMPAN_OK, error, tables().device->count(&count, error.get()));
  ASSERT_GT(count, 0u);
  for (std::uint32_t ordinal = 0; ordinal < count; ++ordinal) {
    sampan_device_info_t info{};
    info.size = sizeof info;
    ASSERT_CODE(SAMPAN_OK, error, tables().device->describe(ordinal, &info, error.get()));
    EXPECT_EQ(sizeof info, info.size);
    EXPECT_GT(std::strlen(info.name), 0u);
    EXPECT_GT(std::strlen(info.driver), 0u);
    EXPECT_EQ(std::uint32_t{SAMPAN_LANGUAGE_OPENCL_C}, info.language);
    EXPECT_STREQ(info.kind == SAMPAN_DEVICE_CPU ? "opencl-cpu" : "opencl-gpu", info.tile_class);
    EXPECT_NE(nullptr, std::strstr(info.compile_options, "-cl-std=CL"));
    EXPECT_GT(info.memory_bytes, 0u);
    EXPECT_LE(info.max_allocation_bytes, info.memory_bytes);
    EXPECT_GT(info.local_memory_bytes, 0u);
    EXPECT_GT(info.compute_units, 0u);
    EXPECT_GT(info.max_group_items, 0u);
    EXPECT_EQ((info.features & SAMPAN_FEATURE_SUBGROUPS) != 0, info.subgroup_size > 1);
    for (int d = 0; d < 3; ++d) {
      EXPECT_GT(info.max_group[d], 0u);
      EXPECT_GT(info.max_grid[d], 0u);
    }
  }
  sampan_device_info_t info{};
  info.size = sizeof info;
  EXPECT_EQ(SAMPAN_NOT_FOUND, tables().device->describe(count, &info, error.get()));
}

TEST(OpenclDevice, AShorterRecordIsFilledAsFarAsItGoes) {
  sampan_device_info_t info;
  std::memset(&info, 0xAB, sizeof info);
  info.size = offsetof(sampan_device_info_t, vendor);
  Error error;
  ASSERT_CODE(SAMPAN_OK, error, tables().device->describe(0, &info, error.get()));
  EXPECT_EQ(offsetof(sampan_device_info_t, vendor), info.size);
  EXPECT_GT(std::strlen(info.name), 0u);
  EXPECT_EQ(static_cast<char>(0xAB), info.vendor[0]);
}

TEST(OpenclDevice, TheOffsetAlignmentIsThatOfTheMemoryPath) {
  for (const char* path : {"svm", "buffer"}) {
    const ScopedVariable variable("SAMPAN_OPENCL_MEMORY", path);
    const Bench bench;
    if (!bench.opened()) continue;
    if (std::strcmp(path, "svm") == 0) {
      EXPECT_EQ(1u, bench.info().offset_alignment_bytes);
    } else {
      EXPECT_GT(bench.info().offset_alignment_bytes, 1u);
    }
  }
}

TEST(OpenclDevice, AnUnknownMemoryPathIsRefusedWithTheChoices) {
  const ScopedVariable variable("SAMPAN_OPENCL_MEMORY", "magic");
  const Bench bench;
  EXPECT_FALSE(bench.opened());
  EXPECT_EQ(SAMPAN_UNSUPPORTED, bench.error()->code);
  EXPECT_NE(std::string::npos, bench.error().message().find("'magic'"));
  EXPECT_NE(std::string::npos, bench.error().message().find("buffer"));
}

TEST(OpenclDevice, OpensAndClosesAgainAndAgain) {
  for (int i = 0; i < 1000; ++i) {
    const Bench bench;
    ASSERT_TRUE(bench.opened()) << bench.error().message();
  }
}

TEST(OpenclDevice, StatusAndNativeHandle) {
  const Bench bench;
  ASSERT_TRUE(bench.opened());
  Error error;
  void* native = nullptr;
  EXPECT_CODE(SAMPAN_OK, error, tables().device->status(bench.device(), error.get()));
  EXPECT_CODE(SAMPAN_OK, error, tables().device->native(bench.device(), &native, error.get()));
  EXPECT_NE(nullptr, native);
}

TEST(OpenclDevice, ClocksRunTogether) {
  const Bench bench;
  ASSERT_TRUE(bench.opened());
  Error error;
  std::uint64_t host[2], device[2];
  for (int i = 0; i < 2; ++i) {
    ASSERT_CODE(SAMPAN_OK, error,
                tables().device->clock(bench.device(), &host[i], &device[i], error.get()));
    timespec pause{0, 50'000'000};
    nanosleep(&pause, nullptr);
  }
  ASSERT_GT(host[1], host[0]);
  const double ratio =
      static_cast<double>(device[1] - device[0]) / static_cast<double>(host[1] - host[0]);
  // Two samples, each wrong by at most a preempted enqueue, over 50 ms.
  EXPECT_NEAR(1.0, ratio, 0.2);
}

}  // namespace
}  // namespace sampan::test
