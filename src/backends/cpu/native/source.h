// Operands as packing and the dot products see them: element (i, k), where i is a row of op(A) or a
// column of op(B). Either k runs or i runs are contiguous.
#pragma once

#include "backends/cpu/native/gemm.h"
#include "backends/cpu/native/storage.h"

namespace sampan::cpu::native::SAMPAN_ISA {

enum class Side { a, b };

// Rows of B [n, k] and of B [k, n] that one pass of the streaming kernels takes.
inline constexpr int kDotCols = kTileRows >= 8 ? 4 : 2;
inline constexpr int kStepK = 8;

[[nodiscard]] inline const std::byte* byte_offset(const void* base, ElementType type,
                                                  std::int64_t elems) {
  return static_cast<const std::byte*>(base) + storage_bytes(type, elems);
}

/// Elements of one storage type at fixed strides, one of which is 1.
template <class Storage_>
struct DenseSource {
  using Storage = Storage_;
  static constexpr bool kQuantised = false;
  const typename Storage::Element* data;
  std::int64_t i_stride;
  std::int64_t k_stride;
  bool k_contiguous;

  SAMPAN_INLINE const typename Storage::Element* at(std::int64_t i, std::int64_t k) const {
    return data + i * i_stride + k * k_stride;
  }
  /// The row of B [n, k] or B [k, n] that the streaming kernels read one pass after row i or k. For
  /// prefetching only: it may lie past the end.
  SAMPAN_INLINE const typename Storage::Element* ahead_k(std::int64_t i) const {
    return past(i + kDotCols);
  }
  SAMPAN_INLINE const typename Storage::Element* ahead_i(std::int64_t k) const {
    return past(k + kStepK);
  }

 private:
  SAMPAN_INLINE const typename Storage::Element* past(std::int64_t row) const {
    const auto bytes = static_cast<std::uintptr_t>(row * (k_contiguous ? i_stride : k_stride)) *
                       sizeof(typename Storage::Element);
    return reinterpret_cast<const typename Storage::Element*>(
        reinterpret_cast<std::uintptr_t>(data) + bytes);
  }
};

/// Elements of one storage type in rows that may lie anywhere: row r begins at rows[r]. Rows run
/// along k, or along i.
template <class Storage_, bool kAlongK>
struct RowTableSource {
  using Storage = Storage_;
  static constexpr bool kQuantised = false;
  static constexpr bool k_contiguous = kAlongK;
  static constexpr std::int64_t kAhead = 16;
  const void* const* rows;

  SAMPAN_INLINE const typename Storage::Element* at(std::int64_t i, std::int64_t k) const {
    return static_cast<const typename Storage::Element*>(rows[kAlongK ? i : k]) + (kAlongK ? k : i);
  }
  SAMPAN_INLINE const typename Storage::Element* ahead_k(std::int64_t i) const {
    return static_cast<const typename Storage::Element*>(rows[i + kAhead]);
  }
  SAMPAN_INLINE const typename Storage::Element* ahead_i(std::int64_t k) const {
    return ahead_k(k);
  }
};

/// Signed 8-bit codes of quantised weights.
struct CodesI8 {
  static constexpr ElementType kType = ElementType::i8;
  template <int kCount>
  static SAMPAN_INLINE Vec<float, kCount> widen(const std::byte* row, std::int64_t k) {
    return __builtin_convertvector(widen_to_32(load<Vec<std::int8_t, kCount>>(row + k)),
                                   Vec<float, kCount>);
  }
  static SAMPAN_INLINE float scalar(const std::byte* row, std::int64_t k) {
    return static_cast<float>(static_cast<std::int8_t>(row[k]));
  }
};

/// 4-bit codes: value + 8, two to a byte, the even index in the low half.
struct CodesI4 {
  static constexpr ElementType kType = ElementType::i4;
  template <int kCount>
  static SAMPAN_INLINE Vec<float, kCount> widen(const std::byte* row, std::int64_t k) {
    // Byte j of the row feeds elements 2 j and 2 j + 1: a 32-bit lane takes it whole, then its
    // half.
    using U = Vec<std::uint32_t, kCount>;
    const auto bytes = load<Vec<std::uint8_t, kCount / 2>>(row + k / 2);
    const auto pairs = [&]<int... kIndex>(std::integer_sequence<int, kIndex...>)
        SAMPAN_INLINE_LAMBDA {
      return __builtin_shufflevector(bytes, bytes, (kIndex / 2)...);
    }
    (std::make_integer_sequence<int, kCount>{});
    const U shifts = (lane_numbers<U>() & 1u) * 4u;
    const auto codes = bit_cast<Vec<std::int32_t, kCount>>(widen_to_32(pairs) >> shifts & 15u) - 8;
    return __builtin_convertvector(codes, Vec<float, kCount>);
  }
  static SAMPAN_INLINE float scalar(const std::byte* row, std::int64_t k) {
    const auto pair = static_cast<unsigned>(row[k / 2]);
    return static_cast<float>(static_cast<int>((k % 2 == 0 ? pair : pair >> 4) & 15u) - 8);
  }
};

/// Quantised weights: codes times their group's scale. Loads along k start at a multiple of their
/// width, which divides the group.
template <class Codes, class Scale>
struct QuantSource {
  static constexpr bool kQuantised = true;
  const std::byte* codes;
  std::int64_t row_stride;
  const typename Scale::Element* scales;
  std::int64_t group_k;
  std::int64_t groups_per_row;

  SAMPAN_INLINE const std::byte* row(std::int64_t i) const {
    return codes + storage_bytes(Codes::kType, i * row_stride);
  }
  SAMPAN_INLINE const typename Scale::Element* row_scales(std::int64_t i) const {
    return scales + i * groups_per_row;
  }
  SAMPAN_INLINE float scale(std::int64_t i, std::int64_t k) const {
    return load_scalar_f32<Scale>(row_scales(i) + k / group_k);
  }
  template <int kCount>
  SAMPAN_INLINE Vec<float, kCount> f32_along_k(std::int64_t i, std::int64_t k) const {
    return Codes::template widen<kCount>(row(i), k) * scale(i, k);
  }
  SAMPAN_INLINE float f32(std::int64_t i, std::int64_t k) const {
    return Codes::scalar(row(i), k) * scale(i, k);
  }
};

/// Calls `body` with the dense source of op(A) or op(B) of one batch entry; `with_storage` maps an
/// element type to a storage trait.
template <Side kSide, class WithStorage, class Body>
SAMPAN_INLINE void with_dense_source(const GemmDesc& desc, const void* data, std::int64_t batch,
                                     WithStorage&& with_storage, Body&& body) {
  const MatrixLayout& layout = kSide == Side::a ? desc.a : desc.b;
  const bool k_contiguous = kSide == Side::a ? !desc.transpose_a : desc.transpose_b;
  const std::int64_t i_stride = k_contiguous ? layout.row_stride : 1;
  const std::int64_t k_stride = k_contiguous ? 1 : layout.row_stride;
  const std::byte* base = byte_offset(data, layout.type, batch * layout.batch_stride);
  with_storage(layout.type, [&](auto storage) {
    using Storage = decltype(storage);
    body(DenseSource<Storage>{reinterpret_cast<const typename Storage::Element*>(base), i_stride,
                              k_stride, k_contiguous});
  });
}

/// Calls `body` with the source of quantised weights, which a whole batch shares.
template <class Body>
SAMPAN_INLINE void with_quant_source(const GemmDesc& desc, const GemmBuffers& buffers,
                                     Body&& body) {
  const auto* codes = static_cast<const std::byte*>(buffers.b);
  with_float_storage(desc.scale_type, [&](auto scale) {
    using Scale = decltype(scale);
    const auto call = [&](auto trait) {
      body(QuantSource<decltype(trait), Scale>{
          codes, desc.b.row_stride, static_cast<const typename Scale::Element*>(buffers.scales),
          desc.group_k, desc.k / desc.group_k});
    };
    if (desc.b.type == ElementType::i4) {
      call(CodesI4{});
    } else {
      call(CodesI8{});
    }
  });
}

}  // namespace sampan::cpu::native::SAMPAN_ISA
