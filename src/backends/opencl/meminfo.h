#pragma once

#include <cstdint>

#include "backends/opencl/device.h"

namespace sampan::opencl {

/// Free device memory. OpenCL itself has no such question: AMD's driver answers through an
/// extension; for a CPU device it is what the system calls available, at most the device's
/// memory; elsewhere the device's memory less what this process allocated through Sampan, which
/// knows nothing of other processes.
[[nodiscard]] std::uint64_t free_memory_bytes(const Device& device);

}  // namespace sampan::opencl
