// That the numbers and layouts this face uses are those of HIP's headers. The signatures are
// checked by compiling the face against them.
#define __HIP_PLATFORM_AMD__ 1
#include <hip/hip_runtime_api.h>
#include <hip/hiprtc.h>

#include <cstddef>
#include <cstdint>

#include "status.h"

namespace ours {
#undef SAMPAN_EMU_VENDOR_HEADERS
#include "types.h"
}  // namespace ours

namespace {

using sampan::emulator::Status;

template <Status kOurs, hipError_t kTheirs>
constexpr bool same = static_cast<int>(kOurs) == static_cast<int>(kTheirs);

static_assert(same<Status::invalid_value, hipErrorInvalidValue>);
static_assert(same<Status::out_of_memory, hipErrorOutOfMemory>);
static_assert(same<Status::not_initialized, hipErrorNotInitialized>);
static_assert(same<Status::no_device, hipErrorNoDevice>);
static_assert(same<Status::invalid_device, hipErrorInvalidDevice>);
static_assert(same<Status::invalid_image, hipErrorInvalidImage>);
static_assert(same<Status::invalid_context, hipErrorInvalidContext>);
static_assert(same<Status::no_binary_for_gpu, hipErrorNoBinaryForGpu>);
static_assert(same<Status::uncorrectable_ecc, hipErrorECCNotCorrectable>);
static_assert(same<Status::invalid_handle, hipErrorInvalidHandle>);
static_assert(same<Status::not_found, hipErrorNotFound>);
static_assert(same<Status::not_ready, hipErrorNotReady>);
static_assert(same<Status::illegal_address, hipErrorIllegalAddress>);
static_assert(same<Status::launch_out_of_resources, hipErrorLaunchOutOfResources>);
static_assert(same<Status::launch_timeout, hipErrorLaunchTimeOut>);
static_assert(same<Status::peer_already_enabled, hipErrorPeerAccessAlreadyEnabled>);
static_assert(same<Status::peer_not_enabled, hipErrorPeerAccessNotEnabled>);
static_assert(same<Status::host_already_registered, hipErrorHostMemoryAlreadyRegistered>);
static_assert(same<Status::host_not_registered, hipErrorHostMemoryNotRegistered>);
static_assert(same<Status::launch_failed, hipErrorLaunchFailure>);
static_assert(same<Status::cooperative_too_large, hipErrorCooperativeLaunchTooLarge>);
static_assert(same<Status::not_supported, hipErrorNotSupported>);
static_assert(same<Status::unknown, hipErrorUnknown>);

// The attributes of device.cpp.
static_assert(hipDeviceAttributeAsyncEngineCount == 2 && hipDeviceAttributeCanMapHostMemory == 3);
static_assert(hipDeviceAttributeCooperativeLaunch == 10 &&
              hipDeviceAttributeComputeCapabilityMajor == 23);
static_assert(hipDeviceAttributeMaxBlocksPerMultiProcessor == 25 &&
              hipDeviceAttributeMaxBlockDimX == 26);
static_assert(hipDeviceAttributeMaxBlockDimZ == 28 && hipDeviceAttributeMaxGridDimX == 29);
static_assert(hipDeviceAttributeMaxGridDimZ == 31 && hipDeviceAttributeMaxThreadsPerBlock == 56);
static_assert(hipDeviceAttributeMaxThreadsPerMultiProcessor == 57 &&
              hipDeviceAttributeMaxPitch == 58);
static_assert(hipDeviceAttributeComputeCapabilityMinor == 61 &&
              hipDeviceAttributeMultiprocessorCount == 63);
static_assert(hipDeviceAttributePciBusId == 67 && hipDeviceAttributeMaxRegistersPerBlock == 71);
static_assert(hipDeviceAttributeMaxSharedMemoryPerBlock == 74 &&
              hipDeviceAttributeSharedMemPerMultiprocessor == 76);
static_assert(hipDeviceAttributeWarpSize == 87 && hipDeviceAttributeMemoryPoolsSupported == 88);
static_assert(hipDeviceAttributeCanUseStreamWaitValue == 10013);
static_assert(hipDeviceAttributePhysicalMultiProcessorCount == 10015);

static_assert(sizeof(ours::hipDeviceProp_t) == sizeof(hipDeviceProp_t));
static_assert(offsetof(ours::hipDeviceProp_t, gcnArchName) ==
              offsetof(hipDeviceProp_t, gcnArchName));
static_assert(offsetof(ours::hipDeviceProp_t, warpSize) == offsetof(hipDeviceProp_t, warpSize));
static_assert(sizeof(ours::hipKernelNodeParams) == sizeof(hipKernelNodeParams));
static_assert(offsetof(ours::hipKernelNodeParams, kernelParams) ==
              offsetof(hipKernelNodeParams, kernelParams));
static_assert(sizeof(ours::hipMemsetParams) == sizeof(hipMemsetParams));
static_assert(offsetof(ours::hipMemsetParams, width) == offsetof(hipMemsetParams, width));
static_assert(sizeof(ours::hipHostNodeParams) == sizeof(hipHostNodeParams));
static_assert(static_cast<int>(ours::hipMemcpyDefault) == static_cast<int>(hipMemcpyDefault));

}  // namespace
