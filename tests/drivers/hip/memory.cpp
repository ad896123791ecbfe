// libamdhip64: memory and copies.
#include "face.h"

namespace sampan::emulator::hip {
namespace {

constexpr unsigned kHostMallocFlags = 0xe000000fu;
constexpr unsigned kHostRegisterFlags = 0xfu;

hipError_t fill(const char* name, const Fill& fill, hipStream_t stream) {
  return run(
      name, [&] { return driver::fill(fill, stream); }, fill.dst, fill.value, fill.count, fill.rows,
      stream);
}

hipError_t copy(const char* name, const Copy& copy, hipMemcpyKind kind, hipStream_t stream) {
  return run(
      name,
      [&] {
        const Direction places = direction(kind);
        return driver::copy(copy, places.dst, places.src, stream);
      },
      copy.dst, copy.src, copy.row_bytes, copy.rows, kind, stream);
}

}  // namespace

Direction direction(hipMemcpyKind kind) {
  switch (kind) {
    case hipMemcpyHostToHost:
      return {Place::host, Place::host};
    case hipMemcpyHostToDevice:
      return {Place::device, Place::host};
    case hipMemcpyDeviceToHost:
      return {Place::host, Place::device};
    case hipMemcpyDeviceToDevice:
      return {Place::device, Place::device};
    case hipMemcpyDefault:
      return {Place::any, Place::any};
    default:
      refuse(Status::invalid_value);
  }
}

SAMPAN_EMU_EXPORT hipError_t hipMemGetInfo(std::size_t* out_free, std::size_t* out_total) {
  return run("hipMemGetInfo", [&] { return driver::memory_info(out_free, out_total); });
}

SAMPAN_EMU_EXPORT hipError_t hipMalloc(void** address, std::size_t bytes) {
  return run(
      "hipMalloc",
      [&] {
        require(address != nullptr, Status::invalid_value);
        if (bytes == 0) {  // unlike CUDA's
          *address = nullptr;
          return Status::ok;
        }
        return driver::allocate(address_out(address), bytes);
      },
      bytes);
}

SAMPAN_EMU_EXPORT hipError_t hipFree(void* address) {
  return run<Effect::done>(
      "hipFree", [&] { return driver::free(address_of(address)); }, address);
}

SAMPAN_EMU_EXPORT hipError_t hipMallocAsync(void** address, std::size_t bytes, hipStream_t stream) {
  return run(
      "hipMallocAsync", [&] { return driver::allocate_async(address_out(address), bytes, stream); },
      bytes, stream);
}

SAMPAN_EMU_EXPORT hipError_t hipFreeAsync(void* address, hipStream_t stream) {
  return run<Effect::done>(
      "hipFreeAsync", [&] { return driver::free_async(address_of(address), stream); }, address,
      stream);
}

SAMPAN_EMU_EXPORT hipError_t hipHostMalloc(void** pointer, std::size_t bytes, unsigned flags) {
  return run(
      "hipHostMalloc",
      [&] {
        require((flags & ~kHostMallocFlags) == 0, Status::invalid_value);
        return driver::allocate_host(pointer, bytes);
      },
      bytes, flags);
}

SAMPAN_EMU_EXPORT hipError_t hipHostFree(void* pointer) {
  return run<Effect::done>(
      "hipHostFree", [&] { return driver::free_host(pointer); }, pointer);
}

SAMPAN_EMU_EXPORT hipError_t hipHostGetDevicePointer(void** address, void* pointer,
                                                     unsigned flags) {
  return run(
      "hipHostGetDevicePointer",
      [&] {
        require(flags == 0, Status::invalid_value);
        return driver::host_device_address(address_out(address), pointer);
      },
      pointer, flags);
}

SAMPAN_EMU_EXPORT hipError_t hipHostRegister(void* pointer, std::size_t bytes, unsigned flags) {
  return run(
      "hipHostRegister",
      [&] {
        require((flags & ~kHostRegisterFlags) == 0, Status::invalid_value);
        return driver::register_host(pointer, bytes);
      },
      pointer, bytes, flags);
}

SAMPAN_EMU_EXPORT hipError_t hipHostUnregister(void* pointer) {
  return run<Effect::done>(
      "hipHostUnregister", [&] { return driver::unregister_host(pointer); }, pointer);
}

SAMPAN_EMU_EXPORT hipError_t hipMemcpyAsync(void* dst, const void* src, std::size_t bytes,
                                            hipMemcpyKind kind, hipStream_t stream) {
  return copy("hipMemcpyAsync", {address_of(dst), address_of(src), bytes}, kind, stream);
}

SAMPAN_EMU_EXPORT hipError_t hipMemcpyHtoDAsync(hipDeviceptr_t dst, void* src, std::size_t bytes,
                                                hipStream_t stream) {
  return copy("hipMemcpyHtoDAsync", {address_of(dst), address_of(src), bytes},
              hipMemcpyHostToDevice, stream);
}

SAMPAN_EMU_EXPORT hipError_t hipMemcpyDtoHAsync(void* dst, hipDeviceptr_t src, std::size_t bytes,
                                                hipStream_t stream) {
  return copy("hipMemcpyDtoHAsync", {address_of(dst), address_of(src), bytes},
              hipMemcpyDeviceToHost, stream);
}

SAMPAN_EMU_EXPORT hipError_t hipMemcpyDtoDAsync(hipDeviceptr_t dst, hipDeviceptr_t src,
                                                std::size_t bytes, hipStream_t stream) {
  return copy("hipMemcpyDtoDAsync", {address_of(dst), address_of(src), bytes},
              hipMemcpyDeviceToDevice, stream);
}

SAMPAN_EMU_EXPORT hipError_t hipMemcpyPeerAsync(void* dst, int dst_device, const void* src,
                                                int src_device, std::size_t bytes,
                                                hipStream_t stream) {
  return run(
      "hipMemcpyPeerAsync",
      [&] {
        const auto is_there = [bytes](const void* address, int device) {
          Machine::of_library().device(device);
          const Held held = Machine::of_library().memory.find(address_of(address), bytes);
          return !held || held.device == device;
        };
        require(is_there(dst, dst_device) && is_there(src, src_device), Status::invalid_value);
        return driver::copy({address_of(dst), address_of(src), bytes}, Place::device, Place::device,
                            stream);
      },
      dst, dst_device, src, src_device, bytes, stream);
}

SAMPAN_EMU_EXPORT hipError_t hipMemcpy2DAsync(void* dst, std::size_t dst_pitch, const void* src,
                                              std::size_t src_pitch, std::size_t width,
                                              std::size_t height, hipMemcpyKind kind,
                                              hipStream_t stream) {
  Copy plane{address_of(dst), address_of(src), width, height};
  plane.dst_pitch = dst_pitch;
  plane.src_pitch = src_pitch;
  return copy("hipMemcpy2DAsync", plane, kind, stream);
}

SAMPAN_EMU_EXPORT hipError_t hipMemsetD8Async(hipDeviceptr_t dst, unsigned char value,
                                              std::size_t count, hipStream_t stream) {
  return fill("hipMemsetD8Async", {address_of(dst), value, 1, count}, stream);
}

SAMPAN_EMU_EXPORT hipError_t hipMemsetD16Async(hipDeviceptr_t dst, unsigned short value,
                                               std::size_t count, hipStream_t stream) {
  return fill("hipMemsetD16Async", {address_of(dst), value, 2, count}, stream);
}

SAMPAN_EMU_EXPORT hipError_t hipMemsetD32Async(hipDeviceptr_t dst, int value, std::size_t count,
                                               hipStream_t stream) {
  return fill("hipMemsetD32Async", {address_of(dst), static_cast<std::uint32_t>(value), 4, count},
              stream);
}

SAMPAN_EMU_EXPORT hipError_t hipMemset2DAsync(void* dst, std::size_t pitch, int value,
                                              std::size_t width, std::size_t height,
                                              hipStream_t stream) {
  return fill("hipMemset2DAsync",
              {address_of(dst), static_cast<std::uint32_t>(value), 1, width, height, pitch},
              stream);
}

}  // namespace sampan::emulator::hip
