#include "backends/cpu/native/isa.h"

#include "backends/cpu/native/types.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace sampan::cpu::native {
namespace {

#if defined(__x86_64__)

struct CpuidLeaf {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

CpuidLeaf cpuid(unsigned leaf, unsigned subleaf) noexcept {
  CpuidLeaf r;
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

constexpr bool has_all(unsigned value, unsigned mask) noexcept { return (value & mask) == mask; }

/// XCR0: the register state that the operating system saves. Needs OSXSAVE.
unsigned saved_state() noexcept {
  unsigned low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

IsaLevel query_isa() noexcept {
  const CpuidLeaf basic = cpuid(1, 0);
  const CpuidLeaf extended = cpuid(0x80000001u, 0);
  const CpuidLeaf structured = cpuid(7, 0);
  const CpuidLeaf structured1 = cpuid(7, 1);

  constexpr unsigned kV2 =
      bit_SSE3 | bit_SSSE3 | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT | bit_CMPXCHG16B;
  if (!has_all(basic.ecx, kV2)) return IsaLevel::generic;

  constexpr unsigned kV3 = bit_AVX | bit_FMA | bit_F16C | bit_MOVBE | bit_OSXSAVE;
  constexpr unsigned kV3Structured = bit_AVX2 | bit_BMI | bit_BMI2;
  constexpr unsigned kYmmState = 0x6;  // XMM and upper YMM
  const bool v3 = has_all(basic.ecx, kV3) && has_all(structured.ebx, kV3Structured) &&
                  has_all(extended.ecx, bit_LZCNT) && has_all(saved_state(), kYmmState);
  if (!v3) return IsaLevel::x86_64_v2;

  constexpr unsigned kV4Structured =
      bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL;
  constexpr unsigned kZmmState = 0xe6;  // also opmask, upper ZMM, ZMM16-31
  if (!has_all(structured.ebx, kV4Structured) || !has_all(saved_state(), kZmmState)) {
    return IsaLevel::x86_64_v3;
  }
  const bool dot =
      has_all(structured.ecx, bit_AVX512VNNI) && has_all(structured1.eax, bit_AVX512BF16);
  return dot ? IsaLevel::x86_64_v4_bf16 : IsaLevel::x86_64_v4;
}

#else

IsaLevel query_isa() noexcept { return IsaLevel::generic; }

#endif

}  // namespace

IsaLevel detect_isa() noexcept {
  static const IsaLevel level = query_isa();
  return level;
}

std::string_view isa_name(IsaLevel level) noexcept {
  switch (level) {
    case IsaLevel::generic:
      return "generic";
    case IsaLevel::x86_64_v2:
      return "x86-64-v2";
    case IsaLevel::x86_64_v3:
      return "x86-64-v3";
    case IsaLevel::x86_64_v4:
      return "x86-64-v4";
    case IsaLevel::x86_64_v4_bf16:
      return "x86-64-v4-bf16";
  }
  return "unknown";
}

std::optional<IsaLevel> parse_isa(std::string_view name) noexcept {
  for (const IsaLevel level : kIsaLevels) {
    if (isa_name(level) == name) return level;
  }
  return std::nullopt;
}

Parallel serial() noexcept {
  return {[](void*, std::uint32_t count, void (*task)(void*, std::uint32_t), void* arg) {
            for (std::uint32_t i = 0; i < count; ++i) task(arg, i);
          },
          nullptr, 1};
}

}  // namespace sampan::cpu::native
