#pragma once

#include <cstdint>
#include <string>

#include "backends/common/bytes.h"

namespace sampan::cuda_like {

[[nodiscard]] bool is_elf(common::ByteView image);

/// Drivers are told where code begins, not where it ends, and follow what is written in it: why
/// this ELF image isn't one of `machine` (EM_*) that lies inside of its bytes; empty if it is. The
/// end of a sentence.
[[nodiscard]] std::string elf_refusal(common::ByteView image, std::uint16_t machine);

}  // namespace sampan::cuda_like
