// Compares our declarations of a driver's functions with the vendor's.
#pragma once

#include <cstddef>
#include <type_traits>

#include "backends/cuda_like/driver_api.h"

namespace sampan::cuda_like {

/// How a calling convention passes a type.
template <typename T>
consteval int class_of() {
  if (std::is_void_v<T>) return 0;
  if (std::is_floating_point_v<T>) return 1;
  if (std::is_pointer_v<T>) return 2;
  return std::is_integral_v<T> || std::is_enum_v<T> ? 3 : 4;
}

template <typename Ours, typename Theirs>
consteval bool same_parameter() {
  if constexpr (std::is_void_v<Ours> || std::is_void_v<Theirs>) {
    return std::is_void_v<Ours> && std::is_void_v<Theirs>;
  } else {
    // Device addresses are numbers in one header and pointers in the other.
    const bool address = std::is_same_v<Ours, Address> && class_of<Theirs>() == 2;
    return sizeof(Ours) == sizeof(Theirs) && (class_of<Ours>() == class_of<Theirs>() || address);
  }
}

template <typename Ours, typename Theirs>
struct SameFunction;
template <typename R, typename... A, typename S, typename... B>
struct SameFunction<Entry<R(A...)>, S (*)(B...)> {
  static consteval bool value() {
    if constexpr (sizeof...(A) != sizeof...(B)) {
      return false;
    } else {
      return same_parameter<R, S>() && (same_parameter<A, B>() && ...);
    }
  }
};

/// True if the member `kOurs` of a table has the signature of the function pointer `Theirs`.
template <auto kOurs, typename Theirs>
inline constexpr bool kSame = false;
template <typename Table, typename Member, Member Table::*kOurs, typename Theirs>
inline constexpr bool kSame<kOurs, Theirs> = SameFunction<Member, Theirs>::value();

// The check sees differences: one parameter too few, another width, a number for a pointer.
static_assert(SameFunction<Entry<int(int, Address)>, int (*)(int, void*)>::value());
static_assert(!SameFunction<Entry<int(int)>, int (*)(int, int)>::value());
static_assert(!SameFunction<Entry<int(long)>, int (*)(int)>::value());
static_assert(!SameFunction<Entry<int(long)>, int (*)(void*)>::value());

}  // namespace sampan::cuda_like
