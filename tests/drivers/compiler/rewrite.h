// From preprocessed kernel text to C++.
#pragma once

#include <string>
#include <string_view>

namespace sampan::emulator {

/// Replaces the words that prelude.h leaves: kernels become exported functions, __shared__
/// variables thread-local ones, extern __shared__ arrays pointers to the block's memory. Appends
/// each kernel's KernelEntry. Line markers keep their places, so errors name the user's lines.
[[nodiscard]] std::string rewrite_kernels(std::string_view preprocessed);

}  // namespace sampan::emulator
