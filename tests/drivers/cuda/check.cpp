// That the numbers and layouts this face uses are cuda.h's. The signatures are checked by compiling
// the face against cuda.h.
#include <cuda.h>

#include <cstddef>
#include <cstdint>

#include "status.h"

namespace ours {
#undef SAMPAN_EMU_VENDOR_HEADERS
#include "types.h"
}  // namespace ours

namespace {

using sampan::emulator::Status;

template <Status kOurs, CUresult kTheirs>
constexpr bool same = static_cast<int>(kOurs) == static_cast<int>(kTheirs);

static_assert(same<Status::invalid_value, CUDA_ERROR_INVALID_VALUE>);
static_assert(same<Status::out_of_memory, CUDA_ERROR_OUT_OF_MEMORY>);
static_assert(same<Status::not_initialized, CUDA_ERROR_NOT_INITIALIZED>);
static_assert(same<Status::no_device, CUDA_ERROR_NO_DEVICE>);
static_assert(same<Status::invalid_device, CUDA_ERROR_INVALID_DEVICE>);
static_assert(same<Status::invalid_image, CUDA_ERROR_INVALID_IMAGE>);
static_assert(same<Status::invalid_context, CUDA_ERROR_INVALID_CONTEXT>);
static_assert(same<Status::no_binary_for_gpu, CUDA_ERROR_NO_BINARY_FOR_GPU>);
static_assert(same<Status::uncorrectable_ecc, CUDA_ERROR_ECC_UNCORRECTABLE>);
static_assert(same<Status::invalid_ptx, CUDA_ERROR_INVALID_PTX>);
static_assert(same<Status::invalid_handle, CUDA_ERROR_INVALID_HANDLE>);
static_assert(same<Status::not_found, CUDA_ERROR_NOT_FOUND>);
static_assert(same<Status::not_ready, CUDA_ERROR_NOT_READY>);
static_assert(same<Status::illegal_address, CUDA_ERROR_ILLEGAL_ADDRESS>);
static_assert(same<Status::launch_out_of_resources, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES>);
static_assert(same<Status::launch_timeout, CUDA_ERROR_LAUNCH_TIMEOUT>);
static_assert(same<Status::peer_already_enabled, CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED>);
static_assert(same<Status::peer_not_enabled, CUDA_ERROR_PEER_ACCESS_NOT_ENABLED>);
static_assert(same<Status::host_already_registered, CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED>);
static_assert(same<Status::host_not_registered, CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED>);
static_assert(same<Status::launch_failed, CUDA_ERROR_LAUNCH_FAILED>);
static_assert(same<Status::cooperative_too_large, CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE>);
static_assert(same<Status::not_permitted, CUDA_ERROR_NOT_PERMITTED>);
static_assert(same<Status::not_supported, CUDA_ERROR_NOT_SUPPORTED>);
static_assert(same<Status::unknown, CUDA_ERROR_UNKNOWN>);

static_assert(sizeof(ours::CUDA_MEMCPY2D) == sizeof(CUDA_MEMCPY2D));
static_assert(offsetof(ours::CUDA_MEMCPY2D, dstPitch) == offsetof(CUDA_MEMCPY2D, dstPitch));
static_assert(sizeof(ours::CUDA_MEMCPY3D) == sizeof(CUDA_MEMCPY3D));
static_assert(offsetof(ours::CUDA_MEMCPY3D, dstHeight) == offsetof(CUDA_MEMCPY3D, dstHeight));
static_assert(sizeof(ours::CUDA_KERNEL_NODE_PARAMS_v2) == sizeof(CUDA_KERNEL_NODE_PARAMS));
static_assert(offsetof(ours::CUDA_KERNEL_NODE_PARAMS_v2, ctx) ==
              offsetof(CUDA_KERNEL_NODE_PARAMS, ctx));
static_assert(sizeof(ours::CUDA_MEMSET_NODE_PARAMS) == sizeof(CUDA_MEMSET_NODE_PARAMS));
static_assert(offsetof(ours::CUDA_MEMSET_NODE_PARAMS, width) ==
              offsetof(CUDA_MEMSET_NODE_PARAMS, width));
static_assert(sizeof(ours::CUDA_HOST_NODE_PARAMS) == sizeof(CUDA_HOST_NODE_PARAMS));
static_assert(static_cast<int>(ours::CU_MEMORYTYPE_UNIFIED) ==
              static_cast<int>(CU_MEMORYTYPE_UNIFIED));
static_assert(static_cast<int>(ours::CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL) ==
              static_cast<int>(CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL));

}  // namespace
