// Row operations: a few passes over each row, which stays in cache between them.
#include "backends/cpu/native/row_kernels.h"

#include "backends/cpu/native/storage.h"
#include "backends/cpu/native/vec_math.h"

namespace sampan::cpu::native::SAMPAN_ISA {
namespace {

/// A row of `cols` elements of one storage type, of which the last vector may be partial.
template <class Storage>
struct Row {
  typename Storage::Element* data;

  SAMPAN_INLINE VecF get(std::int64_t col, int count) const {
    return count == kLanes ? load_f32<Storage>(data + col)
                           : load_f32_partial<Storage>(data + col, count);
  }
  SAMPAN_INLINE void set(std::int64_t col, int count, VecF v) const {
    if (count == kLanes) {
      store_f32<Storage>(data + col, v);
    } else {
      store_f32_partial<Storage>(data + col, v, count);
    }
  }
};

template <class Storage>
Row<Storage> row_at(const void* base, std::int64_t row, std::int64_t stride) {
  using Element = typename Storage::Element;
  return {const_cast<Element*>(static_cast<const Element*>(base)) + row * stride};
}

/// Calls `body(col, count)` for each vector of `cols`; count is kLanes but for a last partial one.
template <class Body>
SAMPAN_INLINE void for_each_vector(Range cols, Body&& body) {
  std::int64_t col = cols.begin;
  for (; col + kLanes <= cols.end; col += kLanes) body(col, kLanes);
  if (col < cols.end) body(col, static_cast<int>(cols.end - col));
}

/// Folds `term(col, count)` over the row with `fold`, in four interleaved accumulators that start
/// at `start`: one chain would wait for each addition.
template <class Term, class Fold>
SAMPAN_INLINE VecF fold_row(std::int64_t cols, VecF start, Term&& term, Fold&& fold) {
  VecF acc[4] = {start, start, start, start};
  std::int64_t col = 0;
  for (; col + 4 * kLanes <= cols; col += 4 * kLanes) {
    unroll<4>([&](auto i)
                  SAMPAN_INLINE_LAMBDA { acc[i] = fold(acc[i], term(col + i * kLanes, kLanes)); });
  }
  for_each_vector({col, cols}, [&](std::int64_t at, int count) SAMPAN_INLINE_LAMBDA {
    acc[0] = fold(acc[0], term(at, count));
  });
  return fold(fold(acc[0], acc[1]), fold(acc[2], acc[3]));
}

template <class Term>
SAMPAN_INLINE float sum_row(std::int64_t cols, Term&& term) {
  return reduce_add(
      fold_row(cols, VecF{}, term, [](VecF x, VecF y) SAMPAN_INLINE_LAMBDA { return x + y; }));
}

/// `v` in the first `count` lanes, `other` in the rest.
SAMPAN_INLINE VecF first_lanes(VecF v, int count, float other) {
  return lane_numbers<VecI>() < count ? v : splat<VecF>(other);
}

SAMPAN_INLINE float reciprocal_root(float x) { return 1.0f / __builtin_sqrtf(x); }

template <class Storage, class Weight>
void rms_norm_row(const RowDesc& desc, Row<Storage> x, Row<Weight> weight, Row<Storage> y) {
  const float squares = sum_row(desc.cols, [&](std::int64_t col, int count) SAMPAN_INLINE_LAMBDA {
    const VecF v = x.get(col, count);
    return v * v;
  });
  const float factor = reciprocal_root(squares / static_cast<float>(desc.cols) + desc.epsilon);
  for_each_vector({0, desc.cols}, [&](std::int64_t col, int count) SAMPAN_INLINE_LAMBDA {
    y.set(col, count, x.get(col, count) * factor * weight.get(col, count));
  });
}

template <class Storage, class Weight>
void layer_norm_row(const RowDesc& desc, Row<Storage> x, Row<Weight> weight, Row<Weight> bias,
                    Row<Storage> y) {
  const auto cols = static_cast<float>(desc.cols);
  const float mean = sum_row(desc.cols, [&](std::int64_t col, int count)
                                            SAMPAN_INLINE_LAMBDA { return x.get(col, count); }) /
                     cols;
  const float squares = sum_row(desc.cols, [&](std::int64_t col, int count) SAMPAN_INLINE_LAMBDA {
    const VecF v = first_lanes(x.get(col, count) - mean, count, 0.0f);
    return v * v;
  });
  const float factor = reciprocal_root(squares / cols + desc.epsilon);
  for_each_vector({0, desc.cols}, [&](std::int64_t col, int count) SAMPAN_INLINE_LAMBDA {
    VecF v = (x.get(col, count) - mean) * factor * weight.get(col, count);
    if (bias.data != nullptr) v += bias.get(col, count);
    y.set(col, count, v);
  });
}

template <class Storage>
void softmax_row(const RowDesc& desc, Row<Storage> x, Row<Storage> y) {
  constexpr float kMinusInfinity = -__builtin_inff();
  const float largest = reduce_max(fold_row(
      desc.cols, splat<VecF>(kMinusInfinity),
      [&](std::int64_t col, int count) SAMPAN_INLINE_LAMBDA {
        return first_lanes(x.get(col, count) * desc.scale, count, kMinusInfinity);
      },
      [](VecF a, VecF b) SAMPAN_INLINE_LAMBDA { return vec_max(a, b); }));
  if (largest == kMinusInfinity) {
    for_each_vector({0, desc.cols}, [&](std::int64_t col, int count)
                                        SAMPAN_INLINE_LAMBDA { y.set(col, count, VecF{}); });
    return;
  }
  const auto weight = [&](std::int64_t col, int count) SAMPAN_INLINE_LAMBDA {
    return first_lanes(vec_exp<VecF>(x.get(col, count) * desc.scale - largest), count, 0.0f);
  };
  // f32 rows keep their exponentials in y; in a narrower type they would be rounded twice.
  constexpr bool kKeep = Storage::kType == ElementType::f32;
  const float sum = sum_row(desc.cols, [&](std::int64_t col, int count) SAMPAN_INLINE_LAMBDA {
    const VecF v = weight(col, count);
    if constexpr (kKeep) y.set(col, count, v);
    return v;
  });
  const float factor = 1.0f / sum;
  for_each_vector({0, desc.cols}, [&](std::int64_t col, int count) SAMPAN_INLINE_LAMBDA {
    y.set(col, count, (kKeep ? y.get(col, count) : weight(col, count)) * factor);
  });
}

template <class Storage>
void run_norms(const RowDesc& desc, const RowBuffers& buffers, Range rows) {
  with_float_storage(desc.weight_type, [&](auto weight_storage) {
    using Weight = decltype(weight_storage);
    const auto weight = row_at<Weight>(buffers.weight, 0, 0);
    const auto bias = row_at<Weight>(buffers.bias, 0, 0);
    for (std::int64_t r = rows.begin; r < rows.end; ++r) {
      const auto x = row_at<Storage>(buffers.x, r, desc.x_stride);
      const auto y = row_at<Storage>(buffers.y, r, desc.y_stride);
      if (desc.kind == RowKind::rms_norm) {
        rms_norm_row(desc, x, weight, y);
      } else {
        layer_norm_row(desc, x, weight, bias, y);
      }
    }
  });
}

template <class Storage>
void run_elementwise(const RowDesc& desc, const RowBuffers& buffers, Range rows, Range cols) {
  for (std::int64_t r = rows.begin; r < rows.end; ++r) {
    const auto x = row_at<Storage>(buffers.x, r, desc.x_stride);
    const auto x2 = row_at<Storage>(buffers.x2, r, desc.x2_stride);
    const auto y = row_at<Storage>(buffers.y, r, desc.y_stride);
    for_each_vector(cols, [&](std::int64_t col, int count) SAMPAN_INLINE_LAMBDA {
      const VecF a = x.get(col, count);
      const VecF b = x2.get(col, count);
      y.set(col, count,
            desc.kind == RowKind::add ? a + b : activate<VecF>(Activation::silu, a) * b);
    });
  }
}

}  // namespace

void row_op(const RowDesc& desc, const RowBuffers& buffers, Range rows, Range cols) {
  with_float_storage(desc.type, [&](auto storage) {
    using Storage = decltype(storage);
    switch (desc.kind) {
      case RowKind::rms_norm:
      case RowKind::layer_norm:
        run_norms<Storage>(desc, buffers, rows);
        return;
      case RowKind::softmax:
        for (std::int64_t r = rows.begin; r < rows.end; ++r) {
          softmax_row(desc, row_at<Storage>(buffers.x, r, desc.x_stride),
                      row_at<Storage>(buffers.y, r, desc.y_stride));
        }
        return;
      case RowKind::silu_mul:
      case RowKind::add:
        run_elementwise<Storage>(desc, buffers, rows, cols);
        return;
    }
  });
}

}  // namespace sampan::cpu::native::SAMPAN_ISA
