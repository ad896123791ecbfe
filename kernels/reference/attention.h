// Scaled dot-product attention over contiguous or paged keys and values.
#pragma once

#include <cstdint>
#include <span>

#include "reference/bound.h"
#include "reference/softmax.h"
#include "reference/view.h"

namespace sampan::reference {

struct AttentionSpec {
  /// Multiplies q.k; an f32 number, usually 1 / sqrt(d).
  double scale = 1;
  /// Query i sees keys 0 .. i + offset only, offset = (keys of its batch) - (queries): the last
  /// query sees every key.
  bool causal = false;
  /// Valid keys of each batch, cut to 0 .. skv; empty means skv for all.
  std::span<const std::int32_t> kv_lengths = {};
  /// See softmax.h: at most the number of key blocks plus the number of merged splits.
  std::int64_t max_rescales = kAnyRescales;
  /// Type to which the kernel rounds the weights before it multiplies them with v: f16 or bf16 in
  /// kernels that use matrix units for that product.
  Dtype weights = Dtype::kF32;
  Dtype out = Dtype::kF32;
  Arithmetic arithmetic = kFloat32;
};

/// softmax(scale * q k^T, masked) v for each batch and head.
/// q [b, sq, h, d], k [b, skv, hkv, d], v [b, skv, hkv, dv]; result [b, sq, h, dv].
/// h is a multiple of hkv; head i reads key head i / (h / hkv).
/// A query that sees no key gives zeros. Any extent may be 0 except hkv.
[[nodiscard]] Result attention(const View<4>& q, const View<4>& k, const View<4>& v,
                               const AttentionSpec& spec);

/// Keys and values in pages: key j of batch b is row j % page_size of page
/// block_table(b, j / page_size).
struct PagedKv {
  View<4> k;  ///< [pages, page_size, hkv, d]
  View<4> v;  ///< [pages, page_size, hkv, dv]
  /// [b, pages per batch], compact; entries past a batch's last key are never read.
  std::span<const std::int32_t> block_table;
};

/// The same over paged keys; skv is what the table has room for.
[[nodiscard]] Result attention_paged(const View<4>& q, const PagedKv& kv,
                                     const AttentionSpec& spec);

}  // namespace sampan::reference
