#include "reference/quantize.h"

#include <algorithm>
#include <cmath>

namespace sampan::reference {
namespace {

constexpr double kI4Offset = 8;

struct CodeRange {
  double largest_scaled;  // the code that the group's largest magnitude maps to
  double lowest;
  double highest;
};

CodeRange code_range(CodeType codes) {
  return codes == CodeType::kI8 ? CodeRange{127, -127, 127} : CodeRange{7, -8, 7};
}

}  // namespace

Result quantize_scales(const View<2>& w, const QuantizeSpec& spec) {
  const Bounded divisor = exact(code_range(spec.codes).largest_scaled);
  Result result;
  for (std::int64_t row = 0; row < w.extent(0); ++row) {
    for (std::int64_t begin = 0; begin < w.extent(1); begin += spec.group_k) {
      double largest = 0;
      for (std::int64_t i = 0; i < spec.group_k; ++i) {
        largest = std::max(largest, std::fabs(w(row, begin + i)));
      }
      const Bounded scale = divide(spec.arithmetic, exact(largest), divisor);
      result.append(largest == 0 ? exact(0) : stored(spec.arithmetic, spec.scale_type, scale));
    }
  }
  return result;
}

Result quantize_codes(const View<2>& w, const View<2>& scales, const QuantizeSpec& spec) {
  const CodeRange range = code_range(spec.codes);
  Result result;
  for (std::int64_t row = 0; row < w.extent(0); ++row) {
    for (std::int64_t col = 0; col < w.extent(1); ++col) {
      const double scale = scales(row, col / spec.group_k);
      if (scale == 0) {
        result.append(exact(0));
        continue;
      }
      const Bounded quotient = divide(spec.arithmetic, exact(w(row, col)), exact(scale));
      // Clamping moves no two numbers apart, so the bound survives it.
      result.append(
          {std::clamp(quotient.value, range.lowest, range.highest), 0.5 + quotient.error});
    }
  }
  return result;
}

Result dequantize(const View<2>& codes, const View<2>& scales, const QuantizeSpec& spec) {
  Result result;
  for (std::int64_t row = 0; row < codes.extent(0); ++row) {
    for (std::int64_t col = 0; col < codes.extent(1); ++col) {
      const Bounded weight =
          multiply(spec.arithmetic, exact(codes(row, col)), exact(scales(row, col / spec.group_k)));
      result.append(stored(spec.arithmetic, spec.out, weight));
    }
  }
  return result;
}

Result gemm_quantized(const View<2>& a, const View<2>& codes, const View<2>& scales,
                      std::int64_t group_k, const GemmSpec& gemm_spec) {
  const std::int64_t n = codes.extent(0);
  const std::int64_t k = codes.extent(1);
  const std::vector<double> a_rows = compact(a);
  std::vector<double> weights;  // exact: a code and a scale have at most 32 bits together
  weights.reserve(n * k);
  for (std::int64_t row = 0; row < n; ++row) {
    for (std::int64_t col = 0; col < k; ++col) {
      weights.push_back(codes(row, col) * scales(row, col / group_k));
    }
  }
  GemmSpec spec = gemm_spec;
  spec.operand_roundings += 1;
  return gemm(View<3>(a_rows.data(), {1, a.extent(0), k}),
              View<3>(weights.data(), {1, n, k}).swapped(1, 2), spec);
}

std::vector<double> unpack_i4(std::span<const std::byte> bytes, std::size_t count) {
  std::vector<double> codes(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto pair = std::to_integer<unsigned>(bytes[i / 2]);
    codes[i] = static_cast<double>(i % 2 == 0 ? pair & 0xfu : pair >> 4) - kI4Offset;
  }
  return codes;
}

std::vector<std::byte> pack_i4(std::span<const double> codes) {
  std::vector<std::byte> bytes((codes.size() + 1) / 2);
  for (std::size_t i = 0; i < bytes.size() * 2; ++i) {
    const double code = i < codes.size() ? codes[i] : 0;
    const auto half = static_cast<unsigned>(code + kI4Offset);
    bytes[i / 2] |= static_cast<std::byte>(i % 2 == 0 ? half : half << 4);
  }
  return bytes;
}

}  // namespace sampan::reference
