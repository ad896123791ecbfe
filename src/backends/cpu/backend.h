// What the plug-in is.
#pragma once

#include <cstdint>

#include "sampan/plugin/backend.h"

namespace sampan::cpu {

/// The groups that this plug-in fills: SAMPAN_CAP_* bits.
extern const std::uint64_t kCapabilities;

/// Changes whenever the code that the plug-in generates or carries may change.
inline constexpr char kBuildId[] = SAMPAN_VERSION " " SAMPAN_CPU_KERNELS_HASH " " __VERSION__;

/// Name and version of the "driver": the plug-in itself.
inline constexpr char kDriverName[] = "Sampan CPU " SAMPAN_VERSION;

/// Writes one line to the host's log, on behalf of this backend.
void log_line(std::int32_t level, const char* message) noexcept;

}  // namespace sampan::cpu
