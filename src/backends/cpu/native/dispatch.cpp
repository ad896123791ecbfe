// Maps an instruction level to its table.
#include "backends/cpu/native/kernel_table.h"

namespace sampan::cpu::native {

namespace generic {
const KernelTable& level_table();
}

#if defined(__x86_64__)
namespace x86_64_v2 {
const KernelTable& level_table();
}
namespace x86_64_v3 {
const KernelTable& level_table();
}
namespace x86_64_v4 {
const KernelTable& level_table();
}
namespace x86_64_v4_bf16 {
const KernelTable& level_table();
}
#endif

const KernelTable& kernel_table(IsaLevel isa) noexcept {
  switch (isa) {
#if defined(__x86_64__)
    case IsaLevel::x86_64_v2:
      return x86_64_v2::level_table();
    case IsaLevel::x86_64_v3:
      return x86_64_v3::level_table();
    case IsaLevel::x86_64_v4:
      return x86_64_v4::level_table();
    case IsaLevel::x86_64_v4_bf16:
      return x86_64_v4_bf16::level_table();
#endif
    default:
      return generic::level_table();
  }
}

}  // namespace sampan::cpu::native
