#include "binder.h"

namespace sampan::test {
namespace {

void bind_hip(Functions& f, const Binder& bind) {
  bind(f.init, "hipInit");
  bind(f.device_count, "hipGetDeviceCount");
  bind(f.device_attribute, "hipDeviceGetAttribute");
  bind(f.device_pci, "hipDeviceGetPCIBusId");
  bind(f.memory_info, "hipMemGetInfo");
  bind(f.allocate, "hipMalloc");
  bind(f.free, "hipFree");
  bind(f.allocate_async, "hipMallocAsync");
  bind(f.free_async, "hipFreeAsync");
  bind(f.host_allocate, "hipHostMalloc");
  bind(f.host_free, "hipHostFree");
  bind(f.host_address, "hipHostGetDevicePointer");
  bind(f.host_register, "hipHostRegister");
  bind(f.host_unregister, "hipHostUnregister");
  bind(f.to_device, "hipMemcpyHtoDAsync");
  bind(f.to_host, "hipMemcpyDtoHAsync");
  bind(f.on_device, "hipMemcpyDtoDAsync");
  bind(f.fill8, "hipMemsetD8Async");
  bind(f.fill16, "hipMemsetD16Async");
  bind(f.fill32, "hipMemsetD32Async");
  bind(f.stream_create, "hipStreamCreateWithPriority");
  bind(f.stream_destroy, "hipStreamDestroy");
  bind(f.stream_wait, "hipStreamSynchronize");
  bind(f.stream_query, "hipStreamQuery");
  bind(f.stream_wait_event, "hipStreamWaitEvent");
  bind(f.write_value, "hipStreamWriteValue32");
  bind(f.host_function, "hipLaunchHostFunc");
  bind(f.event_create, "hipEventCreateWithFlags");
  bind(f.event_destroy, "hipEventDestroy");
  bind(f.event_record, "hipEventRecord");
  bind(f.event_query, "hipEventQuery");
  bind(f.event_wait, "hipEventSynchronize");
  bind(f.event_elapsed, "hipEventElapsedTime");
  bind(f.synchronize, "hipDeviceSynchronize");
  bind(f.module_load, "hipModuleLoadData");
  bind(f.module_unload, "hipModuleUnload");
  bind(f.module_function, "hipModuleGetFunction");
  bind(f.module_global, "hipModuleGetGlobal");
  bind(f.function_attribute, "hipFuncGetAttribute");
  bind(f.occupancy, "hipModuleOccupancyMaxActiveBlocksPerMultiprocessor");
  bind(f.launch, "hipModuleLaunchKernel");
  bind(f.launch_cooperative, "hipModuleLaunchCooperativeKernel");
  bind(f.can_access_peer, "hipDeviceCanAccessPeer");
  bind(f.graph_create, "hipGraphCreate");
  bind(f.graph_destroy, "hipGraphDestroy");
  bind(f.graph_launch, "hipGraphLaunch");
  bind(f.exec_destroy, "hipGraphExecDestroy");
}

class Hip final : public Driver {
 public:
  Hip() : Driver("libamdhip64.so.6", "libamdhip64.so.6", false) {
    bind_control(f, {library_});
    bind_hip(f, {library_});
    bind_compiler(f, {library_}, "hiprtc", "GetCode");
    const Binder bind{library_};
    bind(set_device_, "hipSetDevice");
    bind(reset_, "hipDeviceReset");
    bind(enable_peer_, "hipDeviceEnablePeerAccess");
    bind(disable_peer_, "hipDeviceDisablePeerAccess");
    bind(wait_value_, "hipStreamWaitValue32");
    bind(copy_2d_, "hipMemcpy2DAsync");
    bind(add_kernel_, "hipGraphAddKernelNode");
    bind(add_copy_, "hipGraphAddMemcpyNode1D");
    bind(add_fill_, "hipGraphAddMemsetNode");
    bind(instantiate_, "hipGraphInstantiate");
    bind(update_kernel_, "hipGraphExecKernelNodeSetParams");
  }

  Result make_current(int device) override { return set_device_(device); }
  Result reset_current() override { return reset_(); }
  Result enable_peer(int peer) override { return enable_peer_(peer, 0); }
  Result disable_peer(int peer) override { return disable_peer_(peer); }
  Result wait_value(Handle stream, Address address, std::uint32_t value) override {
    return wait_value_(stream, address, value, 0, 0xffffffffu);
  }
  Result copy_2d(Address dst, std::size_t dst_pitch, Address src, std::size_t src_pitch,
                 std::size_t width, std::size_t height, Handle stream) override {
    return copy_2d_(dst, dst_pitch, src, src_pitch, width, height, kDefault, stream);
  }
  Result add_kernel(Handle* out, Handle graph, const std::vector<Handle>& after,
                    const KernelNode& node) override {
    const Kernel kernel(node);
    return add_kernel_(out, graph, after.data(), after.size(), &kernel);
  }
  Result add_copy(Handle* out, Handle graph, const std::vector<Handle>& after, Address dst,
                  Address src, std::size_t bytes) override {
    return add_copy_(out, graph, after.data(), after.size(), dst, src, bytes, kDefault);
  }
  Result add_fill(Handle* out, Handle graph, const std::vector<Handle>& after, Address dst,
                  unsigned value, std::size_t count) override {
    const Row row{dst, 4, 1, 0, value, count};
    return add_fill_(out, graph, after.data(), after.size(), &row);
  }
  Result instantiate(Handle* out, Handle graph) override {
    return instantiate_(out, graph, nullptr, nullptr, 0);
  }
  Result update_kernel(Handle exec, Handle node, const KernelNode& parameters) override {
    const Kernel kernel(parameters);
    return update_kernel_(exec, node, &kernel);
  }

 private:
  static constexpr int kDefault = 4;
  // hip_runtime_api.h's hipKernelNodeParams and hipMemsetParams.
  struct Kernel {
    explicit Kernel(const KernelNode& node)
        : block(node.block), function(node.function), grid(node.grid), arguments(node.arguments) {}
    Dim block;
    void** extra = nullptr;
    Handle function;
    Dim grid;
    void** arguments;
    unsigned dynamic_bytes = 0;
  };
  struct Row {
    Address dst;
    unsigned element_bytes;
    std::size_t height, pitch;
    unsigned value;
    std::size_t width;
  };

  Result (*set_device_)(int);
  Result (*reset_)();
  Result (*enable_peer_)(int, unsigned);
  Result (*disable_peer_)(int);
  Result (*wait_value_)(Handle, Address, std::uint32_t, unsigned, std::uint32_t);
  Result (*copy_2d_)(Address, std::size_t, Address, std::size_t, std::size_t, std::size_t, int,
                     Handle);
  Result (*add_kernel_)(Handle*, Handle, const Handle*, std::size_t, const Kernel*);
  Result (*add_copy_)(Handle*, Handle, const Handle*, std::size_t, Address, Address, std::size_t,
                      int);
  Result (*add_fill_)(Handle*, Handle, const Handle*, std::size_t, const Row*);
  Result (*instantiate_)(Handle*, Handle, Handle*, char*, std::size_t);
  Result (*update_kernel_)(Handle, Handle, const Kernel*);
};

}  // namespace

std::unique_ptr<Driver> open_hip() { return std::make_unique<Hip>(); }

}  // namespace sampan::test
