#include <array>

#include "binder.h"

namespace sampan::test {
namespace {

void bind_cuda(Functions& f, const Binder& bind) {
  bind(f.init, "cuInit");
  bind(f.device_count, "cuDeviceGetCount");
  bind(f.device_attribute, "cuDeviceGetAttribute");
  bind(f.device_pci, "cuDeviceGetPCIBusId");
  bind(f.memory_info, "cuMemGetInfo_v2");
  bind(f.allocate, "cuMemAlloc_v2");
  bind(f.free, "cuMemFree_v2");
  bind(f.allocate_async, "cuMemAllocAsync");
  bind(f.free_async, "cuMemFreeAsync");
  bind(f.host_allocate, "cuMemHostAlloc");
  bind(f.host_free, "cuMemFreeHost");
  bind(f.host_address, "cuMemHostGetDevicePointer_v2");
  bind(f.host_register, "cuMemHostRegister_v2");
  bind(f.host_unregister, "cuMemHostUnregister");
  bind(f.to_device, "cuMemcpyHtoDAsync_v2");
  bind(f.to_host, "cuMemcpyDtoHAsync_v2");
  bind(f.on_device, "cuMemcpyDtoDAsync_v2");
  bind(f.fill8, "cuMemsetD8Async");
  bind(f.fill16, "cuMemsetD16Async");
  bind(f.fill32, "cuMemsetD32Async");
  bind(f.stream_create, "cuStreamCreateWithPriority");
  bind(f.stream_destroy, "cuStreamDestroy_v2");
  bind(f.stream_wait, "cuStreamSynchronize");
  bind(f.stream_query, "cuStreamQuery");
  bind(f.stream_wait_event, "cuStreamWaitEvent");
  bind(f.write_value, "cuStreamWriteValue32_v2");
  bind(f.host_function, "cuLaunchHostFunc");
  bind(f.event_create, "cuEventCreate");
  bind(f.event_destroy, "cuEventDestroy_v2");
  bind(f.event_record, "cuEventRecord");
  bind(f.event_query, "cuEventQuery");
  bind(f.event_wait, "cuEventSynchronize");
  bind(f.event_elapsed, "cuEventElapsedTime");
  bind(f.synchronize, "cuCtxSynchronize");
  bind(f.module_load, "cuModuleLoadData");
  bind(f.module_unload, "cuModuleUnload");
  bind(f.module_function, "cuModuleGetFunction");
  bind(f.module_global, "cuModuleGetGlobal_v2");
  bind(f.function_attribute, "cuFuncGetAttribute");
  bind(f.occupancy, "cuOccupancyMaxActiveBlocksPerMultiprocessor");
  bind(f.launch, "cuLaunchKernel");
  bind(f.launch_cooperative, "cuLaunchCooperativeKernel");
  bind(f.can_access_peer, "cuDeviceCanAccessPeer");
  bind(f.graph_create, "cuGraphCreate");
  bind(f.graph_destroy, "cuGraphDestroy");
  bind(f.graph_launch, "cuGraphLaunch");
  bind(f.exec_destroy, "cuGraphExecDestroy");
}

class Cuda final : public Driver {
 public:
  Cuda() : Driver("libcuda.so.1", "libnvrtc.so.13", true) {
    bind_control(f, {library_});
    bind_cuda(f, {library_});
    bind_compiler(f, {compiler_}, "nvrtc", "GetCUBIN");
    const Binder bind{library_};
    bind(retain_, "cuDevicePrimaryCtxRetain");
    bind(reset_, "cuDevicePrimaryCtxReset_v2");
    bind(set_current_, "cuCtxSetCurrent");
    bind(get_device_, "cuCtxGetDevice");
    bind(enable_peer_, "cuCtxEnablePeerAccess");
    bind(disable_peer_, "cuCtxDisablePeerAccess");
    bind(wait_value_, "cuStreamWaitValue32_v2");
    bind(copy_2d_, "cuMemcpy2DAsync_v2");
    bind(add_kernel_, "cuGraphAddKernelNode_v2");
    bind(add_copy_, "cuGraphAddMemcpyNode");
    bind(add_fill_, "cuGraphAddMemsetNode");
    bind(instantiate_, "cuGraphInstantiateWithFlags");
    bind(update_kernel_, "cuGraphExecKernelNodeSetParams_v2");
  }

  Result make_current(int device) override {
    const Result ready = f.init(0);
    if (ready != kOk) return ready;
    Handle& context = contexts_.at(static_cast<std::size_t>(device));
    if (context == nullptr) {
      const Result retained = retain_(&context, device);
      if (retained != kOk) return retained;
    }
    current_ = device;
    return set_current_(context);
  }
  Result reset_current() override { return reset_(current_); }
  Result enable_peer(int peer) override {
    return enable_peer_(contexts_.at(static_cast<std::size_t>(peer)), 0);
  }
  Result disable_peer(int peer) override {
    return disable_peer_(contexts_.at(static_cast<std::size_t>(peer)));
  }
  Result wait_value(Handle stream, Address address, std::uint32_t value) override {
    return wait_value_(stream, address, value, 0);
  }

  Result copy_2d(Address dst, std::size_t dst_pitch, Address src, std::size_t src_pitch,
                 std::size_t width, std::size_t height, Handle stream) override {
    Plane plane;
    plane.src_device = src;
    plane.src_pitch = src_pitch;
    plane.dst_device = dst;
    plane.dst_pitch = dst_pitch;
    plane.width = width;
    plane.height = height;
    return copy_2d_(&plane, stream);
  }

  Result add_kernel(Handle* out, Handle graph, const std::vector<Handle>& after,
                    const KernelNode& node) override {
    const Kernel kernel(node);
    return add_kernel_(out, graph, after.data(), after.size(), &kernel);
  }
  Result add_copy(Handle* out, Handle graph, const std::vector<Handle>& after, Address dst,
                  Address src, std::size_t bytes) override {
    Box box;
    box.src_device = src;
    box.dst_device = dst;
    box.width = bytes;
    return add_copy_(out, graph, after.data(), after.size(), &box,
                     contexts_.at(static_cast<std::size_t>(current_)));
  }
  Result add_fill(Handle* out, Handle graph, const std::vector<Handle>& after, Address dst,
                  unsigned value, std::size_t count) override {
    const Row row{dst, 0, value, 4, count, 1};
    return add_fill_(out, graph, after.data(), after.size(), &row,
                     contexts_.at(static_cast<std::size_t>(current_)));
  }
  Result instantiate(Handle* out, Handle graph) override { return instantiate_(out, graph, 0); }
  Result update_kernel(Handle exec, Handle node, const KernelNode& parameters) override {
    const Kernel kernel(parameters);
    return update_kernel_(exec, node, &kernel);
  }

 private:
  static constexpr int kUnified = 4;
  // cuda.h's CUDA_MEMCPY2D, CUDA_MEMCPY3D, CUDA_KERNEL_NODE_PARAMS_v2 and CUDA_MEMSET_NODE_PARAMS.
  struct Plane {
    std::size_t src_x = 0, src_y = 0;
    int src_type = kUnified;
    const void* src_host = nullptr;
    Address src_device = 0;
    void* src_array = nullptr;
    std::size_t src_pitch = 0;
    std::size_t dst_x = 0, dst_y = 0;
    int dst_type = kUnified;
    void* dst_host = nullptr;
    Address dst_device = 0;
    void* dst_array = nullptr;
    std::size_t dst_pitch = 0, width = 0, height = 0;
  };
  struct Box {
    std::size_t src_x = 0, src_y = 0, src_z = 0, src_lod = 0;
    int src_type = kUnified;
    const void* src_host = nullptr;
    Address src_device = 0;
    void *src_array = nullptr, *reserved0 = nullptr;
    std::size_t src_pitch = 0, src_height = 0;
    std::size_t dst_x = 0, dst_y = 0, dst_z = 0, dst_lod = 0;
    int dst_type = kUnified;
    void* dst_host = nullptr;
    Address dst_device = 0;
    void *dst_array = nullptr, *reserved1 = nullptr;
    std::size_t dst_pitch = 0, dst_height = 0, width = 0, height = 1, depth = 1;
  };
  struct Kernel {
    explicit Kernel(const KernelNode& node)
        : function(node.function), grid(node.grid), block(node.block), arguments(node.arguments) {}
    Handle function;
    Dim grid, block;
    unsigned dynamic_bytes = 0;
    void** arguments;
    void** extra = nullptr;
    void* kernel = nullptr;
    void* context = nullptr;
  };
  struct Row {
    Address dst;
    std::size_t pitch;
    unsigned value, element_bytes;
    std::size_t width, height;
  };

  std::array<Handle, 16> contexts_{};
  int current_ = 0;
  Result (*retain_)(Handle*, int);
  Result (*reset_)(int);
  Result (*set_current_)(Handle);
  Result (*get_device_)(int*);
  Result (*enable_peer_)(Handle, unsigned);
  Result (*disable_peer_)(Handle);
  Result (*wait_value_)(Handle, Address, std::uint32_t, unsigned);
  Result (*copy_2d_)(const Plane*, Handle);
  Result (*add_kernel_)(Handle*, Handle, const Handle*, std::size_t, const Kernel*);
  Result (*add_copy_)(Handle*, Handle, const Handle*, std::size_t, const Box*, Handle);
  Result (*add_fill_)(Handle*, Handle, const Handle*, std::size_t, const Row*, Handle);
  Result (*instantiate_)(Handle*, Handle, unsigned long long);
  Result (*update_kernel_)(Handle, Handle, const Kernel*);
};

}  // namespace

std::unique_ptr<Driver> open_cuda() { return std::make_unique<Cuda>(); }

}  // namespace sampan::test
