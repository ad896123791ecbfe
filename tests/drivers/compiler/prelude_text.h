#pragma once

#include <string_view>

namespace sampan::emulator {

/// kernel_abi.h and prelude.h, one after the other.
extern const std::string_view kPreludeText;

}  // namespace sampan::emulator
