// How a call on the emulated machine ends.
#pragma once

namespace sampan::emulator {

/// The numbers are those of CUresult and hipError_t, which agree in all of these; each face's
/// header check compares them.
enum class [[nodiscard]] Status : int{
    ok = 0,
    invalid_value = 1,
    out_of_memory = 2,
    not_initialized = 3,
    no_device = 100,
    invalid_device = 101,
    invalid_image = 200,
    invalid_context = 201,
    no_binary_for_gpu = 209,
    uncorrectable_ecc = 214,
    invalid_ptx = 218,
    invalid_handle = 400,
    not_found = 500,
    not_ready = 600,
    illegal_address = 700,
    launch_out_of_resources = 701,
    launch_timeout = 702,
    peer_already_enabled = 704,
    peer_not_enabled = 705,
    host_already_registered = 712,
    host_not_registered = 713,
    launch_failed = 719,
    cooperative_too_large = 720,
    not_permitted = 800,
    not_supported = 801,
    unknown = 999,
};

/// Thrown by what refuses a call; `call` (call.h) turns it into the face's return value.
struct Refusal {
  Status status;
};

[[noreturn]] inline void refuse(Status status) { throw Refusal{status}; }

/// Throws Refusal{otherwise} unless `holds`.
inline void require(bool holds, Status otherwise) {
  if (!holds) refuse(otherwise);
}

/// Whether this error outlives the call that reports it: every later call on the context fails with
/// it until the device is reset.
[[nodiscard]] constexpr bool is_sticky(int code) {
  return code == 214 || code == 700 || code == 702 ||
         (code >= 710 && code <= 719 && code != 712 && code != 713) || code == 721;
}

}  // namespace sampan::emulator
