#include "driver.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "backends/opencl/api.h"

// Every symbol of OpenCL that the plug-in knows is defined below as an indirect function, since
// its signature is known only as the type of a member of Api.
namespace {

using sampan::opencl::Api;
namespace cl = sampan::opencl::cl;

std::atomic<std::uint64_t> calls_to_failure{0};
std::atomic<std::int32_t> failure_code{0};
std::atomic<const char*> failed_call{nullptr};
std::atomic<std::int32_t> broken_status{0};
std::atomic<std::int64_t> live_objects{0};

std::mutex& counts_mutex() {
  static auto* const mutex = new std::mutex;
  return *mutex;
}
std::map<std::string, std::uint64_t, std::less<>>& counts() {
  static auto* const map = new std::map<std::string, std::uint64_t, std::less<>>;
  return *map;
}

void* real_symbol(const char* name) {
  static void* const library = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
  void* const symbol = library != nullptr ? dlsym(library, name) : nullptr;
  if (symbol == nullptr) std::abort();
  return symbol;
}

bool due_to_fail(const char* name) {
  {
    const std::lock_guard lock(counts_mutex());
    ++counts()[name];
  }
  std::uint64_t left = calls_to_failure.load();
  while (left != 0 && !calls_to_failure.compare_exchange_weak(left, left - 1)) {
  }
  if (left != 1) return false;
  failed_call = name;
  return true;
}

template <std::size_t kSize>
struct Name {
  constexpr Name(const char (&literal)[kSize]) { std::copy_n(literal, kSize, text); }
  [[nodiscard]] constexpr std::string_view view() const { return {text, kSize - 1}; }
  char text[kSize];
};

constexpr bool never_fails(std::string_view name) {
  return name.starts_with("clRelease") || name == "clSVMFree";
}
constexpr bool works_all_the_same(std::string_view name) {
  return name == "clFinish" || name == "clWaitForEvents" || name == "clSetUserEventStatus" ||
         name == "clEnqueueUnmapMemObject";
}

template <typename... A>
auto& last_of(A&... args) {
  return std::get<sizeof...(A) - 1>(std::tie(args...));
}

bool usm_wanted() {
  const char* const value = std::getenv("SAMPAN_TEST_OPENCL_USM");
  return value != nullptr && *value == '1';
}

// What the driver says differs from what the real one said.
void amend_device_info(cl::Uint name, std::size_t room, void* out, std::size_t* out_bytes,
                       cl::Int& code) {
  if (!usm_wanted()) return;
  if (name == cl::kDeviceDeviceMemCapabilitiesIntel ||
      name == cl::kDeviceHostMemCapabilitiesIntel) {
    const cl::Bitfield access = 1;
    if (out != nullptr && room >= sizeof access) std::memcpy(out, &access, sizeof access);
    if (out_bytes != nullptr) *out_bytes = sizeof access;
    code = cl::kSuccess;
  } else if (name == cl::kDeviceExtensions && code == cl::kSuccess) {
    constexpr char kMore[] = " cl_intel_unified_shared_memory";
    if (out_bytes != nullptr) *out_bytes += sizeof kMore - 1;
    if (out == nullptr) return;
    auto* const text = static_cast<char*>(out);
    const std::size_t length = std::strlen(text);
    if (length + sizeof kMore <= room) std::memcpy(text + length, kMore, sizeof kMore);
  }
}

void* usm_function(std::string_view name);

template <Name kName, typename Function>
struct Forward;

template <Name kName, typename R, typename... A>
struct Forward<kName, R (*)(A...)> {
  static R call(A... args) {
    static const auto real = reinterpret_cast<R (*)(A...)>(real_symbol(kName.text));
    bool fails = false;
    if constexpr (!never_fails(kName.view())) fails = due_to_fail(kName.text);
    if (fails && !works_all_the_same(kName.view())) return refuse(args...);
    if constexpr (std::is_void_v<R>) {
      real(args...);
      live_objects -= 1;  // clSVMFree
    } else {
      R result = real(args...);
      amend(result, args...);
      count(result, args...);
      if constexpr (std::is_same_v<R, cl::Int>) {
        if (fails) return failure_code;
      }
      return result;
    }
  }

  static R refuse(A&... args) {
    if constexpr (std::is_same_v<R, cl::Int>) {
      return failure_code;
    } else if constexpr (std::is_pointer_v<R>) {
      auto& last = last_of(args...);
      if constexpr (std::is_same_v<std::remove_reference_t<decltype(last)>, cl::Int*>) {
        if (last != nullptr) *last = failure_code;
      }
      return nullptr;
    }
  }

  static void amend(auto& result, A&... args) {
    if constexpr (kName.view() == "clGetDeviceInfo") {
      [&](cl::Device, cl::Uint name, std::size_t room, void* out, std::size_t* out_bytes) {
        amend_device_info(name, room, out, out_bytes, result);
      }(args...);
    } else if constexpr (kName.view() == "clGetExtensionFunctionAddressForPlatform") {
      if (void* const ours = usm_function(last_of(args...))) result = ours;
    } else if constexpr (kName.view() == "clGetEventInfo") {
      [&](cl::Event, cl::Uint name, std::size_t, void* out, std::size_t*) {
        auto* const status = static_cast<cl::Int*>(out);
        const bool complete = name == cl::kEventCommandExecutionStatus && *status == 0;
        if (complete && broken_status != 0) *status = broken_status;
      }(args...);
    }
  }

  static void count(const auto& result, A&... args) {
    constexpr std::string_view kText = kName.view();
    if constexpr (kText.starts_with("clCreate") || kText == "clSVMAlloc") {
      if (result != nullptr) ++live_objects;
    } else if constexpr (kText.starts_with("clRetain")) {
      if (result == cl::kSuccess) ++live_objects;
    } else if constexpr (kText.starts_with("clRelease")) {
      if (result == cl::kSuccess) --live_objects;
    } else if constexpr (kText.starts_with("clEnqueue") && std::is_same_v<R, cl::Int>) {
      if (result == cl::kSuccess && last_of(args...) != nullptr) ++live_objects;
    }
  }
};

template <typename F>
F real(const char* name, F Api::*) {
  return reinterpret_cast<F>(real_symbol(name));
}

void* svm(cl::Context context, std::size_t size_bytes, cl::Int* out_code, const char* name) {
  const bool fails = due_to_fail(name);
  void* const block =
      fails ? nullptr
            : real("clSVMAlloc", &Api::svm_alloc)(
                  context, cl::kMemReadWrite | cl::kMemSvmFineGrainBuffer, size_bytes, 0);
  if (block != nullptr) ++live_objects;
  *out_code = block != nullptr ? cl::kSuccess
              : fails          ? failure_code.load()
                               : cl::kMemObjectAllocationFailure;
  return block;
}

void* host_mem_alloc(cl::Context context, const cl::Property*, std::size_t size_bytes, cl::Uint,
                     cl::Int* out_code) {
  return svm(context, size_bytes, out_code, "clHostMemAllocINTEL");
}
void* device_mem_alloc(cl::Context context, cl::Device, const cl::Property*, std::size_t size_bytes,
                       cl::Uint, cl::Int* out_code) {
  return svm(context, size_bytes, out_code, "clDeviceMemAllocINTEL");
}
cl::Int mem_blocking_free(cl::Context context, void* pointer) {
  --live_objects;
  real("clSVMFree", &Api::svm_free)(context, pointer);
  return cl::kSuccess;
}
cl::Int set_kernel_arg_mem_pointer(cl::Kernel kernel, cl::Uint index, const void* pointer) {
  if (due_to_fail("clSetKernelArgMemPointerINTEL")) return failure_code;
  return real("clSetKernelArgSVMPointer", &Api::set_kernel_arg_svm_pointer)(kernel, index, pointer);
}
cl::Int enqueue_memcpy(cl::Queue queue, cl::Bool blocking, void* dst, const void* src,
                       std::size_t size_bytes, cl::Uint wait_count, const cl::Event* wait,
                       cl::Event* out) {
  if (due_to_fail("clEnqueueMemcpyINTEL")) return failure_code;
  return real("clEnqueueSVMMemcpy", &Api::enqueue_svm_memcpy)(queue, blocking, dst, src, size_bytes,
                                                              wait_count, wait, out);
}
cl::Int enqueue_mem_fill(cl::Queue queue, void* dst, const void* pattern, std::size_t pattern_bytes,
                         std::size_t size_bytes, cl::Uint wait_count, const cl::Event* wait,
                         cl::Event* out) {
  if (due_to_fail("clEnqueueMemFillINTEL")) return failure_code;
  return real("clEnqueueSVMMemFill", &Api::enqueue_svm_mem_fill)(queue, dst, pattern, pattern_bytes,
                                                                 size_bytes, wait_count, wait, out);
}

void* usm_function(std::string_view name) {
  if (name == "clHostMemAllocINTEL") return reinterpret_cast<void*>(&host_mem_alloc);
  if (name == "clDeviceMemAllocINTEL") return reinterpret_cast<void*>(&device_mem_alloc);
  if (name == "clMemBlockingFreeINTEL") return reinterpret_cast<void*>(&mem_blocking_free);
  if (name == "clSetKernelArgMemPointerINTEL") {
    return reinterpret_cast<void*>(&set_kernel_arg_mem_pointer);
  }
  if (name == "clEnqueueMemcpyINTEL") return reinterpret_cast<void*>(&enqueue_memcpy);
  if (name == "clEnqueueMemFillINTEL") return reinterpret_cast<void*>(&enqueue_mem_fill);
  return nullptr;
}

}  // namespace

#define EXPORTED extern "C" __attribute__((visibility("default")))

#define FORWARD(name, member)                                                                \
  extern "C" {                                                                               \
  static void (*resolve_##name())() {                                                        \
    return reinterpret_cast<void (*)()>(&Forward<Name(#name), decltype(Api::member)>::call); \
  }                                                                                          \
  __attribute__((visibility("default"), ifunc("resolve_" #name))) void name();               \
  }

FORWARD(clGetPlatformIDs, get_platform_ids)
FORWARD(clGetPlatformInfo, get_platform_info)
FORWARD(clGetDeviceIDs, get_device_ids)
FORWARD(clGetDeviceInfo, get_device_info)
FORWARD(clGetExtensionFunctionAddressForPlatform, get_extension_function_address_for_platform)
FORWARD(clCreateContext, create_context)
FORWARD(clReleaseContext, release_context)
FORWARD(clCreateCommandQueue, create_command_queue)
FORWARD(clReleaseCommandQueue, release_command_queue)
FORWARD(clFlush, flush)
FORWARD(clFinish, finish)
FORWARD(clCreateBuffer, create_buffer)
FORWARD(clCreateSubBuffer, create_sub_buffer)
FORWARD(clRetainMemObject, retain_mem_object)
FORWARD(clReleaseMemObject, release_mem_object)
FORWARD(clEnqueueReadBuffer, enqueue_read_buffer)
FORWARD(clEnqueueWriteBuffer, enqueue_write_buffer)
FORWARD(clEnqueueCopyBuffer, enqueue_copy_buffer)
FORWARD(clEnqueueReadBufferRect, enqueue_read_buffer_rect)
FORWARD(clEnqueueWriteBufferRect, enqueue_write_buffer_rect)
FORWARD(clEnqueueCopyBufferRect, enqueue_copy_buffer_rect)
FORWARD(clEnqueueFillBuffer, enqueue_fill_buffer)
FORWARD(clEnqueueMapBuffer, enqueue_map_buffer)
FORWARD(clEnqueueUnmapMemObject, enqueue_unmap_mem_object)
FORWARD(clCreateProgramWithSource, create_program_with_source)
FORWARD(clCreateProgramWithBinary, create_program_with_binary)
FORWARD(clReleaseProgram, release_program)
FORWARD(clBuildProgram, build_program)
FORWARD(clGetProgramInfo, get_program_info)
FORWARD(clGetProgramBuildInfo, get_program_build_info)
FORWARD(clCreateKernel, create_kernel)
FORWARD(clReleaseKernel, release_kernel)
FORWARD(clSetKernelArg, set_kernel_arg)
FORWARD(clGetKernelInfo, get_kernel_info)
FORWARD(clGetKernelWorkGroupInfo, get_kernel_work_group_info)
FORWARD(clEnqueueNDRangeKernel, enqueue_nd_range_kernel)
FORWARD(clEnqueueMarkerWithWaitList, enqueue_marker_with_wait_list)
FORWARD(clEnqueueBarrierWithWaitList, enqueue_barrier_with_wait_list)
FORWARD(clWaitForEvents, wait_for_events)
FORWARD(clCreateUserEvent, create_user_event)
FORWARD(clSetUserEventStatus, set_user_event_status)
FORWARD(clReleaseEvent, release_event)
FORWARD(clGetEventInfo, get_event_info)
FORWARD(clGetEventProfilingInfo, get_event_profiling_info)
FORWARD(clCreateCommandQueueWithProperties, create_command_queue_with_properties)
FORWARD(clSVMAlloc, svm_alloc)
FORWARD(clSVMFree, svm_free)
FORWARD(clSetKernelArgSVMPointer, set_kernel_arg_svm_pointer)
FORWARD(clEnqueueSVMMemcpy, enqueue_svm_memcpy)
FORWARD(clEnqueueSVMMemFill, enqueue_svm_mem_fill)
FORWARD(clGetDeviceAndHostTimer, get_device_and_host_timer)
FORWARD(clCreateProgramWithIL, create_program_with_il)

EXPORTED void sampan_test_fail(std::uint64_t nth, std::int32_t code) {
  failure_code = code;
  failed_call = nullptr;
  calls_to_failure = nth;
}

EXPORTED const char* sampan_test_failed() { return failed_call; }

EXPORTED void sampan_test_break_events(std::int32_t status) { broken_status = status; }

EXPORTED std::int64_t sampan_test_live() { return live_objects; }

EXPORTED std::uint64_t sampan_test_calls(const char* name) {
  const std::lock_guard lock(counts_mutex());
  const auto found = counts().find(std::string_view(name));
  return found == counts().end() ? 0 : found->second;
}
