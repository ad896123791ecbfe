#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "sampan/launch.h"
#include "sampan/view.h"

namespace sampan::ops {

/// What a plan expects of one view.
struct Operand {
  std::string_view name;
  DType dtype = DType::f32;
  std::array<std::uint64_t, 4> shape{};    ///< outermost first; the last dimension is contiguous
  std::array<std::uint64_t, 3> strides{};  ///< of all but the last dimension, in elements
  std::uint32_t rank = 0;
};

/// Dense strides where `strides` are 0.
[[nodiscard]] Operand make_operand(std::string_view name, DType dtype,
                                   std::initializer_list<std::uint64_t> shape,
                                   std::initializer_list<std::uint64_t> strides = {});

/// The view must have the operand's type and either its shape and strides, or, for a dense operand,
/// be dense with as many elements. Throws invalid_argument that says what was expected.
void check_operand(const View& view, const Operand& operand);

/// Arguments of a kernel that follows the kernels' convention (kernels/README.md): each buffer with
/// its offset in elements behind it. On the stack; nothing is allocated.
class ArgList {
 public:
  template <class T>
  ArgList& value(T value) {
    args_[count_++] = Arg(value);
    return *this;
  }
  /// An empty view becomes a null pointer.
  ArgList& buffer(const View& view) { return buffer_at(view, 0); }
  /// The same from the view's element `first` on.
  ArgList& buffer_at(const View& view, std::uint64_t first) {
    if (!view) return value_null().value(std::uint64_t{0});
    args_[count_++] = Arg::buffer_of(view);
    return value(view.offset_bytes() * 8 / bits(view.dtype()) + first);
  }
  [[nodiscard]] std::span<const Arg> span() const { return {args_.data(), count_}; }

 private:
  ArgList& value_null() {
    args_[count_++] = Arg(nullptr);
    return *this;
  }

  static constexpr std::size_t kCapacity = 48;
  std::array<Arg, kCapacity> args_ = make_array();
  std::size_t count_ = 0;

  template <std::size_t... I>
  static std::array<Arg, kCapacity> fill(std::index_sequence<I...>) {
    return {((void)I, Arg(nullptr))...};
  }
  static std::array<Arg, kCapacity> make_array() {
    return fill(std::make_index_sequence<kCapacity>());
  }
};

[[nodiscard]] constexpr bool is_float(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16;
}

/// A size or stride as the kernels take it. Throws unsupported above 2^32 - 1.
[[nodiscard]] std::uint32_t to_u32(std::uint64_t value, std::string_view what);

}  // namespace sampan::ops
