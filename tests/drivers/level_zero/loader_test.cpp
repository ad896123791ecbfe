// The emulated Level Zero driver as programs see it: through the real loader, by the raw API.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <level_zero/ze_api.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

// The loader, with the driver of SAMPAN_TEST_ZE_DRIVER behind it, and the driver's own controls.
struct Library {
  Library() {
    setenv("ZE_ENABLE_ALT_DRIVERS", SAMPAN_TEST_ZE_DRIVER, 1);
    loader = dlopen("libze_loader.so.1", RTLD_NOW | RTLD_LOCAL);
    driver = dlopen(SAMPAN_TEST_ZE_DRIVER, RTLD_NOW | RTLD_LOCAL);
  }
  void* loader;
  void* driver;
};

Library& library() {
  static Library the_library;
  return the_library;
}

template <typename Function>
Function* of_loader(const char* name) {
  return reinterpret_cast<Function*>(dlsym(library().loader, name));
}
// A macro, as it needs both the function's type and its name.
#define ZE(name) of_loader<decltype(name)>(#name)

int control(const char* commands) {
  return reinterpret_cast<int (*)(const char*)>(dlsym(library().driver, "sampan_emu_control"))(
      commands);
}

std::uint64_t count(const char* what) {
  return reinterpret_cast<std::uint64_t (*)(const char*)>(
      dlsym(library().driver, "sampan_emu_count"))(what);
}

class LevelZero : public testing::Test {
 protected:
  void SetUp() override {
    if (library().loader == nullptr) GTEST_SKIP() << "libze_loader.so.1 isn't installed";
    ASSERT_NE(library().driver, nullptr) << dlerror();
    ASSERT_EQ(ZE(zeInit)(0), ZE_RESULT_SUCCESS);
    ASSERT_EQ(control("reset"), 0);
    std::uint32_t one = 1, two = 2;
    ASSERT_EQ(ZE(zeDriverGet)(&one, &driver), ZE_RESULT_SUCCESS);
    ASSERT_EQ(ZE(zeDeviceGet)(driver, &two, devices), ZE_RESULT_SUCCESS);
    ASSERT_EQ(two, 2u);
    const ze_context_desc_t desc{ZE_STRUCTURE_TYPE_CONTEXT_DESC, nullptr, 0};
    ASSERT_EQ(ZE(zeContextCreate)(driver, &desc, &context), ZE_RESULT_SUCCESS);
  }
  void TearDown() override {
    if (context == nullptr) return;
    EXPECT_EQ(ZE(zeContextDestroy)(context), ZE_RESULT_SUCCESS);
    EXPECT_EQ(count("live"), 0u);
    EXPECT_EQ(control("reset"), 0);
  }

  ze_command_list_handle_t make_list(int device = 0) {
    ze_command_queue_desc_t desc{};
    desc.stype = ZE_STRUCTURE_TYPE_COMMAND_QUEUE_DESC;
    desc.ordinal = 1;
    desc.mode = ZE_COMMAND_QUEUE_MODE_ASYNCHRONOUS;
    ze_command_list_handle_t list = nullptr;
    EXPECT_EQ(ZE(zeCommandListCreateImmediate)(context, devices[device], &desc, &list),
              ZE_RESULT_SUCCESS);
    return list;
  }
  ze_event_pool_handle_t make_pool(std::uint32_t events) {
    ze_event_pool_desc_t desc{};
    desc.stype = ZE_STRUCTURE_TYPE_EVENT_POOL_DESC;
    desc.flags = ZE_EVENT_POOL_FLAG_HOST_VISIBLE | ZE_EVENT_POOL_FLAG_KERNEL_TIMESTAMP;
    desc.count = events;
    ze_event_pool_handle_t pool = nullptr;
    EXPECT_EQ(ZE(zeEventPoolCreate)(context, &desc, 0, nullptr, &pool), ZE_RESULT_SUCCESS);
    return pool;
  }
  ze_event_handle_t make_event(ze_event_pool_handle_t pool, std::uint32_t index) {
    const ze_event_desc_t desc{ZE_STRUCTURE_TYPE_EVENT_DESC, nullptr, index, 0, 0};
    ze_event_handle_t event = nullptr;
    EXPECT_EQ(ZE(zeEventCreate)(pool, &desc, &event), ZE_RESULT_SUCCESS);
    return event;
  }
  void* allocate(std::size_t bytes) {
    const ze_device_mem_alloc_desc_t desc{ZE_STRUCTURE_TYPE_DEVICE_MEM_ALLOC_DESC, nullptr, 0, 0};
    void* memory = nullptr;
    EXPECT_EQ(ZE(zeMemAllocDevice)(context, &desc, bytes, 64, devices[0], &memory),
              ZE_RESULT_SUCCESS);
    return memory;
  }

  ze_driver_handle_t driver = nullptr;
  ze_device_handle_t devices[2] = {};
  ze_context_handle_t context = nullptr;
};

TEST_F(LevelZero, RefusesWhatIsMissingOrOver) {
  ze_context_handle_t other = nullptr;
  EXPECT_EQ(ZE(zeContextCreate)(driver, nullptr, &other), ZE_RESULT_ERROR_INVALID_NULL_POINTER);
  const ze_context_desc_t wrong{ZE_STRUCTURE_TYPE_EVENT_DESC, nullptr, 0};
  EXPECT_EQ(ZE(zeContextCreate)(driver, &wrong, &other), ZE_RESULT_ERROR_INVALID_ARGUMENT);
  void* const memory = allocate(100);
  EXPECT_EQ(ZE(zeMemFree)(context, memory), ZE_RESULT_SUCCESS);
  EXPECT_EQ(ZE(zeMemFree)(context, memory), ZE_RESULT_ERROR_INVALID_ARGUMENT);
  ze_command_list_handle_t list = make_list();
  EXPECT_EQ(ZE(zeCommandListDestroy)(list), ZE_RESULT_SUCCESS);
  EXPECT_EQ(ZE(zeCommandListAppendBarrier)(list, nullptr, 0, nullptr),
            ZE_RESULT_ERROR_INVALID_ARGUMENT);
  EXPECT_GE(count("reports"), 3u);
}

TEST_F(LevelZero, CopiesMustStayInsideTheirAllocation) {
  void* const memory = allocate(100);
  char host[200] = {};
  ze_command_list_handle_t list = make_list();
  const auto copy = [&](std::size_t bytes) {
    return ZE(zeCommandListAppendMemoryCopy)(list, memory, host, bytes, nullptr, 0, nullptr);
  };
  EXPECT_EQ(copy(100), ZE_RESULT_SUCCESS);
  EXPECT_EQ(copy(101), ZE_RESULT_ERROR_INVALID_SIZE);
  ze_event_pool_handle_t pool = make_pool(1);
  ze_event_handle_t done = make_event(pool, 0);
  EXPECT_EQ(ZE(zeCommandListAppendBarrier)(list, done, 0, nullptr), ZE_RESULT_SUCCESS);
  EXPECT_EQ(ZE(zeEventHostSynchronize)(done, 10 * kSecond), ZE_RESULT_SUCCESS);
  EXPECT_EQ(ZE(zeEventPoolDestroy)(pool), ZE_RESULT_ERROR_HANDLE_OBJECT_IN_USE);
  EXPECT_EQ(ZE(zeEventDestroy)(done), ZE_RESULT_SUCCESS);
  EXPECT_EQ(ZE(zeEventPoolDestroy)(pool), ZE_RESULT_SUCCESS);
  EXPECT_EQ(ZE(zeCommandListDestroy)(list), ZE_RESULT_SUCCESS);
  EXPECT_EQ(ZE(zeMemFree)(context, memory), ZE_RESULT_SUCCESS);
}

// A hundred fills of one byte; the last one wins only where barriers order them.
class Order : public LevelZero {
 protected:
  std::uint8_t last_of_fills(bool ordered) {
    constexpr int kFills = 100;
    void* const memory = allocate(1);
    ze_command_list_handle_t list = make_list();
    ze_event_pool_handle_t pool = make_pool(2);
    ze_event_handle_t start = make_event(pool, 0), done = make_event(pool, 1);
    // Held back, so that all of them are there to choose from.
    EXPECT_EQ(ZE(zeCommandListAppendBarrier)(list, nullptr, 1, &start), ZE_RESULT_SUCCESS);
    for (int i = 1; i <= kFills; ++i) {
      const auto value = static_cast<std::uint8_t>(i);
      EXPECT_EQ(ZE(zeCommandListAppendMemoryFill)(list, memory, &value, 1, 1, nullptr, 0, nullptr),
                ZE_RESULT_SUCCESS);
      if (ordered) ZE(zeCommandListAppendBarrier)(list, nullptr, 0, nullptr);
    }
    EXPECT_EQ(ZE(zeCommandListAppendBarrier)(list, done, 0, nullptr), ZE_RESULT_SUCCESS);
    EXPECT_EQ(ZE(zeEventHostSignal)(start), ZE_RESULT_SUCCESS);
    EXPECT_EQ(ZE(zeEventHostSynchronize)(done, 60 * kSecond), ZE_RESULT_SUCCESS);
    std::uint8_t value = 0;
    std::memcpy(&value, memory, 1);
    for (ze_event_handle_t event : {start, done}) ZE(zeEventDestroy)(event);
    ZE(zeEventPoolDestroy)(pool);
    ZE(zeCommandListDestroy)(list);
    ZE(zeMemFree)(context, memory);
    return value;
  }
};

TEST_F(Order, BarriersKeepIt) {
  ASSERT_EQ(control("delay=3"), 0);
  EXPECT_EQ(last_of_fills(true), 100);
}

// The seed makes it certain: the schedule is the same in each run.
TEST_F(Order, IsNotKeptWithoutThem) {
  ASSERT_EQ(control("delay=3"), 0);
  EXPECT_NE(last_of_fills(false), 100);
}

TEST_F(LevelZero, FailsTheCallThatWasChosen) {
  ASSERT_EQ(control("fail=2:1879048195:zeMemAllocDevice"), 0);  // OUT_OF_DEVICE_MEMORY
  void* const first = allocate(16);
  const ze_device_mem_alloc_desc_t desc{ZE_STRUCTURE_TYPE_DEVICE_MEM_ALLOC_DESC, nullptr, 0, 0};
  void* second = nullptr;
  EXPECT_EQ(ZE(zeMemAllocDevice)(context, &desc, 16, 64, devices[0], &second),
            ZE_RESULT_ERROR_OUT_OF_DEVICE_MEMORY);
  EXPECT_EQ(second, nullptr);
  EXPECT_EQ(count("injected"), 1u);
  EXPECT_EQ(ZE(zeMemFree)(context, first), ZE_RESULT_SUCCESS);
}

TEST_F(LevelZero, EndsAtTheByteThatWasChosen) {
  ASSERT_EQ(control("oom=1000"), 0);
  void* const memory = allocate(1000);
  const ze_device_mem_alloc_desc_t desc{ZE_STRUCTURE_TYPE_DEVICE_MEM_ALLOC_DESC, nullptr, 0, 0};
  void* more = nullptr;
  EXPECT_EQ(ZE(zeMemAllocDevice)(context, &desc, 1, 64, devices[0], &more),
            ZE_RESULT_ERROR_OUT_OF_DEVICE_MEMORY);
  EXPECT_EQ(ZE(zeMemFree)(context, memory), ZE_RESULT_SUCCESS);
}

TEST_F(LevelZero, ALostDeviceEndsWaitsAndLeavesTheOtherAlone) {
  ze_event_pool_handle_t pool = make_pool(3);
  ze_event_handle_t never = make_event(pool, 0), lost = make_event(pool, 1),
                    fine = make_event(pool, 2);
  ze_command_list_handle_t bad = make_list(0), good = make_list(1);
  EXPECT_EQ(ZE(zeCommandListAppendBarrier)(bad, lost, 1, &never), ZE_RESULT_SUCCESS);
  ASSERT_EQ(control("lose=0@1"), 0);
  EXPECT_EQ(ZE(zeEventHostSynchronize)(lost, 10 * kSecond), ZE_RESULT_ERROR_DEVICE_LOST);
  EXPECT_EQ(ZE(zeDeviceGetStatus)(devices[0]), ZE_RESULT_ERROR_DEVICE_LOST);
  EXPECT_EQ(ZE(zeCommandListAppendBarrier)(bad, nullptr, 0, nullptr), ZE_RESULT_ERROR_DEVICE_LOST);
  EXPECT_EQ(ZE(zeCommandListAppendBarrier)(good, fine, 0, nullptr), ZE_RESULT_SUCCESS);
  EXPECT_EQ(ZE(zeEventHostSynchronize)(fine, 10 * kSecond), ZE_RESULT_SUCCESS);
  for (ze_command_list_handle_t list : {bad, good}) {
    EXPECT_EQ(ZE(zeCommandListDestroy)(list), ZE_RESULT_SUCCESS);
  }
  for (ze_event_handle_t event : {never, lost, fine}) {
    EXPECT_EQ(ZE(zeEventDestroy)(event), ZE_RESULT_SUCCESS);
  }
  EXPECT_EQ(ZE(zeEventPoolDestroy)(pool), ZE_RESULT_SUCCESS);
}

TEST_F(LevelZero, CodeThatIsNoSpirvFailsWithALog) {
  const std::uint8_t garbage[] = {1, 2, 3, 4, 5, 6, 7, 8};
  ze_module_desc_t desc{};
  desc.stype = ZE_STRUCTURE_TYPE_MODULE_DESC;
  desc.format = ZE_MODULE_FORMAT_IL_SPIRV;
  desc.inputSize = sizeof garbage;
  desc.pInputModule = garbage;
  ze_module_handle_t module = nullptr;
  ze_module_build_log_handle_t log = nullptr;
  EXPECT_EQ(ZE(zeModuleCreate)(context, devices[0], &desc, &module, &log),
            ZE_RESULT_ERROR_MODULE_BUILD_FAILURE);
  std::size_t bytes = 0;
  EXPECT_EQ(ZE(zeModuleBuildLogGetString)(log, &bytes, nullptr), ZE_RESULT_SUCCESS);
  EXPECT_GT(bytes, 1u);
  EXPECT_EQ(count("live.log"), 1u);
  EXPECT_EQ(ZE(zeModuleBuildLogDestroy)(log), ZE_RESULT_SUCCESS);
  desc.format = ZE_MODULE_FORMAT_NATIVE;
  EXPECT_EQ(ZE(zeModuleCreate)(context, devices[0], &desc, &module, nullptr),
            ZE_RESULT_ERROR_INVALID_NATIVE_BINARY);
}

}  // namespace
