// libcuda: modules and launches.
#include "face.h"

namespace sampan::emulator::cuda {

SAMPAN_EMU_EXPORT CUresult cuModuleLoadData(CUmodule* module, const void* image) {
  return run(
      "cuModuleLoadData", [&] { return driver::load_module(out(module), image); }, image);
}

SAMPAN_EMU_EXPORT CUresult cuModuleLoadDataEx(CUmodule* module, const void* image,
                                              unsigned option_count, CUjit_option* options,
                                              void** values) {
  return run(
      "cuModuleLoadDataEx",
      [&] {
        require(option_count == 0 || (options != nullptr && values != nullptr),
                Status::invalid_value);
        return driver::load_module(out(module), image);
      },
      image, option_count);
}

SAMPAN_EMU_EXPORT CUresult cuModuleUnload(CUmodule module) {
  return run<Effect::done>(
      "cuModuleUnload", [&] { return driver::unload_module(module); }, module);
}

SAMPAN_EMU_EXPORT CUresult cuModuleGetFunction(CUfunction* function, CUmodule module,
                                               const char* name) {
  return run(
      "cuModuleGetFunction", [&] { return driver::get_function(out(function), module, name); },
      module, name);
}

SAMPAN_EMU_EXPORT CUresult cuModuleGetGlobal_v2(CUdeviceptr* address, std::size_t* out_bytes,
                                                CUmodule module, const char* name) {
  return run(
      "cuModuleGetGlobal_v2",
      [&] { return driver::get_global(out(address), out_bytes, module, name); }, module, name);
}

SAMPAN_EMU_EXPORT CUresult cuFuncGetAttribute(int* value, CUfunction_attribute attribute,
                                              CUfunction function) {
  return run(
      "cuFuncGetAttribute", [&] { return driver::function_attribute(value, attribute, function); },
      attribute, function);
}

SAMPAN_EMU_EXPORT CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute,
                                              int value) {
  return run(
      "cuFuncSetAttribute",
      [&] { return driver::set_function_attribute(function, attribute, value); }, function,
      attribute, value);
}

SAMPAN_EMU_EXPORT CUresult cuFuncGetParamInfo(CUfunction function, std::size_t index,
                                              std::size_t* out_offset, std::size_t* out_bytes) {
  return run(
      "cuFuncGetParamInfo",
      [&] {
        driver::context();
        const std::shared_ptr<Kernel> kernel =
            require_handle(Machine::of_library().functions, function);
        require(out_offset != nullptr && index < kernel->entry->argument_count,
                Status::invalid_value);
        std::size_t offset = 0;
        for (std::size_t i = 0; i <= index; ++i) {
          const std::size_t bytes = kernel->entry->arguments[i].bytes;
          const std::size_t alignment = kernel->entry->arguments[i].alignment;
          offset = (offset + alignment - 1) / alignment * alignment;
          if (i < index) offset += bytes;
        }
        *out_offset = offset;
        if (out_bytes != nullptr) *out_bytes = kernel->entry->arguments[index].bytes;
        return Status::ok;
      },
      function, index);
}

SAMPAN_EMU_EXPORT CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* out_blocks,
                                                                       CUfunction function,
                                                                       int threads,
                                                                       std::size_t dynamic_bytes) {
  return run(
      "cuOccupancyMaxActiveBlocksPerMultiprocessor",
      [&] { return driver::occupancy(out_blocks, function, threads, dynamic_bytes); }, function,
      threads, dynamic_bytes);
}

SAMPAN_EMU_EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y,
                                          unsigned grid_z, unsigned block_x, unsigned block_y,
                                          unsigned block_z, unsigned dynamic_bytes, CUstream stream,
                                          void** arguments, void** extra) {
  const LaunchShape shape{{grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, dynamic_bytes};
  return run(
      "cuLaunchKernel",
      [&] { return driver::launch(function, shape, stream, arguments, extra, false); }, function,
      grid_x, grid_y, grid_z, block_x, block_y, block_z, dynamic_bytes, stream);
}

SAMPAN_EMU_EXPORT CUresult cuLaunchCooperativeKernel(CUfunction function, unsigned grid_x,
                                                     unsigned grid_y, unsigned grid_z,
                                                     unsigned block_x, unsigned block_y,
                                                     unsigned block_z, unsigned dynamic_bytes,
                                                     CUstream stream, void** arguments) {
  const LaunchShape shape{{grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, dynamic_bytes};
  return run(
      "cuLaunchCooperativeKernel",
      [&] { return driver::launch(function, shape, stream, arguments, nullptr, true); }, function,
      grid_x, grid_y, grid_z, block_x, block_y, block_z, dynamic_bytes, stream);
}

}  // namespace sampan::emulator::cuda
