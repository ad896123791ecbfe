#pragma once

#include <cstdint>
#include <string_view>

namespace sampan {

/// Element types. The values are those of the plug-in ABI.
enum class DType : std::uint32_t {
  f32 = 1,
  f16 = 2,
  bf16 = 3,
  f64 = 4,
  i8 = 5,
  u8 = 6,
  i32 = 7,
  u32 = 8,
  i64 = 9,
  i4 = 10,  ///< value + 8 in 4 bits; two to a byte, low half first
};

[[nodiscard]] std::string_view to_string(DType dtype) noexcept;

/// Bits of one element.
[[nodiscard]] constexpr std::uint32_t bits(DType dtype) noexcept {
  switch (dtype) {
    case DType::f64:
    case DType::i64:
      return 64;
    case DType::f32:
    case DType::i32:
    case DType::u32:
      return 32;
    case DType::f16:
    case DType::bf16:
      return 16;
    case DType::i8:
    case DType::u8:
      return 8;
    case DType::i4:
      return 4;
  }
  return 0;
}

/// Bytes that `elems` elements take, the last byte filled up.
[[nodiscard]] constexpr std::uint64_t bytes_for(DType dtype, std::uint64_t elems) noexcept {
  return (elems * bits(dtype) + 7) / 8;
}

/// The DType of a C++ type; f16 and bf16 have none in C++20.
template <class T>
inline constexpr DType dtype_of = [] {
  static_assert(sizeof(T) == 0, "no Sampan element type for this C++ type");
  return DType::f32;
}();
template <>
inline constexpr DType dtype_of<float> = DType::f32;
template <>
inline constexpr DType dtype_of<double> = DType::f64;
template <>
inline constexpr DType dtype_of<std::int8_t> = DType::i8;
template <>
inline constexpr DType dtype_of<std::uint8_t> = DType::u8;
template <>
inline constexpr DType dtype_of<std::int32_t> = DType::i32;
template <>
inline constexpr DType dtype_of<std::uint32_t> = DType::u32;
template <>
inline constexpr DType dtype_of<std::int64_t> = DType::i64;

}  // namespace sampan
