#pragma once

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <dlfcn.h>

#include <string>
#include <type_traits>

namespace sampan::bench {

/// The OpenCL calls that the benchmarks make themselves, from the library that the backend opened.
struct OpenClRaw {
  decltype(&::clGetCommandQueueInfo) clGetCommandQueueInfo = nullptr;
  decltype(&::clCreateProgramWithSource) clCreateProgramWithSource = nullptr;
  decltype(&::clBuildProgram) clBuildProgram = nullptr;
  decltype(&::clCreateKernel) clCreateKernel = nullptr;
  decltype(&::clSetKernelArg) clSetKernelArg = nullptr;
  decltype(&::clEnqueueNDRangeKernel) clEnqueueNDRangeKernel = nullptr;
  decltype(&::clFinish) clFinish = nullptr;
  decltype(&::clCreateBuffer) clCreateBuffer = nullptr;
  decltype(&::clReleaseMemObject) clReleaseMemObject = nullptr;
  decltype(&::clEnqueueWriteBuffer) clEnqueueWriteBuffer = nullptr;

  /// Empty, or why the calls aren't there.
  std::string problem;

  OpenClRaw() {
    void* library = ::dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      problem = "no OpenCL loader on this machine";
      return;
    }
    const auto load = [&](auto& function, const char* name) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
      if (function == nullptr) problem = std::string("the OpenCL loader lacks ") + name;
    };
    load(clGetCommandQueueInfo, "clGetCommandQueueInfo");
    load(clCreateProgramWithSource, "clCreateProgramWithSource");
    load(clBuildProgram, "clBuildProgram");
    load(clCreateKernel, "clCreateKernel");
    load(clSetKernelArg, "clSetKernelArg");
    load(clEnqueueNDRangeKernel, "clEnqueueNDRangeKernel");
    load(clFinish, "clFinish");
    load(clCreateBuffer, "clCreateBuffer");
    load(clReleaseMemObject, "clReleaseMemObject");
    load(clEnqueueWriteBuffer, "clEnqueueWriteBuffer");
  }

  [[nodiscard]] cl_context context_of(cl_command_queue queue) const {
    cl_context context = nullptr;
    clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof(context), &context, nullptr);
    return context;
  }
  [[nodiscard]] cl_kernel build(cl_context context, const char* text, const char* name) const {
    const cl_program program = clCreateProgramWithSource(context, 1, &text, nullptr, nullptr);
    clBuildProgram(program, 0, nullptr, "", nullptr, nullptr);
    return clCreateKernel(program, name, nullptr);
  }
};

}  // namespace sampan::bench
