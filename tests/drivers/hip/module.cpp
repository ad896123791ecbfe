// libamdhip64: modules and launches.
#include "face.h"

namespace sampan::emulator::hip {

SAMPAN_EMU_EXPORT hipError_t hipModuleLoadData(hipModule_t* module, const void* image) {
  return run(
      "hipModuleLoadData", [&] { return driver::load_module(out(module), image); }, image);
}

SAMPAN_EMU_EXPORT hipError_t hipModuleLoadDataEx(hipModule_t* module, const void* image,
                                                 unsigned option_count, hipJitOption* options,
                                                 void** values) {
  return run(
      "hipModuleLoadDataEx",
      [&] {
        require(option_count == 0 || (options != nullptr && values != nullptr),
                Status::invalid_value);
        return driver::load_module(out(module), image);
      },
      image, option_count);
}

SAMPAN_EMU_EXPORT hipError_t hipModuleUnload(hipModule_t module) {
  return run<Effect::done>(
      "hipModuleUnload", [&] { return driver::unload_module(module); }, module);
}

SAMPAN_EMU_EXPORT hipError_t hipModuleGetFunction(hipFunction_t* function, hipModule_t module,
                                                  const char* name) {
  return run(
      "hipModuleGetFunction", [&] { return driver::get_function(out(function), module, name); },
      module, name);
}

SAMPAN_EMU_EXPORT hipError_t hipModuleGetGlobal(hipDeviceptr_t* address, std::size_t* out_bytes,
                                                hipModule_t module, const char* name) {
  return run(
      "hipModuleGetGlobal",
      [&] { return driver::get_global(address_out(address), out_bytes, module, name); }, module,
      name);
}

SAMPAN_EMU_EXPORT hipError_t hipFuncGetAttribute(int* value, hipFunctionAttribute attribute,
                                                 hipFunction_t function) {
  return run(
      "hipFuncGetAttribute", [&] { return driver::function_attribute(value, attribute, function); },
      attribute, function);
}

SAMPAN_EMU_EXPORT hipError_t hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(
    int* out_blocks, hipFunction_t function, int threads, std::size_t dynamic_bytes) {
  return run(
      "hipModuleOccupancyMaxActiveBlocksPerMultiprocessor",
      [&] { return driver::occupancy(out_blocks, function, threads, dynamic_bytes); }, function,
      threads, dynamic_bytes);
}

SAMPAN_EMU_EXPORT hipError_t hipModuleLaunchKernel(hipFunction_t function, unsigned grid_x,
                                                   unsigned grid_y, unsigned grid_z,
                                                   unsigned block_x, unsigned block_y,
                                                   unsigned block_z, unsigned dynamic_bytes,
                                                   hipStream_t stream, void** arguments,
                                                   void** extra) {
  const LaunchShape shape{{grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, dynamic_bytes};
  return run(
      "hipModuleLaunchKernel",
      [&] { return driver::launch(function, shape, stream, arguments, extra, false); }, function,
      grid_x, grid_y, grid_z, block_x, block_y, block_z, dynamic_bytes, stream);
}

// Since HIP 5.5: older headers don't have it.
SAMPAN_EMU_EXPORT hipError_t hipModuleLaunchCooperativeKernel(
    hipFunction_t function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
    unsigned block_y, unsigned block_z, unsigned dynamic_bytes, hipStream_t stream,
    void** arguments) {
  const LaunchShape shape{{grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, dynamic_bytes};
  return run(
      "hipModuleLaunchCooperativeKernel",
      [&] { return driver::launch(function, shape, stream, arguments, nullptr, true); }, function,
      grid_x, grid_y, grid_z, block_x, block_y, block_z, dynamic_bytes, stream);
}

}  // namespace sampan::emulator::hip
