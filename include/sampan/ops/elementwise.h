#pragma once

#include <cstdint>

#include "sampan/ops/plan.h"
#include "sampan/stream.h"

namespace sampan::ops {

enum class Elementwise : std::uint32_t {
  add,       ///< y = a + b
  mul,       ///< y = a * b
  silu_mul,  ///< y = a / (1 + exp(-a)) * b
  scale,     ///< y = a * scale
  silu,      ///< y = a / (1 + exp(-a))
  gelu,      ///< y = a / 2 * (1 + tanh(sqrt(2 / pi) * (a + 0.044715 * a^3)))
  cast,  ///< y = a in another type, rounded to nearest even; to integers: toward zero, saturated,
         ///< NaN to 0
};

/// One operation on `elems` dense elements. Computed in f32, rounded once. y may be a or b.
/// Types: dtype of a and b, y_dtype of y; equal except for cast; f32, f16, bf16, and for cast to or
/// from i8, u8, i32.
struct ElementwiseDesc {
  Elementwise kind = Elementwise::add;
  std::uint64_t elems = 0;
  DType dtype = DType::f32;
  DType y_dtype = DType::f32;
  float scale = 1.0f;
};

class ElementwisePlan : public Plan {
 public:
  ElementwisePlan() noexcept = default;
  ElementwisePlan(const Device& device, const ElementwiseDesc& desc);
  /// `b` is empty for kinds with one input.
  void run(Stream& stream, const View& a, const View& b, const View& y) const;

 private:
  bool has_two_inputs_ = false;
};

}  // namespace sampan::ops
