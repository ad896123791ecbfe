#include "reference/dtype.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "reference/half.h"

namespace sampan::reference {
namespace {

struct DtypeInfo {
  std::string_view name;
  std::size_t size_bytes;
  bool is_float;
  FloatFormat format;  // meaningful where is_float
  double lowest;       // limits of the integers
  double highest;
};

constexpr std::array<DtypeInfo, 6> kInfo{{
    {"f32", 4, true, {24, 0x1p-126, 0x1p-149, 0x1.fffffep127}, 0, 0},
    {"f16", 2, true, {11, 0x1p-14, 0x1p-24, 65504.0}, 0, 0},
    {"bf16", 2, true, {8, 0x1p-126, 0x1p-133, 0x1.fep127}, 0, 0},
    {"i8", 1, false, {}, -128, 127},
    {"u8", 1, false, {}, 0, 255},
    {"i32", 4, false, {}, -2147483648.0, 2147483647.0},
}};

const DtypeInfo& info(Dtype dtype) { return kInfo[static_cast<std::size_t>(dtype)]; }

// memcpy, because the caller's elements need no alignment.
template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <class T>
void store(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

double load_element(Dtype dtype, const std::byte* from) {
  switch (dtype) {
    case Dtype::kF32:
      return load<float>(from);
    case Dtype::kF16:
      return f16_to_f32(load<std::uint16_t>(from));
    case Dtype::kBf16:
      return bf16_to_f32(load<std::uint16_t>(from));
    case Dtype::kI8:
      return load<std::int8_t>(from);
    case Dtype::kU8:
      return load<std::uint8_t>(from);
    case Dtype::kI32:
      return load<std::int32_t>(from);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

// `value` is already a number of `dtype`, so every conversion below is exact.
void store_element(Dtype dtype, double value, std::byte* to) {
  switch (dtype) {
    case Dtype::kF32:
      return store(to, static_cast<float>(value));
    case Dtype::kF16:
      return store(to, f32_to_f16(static_cast<float>(value)));
    case Dtype::kBf16:
      return store(to, f32_to_bf16(static_cast<float>(value)));
    case Dtype::kI8:
      return store(to, static_cast<std::int8_t>(value));
    case Dtype::kU8:
      return store(to, static_cast<std::uint8_t>(value));
    case Dtype::kI32:
      return store(to, static_cast<std::int32_t>(value));
  }
}

double round_to_float(const FloatFormat& format, double value) {
  if (!std::isfinite(value) || value == 0) return value;
  const int exponent = std::max(std::ilogb(value), std::ilogb(format.min_normal));
  const int step_exponent = exponent - (format.precision_bits - 1);
  // Scaling by powers of two is exact; nearbyint rounds ties to even in the default mode.
  const double rounded =
      std::ldexp(std::nearbyint(std::ldexp(value, -step_exponent)), step_exponent);
  if (std::fabs(rounded) <= format.max_finite) return rounded;
  return std::copysign(std::numeric_limits<double>::infinity(), value);
}

}  // namespace

std::string_view dtype_name(Dtype dtype) { return info(dtype).name; }
std::size_t size_bytes(Dtype dtype) { return info(dtype).size_bytes; }
bool is_float(Dtype dtype) { return info(dtype).is_float; }
const FloatFormat& float_format(Dtype dtype) { return info(dtype).format; }

double unit_roundoff(Dtype dtype) {
  return is_float(dtype) ? std::ldexp(1.0, -info(dtype).format.precision_bits) : 0.0;
}

double ulp(Dtype dtype, double value) {
  if (!is_float(dtype)) return 1.0;
  const FloatFormat& format = float_format(dtype);
  const double magnitude = std::clamp(std::fabs(value), format.min_normal, format.max_finite);
  return std::ldexp(1.0, std::ilogb(magnitude) - (format.precision_bits - 1));
}

double round_to(Dtype dtype, double value) {
  if (is_float(dtype)) return round_to_float(float_format(dtype), value);
  if (std::isnan(value)) return 0;
  return std::clamp(std::trunc(value), info(dtype).lowest, info(dtype).highest);
}

std::vector<double> decode(Dtype dtype, const void* data, std::size_t count) {
  const auto* bytes = static_cast<const std::byte*>(data);
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = load_element(dtype, bytes + i * size_bytes(dtype));
  }
  return values;
}

std::vector<std::byte> encode(Dtype dtype, std::span<const double> values) {
  std::vector<std::byte> bytes(values.size() * size_bytes(dtype));
  for (std::size_t i = 0; i < values.size(); ++i) {
    store_element(dtype, round_to(dtype, values[i]), bytes.data() + i * size_bytes(dtype));
  }
  return bytes;
}

}  // namespace sampan::reference
