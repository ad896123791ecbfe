// libamdhip64: graphs.
#include "face.h"

namespace sampan::emulator::hip {
namespace {

Task kernel_task(const hipKernelNodeParams* parameters) {
  require(parameters != nullptr && parameters->func != nullptr, Status::invalid_value);
  const hipKernelNodeParams& p = *parameters;
  return driver::launch_task(p.func,
                             {{p.gridDim.x, p.gridDim.y, p.gridDim.z},
                              {p.blockDim.x, p.blockDim.y, p.blockDim.z},
                              p.sharedMemBytes},
                             p.kernelParams, p.extra);
}

/// Adds the node that `make` describes.
template <typename Make>
hipError_t add(const char* name, hipGraphNode_t* node, hipGraph_t graph,
               const hipGraphNode_t* after, std::size_t after_count, Make make) {
  return run(
      name,
      [&] {
        return driver::add_node(out(node), graph, reinterpret_cast<void* const*>(after),
                                after_count, make());
      },
      graph, after_count);
}

}  // namespace

SAMPAN_EMU_EXPORT hipError_t hipGraphCreate(hipGraph_t* graph, unsigned flags) {
  return run(
      "hipGraphCreate", [&] { return driver::create_graph(out(graph), flags); }, flags);
}

SAMPAN_EMU_EXPORT hipError_t hipGraphDestroy(hipGraph_t graph) {
  return run<Effect::done>(
      "hipGraphDestroy", [&] { return driver::destroy_graph(graph); }, graph);
}

SAMPAN_EMU_EXPORT hipError_t hipGraphAddKernelNode(hipGraphNode_t* node, hipGraph_t graph,
                                                   const hipGraphNode_t* after,
                                                   std::size_t after_count,
                                                   const hipKernelNodeParams* parameters) {
  return add("hipGraphAddKernelNode", node, graph, after, after_count,
             [&] { return kernel_task(parameters); });
}

SAMPAN_EMU_EXPORT hipError_t hipGraphAddMemcpyNode1D(hipGraphNode_t* node, hipGraph_t graph,
                                                     const hipGraphNode_t* after,
                                                     std::size_t after_count, void* dst,
                                                     const void* src, std::size_t bytes,
                                                     hipMemcpyKind kind) {
  return add("hipGraphAddMemcpyNode1D", node, graph, after, after_count, [&] {
    const Direction places = direction(kind);
    return driver::copy_task({address_of(dst), address_of(src), bytes}, places.dst, places.src);
  });
}

SAMPAN_EMU_EXPORT hipError_t hipGraphAddMemsetNode(hipGraphNode_t* node, hipGraph_t graph,
                                                   const hipGraphNode_t* after,
                                                   std::size_t after_count,
                                                   const hipMemsetParams* parameters) {
  return add("hipGraphAddMemsetNode", node, graph, after, after_count, [&] {
    require(parameters != nullptr, Status::invalid_value);
    const hipMemsetParams& p = *parameters;
    return driver::fill_task(
        {address_of(p.dst), p.value, p.elementSize, p.width, p.height, p.pitch});
  });
}

SAMPAN_EMU_EXPORT hipError_t hipGraphAddHostNode(hipGraphNode_t* node, hipGraph_t graph,
                                                 const hipGraphNode_t* after,
                                                 std::size_t after_count,
                                                 const hipHostNodeParams* parameters) {
  return add("hipGraphAddHostNode", node, graph, after, after_count, [&]() -> Task {
    require(parameters != nullptr && parameters->fn != nullptr, Status::invalid_value);
    return HostTask{parameters->fn, parameters->userData};
  });
}

SAMPAN_EMU_EXPORT hipError_t hipGraphAddEmptyNode(hipGraphNode_t* node, hipGraph_t graph,
                                                  const hipGraphNode_t* after,
                                                  std::size_t after_count) {
  return add("hipGraphAddEmptyNode", node, graph, after, after_count, [] { return Task(); });
}

SAMPAN_EMU_EXPORT hipError_t hipGraphInstantiate(hipGraphExec_t* exec, hipGraph_t graph,
                                                 hipGraphNode_t* out_bad_node, char* log,
                                                 std::size_t log_room) {
  return run(
      "hipGraphInstantiate",
      [&] {
        if (out_bad_node != nullptr) *out_bad_node = nullptr;
        if (log != nullptr && log_room > 0) *log = '\0';
        return driver::instantiate(out(exec), graph);
      },
      graph);
}

SAMPAN_EMU_EXPORT hipError_t hipGraphExecKernelNodeSetParams(
    hipGraphExec_t exec, hipGraphNode_t node, const hipKernelNodeParams* parameters) {
  return run(
      "hipGraphExecKernelNodeSetParams",
      [&] { return driver::update_kernel(exec, node, kernel_task(parameters)); }, exec, node);
}

SAMPAN_EMU_EXPORT hipError_t hipGraphLaunch(hipGraphExec_t exec, hipStream_t stream) {
  return run(
      "hipGraphLaunch", [&] { return driver::launch_graph(exec, stream); }, exec, stream);
}

SAMPAN_EMU_EXPORT hipError_t hipGraphExecDestroy(hipGraphExec_t exec) {
  return run<Effect::done>(
      "hipGraphExecDestroy", [&] { return driver::destroy_exec(exec); }, exec);
}

}  // namespace sampan::emulator::hip
