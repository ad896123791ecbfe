#include "backends/cpu/native/isa.h"

#include <gtest/gtest.h>

#include "support.h"

namespace sampan::cpu::native::test {
namespace {

TEST(Isa, NamesRoundTrip) {
  for (const IsaLevel level : kIsaLevels) EXPECT_EQ(parse_isa(isa_name(level)), level);
  EXPECT_EQ(parse_isa("x86-64-v5"), std::nullopt);
  EXPECT_EQ(parse_isa(""), std::nullopt);
}

#if defined(__x86_64__)
// The compiler's run-time library answers the same questions from its own reading of cpuid.
TEST(Isa, AgreesWithTheCompilersOwnDetection) {
  __builtin_cpu_init();
  EXPECT_EQ(detect_isa() >= IsaLevel::x86_64_v2, __builtin_cpu_supports("sse4.2") != 0);
  EXPECT_EQ(detect_isa() >= IsaLevel::x86_64_v3,
            __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0);
  EXPECT_EQ(detect_isa() >= IsaLevel::x86_64_v4,
            __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0);
  EXPECT_EQ(detect_isa() >= IsaLevel::x86_64_v4_bf16,
            __builtin_cpu_supports("avx512bf16") != 0 && __builtin_cpu_supports("avx512vnni") != 0);
}
#else
TEST(Isa, OnlyTheGenericLevelExists) { EXPECT_EQ(detect_isa(), IsaLevel::generic); }
#endif

}  // namespace
}  // namespace sampan::cpu::native::test
