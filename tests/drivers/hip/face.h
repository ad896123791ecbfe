// What the files of this face share.
#pragma once

#include <utility>

#include "call.h"
#include "driver.h"
#include "exports.h"
#include "types.h"

namespace sampan::emulator::hip {

/// Initialises the driver if need be and makes device 0 current on a thread that has chosen none.
void prepare();

/// Runs one function's body; see call.h.
template <Effect kEffect = Effect::none, typename Body, typename... Arguments>
hipError_t run(const char* name, Body&& body, const Arguments&... arguments) noexcept {
  const auto prepared = [&] {
    prepare();
    return body();
  };
  const Status status = call<kEffect>(name, prepared, arguments...);
  // HIP has no number for what may not be done in a callback.
  return static_cast<hipError_t>(status == Status::not_permitted ? Status::not_supported : status);
}

template <typename T>
[[nodiscard]] driver::Handle* out(T** handle) {
  return reinterpret_cast<driver::Handle*>(handle);
}
[[nodiscard]] inline std::uint64_t* address_out(void** address) {
  return reinterpret_cast<std::uint64_t*>(address);
}

/// Where a copy of that kind goes and comes from. Throws Refusal{invalid_value}.
struct Direction {
  Place dst, src;
};
[[nodiscard]] Direction direction(hipMemcpyKind kind);

}  // namespace sampan::emulator::hip
