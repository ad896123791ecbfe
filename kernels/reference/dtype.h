// Element types as they are stored in buffers, and their exact meaning as f64 numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sampan::reference {

enum class Dtype { kF32, kF16, kBf16, kI8, kU8, kI32 };

/// Constants of one floating-point storage format.
struct FloatFormat {
  int precision_bits;    ///< significand bits, the implicit one included
  double min_normal;     ///< smallest positive normal number
  double min_subnormal;  ///< smallest positive number
  double max_finite;     ///< largest finite number
};

[[nodiscard]] std::string_view dtype_name(Dtype dtype);
[[nodiscard]] std::size_t size_bytes(Dtype dtype);
[[nodiscard]] bool is_float(Dtype dtype);

/// Constants of `dtype`, which must be a floating-point type.
[[nodiscard]] const FloatFormat& float_format(Dtype dtype);

/// Largest relative error of one rounding to nearest into `dtype`: 2^-precision; 0 for integers.
[[nodiscard]] double unit_roundoff(Dtype dtype);

/// Distance between the two neighbours of `dtype` around `value`; `value` must be finite.
/// Subnormals share the spacing of the smallest normal numbers; integers have spacing 1.
[[nodiscard]] double ulp(Dtype dtype, double value);

/// The number that storing `value` as `dtype` gives.
/// Floating point: nearest, ties to even, subnormals kept, overflow to infinity, NaN to NaN.
/// Integers: toward zero, saturated at the type's limits, NaN to 0 (the rule of OpenCL's
/// `convert_<type>_sat`).
[[nodiscard]] double round_to(Dtype dtype, double value);

/// Exact values of `count` consecutive elements at `data`, which needs no alignment.
[[nodiscard]] std::vector<double> decode(Dtype dtype, const void* data, std::size_t count);

/// Storage bytes of `round_to(dtype, values[i])`, in the byte order of this machine.
[[nodiscard]] std::vector<std::byte> encode(Dtype dtype, std::span<const double> values);

}  // namespace sampan::reference
