// libcuda: memory and copies.
#include "face.h"

namespace sampan::emulator::cuda {

namespace {

CUresult fill(const char* name, const Fill& fill, CUstream stream) {
  return run(
      name, [&] { return driver::fill(fill, stream); }, fill.dst, fill.value, fill.count, fill.rows,
      stream);
}

}  // namespace

SAMPAN_EMU_EXPORT CUresult cuMemGetInfo_v2(std::size_t* out_free, std::size_t* out_total) {
  return run("cuMemGetInfo_v2", [&] { return driver::memory_info(out_free, out_total); });
}

SAMPAN_EMU_EXPORT CUresult cuMemAlloc_v2(CUdeviceptr* address, std::size_t bytes) {
  return run(
      "cuMemAlloc_v2", [&] { return driver::allocate(out(address), bytes); }, bytes);
}

SAMPAN_EMU_EXPORT CUresult cuMemFree_v2(CUdeviceptr address) {
  return run<Effect::done>(
      "cuMemFree_v2", [&] { return driver::free(address); }, address);
}

SAMPAN_EMU_EXPORT CUresult cuMemAllocAsync(CUdeviceptr* address, std::size_t bytes,
                                           CUstream stream) {
  return run(
      "cuMemAllocAsync", [&] { return driver::allocate_async(out(address), bytes, stream); }, bytes,
      stream);
}

SAMPAN_EMU_EXPORT CUresult cuMemFreeAsync(CUdeviceptr address, CUstream stream) {
  return run<Effect::done>(
      "cuMemFreeAsync", [&] { return driver::free_async(address, stream); }, address, stream);
}

SAMPAN_EMU_EXPORT CUresult cuMemHostAlloc(void** pointer, std::size_t bytes, unsigned flags) {
  return run(
      "cuMemHostAlloc",
      [&] {
        require((flags & ~7u) == 0, Status::invalid_value);
        return driver::allocate_host(pointer, bytes);
      },
      bytes, flags);
}

SAMPAN_EMU_EXPORT CUresult cuMemFreeHost(void* pointer) {
  return run<Effect::done>(
      "cuMemFreeHost", [&] { return driver::free_host(pointer); }, pointer);
}

SAMPAN_EMU_EXPORT CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr* address, void* pointer,
                                                        unsigned flags) {
  return run(
      "cuMemHostGetDevicePointer_v2",
      [&] {
        require(flags == 0, Status::invalid_value);
        return driver::host_device_address(out(address), pointer);
      },
      pointer);
}

SAMPAN_EMU_EXPORT CUresult cuMemHostRegister_v2(void* pointer, std::size_t bytes, unsigned flags) {
  return run(
      "cuMemHostRegister_v2",
      [&] {
        require((flags & ~15u) == 0, Status::invalid_value);
        return driver::register_host(pointer, bytes);
      },
      pointer, bytes, flags);
}

SAMPAN_EMU_EXPORT CUresult cuMemHostUnregister(void* pointer) {
  return run<Effect::done>(
      "cuMemHostUnregister", [&] { return driver::unregister_host(pointer); }, pointer);
}

SAMPAN_EMU_EXPORT CUresult cuPointerGetAttribute(void* data, CUpointer_attribute attribute,
                                                 CUdeviceptr address) {
  return run(
      "cuPointerGetAttribute",
      [&] {
        driver::context();
        require(data != nullptr, Status::invalid_value);
        Machine& machine = Machine::of_library();
        const Held block = machine.memory.find(address, 1);
        require(block || machine.memory.is_known_host(address, 1), Status::invalid_value);
        Device& device = block ? block.context->device() : driver::context().device();
        switch (attribute) {
          case CU_POINTER_ATTRIBUTE_CONTEXT:
            *static_cast<void**>(data) = machine.context_handle(device);
            break;
          case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
            *static_cast<unsigned*>(data) = block ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
            break;
          case CU_POINTER_ATTRIBUTE_HOST_POINTER:
            require(!block, Status::invalid_value);
            [[fallthrough]];
          case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
            *static_cast<CUdeviceptr*>(data) = address;
            break;
          case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
            *static_cast<int*>(data) = device.index();
            break;
          default:
            return Status::not_supported;
        }
        return Status::ok;
      },
      address, attribute);
}

SAMPAN_EMU_EXPORT CUresult cuMemcpyAsync(CUdeviceptr dst, CUdeviceptr src, std::size_t bytes,
                                         CUstream stream) {
  return run(
      "cuMemcpyAsync",
      [&] {
        return driver::copy({dst, src, bytes}, Place::any, Place::any, stream);
      },
      dst, src, bytes, stream);
}

SAMPAN_EMU_EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr dst, const void* src, std::size_t bytes,
                                                CUstream stream) {
  return run(
      "cuMemcpyHtoDAsync_v2",
      [&] {
        return driver::copy({dst, address_of(src), bytes}, Place::device, Place::host, stream);
      },
      dst, src, bytes, stream);
}

SAMPAN_EMU_EXPORT CUresult cuMemcpyDtoHAsync_v2(void* dst, CUdeviceptr src, std::size_t bytes,
                                                CUstream stream) {
  return run(
      "cuMemcpyDtoHAsync_v2",
      [&] {
        return driver::copy({address_of(dst), src, bytes}, Place::host, Place::device, stream);
      },
      dst, src, bytes, stream);
}

SAMPAN_EMU_EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr dst, CUdeviceptr src, std::size_t bytes,
                                                CUstream stream) {
  return run(
      "cuMemcpyDtoDAsync_v2",
      [&] {
        return driver::copy({dst, src, bytes}, Place::device, Place::device, stream);
      },
      dst, src, bytes, stream);
}

SAMPAN_EMU_EXPORT CUresult cuMemcpyPeerAsync(CUdeviceptr dst, CUcontext dst_context,
                                             CUdeviceptr src, CUcontext src_context,
                                             std::size_t bytes, CUstream stream) {
  return run(
      "cuMemcpyPeerAsync",
      [&] {
        const auto is_there = [bytes](CUdeviceptr address, const Context& context) {
          const Held block = Machine::of_library().memory.find(address, bytes);
          return !block || block.context == &context;
        };
        require(is_there(dst, require_context(dst_context)) &&
                    is_there(src, require_context(src_context)),
                Status::invalid_value);
        return driver::copy({dst, src, bytes}, Place::device, Place::device, stream);
      },
      dst, dst_context, src, src_context, bytes, stream);
}

SAMPAN_EMU_EXPORT CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D* parameters, CUstream stream) {
  return run(
      "cuMemcpy2DAsync_v2",
      [&] {
        require(parameters != nullptr, Status::invalid_value);
        const CUDA_MEMCPY2D& p = *parameters;
        const Side dst = side(p.dstMemoryType, p.dstHost, p.dstDevice);
        const Side src = side(p.srcMemoryType, p.srcHost, p.srcDevice);
        Copy copy{dst.address + p.dstY * p.dstPitch + p.dstXInBytes,
                  src.address + p.srcY * p.srcPitch + p.srcXInBytes, p.WidthInBytes, p.Height};
        copy.dst_pitch = p.dstPitch;
        copy.src_pitch = p.srcPitch;
        return driver::copy(copy, dst.place, src.place, stream);
      },
      static_cast<const void*>(parameters), stream);
}

SAMPAN_EMU_EXPORT CUresult cuMemsetD8Async(CUdeviceptr dst, unsigned char value, std::size_t count,
                                           CUstream stream) {
  return fill("cuMemsetD8Async", {dst, value, 1, count}, stream);
}

SAMPAN_EMU_EXPORT CUresult cuMemsetD16Async(CUdeviceptr dst, unsigned short value,
                                            std::size_t count, CUstream stream) {
  return fill("cuMemsetD16Async", {dst, value, 2, count}, stream);
}

SAMPAN_EMU_EXPORT CUresult cuMemsetD32Async(CUdeviceptr dst, unsigned value, std::size_t count,
                                            CUstream stream) {
  return fill("cuMemsetD32Async", {dst, value, 4, count}, stream);
}

SAMPAN_EMU_EXPORT CUresult cuMemsetD2D8Async(CUdeviceptr dst, std::size_t pitch,
                                             unsigned char value, std::size_t width,
                                             std::size_t height, CUstream stream) {
  return fill("cuMemsetD2D8Async", {dst, value, 1, width, height, pitch}, stream);
}

SAMPAN_EMU_EXPORT CUresult cuMemsetD2D16Async(CUdeviceptr dst, std::size_t pitch,
                                              unsigned short value, std::size_t width,
                                              std::size_t height, CUstream stream) {
  return fill("cuMemsetD2D16Async", {dst, value, 2, width, height, pitch}, stream);
}

SAMPAN_EMU_EXPORT CUresult cuMemsetD2D32Async(CUdeviceptr dst, std::size_t pitch, unsigned value,
                                              std::size_t width, std::size_t height,
                                              CUstream stream) {
  return fill("cuMemsetD2D32Async", {dst, value, 4, width, height, pitch}, stream);
}

}  // namespace sampan::emulator::cuda
