// Turns raw f32 sums into D: scaling, C, bias, activation, residual and the rounding to D's type.
#pragma once

#include "backends/cpu/native/gemm.h"
#include "backends/cpu/native/source.h"
#include "backends/cpu/native/vec_math.h"

namespace sampan::cpu::native::SAMPAN_ISA {

/// An [m, n] operand of one batch entry, or the bias (row_stride 0). Null data: absent.
struct EpilogueMatrix {
  const void* data = nullptr;
  std::int64_t row_stride = 0;
  ElementType type = ElementType::f32;
};

struct Epilogue {
  EpilogueMatrix c;
  EpilogueMatrix bias;
  EpilogueMatrix residual;
  void* d = nullptr;
  std::int64_t d_row_stride = 0;
  ElementType d_type = ElementType::f32;
  Activation activation = Activation::none;
  float alpha = 1.0f;
  float beta = 0.0f;

  /// D is the raw 32-bit sums themselves.
  [[nodiscard]] bool is_plain() const {
    return alpha == 1.0f && c.data == nullptr && bias.data == nullptr && residual.data == nullptr &&
           activation == Activation::none &&
           (d_type == ElementType::f32 || d_type == ElementType::i32);
  }
};

/// The epilogue of one batch entry.
[[nodiscard]] inline Epilogue make_epilogue(const GemmDesc& desc, const GemmBuffers& buffers,
                                            std::int64_t batch) {
  const auto operand = [&](bool present, const void* data, const MatrixLayout& layout) {
    if (!present) return EpilogueMatrix{};
    return EpilogueMatrix{byte_offset(data, layout.type, batch * layout.batch_stride),
                          layout.row_stride, layout.type};
  };
  Epilogue e;
  e.c = operand(desc.beta != 0.0f, buffers.c, desc.c);
  e.residual = operand(desc.has_residual, buffers.residual, desc.residual);
  if (desc.has_bias) e.bias = {buffers.bias, 0, desc.bias_type};
  e.d =
      static_cast<std::byte*>(buffers.d) + storage_bytes(desc.d.type, batch * desc.d.batch_stride);
  e.d_row_stride = desc.d.row_stride;
  e.d_type = desc.d.type;
  e.activation = desc.activation;
  e.alpha = desc.alpha;
  e.beta = desc.beta;
  return e;
}

/// The f32 values at (row, col ... col + count - 1); count <= kLanes.
SAMPAN_INLINE VecF load_operand(const EpilogueMatrix& from, std::int64_t row, std::int64_t col,
                                int count) {
  VecF v{};
  with_float_storage(from.type, [&](auto storage) SAMPAN_INLINE_LAMBDA {
    using Storage = decltype(storage);
    const auto* p =
        static_cast<const typename Storage::Element*>(from.data) + row * from.row_stride + col;
    v = count == kLanes ? load_f32<Storage>(p) : load_f32_partial<Storage>(p, count);
  });
  return v;
}

/// Writes `rows` x `cols` elements of D at (row0, col0) from raw sums at
/// tile[r * tile_row_stride + c], whose rows are padded to full vectors.
inline void finish_tile(const Epilogue& e, const float* tile, std::int64_t tile_row_stride,
                        std::int64_t row0, std::int64_t col0, int rows, int cols) {
  for (int r = 0; r < rows; ++r) {
    const std::int64_t row = row0 + r;
    for (int c = 0; c < cols; c += kLanes) {
      const int count = min_of(kLanes, cols - c);
      VecF v = load<VecF>(tile + r * tile_row_stride + c) * e.alpha;
      if (e.c.data != nullptr) v += e.beta * load_operand(e.c, row, col0 + c, count);
      if (e.bias.data != nullptr) v += load_operand(e.bias, 0, col0 + c, count);
      v = activate<VecF>(e.activation, v);
      if (e.residual.data != nullptr) v += load_operand(e.residual, row, col0 + c, count);
      with_float_storage(e.d_type, [&](auto storage) SAMPAN_INLINE_LAMBDA {
        using Storage = decltype(storage);
        auto* p = static_cast<typename Storage::Element*>(e.d) + row * e.d_row_stride + col0 + c;
        if (count == kLanes) {
          store_f32<Storage>(p, v);
        } else {
          store_f32_partial<Storage>(p, v, count);
        }
      });
    }
  }
}

}  // namespace sampan::cpu::native::SAMPAN_ISA
