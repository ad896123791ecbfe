#include "kernel_fixture.h"

namespace sampan_test {
namespace {

using ModuleTest = KernelTest;

std::vector<std::byte> binary_of(const Module& module) {
  std::vector<std::byte> bytes;
  ErrorRecord error;
  EXPECT_CODE(SAMPAN_OK,
              backend().module->binary(
                  module.get(),
                  [](void* context, const void* data, std::uint64_t size) {
                    const auto* first = static_cast<const std::byte*>(data);
                    static_cast<std::vector<std::byte>*>(context)->assign(first, first + size);
                  },
                  &bytes, &error),
              error);
  return bytes;
}

sampan_code_t load_native(sampan_device_t* device, const std::vector<std::byte>& bytes, Module& out,
                          ErrorRecord& error) {
  sampan_module_desc_t desc{};
  desc.size = sizeof desc;
  desc.format = SAMPAN_FORMAT_NATIVE;
  desc.code = bytes.data();
  desc.code_bytes = bytes.size();
  desc.name = "binary";
  desc.options = "";
  sampan_module_t* module = nullptr;
  const auto code = backend().module->load(device, &desc, &module, &error);
  out.reset(module);
  return code;
}

TEST_F(ModuleTest, ACompileErrorComesWithItsLog) {
  Module module;
  const std::string text =
      dialect_source("KERNEL_FLAT(bad, 1, 1, 1)(u32 a) { undeclared = a; }\n", {"bad"});
  EXPECT_EQ(SAMPAN_COMPILE_FAILED, load_source(device_.get(), text, module, error_));
  EXPECT_NE(error_.message().find("undeclared"), std::string::npos) << error_.message();
  EXPECT_NE(std::string(error_.detail.data()).find("undeclared"), std::string::npos);
  EXPECT_EQ(module, nullptr);
}

TEST_F(ModuleTest, AnUnknownKernelIsNotFound) {
  const Module module = load(device_.get(), "KERNEL_FLAT(only, 1, 1, 1)(u32 a) {}\n", {"only"});
  sampan_kernel_t* found = nullptr;
  EXPECT_EQ(SAMPAN_NOT_FOUND, backend().module->kernel(module.get(), "other", &found, &error_));
  EXPECT_NE(error_.message().find("'other'"), std::string::npos) << error_.message();
}

TEST_F(ModuleTest, InfoTellsWhatTheKernelFixes) {
  const Module module =
      load(device_.get(), "KERNEL(shape, 8, 4, 2)(u32 a, GLOBAL f32* b, u64 c) {}\n", {"shape"});
  sampan_kernel_info_t info{};
  info.size = sizeof info;
  ASSERT_EQ(SAMPAN_OK, backend().module->kernel_info(kernel(module, "shape"), &info, &error_));
  EXPECT_EQ(info.group[0], 8u);
  EXPECT_EQ(info.group[1], 4u);
  EXPECT_EQ(info.group[2], 2u);
  EXPECT_EQ(info.arg_count, 3u);
}

TEST_F(ModuleTest, ABinaryLoadsAgainAndADamagedOneDoesNot) {
  const Module source =
      load(device_.get(), "KERNEL_FLAT(five, 1, 1, 1)(GLOBAL u32* out) { *out = 5; }\n", {"five"});
  const std::vector<std::byte> bytes = binary_of(source);
  ASSERT_GT(bytes.size(), 100u);
  Module again;
  ASSERT_CODE(SAMPAN_OK, load_native(device_.get(), bytes, again, error_), error_);
  const Memory memory = allocate(device_.get(), 4);
  ASSERT_CODE(SAMPAN_OK, run(kernel(again, "five"), {1, 1, 1}, {1, 1, 1}, {region(memory)}),
              error_);
  EXPECT_EQ(*host_pointer<std::uint32_t>(memory), 5u);
  EXPECT_TRUE(binary_of(again) == bytes);

  // Every byte of the head, and some of the rest, flipped; and every kind of truncation.
  for (std::size_t at = 0; at < bytes.size(); at += at < 80 ? 1 : 997) {
    auto damaged = bytes;
    damaged[at] ^= std::byte{1};
    EXPECT_EQ(SAMPAN_INVALID_BINARY, load_native(device_.get(), damaged, again, error_)) << at;
  }
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{47}, std::size_t{48}, bytes.size() - 1}) {
    const std::vector<std::byte> cut(bytes.begin(),
                                     bytes.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(SAMPAN_INVALID_BINARY, load_native(device_.get(), cut, again, error_)) << size;
  }
}

TEST_F(ModuleTest, SpirvIsUnsupported) {
  sampan_module_desc_t desc{};
  desc.size = sizeof desc;
  desc.format = SAMPAN_FORMAT_SPIRV;
  desc.code = "1234";
  desc.code_bytes = 4;
  desc.name = "spirv";
  desc.options = "";
  sampan_module_t* module = nullptr;
  EXPECT_EQ(SAMPAN_UNSUPPORTED, backend().module->load(device_.get(), &desc, &module, &error_));
}

TEST_F(ModuleTest, AModuleMayBeUnloadedWhileItsKernelsRun) {
  const Memory memory = allocate(device_.get(), 4);
  auto* out = host_pointer<std::uint32_t>(memory);
  *out = 0;
  const Event held = create_event(device_.get(), SAMPAN_EVENT_SIGNALLED);
  {
    const Module module = load(
        device_.get(), "KERNEL_FLAT(bump, 1, 1, 1)(GLOBAL u32* out) { *out += 1; }\n", {"bump"});
    ASSERT_EQ(SAMPAN_OK, backend().stream->wait_event(stream_.get(), held.get(), &error_));
    for (int i = 0; i < 10; ++i) {
      ASSERT_EQ(SAMPAN_OK, launch(stream_, kernel(module, "bump"), {1, 1, 1}, {1, 1, 1},
                                  {region(memory)}, error_));
    }
  }
  ASSERT_EQ(SAMPAN_OK, backend().event->signal(held.get(), SAMPAN_OK, &error_));
  ASSERT_CODE(SAMPAN_OK, wait(stream_, error_), error_);
  EXPECT_EQ(*out, 10u);
}

}  // namespace
}  // namespace sampan_test
