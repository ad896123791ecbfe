#include "backends/opencl/api.h"

#include <array>
#include <span>
#include <vector>

#include "backends/common/environment.h"
#include "backends/common/shared_library.h"

namespace sampan::opencl {
namespace {

using common::SymbolSlot;

std::vector<SymbolSlot> slots_of(Api& a) {
  constexpr auto kOptional = SymbolSlot::Need::kOptional;
  return {
      {"clGetPlatformIDs", &a.get_platform_ids},
      {"clGetPlatformInfo", &a.get_platform_info},
      {"clGetDeviceIDs", &a.get_device_ids},
      {"clGetDeviceInfo", &a.get_device_info},
      {"clGetExtensionFunctionAddressForPlatform", &a.get_extension_function_address_for_platform},
      {"clCreateContext", &a.create_context},
      {"clReleaseContext", &a.release_context},
      {"clCreateCommandQueue", &a.create_command_queue},
      {"clReleaseCommandQueue", &a.release_command_queue},
      {"clFlush", &a.flush},
      {"clFinish", &a.finish},
      {"clCreateBuffer", &a.create_buffer},
      {"clCreateSubBuffer", &a.create_sub_buffer},
      {"clRetainMemObject", &a.retain_mem_object},
      {"clReleaseMemObject", &a.release_mem_object},
      {"clEnqueueReadBuffer", &a.enqueue_read_buffer},
      {"clEnqueueWriteBuffer", &a.enqueue_write_buffer},
      {"clEnqueueCopyBuffer", &a.enqueue_copy_buffer},
      {"clEnqueueReadBufferRect", &a.enqueue_read_buffer_rect},
      {"clEnqueueWriteBufferRect", &a.enqueue_write_buffer_rect},
      {"clEnqueueCopyBufferRect", &a.enqueue_copy_buffer_rect},
      {"clEnqueueFillBuffer", &a.enqueue_fill_buffer},
      {"clEnqueueMapBuffer", &a.enqueue_map_buffer},
      {"clEnqueueUnmapMemObject", &a.enqueue_unmap_mem_object},
      {"clCreateProgramWithSource", &a.create_program_with_source},
      {"clCreateProgramWithBinary", &a.create_program_with_binary},
      {"clReleaseProgram", &a.release_program},
      {"clBuildProgram", &a.build_program},
      {"clGetProgramInfo", &a.get_program_info},
      {"clGetProgramBuildInfo", &a.get_program_build_info},
      {"clCreateKernel", &a.create_kernel},
      {"clReleaseKernel", &a.release_kernel},
      {"clSetKernelArg", &a.set_kernel_arg},
      {"clGetKernelInfo", &a.get_kernel_info},
      {"clGetKernelWorkGroupInfo", &a.get_kernel_work_group_info},
      {"clEnqueueNDRangeKernel", &a.enqueue_nd_range_kernel},
      {"clEnqueueMarkerWithWaitList", &a.enqueue_marker_with_wait_list},
      {"clEnqueueBarrierWithWaitList", &a.enqueue_barrier_with_wait_list},
      {"clWaitForEvents", &a.wait_for_events},
      {"clCreateUserEvent", &a.create_user_event},
      {"clSetUserEventStatus", &a.set_user_event_status},
      {"clReleaseEvent", &a.release_event},
      {"clGetEventInfo", &a.get_event_info},
      {"clGetEventProfilingInfo", &a.get_event_profiling_info},
      {"clCreateCommandQueueWithProperties", &a.create_command_queue_with_properties, kOptional},
      {"clSVMAlloc", &a.svm_alloc, kOptional},
      {"clSVMFree", &a.svm_free, kOptional},
      {"clSetKernelArgSVMPointer", &a.set_kernel_arg_svm_pointer, kOptional},
      {"clEnqueueSVMMemcpy", &a.enqueue_svm_memcpy, kOptional},
      {"clEnqueueSVMMemFill", &a.enqueue_svm_mem_fill, kOptional},
      {"clGetDeviceAndHostTimer", &a.get_device_and_host_timer, kOptional},
      {"clCreateProgramWithIL", &a.create_program_with_il, kOptional},
  };
}

std::array<SymbolSlot, 14> slots_of(ExtensionApi& e) {
  return {{
      {"clHostMemAllocINTEL", &e.host_mem_alloc},
      {"clDeviceMemAllocINTEL", &e.device_mem_alloc},
      {"clMemBlockingFreeINTEL", &e.mem_blocking_free},
      {"clSetKernelArgMemPointerINTEL", &e.set_kernel_arg_mem_pointer},
      {"clEnqueueMemcpyINTEL", &e.enqueue_memcpy},
      {"clEnqueueMemFillINTEL", &e.enqueue_mem_fill},
      {"clCreateProgramWithILKHR", &e.create_program_with_il},
      {"clCreateCommandBufferKHR", &e.create_command_buffer},
      {"clFinalizeCommandBufferKHR", &e.finalize_command_buffer},
      {"clReleaseCommandBufferKHR", &e.release_command_buffer},
      {"clEnqueueCommandBufferKHR", &e.enqueue_command_buffer},
      {"clCommandCopyBufferKHR", &e.command_copy_buffer},
      {"clCommandFillBufferKHR", &e.command_fill_buffer},
      {"clCommandNDRangeKernelKHR", &e.command_nd_range_kernel},
  }};
}

Loader open_loader() {
  Loader loader;
  const std::string chosen = common::Environment::of_process().value("SAMPAN_OPENCL_LIBRARY");
  const std::array<std::string, 1> names{chosen.empty() ? "libOpenCL.so.1" : chosen};
  const auto library = common::SharedLibrary::open_first(names);
  if (!library) {
    loader.error = "No OpenCL loader: " + library.error() +
                   "; install the OpenCL ICD loader (Debian: ocl-icd-libopencl1) and a driver for "
                   "the device";
    return loader;
  }
  loader.path = library.path();
  const auto slots = slots_of(loader.api);
  loader.error = common::load_symbols(library, slots);
  return loader;
}

}  // namespace

const Loader& loader() {
  // Never destroyed: threads of drivers may outlive the static objects.
  static const Loader* const kLoader = new Loader(open_loader());
  return *kLoader;
}

const Api& api() { return loader().api; }

ExtensionApi extension_api(cl::Platform platform) {
  ExtensionApi functions{};
  for (const SymbolSlot& slot : slots_of(functions)) {
    slot.assign(api().get_extension_function_address_for_platform(platform, slot.name()));
  }
  return functions;
}

}  // namespace sampan::opencl
