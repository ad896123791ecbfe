#include "ops/operand.h"

#include <algorithm>
#include <string>

#include "sampan/error.h"

namespace sampan::ops {
namespace {

std::string describe(const Operand& operand) {
  std::string text(to_string(operand.dtype));
  text += " [";
  for (std::uint32_t i = 0; i < operand.rank; ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(operand.shape[i]);
  }
  text += "], strides [";
  for (std::uint32_t i = 0; i < operand.rank; ++i) {
    text += i + 1 < operand.rank ? std::to_string(operand.strides[i]) + ", " : "1]";
  }
  return text;
}

bool same_layout(const View& view, const Operand& operand) {
  if (view.rank() != operand.rank) return false;
  for (std::uint32_t i = 0; i < operand.rank; ++i) {
    const std::uint64_t stride = i + 1 < operand.rank ? operand.strides[i] : 1;
    if (view.dim(i) != operand.shape[i]) return false;
    if (view.dim(i) > 1 && view.stride(i) != stride) return false;
  }
  return true;
}

bool is_dense(const Operand& operand) {
  std::uint64_t stride = 1;
  for (std::uint32_t i = operand.rank; i-- > 0;) {
    const std::uint64_t own = i + 1 < operand.rank ? operand.strides[i] : 1;
    if (operand.shape[i] > 1 && own != stride) return false;
    stride *= operand.shape[i];
  }
  return true;
}

std::uint64_t elems(const Operand& operand) {
  std::uint64_t count = 1;
  for (std::uint32_t i = 0; i < operand.rank; ++i) count *= operand.shape[i];
  return count;
}

}  // namespace

Operand make_operand(std::string_view name, DType dtype, std::initializer_list<std::uint64_t> shape,
                     std::initializer_list<std::uint64_t> strides) {
  Operand operand{name, dtype, {}, {}, static_cast<std::uint32_t>(shape.size())};
  std::copy(shape.begin(), shape.end(), operand.shape.begin());
  std::copy(strides.begin(), strides.end(), operand.strides.begin());
  std::uint64_t dense = 1;
  for (std::uint32_t i = operand.rank; i-- > 0;) {
    if (i + 1 < operand.rank && operand.strides[i] == 0) operand.strides[i] = dense;
    dense = (i + 1 < operand.rank ? operand.strides[i] : 1) *
            std::max<std::uint64_t>(operand.shape[i], 1);
  }
  return operand;
}

void check_operand(const View& view, const Operand& operand) {
  const bool fits = view && view.dtype() == operand.dtype &&
                    (same_layout(view, operand) ||
                     (is_dense(operand) && view.is_dense() && view.elems() == elems(operand)));
  if (fits && view.offset_bytes() * 8 % bits(operand.dtype) == 0) return;
  throw Error(ErrorCode::invalid_argument,
              "the view for '" + std::string(operand.name) +
                  "' doesn't fit its plan, which expects " + describe(operand) +
                  (view ? ", at an offset that is a multiple of the element" : "; it is empty"));
}

std::uint32_t to_u32(std::uint64_t value, std::string_view what) {
  if (value <= UINT32_MAX) return static_cast<std::uint32_t>(value);
  throw Error(ErrorCode::unsupported, std::string(what) + " is " + std::to_string(value) +
                                          "; the portable kernels take sizes below 2^32");
}

}  // namespace sampan::ops
