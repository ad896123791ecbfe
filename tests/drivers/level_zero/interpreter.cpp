#include "interpreter.h"

#define CL_TARGET_OPENCL_VERSION 300
#include <CL/cl.h>
#include <dlfcn.h>

#include <cstring>
#include <fstream>
#include <mutex>
#include <sstream>

#include "backends/common/subprocess.h"
#include "backends/common/temp_dir.h"
#include "machine/control.h"

namespace sampan::emulator::ze {
namespace {

using common::run_process;

// The OpenCL functions used, from the loader: linking it would make it a need of every test.
struct OpenCl {
  decltype(&clGetPlatformIDs) get_platforms;
  decltype(&clGetDeviceIDs) get_devices;
  decltype(&clCreateContext) create_context;
  decltype(&clCreateCommandQueueWithProperties) create_queue;
  decltype(&clCreateProgramWithBinary) create_program;
  decltype(&clBuildProgram) build_program;
  decltype(&clGetProgramBuildInfo) build_info;
  decltype(&clReleaseProgram) release_program;
  decltype(&clCreateKernel) create_kernel;
  decltype(&clReleaseKernel) release_kernel;
  decltype(&clSetKernelArg) set_arg;
  decltype(&clSetKernelArgSVMPointer) set_pointer;
  decltype(&clGetKernelWorkGroupInfo) kernel_info;
  decltype(&clEnqueueNDRangeKernel) enqueue;
  decltype(&clFinish) finish;
};

template <typename Function>
bool load(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

// PoCL's CPU device, for the life of the process.
struct Engine {
  OpenCl cl{};
  cl_device_id device = nullptr;
  cl_context context = nullptr;
  std::string error;

  Engine() {
    void* const library = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr || !load_all(library)) {
      error = "the emulated Level Zero driver needs an OpenCL loader to run kernels";
      return;
    }
    cl_platform_id platforms[16];
    cl_uint count = 0;
    if (cl.get_platforms(16, platforms, &count) != CL_SUCCESS) count = 0;
    for (cl_uint i = 0; i < count && device == nullptr; ++i) {
      if (cl.get_devices(platforms[i], CL_DEVICE_TYPE_CPU, 1, &device, nullptr) != CL_SUCCESS) {
        device = nullptr;
      }
    }
    cl_int code = CL_DEVICE_NOT_FOUND;
    if (device != nullptr) {
      context = cl.create_context(nullptr, 1, &device, nullptr, nullptr, &code);
    }
    if (code != CL_SUCCESS) {
      error = "the emulated Level Zero driver needs an OpenCL CPU device (pocl-opencl-icd)";
    }
  }

 private:
  bool load_all(void* library) {
    return load(library, "clGetPlatformIDs", cl.get_platforms) &&
           load(library, "clGetDeviceIDs", cl.get_devices) &&
           load(library, "clCreateContext", cl.create_context) &&
           load(library, "clCreateCommandQueueWithProperties", cl.create_queue) &&
           load(library, "clCreateProgramWithBinary", cl.create_program) &&
           load(library, "clBuildProgram", cl.build_program) &&
           load(library, "clGetProgramBuildInfo", cl.build_info) &&
           load(library, "clReleaseProgram", cl.release_program) &&
           load(library, "clCreateKernel", cl.create_kernel) &&
           load(library, "clReleaseKernel", cl.release_kernel) &&
           load(library, "clSetKernelArg", cl.set_arg) &&
           load(library, "clSetKernelArgSVMPointer", cl.set_pointer) &&
           load(library, "clGetKernelWorkGroupInfo", cl.kernel_info) &&
           load(library, "clEnqueueNDRangeKernel", cl.enqueue) &&
           load(library, "clFinish", cl.finish);
  }
};

const Engine& engine() {
  static const Engine* const kEngine = new Engine;
  return *kEngine;
}

// One OpenCL queue per thread that runs launches, kept for ever: such threads are few.
cl_command_queue queue_of_thread() {
  thread_local cl_command_queue queue = [] {
    cl_int code = CL_SUCCESS;
    return engine().cl.create_queue(engine().context, engine().device, nullptr, &code);
  }();
  return queue;
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Empty where the translator refuses.
std::string to_spir(std::span<const std::byte> spirv, std::string& log) {
  const auto folder = common::TempDir::create("sampan_ze");
  const std::string in = folder.write_file("module.spv", spirv);
  const std::string out = folder.file("module.bc");
  const auto result = run_process({.argv = {"llvm-spirv-15", "-r", in, "-o", out}});
  if (result.succeeded) return contents(out);
  log = "llvm-spirv: " + result.explanation + "\n" + result.output;
  return {};
}

}  // namespace

struct Program::Compiled {
  cl_program program = nullptr;
  std::mutex mutex;  // over setting arguments and enqueuing
  std::map<std::string, cl_kernel> kernels;

  ~Compiled() {
    for (const auto& [name, kernel] : kernels) engine().cl.release_kernel(kernel);
    if (program != nullptr) engine().cl.release_program(program);
  }
  cl_kernel kernel(const std::string& name) {
    cl_kernel& slot = kernels[name];
    cl_int code = CL_SUCCESS;
    if (slot == nullptr) slot = engine().cl.create_kernel(program, name.c_str(), &code);
    return slot;
  }
};

Program::Program(std::unique_ptr<Compiled> compiled, std::map<std::string, KernelSignature> kernels,
                 std::span<const std::byte> spirv)
    : compiled_(std::move(compiled)),
      kernels_(std::move(kernels)),
      spirv_(spirv.begin(), spirv.end()) {}

Program::~Program() = default;

std::shared_ptr<Program> Program::compile(std::span<const std::byte> spirv, std::string& log) {
  log = engine().error;
  if (!log.empty()) return nullptr;
  std::vector<std::uint32_t> words(spirv.size() / sizeof(std::uint32_t));
  std::memcpy(words.data(), spirv.data(), words.size() * sizeof(std::uint32_t));
  auto kernels = read_signatures(words);
  if (kernels.empty() || spirv.size() % sizeof(std::uint32_t) != 0) {
    log = "error: the module is no SPIR-V with a kernel";
    return nullptr;
  }
  const std::string spir = to_spir(spirv, log);
  if (spir.empty()) return nullptr;
  auto compiled = std::make_unique<Compiled>();
  const std::size_t bytes = spir.size();
  const auto* text = reinterpret_cast<const unsigned char*>(spir.data());
  const OpenCl& cl = engine().cl;
  cl_int code = CL_SUCCESS;
  compiled->program =
      cl.create_program(engine().context, 1, &engine().device, &bytes, &text, nullptr, &code);
  if (code == CL_SUCCESS) {
    code = cl.build_program(compiled->program, 1, &engine().device, "-x spir -spir-std=1.2",
                            nullptr, nullptr);
  }
  if (code != CL_SUCCESS) {
    log = "error: PoCL returned " + std::to_string(code);
    return nullptr;
  }
  return std::shared_ptr<Program>(new Program(std::move(compiled), std::move(kernels), spirv));
}

KernelFacts Program::facts(const std::string& name) {
  const std::lock_guard lock(compiled_->mutex);
  KernelFacts facts;
  const cl_kernel kernel = compiled_->kernel(name);
  const auto ask = [&](cl_uint what, std::uint64_t& out) {
    cl_ulong answer = 0;
    if (engine().cl.kernel_info(kernel, engine().device, what, sizeof answer, &answer, nullptr) ==
        CL_SUCCESS) {
      out = answer;
    }
  };
  ask(CL_KERNEL_LOCAL_MEM_SIZE, facts.local_bytes);
  ask(CL_KERNEL_PRIVATE_MEM_SIZE, facts.private_bytes);
  return facts;
}

bool Program::run(const std::string& name, const std::vector<KernelArgument>& arguments,
                  std::array<std::uint32_t, 3> groups, std::array<std::uint32_t, 3> group) {
  const OpenCl& cl = engine().cl;
  const std::string& kinds = kernels_.at(name).arguments;
  const cl_command_queue queue = queue_of_thread();
  cl_int code = CL_SUCCESS;
  {
    const std::lock_guard lock(compiled_->mutex);
    const cl_kernel kernel = compiled_->kernel(name);
    for (cl_uint i = 0; i < kinds.size() && code == CL_SUCCESS; ++i) {
      const KernelArgument& argument = arguments[i];
      if (kinds[i] == 'g') {
        void* pointer = nullptr;
        std::memcpy(&pointer, argument.value.data(), sizeof pointer);
        code = cl.set_pointer(kernel, i, pointer);
      } else if (kinds[i] == 'l') {
        code = cl.set_arg(kernel, i, argument.local_bytes, nullptr);
      } else {
        code = cl.set_arg(kernel, i, argument.value.size(), argument.value.data());
      }
    }
    std::size_t local[3], global[3];
    for (std::size_t d = 0; d < 3; ++d) {
      local[d] = group[d];
      global[d] = std::size_t{groups[d]} * group[d];
    }
    if (code == CL_SUCCESS) {
      code = cl.enqueue(queue, kernel, 3, nullptr, global, local, 0, nullptr, nullptr);
    }
  }
  if (code == CL_SUCCESS) code = cl.finish(queue);
  if (code != CL_SUCCESS) {
    Control::of_library().report("kernel " + name + ": PoCL returned " + std::to_string(code));
  }
  return code == CL_SUCCESS;
}

}  // namespace sampan::emulator::ze
