// What the files of this face share.
#pragma once

#include <utility>

#include "call.h"
#include "driver.h"
#include "exports.h"
#include "types.h"

namespace sampan::emulator::cuda {

/// Runs one function's body; see call.h.
template <Effect kEffect = Effect::none, typename Body, typename... Arguments>
CUresult run(const char* name, Body&& body, const Arguments&... arguments) noexcept {
  return static_cast<CUresult>(call<kEffect>(name, std::forward<Body>(body), arguments...));
}

template <typename T>
[[nodiscard]] driver::Handle* out(T** handle) {
  return reinterpret_cast<driver::Handle*>(handle);
}
[[nodiscard]] inline std::uint64_t* out(CUdeviceptr* address) {
  return reinterpret_cast<std::uint64_t*>(address);
}

/// One side of a 2-D or 3-D copy.
struct Side {
  std::uint64_t address;
  Place place;
};
/// Throws Refusal{not_supported} for arrays.
[[nodiscard]] inline Side side(CUmemorytype type, const void* host, CUdeviceptr device) {
  switch (type) {
    case CU_MEMORYTYPE_HOST:
      return {address_of(host), Place::host};
    case CU_MEMORYTYPE_DEVICE:
      return {device, Place::device};
    case CU_MEMORYTYPE_UNIFIED:
      return {device, Place::any};
    default:
      refuse(Status::not_supported);
  }
}

/// The context behind a handle. Throws Refusal{invalid_context}.
Context& require_context(CUcontext handle);

/// Throws Refusal{not_initialized} or {invalid_device}.
[[nodiscard]] Device& require_device(CUdevice device);

}  // namespace sampan::emulator::cuda
