#include "kernels/types.h"

#include <array>
#include <stdexcept>
#include <utility>

namespace sampan::test {
namespace {

using reference::Dtype;

constexpr std::array<std::pair<DType, Dtype>, 6> kPairs{{{DType::f32, Dtype::kF32},
                                                         {DType::f16, Dtype::kF16},
                                                         {DType::bf16, Dtype::kBf16},
                                                         {DType::i8, Dtype::kI8},
                                                         {DType::u8, Dtype::kU8},
                                                         {DType::i32, Dtype::kI32}}};

}  // namespace

Dtype reference_dtype(DType dtype) {
  for (const auto& [library, reference] : kPairs) {
    if (library == dtype) return reference;
  }
  throw std::invalid_argument("the reference has no " + dtype_name(dtype));
}

DType library_dtype(Dtype dtype) {
  for (const auto& [library, reference] : kPairs) {
    if (reference == dtype) return library;
  }
  throw std::invalid_argument("the library has no such type");
}

}  // namespace sampan::test
