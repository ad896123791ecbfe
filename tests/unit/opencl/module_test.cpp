#include <array>
#include <cstdlib>
#include <filesystem>

#include "plugin.h"

namespace sampan::test {
namespace {

constexpr const char* kSource = R"(
__kernel void put(__global int* out) { out[0] = VALUE; }
__kernel __attribute__((reqd_work_group_size(4, 2, 1))) void fixed(__global int* out, int x) {
  __local int pool[32];
  pool[get_local_id(0)] = x;
  barrier(CLK_LOCAL_MEM_FENCE);
  out[0] = pool[0];
}
)";

class OpenclModule : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(bench_.opened()) << bench_.error().message(); }

  [[nodiscard]] static const sampan_module_table_t& modules() {
    return *Plugin::get().backend.module;
  }

  struct Loaded {
    sampan_code_t code;
    Handle<sampan_module_t> module;
    Error error;
  };
  [[nodiscard]] Loaded load(std::uint32_t format, const void* code, std::size_t code_bytes,
                            const char* options = nullptr) const {
    Loaded loaded{SAMPAN_INTERNAL, {nullptr, modules().unload}, {}};
    sampan_module_desc_t desc{};
    desc.size = sizeof desc;
    desc.format = format;
    desc.code = code;
    desc.code_bytes = code_bytes;
    desc.name = "sample";
    desc.options = options;
    sampan_module_t* made = nullptr;
    loaded.code = modules().load(bench_.device(), &desc, &made, loaded.error.get());
    loaded.module.reset(made);
    return loaded;
  }
  [[nodiscard]] Loaded load_source(const std::string& text, const char* options) const {
    return load(SAMPAN_FORMAT_SOURCE, text.data(), text.size(), options);
  }

  /// What the kernel `put` of the module writes.
  [[nodiscard]] std::int32_t run(const Handle<sampan_module_t>& module) const {
    const auto stream = bench_.stream();
    const auto memory = bench_.memory(4);
    const std::array args{region_arg(memory.get())};
    const auto launch = make_launch(bench_.kernel(module, "put"), args, 1, 1);
    Error error;
    EXPECT_CODE(SAMPAN_OK, error,
                Plugin::get().backend.stream->launch(stream.get(), &launch, error.get()));
    std::int32_t result = 0;
    bench_.download(stream.get(), &result, {memory.get(), 0}, 4);
    bench_.wait(stream.get());
    return result;
  }

  [[nodiscard]] static std::vector<std::uint8_t> binary(const Handle<sampan_module_t>& module) {
    std::vector<std::uint8_t> bytes;
    Error error;
    EXPECT_CODE(SAMPAN_OK, error,
                modules().binary(
                    module.get(),
                    [](void* context, const void* data, std::uint64_t size) {
                      const auto* first = static_cast<const std::uint8_t*>(data);
                      static_cast<std::vector<std::uint8_t>*>(context)->assign(first, first + size);
                    },
                    &bytes, error.get()));
    return bytes;
  }

  Bench bench_;
};

TEST_F(OpenclModule, OptionsReachTheSource) {
  for (const std::int32_t value : {1, -2, 12345}) {
    const auto loaded = load_source(kSource, ("-DVALUE=" + std::to_string(value)).c_str());
    ASSERT_EQ(SAMPAN_OK, loaded.code) << loaded.error.detail();
    EXPECT_EQ(value, run(loaded.module));
  }
}

TEST_F(OpenclModule, ABuildErrorNamesItsLineAndBringsTheLog) {
  const auto loaded =
      load_source("__kernel void f(__global int* a) {\n  a[0] = nonsense;\n}\n", "-DX=1");
  EXPECT_EQ(SAMPAN_COMPILE_FAILED, loaded.code);
  EXPECT_EQ(nullptr, loaded.module);
  EXPECT_NE(std::string::npos, loaded.error.message().find("'sample'"));
  EXPECT_NE(std::string::npos, loaded.error.message().find("nonsense")) << loaded.error.message();
  EXPECT_NE(std::string::npos, loaded.error.detail().find("nonsense"));
  EXPECT_STREQ("clBuildProgram", loaded.error->driver_call);
  EXPECT_NE(0, loaded.error->driver_code);
  // And not a second time from a cache of failures.
  EXPECT_EQ(SAMPAN_OK, load_source(kSource, "-DVALUE=3").code);
}

TEST_F(OpenclModule, ALogThatDoesNotFitIsCut) {
  const std::string text = "__kernel void f() { nonsense; }\n";
  sampan_module_desc_t desc{};
  desc.size = sizeof desc;
  desc.format = SAMPAN_FORMAT_SOURCE;
  desc.code = text.data();
  desc.code_bytes = text.size();
  char room[8] = "xxxxxxx";
  sampan_error_t error{};
  error.size = sizeof error;
  error.detail = room;
  error.detail_bytes = 5;
  sampan_module_t* made = nullptr;
  EXPECT_EQ(SAMPAN_COMPILE_FAILED, modules().load(bench_.device(), &desc, &made, &error));
  EXPECT_EQ(4u, std::strlen(room));
  EXPECT_EQ('x', room[5]);
  error.detail = nullptr;
  EXPECT_EQ(SAMPAN_COMPILE_FAILED, modules().load(bench_.device(), &desc, &made, &error));
}

TEST_F(OpenclModule, TheCacheAnswersTheSecondTimeAndSurvivesDamage) {
  namespace fs = std::filesystem;
  const ScopedVariable variable("SAMPAN_OPENCL_BINARIES", "1");
  bench_ = Bench();
  const char* const folder = std::getenv("SAMPAN_CACHE_DIR");
  ASSERT_NE(nullptr, folder) << "the test needs a cache folder of its own";
  const auto entries = [&] {
    std::vector<fs::path> found;
    if (!fs::exists(folder)) return found;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file() && entry.file_size() > 200) found.push_back(entry.path());
    }
    return found;
  };
  const std::string text =
      std::string(kSource) + "// " + std::to_string(::getpid()) + " a text never seen before\n";
  const auto before = entries().size();
  ASSERT_EQ(SAMPAN_OK, load_source(text, "-DVALUE=77").code);
  const auto after = entries();
  ASSERT_EQ(before + 1, after.size());
  const auto again = load_source(text, "-DVALUE=77");
  ASSERT_EQ(SAMPAN_OK, again.code);
  EXPECT_EQ(after.size(), entries().size());
  EXPECT_EQ(77, run(again.module));
  for (const auto& path : after) fs::resize_file(path, 100);
  const auto repaired = load_source(text, "-DVALUE=77");
  ASSERT_EQ(SAMPAN_OK, repaired.code) << repaired.error.message();
  EXPECT_EQ(77, run(repaired.module));
}

TEST_F(OpenclModule, TheNativeCodeLoadsAgain) {
  const auto first = load_source(kSource, "-DVALUE=99");
  ASSERT_EQ(SAMPAN_OK, first.code);
  const auto bytes = binary(first.module);
  ASSERT_GT(bytes.size(), 0u);
  const auto second = load(SAMPAN_FORMAT_NATIVE, bytes.data(), bytes.size());
  ASSERT_EQ(SAMPAN_OK, second.code) << second.error.message();
  EXPECT_EQ(99, run(second.module));
}

TEST_F(OpenclModule, DamagedNativeCodeIsRefused) {
  const auto first = load_source(kSource, "-DVALUE=98");
  ASSERT_EQ(SAMPAN_OK, first.code);
  const auto whole = binary(first.module);
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{8}, std::size_t{60}, whole.size() / 2, whole.size() - 1}) {
    const auto loaded = load(SAMPAN_FORMAT_NATIVE, whole.data(), size);
    EXPECT_EQ(SAMPAN_INVALID_BINARY, loaded.code) << size << ": " << loaded.error.message();
  }
  for (const std::size_t at : {std::size_t{0}, std::size_t{7}, std::size_t{12}, std::size_t{40},
                               std::size_t{100}, whole.size() / 2, whole.size() - 1}) {
    auto flipped = whole;
    flipped[at] ^= 1;
    const auto loaded = load(SAMPAN_FORMAT_NATIVE, flipped.data(), flipped.size());
    EXPECT_EQ(SAMPAN_INVALID_BINARY, loaded.code) << at << ": " << loaded.error.message();
  }
}

TEST_F(OpenclModule, CodeThatIsNoneIsRefused) {
  const auto noise = pattern_bytes(1000, 5);
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}, noise.size()}) {
    const auto loaded = load(SAMPAN_FORMAT_NATIVE, noise.data(), size);
    EXPECT_EQ(SAMPAN_INVALID_BINARY, loaded.code) << loaded.error.message();
  }
  EXPECT_EQ(SAMPAN_UNSUPPORTED, load(99, noise.data(), noise.size()).code);
}

TEST_F(OpenclModule, SpirvIsTakenOrRefusedWithTheReason) {
  const auto noise = pattern_bytes(64, 6);
  const auto loaded = load(SAMPAN_FORMAT_SPIRV, noise.data(), noise.size());
  EXPECT_TRUE(loaded.code == SAMPAN_UNSUPPORTED || loaded.code == SAMPAN_INVALID_BINARY)
      << loaded.error.message();
  EXPECT_NE("", loaded.error.message());
}

TEST_F(OpenclModule, KernelsAreFoundByName) {
  const auto loaded = load_source(kSource, "-DVALUE=1");
  ASSERT_EQ(SAMPAN_OK, loaded.code);
  EXPECT_EQ(bench_.kernel(loaded.module, "put"), bench_.kernel(loaded.module, "put"));
  EXPECT_NE(bench_.kernel(loaded.module, "put"), bench_.kernel(loaded.module, "fixed"));
  Error error;
  sampan_kernel_t* kernel = nullptr;
  EXPECT_EQ(SAMPAN_NOT_FOUND,
            modules().kernel(loaded.module.get(), "absent", &kernel, error.get()));
  EXPECT_EQ(nullptr, kernel);
  EXPECT_NE(std::string::npos, error.message().find("'absent'")) << error.message();
}

TEST_F(OpenclModule, KernelsOfTheDialectGoByTheirOwnNames) {
  const std::string text =
      "__kernel void sampan_kernel_step(__global int* out) { out[0] = 1; }\n"
      "__kernel void plain(__global int* out) { out[0] = 2; }\n";
  const auto loaded = load_source(text, nullptr);
  ASSERT_EQ(SAMPAN_OK, loaded.code);
  const auto stream = bench_.stream();
  for (const std::string name : {"step", "plain"}) {
    const auto launch = make_launch(bench_.kernel(loaded.module, name.c_str()), {}, 1, 1);
    Error error;
    EXPECT_EQ(SAMPAN_INVALID_ARGUMENT,
              Plugin::get().backend.stream->launch(stream.get(), &launch, error.get()));
    EXPECT_NE(std::string::npos, error.message().find("'" + name + "' takes 1 arguments"))
        << error.message();
  }
}

TEST_F(OpenclModule, KernelInfo) {
  const auto loaded = load_source(kSource, "-DVALUE=1");
  ASSERT_EQ(SAMPAN_OK, loaded.code);
  sampan_kernel_info_t info{};
  info.size = sizeof info;
  Error error;
  ASSERT_CODE(SAMPAN_OK, error,
              modules().kernel_info(bench_.kernel(loaded.module, "fixed"), &info, error.get()));
  EXPECT_EQ(4u, info.group[0]);
  EXPECT_EQ(2u, info.group[1]);
  EXPECT_EQ(1u, info.group[2]);
  EXPECT_EQ(2u, info.arg_count);
  EXPECT_GE(info.local_bytes, 128u);
  ASSERT_CODE(SAMPAN_OK, error,
              modules().kernel_info(bench_.kernel(loaded.module, "put"), &info, error.get()));
  EXPECT_EQ(0u, info.group[0]);
  EXPECT_EQ(1u, info.arg_count);
  EXPECT_GT(info.max_group_items, 0u);
}

TEST_F(OpenclModule, UnloadingWhileAStreamHoldsTheKernel) {
  const auto stream = bench_.stream();
  const auto memory = bench_.memory(4);
  const std::array args{region_arg(memory.get())};
  for (std::int32_t value = 1; value <= 5; ++value) {
    const auto loaded = load_source(kSource, ("-DVALUE=" + std::to_string(value)).c_str());
    ASSERT_EQ(SAMPAN_OK, loaded.code);
    const auto launch = make_launch(bench_.kernel(loaded.module, "put"), args, 1, 1);
    Error error;
    ASSERT_CODE(SAMPAN_OK, error,
                Plugin::get().backend.stream->launch(stream.get(), &launch, error.get()));
    std::int32_t result = 0;
    bench_.download(stream.get(), &result, {memory.get(), 0}, 4);
    bench_.wait(stream.get());
    ASSERT_EQ(value, result);
  }
}

}  // namespace
}  // namespace sampan::test
