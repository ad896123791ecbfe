// libcuda: graphs.
#include "face.h"

namespace sampan::emulator::cuda {
namespace {

Task copy_task(const CUDA_MEMCPY3D& p) {
  const Side dst = side(p.dstMemoryType, p.dstHost, p.dstDevice);
  const Side src = side(p.srcMemoryType, p.srcHost, p.srcDevice);
  require(p.srcLOD == 0 && p.dstLOD == 0, Status::invalid_value);
  Copy copy{dst.address + (p.dstZ * p.dstHeight + p.dstY) * p.dstPitch + p.dstXInBytes,
            src.address + (p.srcZ * p.srcHeight + p.srcY) * p.srcPitch + p.srcXInBytes,
            p.WidthInBytes, p.Height, p.Depth};
  copy.dst_pitch = p.dstPitch;
  copy.src_pitch = p.srcPitch;
  copy.dst_layer_pitch = p.dstPitch * p.dstHeight;
  copy.src_layer_pitch = p.srcPitch * p.srcHeight;
  return driver::copy_task(copy, dst.place, src.place);
}

Task kernel_task(const CUDA_KERNEL_NODE_PARAMS_v2* parameters) {
  require(parameters != nullptr && parameters->func != nullptr, Status::invalid_value);
  const CUDA_KERNEL_NODE_PARAMS_v2& p = *parameters;
  return driver::launch_task(p.func,
                             {{p.gridDimX, p.gridDimY, p.gridDimZ},
                              {p.blockDimX, p.blockDimY, p.blockDimZ},
                              p.sharedMemBytes},
                             p.kernelParams, p.extra);
}

/// Adds the node that `make` describes.
template <typename Make>
CUresult add(const char* name, CUgraphNode* node, CUgraph graph, const CUgraphNode* after,
             std::size_t after_count, Make make) {
  return run(
      name,
      [&] {
        return driver::add_node(out(node), graph, reinterpret_cast<void* const*>(after),
                                after_count, make());
      },
      graph, after_count);
}

}  // namespace

SAMPAN_EMU_EXPORT CUresult cuGraphCreate(CUgraph* graph, unsigned flags) {
  return run(
      "cuGraphCreate", [&] { return driver::create_graph(out(graph), flags); }, flags);
}

SAMPAN_EMU_EXPORT CUresult cuGraphDestroy(CUgraph graph) {
  return run<Effect::done>(
      "cuGraphDestroy", [&] { return driver::destroy_graph(graph); }, graph);
}

SAMPAN_EMU_EXPORT CUresult cuGraphAddKernelNode_v2(CUgraphNode* node, CUgraph graph,
                                                   const CUgraphNode* after,
                                                   std::size_t after_count,
                                                   const CUDA_KERNEL_NODE_PARAMS_v2* parameters) {
  return add("cuGraphAddKernelNode_v2", node, graph, after, after_count,
             [&] { return kernel_task(parameters); });
}

SAMPAN_EMU_EXPORT CUresult cuGraphAddMemcpyNode(CUgraphNode* node, CUgraph graph,
                                                const CUgraphNode* after, std::size_t after_count,
                                                const CUDA_MEMCPY3D* parameters,
                                                CUcontext context) {
  return add("cuGraphAddMemcpyNode", node, graph, after, after_count, [&] {
    require_context(context);
    require(parameters != nullptr, Status::invalid_value);
    return copy_task(*parameters);
  });
}

SAMPAN_EMU_EXPORT CUresult cuGraphAddMemsetNode(CUgraphNode* node, CUgraph graph,
                                                const CUgraphNode* after, std::size_t after_count,
                                                const CUDA_MEMSET_NODE_PARAMS* parameters,
                                                CUcontext context) {
  return add("cuGraphAddMemsetNode", node, graph, after, after_count, [&] {
    require_context(context);
    require(parameters != nullptr, Status::invalid_value);
    const CUDA_MEMSET_NODE_PARAMS& p = *parameters;
    return driver::fill_task({p.dst, p.value, p.elementSize, p.width, p.height, p.pitch});
  });
}

SAMPAN_EMU_EXPORT CUresult cuGraphAddHostNode(CUgraphNode* node, CUgraph graph,
                                              const CUgraphNode* after, std::size_t after_count,
                                              const CUDA_HOST_NODE_PARAMS* parameters) {
  return add("cuGraphAddHostNode", node, graph, after, after_count, [&]() -> Task {
    require(parameters != nullptr && parameters->fn != nullptr, Status::invalid_value);
    return HostTask{parameters->fn, parameters->userData};
  });
}

SAMPAN_EMU_EXPORT CUresult cuGraphAddEmptyNode(CUgraphNode* node, CUgraph graph,
                                               const CUgraphNode* after, std::size_t after_count) {
  return add("cuGraphAddEmptyNode", node, graph, after, after_count, [] { return Task(); });
}

SAMPAN_EMU_EXPORT CUresult cuGraphInstantiateWithFlags(CUgraphExec* exec, CUgraph graph,
                                                       unsigned long long flags) {
  return run(
      "cuGraphInstantiateWithFlags",
      [&] {
        require(flags == 0, Status::not_supported);
        return driver::instantiate(out(exec), graph);
      },
      graph, flags);
}

SAMPAN_EMU_EXPORT CUresult cuGraphExecKernelNodeSetParams_v2(
    CUgraphExec exec, CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS_v2* parameters) {
  return run(
      "cuGraphExecKernelNodeSetParams_v2",
      [&] { return driver::update_kernel(exec, node, kernel_task(parameters)); }, exec, node);
}

SAMPAN_EMU_EXPORT CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream) {
  return run(
      "cuGraphLaunch", [&] { return driver::launch_graph(exec, stream); }, exec, stream);
}

SAMPAN_EMU_EXPORT CUresult cuGraphExecDestroy(CUgraphExec exec) {
  return run<Effect::done>(
      "cuGraphExecDestroy", [&] { return driver::destroy_exec(exec); }, exec);
}

}  // namespace sampan::emulator::cuda
