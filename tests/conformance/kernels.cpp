#include "kernels.h"

namespace sampan::conformance {
namespace {

constexpr const char* kFixed = R"(#include "sampan_kernel.h"

KERNEL_FLAT(axpy, 64, 1, 1)
(u32 n, f32 alpha, const GLOBAL f32* x, u64 x_offset, GLOBAL f32* y, u64 y_offset) {
  const u32 i = GID(0) * 64 + LID(0);
  if (i < n) y[y_offset + i] = FMA(alpha, x[x_offset + i], y[y_offset + i]);
}

KERNEL_FLAT(advance, 64, 1, 1)(u32 n, u32 factor, u32 term, GLOBAL u32* data) {
  const u32 i = GID(0) * LSIZE(0) + LID(0);
  if (i < n) data[i] = data[i] * factor + term;
}

KERNEL_FLAT(spin, 1, 1, 1)(u32 rounds, u32 seed, GLOBAL u32* out) {
  u32 state = seed;
  NOUNROLL for (u32 i = 0; i < rounds; ++i) state = (state ^ (state >> 7)) * 1664525u + 1013904223u;
  out[0] = state;
}

KERNEL(pass_on, 64, 1, 1)(u32 rounds, const GLOBAL u32* in, GLOBAL u32* out) {
  LOCAL_POOL(u32, pool, 64);
  const u32 i = LID(0);
  u32 value = in[GID(0) * 64 + i];
  for (u32 round = 0; round < rounds; ++round) {
    pool[i] = value;
    BARRIER();
    value = pool[(i + 1) % 64] + round;
    BARRIER();
  }
  out[GID(0) * 64 + i] = value;
}

KERNEL_FLAT(count, 64, 1, 1)(GLOBAL i32* counter) { ATOMIC_ADD_I32(counter, 1); }

KERNEL_FLAT(many_scalars, 1, 1, 1)
(const GLOBAL u32* in, i8 a, u64 b, u8 c, f32 d, i16 e, i64 f, u16 g, i32 h, u32 i, GLOBAL u32* out) {
  out[0] = in[0];
  out[1] = (u32)(i32)a;
  out[2] = (u32)b;
  out[3] = (u32)(b >> 32);
  out[4] = c;
  out[5] = AS_U32(d);
  out[6] = (u32)(i32)e;
  out[7] = (u32)f;
  out[8] = (u32)((u64)f >> 32);
  out[9] = g;
  out[10] = (u32)h;
  out[11] = i;
}

KERNEL_FLAT(nullable, 1, 1, 1)(const GLOBAL u32* maybe, GLOBAL u32* out) {
  out[0] = maybe == 0 ? 1u : 0u;
}
)";

constexpr const char* kReverse = R"(
KERNEL(reverse_@, @, 1, 1)(const GLOBAL u32* in, GLOBAL u32* out) {
  LOCAL_POOL(u32, pool, @);
  pool[LID(0)] = in[GID(0) * @ + LID(0)];
  BARRIER();
  out[GID(0) * @ + LID(0)] = pool[@ - 1 - LID(0)];
}
)";

constexpr const char* kIds = R"(
KERNEL_FLAT(ids_@, $)(GLOBAL u32* out) {
  const u32 group = (GID(2) * NGROUPS(1) + GID(1)) * NGROUPS(0) + GID(0);
  const u32 item = (LID(2) * LSIZE(1) + LID(1)) * LSIZE(0) + LID(0);
  const u32 items = LSIZE(0) * LSIZE(1) * LSIZE(2);
  GLOBAL u32* mine = out + (group * items + item) * 8;
  mine[0] = GID(0);
  mine[1] = GID(1);
  mine[2] = GID(2);
  mine[3] = LID(0);
  mine[4] = LID(1);
  mine[5] = LID(2);
  mine[6] = NGROUPS(0) * NGROUPS(1) * NGROUPS(2);
  mine[7] += 1;
}
)";

constexpr const char* kScalar = R"(
KERNEL_FLAT(scalar_@, 1, 1, 1)(@ value, GLOBAL u32* out) {
  const u64 wide = (u64)(i64)value;
  out[0] = (u32)wide;
  out[1] = (u32)(wide >> 32);
}
)";

constexpr const char* kScalarF32 = R"(
KERNEL_FLAT(scalar_f32, 1, 1, 1)(f32 value, GLOBAL u32* out) {
  out[0] = AS_U32(value);
  out[1] = 0;
}
)";

constexpr const char* kDouble = R"(
KERNEL_FLAT(vf_double_@, 16, 1, 1)(u32 n, const GLOBAL ELEM(@)* x, GLOBAL ELEM(@)* y) {
  const u32 i = (GID(0) * 16 + LID(0)) * VW;
  if (i < n) {
    const vf v = VF_LOAD_PART(@, x + i, n - i);
    VF_STORE_PART(@, y + i, VF_MUL(VF_SET1(2.0f), v), n - i);
  }
}
)";

void add(std::string& text, const char* pattern, const std::string& name,
         const std::string& second = {}) {
  for (const char* c = pattern; *c != '\0'; ++c) {
    if (*c == '@') {
      text += name;
    } else if (*c == '$') {
      text += second;
    } else {
      text += *c;
    }
  }
}

std::string make_text() {
  std::string text = kFixed;
  for (const char* items : {"1", "2", "7", "16", "64", "128"}) add(text, kReverse, items);
  add(text, kIds, "64x1x1", "64, 1, 1");
  add(text, kIds, "4x3x2", "4, 3, 2");
  for (const char* type : {"i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64"}) {
    add(text, kScalar, type);
  }
  text += kScalarF32;
  for (const char* type : {"F32", "F16", "BF16", "I32", "I8", "U8"}) add(text, kDouble, type);
  return text;
}

}  // namespace

const std::string& kernel_text() {
  static const std::string text = make_text();
  return text;
}

}  // namespace sampan::conformance
