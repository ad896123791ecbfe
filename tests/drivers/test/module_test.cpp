// The run-time compilers and what they make.
#include <cstring>

#include "fixture.h"

namespace sampan::test {
namespace {

constexpr Result kCompilationFailed = 6, kInvalidOption = 5, kInvalidProgram = 4, kInvalidInput = 3;

class EmulatedModule : public DriverTest {};

TEST_P(EmulatedModule, ErrorsNameTheUsersFileAndLine) {
  const auto compiled = driver.compile(
      "#include \"half.h\"\n\nextern \"C\" __global__ void k(float* p) {\n  *p = nothing;\n}\n", {},
      {{"half.h", "#define HALF 0.5f\n"}}, "folder/mine.cu");
  EXPECT_EQ(compiled.result, kCompilationFailed);
  const std::string place =
      driver.is_cuda() ? "folder/mine.cu(4): error:" : "folder/mine.cu:4:8: error:";
  EXPECT_NE(compiled.log.find(place), std::string::npos) << compiled.log;
  EXPECT_NE(compiled.log.find("nothing"), std::string::npos) << compiled.log;
  EXPECT_EQ(compiled.log.find("/tmp"), std::string::npos) << compiled.log;
}

TEST_P(EmulatedModule, ErrorsInHeadersNameThem) {
  const auto compiled =
      driver.compile("#include \"sub/h.h\"\n", {}, {{"sub/h.h", "\nint f( {}\n"}});
  EXPECT_EQ(compiled.result, kCompilationFailed);
  EXPECT_NE(compiled.log.find(driver.is_cuda() ? "sub/h.h(2): error:" : "sub/h.h:2:"),
            std::string::npos)
      << compiled.log;
}

TEST_P(EmulatedModule, OnlyGivenHeadersAreFound) {
  EXPECT_EQ(driver.compile("#include <stdint.h>\n").result, kCompilationFailed);
  EXPECT_EQ(driver.compile("#include <vector>\n").result, kCompilationFailed);
}

TEST_P(EmulatedModule, OptionsAreKnownOrRefused) {
  EXPECT_EQ(driver.compile("int x = N;", {"-DN=3", "--std=c++17"}).result, kOk);
  EXPECT_EQ(driver.compile("int x = N;", {"-D", "N=3"}).result, kOk);
  EXPECT_EQ(driver.compile("int x = N;", {"-DN=3", "-UN"}).result, kCompilationFailed);
  // Macros can't reach what the compiler has built in.
  EXPECT_EQ(driver.compile("int N = 1;", {"-Dvalue=3", "-Dlane=4", "-DT=int"}).result, kOk);
  const auto refused = driver.compile("", {"--make-coffee"});
  EXPECT_EQ(refused.result, kInvalidOption);
  EXPECT_NE(refused.log.find("--make-coffee"), std::string::npos);
  EXPECT_EQ(driver.compile("", {driver.is_cuda() ? "-arch=sm_35" : "--offload-arch=gfx000"}).result,
            kInvalidOption);
}

TEST_P(EmulatedModule, ProgramsAreChecked) {
  Handle program = nullptr;
  EXPECT_EQ(f.program_create(&program, nullptr, "x", 0, nullptr, nullptr), kInvalidInput);
  ASSERT_EQ(f.program_create(&program, "", "x", 0, nullptr, nullptr), kOk);
  std::size_t bytes = 0;
  EXPECT_EQ(f.program_code_bytes(program, &bytes), kInvalidProgram) << "not compiled yet";
  const Handle copy = program;
  EXPECT_EQ(f.program_destroy(&program), kOk);
  EXPECT_EQ(program, nullptr);
  EXPECT_EQ(f.program_log_bytes(copy, &bytes), kInvalidProgram);
}

TEST_P(EmulatedModule, FunctionsAreFoundByPlainName) {
  const auto compiled = driver.compile(R"(
    __global__ void mangled(int* p) {}
    extern "C" { __global__ void inside(int* p); __global__ void inside(int* p) {} }
    extern "C" __device__ void helper() {}
    extern "C" __global__ void exp2d(int* p) {})");
  ASSERT_EQ(compiled.result, kOk) << compiled.log;
  Handle module = nullptr, function = nullptr, again = nullptr;
  ASSERT_EQ(f.module_load(&module, compiled.code.data()), kOk);
  EXPECT_EQ(f.module_function(&function, module, "inside"), kOk);
  EXPECT_EQ(f.module_function(&again, module, "inside"), kOk);
  EXPECT_EQ(function, again);
  EXPECT_EQ(f.module_function(&again, module, "exp2d"), kOk);
  EXPECT_EQ(f.module_function(&again, module, "mangled"), kNotFound) << "has no C linkage";
  EXPECT_EQ(f.module_function(&again, module, "helper"), kNotFound) << "is no kernel";
  EXPECT_EQ(f.module_function(&again, module, "none"), kNotFound);
  EXPECT_EQ(f.module_unload(module), kOk);
  EXPECT_EQ(f.module_unload(module), kInvalidHandle);
  EXPECT_EQ(launch(function, {1}, {1}, 0, Address{0}), kInvalidHandle) << "went with its module";
}

TEST_P(EmulatedModule, GlobalsAreDeviceMemory) {
  const auto compiled = driver.compile(
      "extern \"C\" __constant__ unsigned group_k[3] = {8, 4, 1};\n"
      "extern \"C\" __global__ void k(unsigned* out) { *out = group_k[1]; }");
  ASSERT_EQ(compiled.result, kOk) << compiled.log;
  Handle module = nullptr, function = nullptr;
  Address group = 0;
  std::size_t bytes = 0;
  ASSERT_EQ(f.module_load(&module, compiled.code.data()), kOk);
  ASSERT_EQ(f.module_global(&group, &bytes, module, "group_k"), kOk);
  EXPECT_EQ(bytes, 12u);
  EXPECT_EQ(download<unsigned>(group, 3), (std::vector<unsigned>{8, 4, 1}));
  EXPECT_EQ(f.module_global(&group, &bytes, module, "k"), kNotFound) << "a function";
  EXPECT_EQ(f.module_global(&group, &bytes, module, "none"), kNotFound);
  // A write reaches the kernel.
  ASSERT_EQ(f.module_global(&group, nullptr, module, "group_k"), kOk);
  ASSERT_EQ(f.module_function(&function, module, "k"), kOk);
  const Address out = upload(std::vector<unsigned>{0});
  ASSERT_EQ(f.fill32(group + 4, 77, 1, stream), kOk);
  ASSERT_EQ(launch(function, {1}, {1}, 0, out), kOk);
  EXPECT_EQ(download<unsigned>(out, 1)[0], 77u);
  EXPECT_EQ(f.module_unload(module), kOk);
  unsigned word = 0;
  EXPECT_EQ(f.to_host(&word, group, 4, stream), kInvalidValue) << "went with its module";
  EXPECT_EQ(f.free(out), kOk);
}

TEST_P(EmulatedModule, AttributesTellSharedMemoryAndBounds) {
  const Loaded kernel = load(R"(
    template <int N> struct Pool { static __device__ char* at() { __shared__ char pool[N]; return pool; } };
    extern "C" __global__ void other(int* p) { __shared__ double large[1000]; large[threadIdx.x] = *p; *p = (int)large[0]; }
    extern "C" __global__ void __launch_bounds__(64, 2) k(int* p) {
      __shared__ int own[100];
      own[threadIdx.x] = *p;
      *p = Pool<1000>::at()[0] + own[0];
    })",
                             "k");
  int value = 0;
  EXPECT_EQ(f.function_attribute(&value, 0, kernel.function), kOk);
  EXPECT_EQ(value, 64);
  EXPECT_EQ(f.function_attribute(&value, 1, kernel.function), kOk);
  EXPECT_EQ(value, 1400);
  EXPECT_EQ(f.function_attribute(&value, 99, kernel.function), kInvalidValue);
  EXPECT_EQ(f.occupancy(&value, kernel.function, 65, 0), kOk);
  EXPECT_EQ(value, 0) << "more threads than the bounds allow";
  EXPECT_EQ(f.module_unload(kernel.module), kOk);
}

TEST_P(EmulatedModule, ImagesOfOthersAreRefused) {
  Handle module = nullptr;
  const Driver::Compiled mine = driver.compile("extern \"C\" __global__ void k(int* p) {}");
  ASSERT_EQ(mine.result, kOk);
  EXPECT_EQ(f.module_load(&module,
                          "not an image at all, and long enough to be one of 64 bytes or more..."),
            kInvalidImage);
  EXPECT_EQ(f.module_load(&module, nullptr), kInvalidValue);
  Driver& other = Driver::of(driver.is_cuda() ? "hip" : "cuda");
  const Driver::Compiled theirs = other.compile("extern \"C\" __global__ void k(int* p) {}");
  ASSERT_EQ(theirs.result, kOk);
  EXPECT_EQ(f.module_load(&module, theirs.code.data()), kNoBinary);
  const auto older =
      driver.compile("", {driver.is_cuda() ? "-arch=sm_80" : "--offload-arch=gfx908"});
  ASSERT_EQ(older.result, kOk);
  EXPECT_EQ(f.module_load(&module, older.code.data()), kNoBinary);
  std::string damaged = mine.code;
  damaged.replace(64, 7, "damaged");
  EXPECT_EQ(f.module_load(&module, damaged.data()), kInvalidImage);
}

SAMPAN_ON_BOTH_DRIVERS(EmulatedModule);

using EmulatedPtx = DriverTest;
TEST_P(EmulatedPtx, IsForItsOwnAndNewerDevices) {
  auto* const create = f.program_create;
  auto* const ptx_bytes =
      reinterpret_cast<Result (*)(Handle, std::size_t*)>(driver.symbol("nvrtcGetPTXSize"));
  auto* const ptx = reinterpret_cast<Result (*)(Handle, char*)>(driver.symbol("nvrtcGetPTX"));
  ASSERT_NE(ptx_bytes, nullptr);
  ASSERT_NE(ptx, nullptr);
  struct Case {
    const char* option;
    Result result;
  };
  for (const auto& [option, expected] :
       {Case{"-arch=compute_80", kOk}, Case{"-arch=compute_90", kOk},
        Case{"-arch=compute_120", kInvalidPtx}}) {
    Handle program = nullptr, module = nullptr;
    ASSERT_EQ(create(&program, "extern \"C\" __global__ void k(int* p) { *p = 3; }", "x.cu", 0,
                     nullptr, nullptr),
              kOk);
    ASSERT_EQ(f.program_compile(program, 1, &option), kOk);
    std::size_t bytes = 0;
    ASSERT_EQ(f.program_code_bytes(program, &bytes), kOk);
    EXPECT_EQ(bytes, 0u) << "no machine code for a virtual architecture";
    ASSERT_EQ(ptx_bytes(program, &bytes), kOk);
    std::string text(bytes, '\0');
    ASSERT_EQ(ptx(program, text.data()), kOk);
    EXPECT_EQ(text.back(), '\0');
    EXPECT_EQ(f.program_destroy(&program), kOk);
    EXPECT_EQ(f.module_load(&module, text.data()), expected) << option;
    if (expected != kOk) continue;
    Handle function = nullptr;
    ASSERT_EQ(f.module_function(&function, module, "k"), kOk);
    const Address out = upload(std::vector<int>{0});
    ASSERT_EQ(launch(function, {1}, {1}, 0, out), kOk);
    EXPECT_EQ(download<int>(out, 1)[0], 3);
    EXPECT_EQ(f.module_unload(module), kOk);
    EXPECT_EQ(f.free(out), kOk);
  }
}
INSTANTIATE_TEST_SUITE_P(Drivers, EmulatedPtx, testing::Values("cuda"), vendor_name);

}  // namespace
}  // namespace sampan::test
