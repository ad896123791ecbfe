#include <set>

#include "plugin.h"

namespace sampan_test {
namespace {

class DeviceTest : public testing::Test {
 protected:
  const sampan_device_table_t& devices_ = *backend().device;
  const sampan_memory_table_t& memories_ = *backend().memory;
  ErrorRecord error_;
};

TEST_F(DeviceTest, CapabilitiesStandForWholeGroups) {
  const sampan_backend_t& tables = backend();
  EXPECT_STREQ(tables.name, "cpu");
  EXPECT_NE(tables.device, nullptr);
  const std::pair<std::uint64_t, const void*> groups[] = {
      {SAMPAN_CAP_MEMORY, tables.memory},   {SAMPAN_CAP_STREAM, tables.stream},
      {SAMPAN_CAP_EVENT, tables.event},     {SAMPAN_CAP_MODULE, tables.module},
      {SAMPAN_CAP_GRAPH, tables.graph},     {SAMPAN_CAP_PEER, tables.peer},
      {SAMPAN_CAP_PROFILE, tables.profile}, {SAMPAN_CAP_TELEMETRY, tables.telemetry},
      {SAMPAN_CAP_OPS, tables.ops}};
  for (const auto& [bit, table] : groups) {
    EXPECT_EQ((tables.capabilities & bit) != 0, table != nullptr) << bit;
  }
}

TEST_F(DeviceTest, DescribesItself) {
  std::uint32_t count = 0;
  ASSERT_CODE(SAMPAN_OK, devices_.count(&count, &error_), error_);
  ASSERT_GE(count, 1u);
  sampan_device_info_t info{};
  info.size = sizeof info;
  ASSERT_CODE(SAMPAN_OK, devices_.describe(0, &info, &error_), error_);
  EXPECT_EQ(info.size, sizeof info);
  EXPECT_EQ(info.kind, static_cast<std::uint32_t>(SAMPAN_DEVICE_CPU));
  EXPECT_EQ(info.language, static_cast<std::uint32_t>(SAMPAN_LANGUAGE_CPP));
  EXPECT_EQ(info.capabilities, backend().capabilities);
  EXPECT_GT(info.memory_bytes, std::uint64_t{1} << 28);
  EXPECT_GE(info.compute_units, 1u);
  EXPECT_STRNE(info.name, "");
  EXPECT_STRNE(info.isa, "");
  EXPECT_EQ(std::string(info.tile_class).rfind("cpu-vw", 0), 0u) << info.tile_class;
}

// A host of an older minor knows a shorter struct.
TEST_F(DeviceTest, FillsNoMoreThanTheCallerHasRoomFor) {
  struct {
    sampan_device_info_t info;
    char canary[64];
  } room;
  std::memset(&room, 0x5A, sizeof room);
  room.info.size = offsetof(sampan_device_info_t, uuid);
  ASSERT_EQ(SAMPAN_OK, devices_.describe(0, &room.info, &error_));
  EXPECT_EQ(room.info.size, offsetof(sampan_device_info_t, uuid));
  EXPECT_EQ(room.info.uuid[0], 0x5A);
  EXPECT_EQ(room.canary[0], 0x5A);
}

TEST_F(DeviceTest, TheClockIsTheHostsMonotonicOne) {
  const Device device = open_device();
  std::uint64_t host_ns = 0;
  std::uint64_t device_ns = 0;
  timespec before{};
  timespec after{};
  clock_gettime(CLOCK_MONOTONIC, &before);
  ASSERT_EQ(SAMPAN_OK, devices_.clock(device.get(), &host_ns, &device_ns, &error_));
  clock_gettime(CLOCK_MONOTONIC, &after);
  const auto ns = [](const timespec& t) {
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u +
           static_cast<std::uint64_t>(t.tv_nsec);
  };
  EXPECT_LE(ns(before), host_ns);
  EXPECT_LE(host_ns, ns(after));
}

TEST_F(DeviceTest, HasNoDriverHandles) {
  const Device device = open_device();
  const Stream stream = create_stream(device.get());
  void* handle = nullptr;
  EXPECT_EQ(SAMPAN_UNSUPPORTED, devices_.native(device.get(), &handle, &error_));
  EXPECT_EQ(SAMPAN_UNSUPPORTED, backend().stream->native(stream.get(), &handle, &error_));
}

TEST_F(DeviceTest, BlocksAreAlignedDistinctAndWritable) {
  const Device device = open_device();
  std::vector<Memory> blocks;
  std::set<std::uintptr_t> begins;
  for (const std::uint64_t size :
       {std::uint64_t{1}, std::uint64_t{255}, std::uint64_t{256}, std::uint64_t{4097},
        (std::uint64_t{2} << 20) - 1, std::uint64_t{2} << 20, (std::uint64_t{2} << 20) + 1,
        std::uint64_t{17} << 20}) {
    blocks.push_back(allocate(device.get(), size));
    auto* bytes = host_pointer<std::uint8_t>(blocks.back());
    const auto address = reinterpret_cast<std::uintptr_t>(bytes);
    EXPECT_EQ(address % 256, 0u) << size;
    if (size >= (std::uint64_t{2} << 20)) {
      EXPECT_EQ(address % (std::uint64_t{2} << 20), 0u) << size;
    }
    EXPECT_TRUE(begins.insert(address).second);
    bytes[0] = 1;
    bytes[size - 1] = 2;
  }
}

TEST_F(DeviceTest, BorrowedMemoryStaysTheCallers) {
  const Device device = open_device();
  const Stream stream = create_stream(device.get());
  std::vector<std::uint32_t> mine(1000, 7);
  for (const auto borrow : {memories_.register_host, memories_.wrap}) {
    sampan_memory_t* raw = nullptr;
    ASSERT_EQ(SAMPAN_OK, borrow(device.get(), mine.data(), mine.size() * 4, &raw, &error_));
    const Memory memory(raw);
    EXPECT_EQ(host_pointer<std::uint32_t>(memory), mine.data());
    const std::uint32_t nine = 9;
    ASSERT_EQ(SAMPAN_OK, backend().stream->fill(stream.get(), {raw, 400}, &nine, 4, 400, &error_));
    ASSERT_EQ(SAMPAN_OK, wait(stream, error_));
    EXPECT_EQ(mine[99], 7u);
    EXPECT_EQ(mine[100], 9u);
    EXPECT_EQ(mine[200], 7u);
    std::fill(mine.begin(), mine.end(), 7u);
  }
}

TEST_F(DeviceTest, MoreThanTheMachineHasIsRefusedWithFigures) {
  const Device device = open_device();
  for (const std::uint64_t size : {std::uint64_t{1} << 50, UINT64_MAX - 100, UINT64_MAX}) {
    sampan_memory_t* memory = nullptr;
    EXPECT_EQ(SAMPAN_OUT_OF_DEVICE_MEMORY,
              memories_.allocate(device.get(), SAMPAN_MEMORY_DEVICE, size, &memory, &error_));
    EXPECT_EQ(memory, nullptr);
    EXPECT_NE(error_.record.flags & SAMPAN_ERROR_RETRYABLE, 0u);
    for (const std::string& part :
         {std::to_string(size) + " bytes requested", std::string(" free"), std::string("limit")}) {
      EXPECT_NE(error_.message().find(part), std::string::npos) << error_.message();
    }
  }
  EXPECT_NE(allocate(device.get(), 100), nullptr);
}

TEST_F(DeviceTest, MemoryInfoIsPlausible) {
  const Device device = open_device();
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
  ASSERT_EQ(SAMPAN_OK, devices_.memory_info(device.get(), &free_bytes, &total_bytes, &error_));
  EXPECT_GT(free_bytes, 0u);
  EXPECT_LE(free_bytes, total_bytes);
}

TEST_F(DeviceTest, PeersCopyDirectly) {
  const Device one = open_device();
  const Device other = open_device();
  std::uint32_t can = 0;
  ASSERT_EQ(SAMPAN_OK, backend().peer->can_copy(one.get(), other.get(), &can, &error_));
  EXPECT_EQ(can, 1u);
  const Memory from = allocate(other.get(), 1000);
  const Memory to = allocate(one.get(), 1000);
  std::fill_n(host_pointer<std::uint8_t>(from), 1000, std::uint8_t{3});
  std::fill_n(host_pointer<std::uint8_t>(to), 1000, std::uint8_t{4});
  const Stream stream = create_stream(one.get());
  ASSERT_EQ(SAMPAN_OK,
            backend().peer->copy(stream.get(), {to.get(), 10}, {from.get(), 0}, 900, &error_));
  ASSERT_EQ(SAMPAN_OK, wait(stream, error_));
  EXPECT_EQ(host_pointer<std::uint8_t>(to)[9], 4);
  EXPECT_EQ(host_pointer<std::uint8_t>(to)[10], 3);
  EXPECT_EQ(host_pointer<std::uint8_t>(to)[909], 3);
  EXPECT_EQ(host_pointer<std::uint8_t>(to)[910], 4);
}

// Threads, descriptors and mappings of a device end with it.
TEST_F(DeviceTest, AThousandOpenAndCloseCyclesLeaveNothingBehind) {
  const std::uint32_t zero = 0;
  const auto cycle = [&] {
    const Device device = open_device();
    const Memory memory = allocate(device.get(), 3 << 20);
    const Stream stream = create_stream(device.get());
    const Event event = create_event(device.get());
    ASSERT_EQ(SAMPAN_OK,
              backend().stream->fill(stream.get(), {memory.get(), 0}, &zero, 4, 3 << 20, &error_));
    ASSERT_EQ(SAMPAN_OK, backend().event->record(event.get(), stream.get(), &error_));
  };
  cycle();
  const int threads = count_threads();
  const int descriptors = count_descriptors();
  for (int i = 0; i < 1000; ++i) cycle();
  EXPECT_EQ(count_threads(), threads);
  EXPECT_EQ(count_descriptors(), descriptors);
}

}  // namespace
}  // namespace sampan_test
