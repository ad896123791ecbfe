#pragma once

#include <cstdint>

#include "sampan/ops/gemm.h"

namespace sampan::ops {

/// Leading dimensions as they are, none 0.
struct GemmLayout {
  std::uint64_t lda = 0, ldb = 0, ldc = 0, ldd = 0, ldr = 0;
};

/// Throws invalid_argument for types, groups and strides that make no sense.
[[nodiscard]] GemmLayout check_gemm(const GemmDesc& desc);

/// Throws invalid_argument for views that don't fit the description, and for a D that lies on C or
/// on the residual with other strides.
void check_gemm_args(const GemmDesc& desc, const GemmLayout& layout, const GemmArgs& args);

[[nodiscard]] inline bool is_weight_only(const GemmDesc& desc) { return desc.group_k > 0; }
[[nodiscard]] inline bool is_integer(const GemmDesc& desc) { return desc.d == DType::i32; }

/// Whether two views start at the same place of the same memory.
[[nodiscard]] inline bool same_place(const View& a, const View& b) {
  return a.impl() == b.impl() && a.offset_bytes() == b.offset_bytes();
}

}  // namespace sampan::ops
