// Weight-only quantisation: symmetric groups along k, and products with such weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "reference/bound.h"
#include "reference/gemm.h"
#include "reference/view.h"

namespace sampan::reference {

/// How codes are stored. Codes are signed: i8 holds -127 .. 127; i4 holds -8 .. 7 as code + 8 in
/// four bits, two to a byte, the even index in the low half.
enum class CodeType { kI8, kI4 };

struct QuantizeSpec {
  CodeType codes = CodeType::kI8;
  std::int64_t group_k = 32;  ///< divides k
  Dtype scale_type = Dtype::kF16;
  Dtype out = Dtype::kF32;  ///< of dequantised weights
  Arithmetic arithmetic = kFloat32;
};

/// Scales [n, k / group_k] of w [n, k]: largest |w| of the group / 127 (i8) or / 7 (i4), rounded to
/// `scale_type`; 0 for a group of zeros.
[[nodiscard]] Result quantize_scales(const View<2>& w, const QuantizeSpec& spec);

/// Codes [n, k] of w for the scales that the device itself chose: w / scale, clamped, *not* rounded
/// to an integer; bound[i] is that rounding's 1/2 plus the quotient's error. So a device may round
/// a quotient either way only where f32 can't tell on which side of a tie it lies.
/// 0 where the scale is 0.
[[nodiscard]] Result quantize_codes(const View<2>& w, const View<2>& scales,
                                    const QuantizeSpec& spec);

/// code * scale [n, k], stored as `spec.out`.
[[nodiscard]] Result dequantize(const View<2>& codes, const View<2>& scales,
                                const QuantizeSpec& spec);

/// `gemm` with A [m, k] and B [k, n] = transpose of codes [n, k] * scales [n, k / group_k]; result
/// [m, n]. `gemm.c` and `gemm.residual` have one batch. The bound holds whether the device scales
/// each weight or each group's partial sum.
[[nodiscard]] Result gemm_quantized(const View<2>& a, const View<2>& codes, const View<2>& scales,
                                    std::int64_t group_k, const GemmSpec& gemm);

/// The `count` codes packed at `bytes`, which holds (count + 1) / 2 bytes.
[[nodiscard]] std::vector<double> unpack_i4(std::span<const std::byte> bytes, std::size_t count);

/// Inverse of unpack_i4 for codes -8 .. 7; an odd last half is filled with code 0.
[[nodiscard]] std::vector<std::byte> pack_i4(std::span<const double> codes);

}  // namespace sampan::reference
