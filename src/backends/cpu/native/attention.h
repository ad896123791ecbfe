// Fused attention for CPUs: O = softmax(scale * Q * K^T + mask) * V, without storing the scores.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/cpu/native/isa.h"
#include "backends/cpu/native/types.h"

namespace sampan::cpu::native {

/// Strides in elements of a [batch, tokens, heads, head_dim] tensor; head_dim is contiguous.
struct TokenStrides {
  std::int64_t batch = 0;
  std::int64_t token = 0;
  std::int64_t head = 0;
};

/// Shapes    q and o [batch, q_len, heads, head_dim]; k and v [batch, kv_len, kv_heads, head_dim];
///           heads is a multiple of kv_heads and head i reads key head i / (heads / kv_heads).
///           batch, q_len and kv_len may be 0; a batch stride beyond the keys leaves room for more.
/// Paged     page_size > 0: k and v are [pages, page_size, kv_heads, head_dim], their batch stride
///           is a page's, and block_table[b * max_pages + j] is the page of keys j * page_size on.
/// Mask      causal: query i sees keys 0 ... i + kv_len - q_len. A query that sees no key gives 0.
/// Types     all four f32, f16 or bf16; scores, weights and sums in f32.
/// Numerics  a result depends on the description, kv_len and the instruction level, never on the
///           thread count. Keys are taken in blocks of 240 with a running maximum (Milakov and
///           Gimelshein, 2018), and with few queries in at most 16 parts that are merged in order.
struct AttentionDesc {
  ElementType type = ElementType::f32;
  std::int64_t batch = 1;
  std::int64_t heads = 1;
  std::int64_t kv_heads = 1;
  std::int64_t q_len = 0;
  std::int64_t kv_len = 0;  ///< the most that a run may have
  std::int64_t head_dim = 0;
  TokenStrides q, k, v, o;
  float scale = 1.0f;  ///< multiplies q * k
  bool causal = false;
  std::int64_t page_size = 0;
  std::int64_t max_pages = 0;
};

/// Addresses, aligned to the element type. `o` must not overlap an input.
struct AttentionBuffers {
  const void* q = nullptr;
  const void* k = nullptr;
  const void* v = nullptr;
  const std::int32_t* block_table = nullptr;  ///< null unless paged
  void* o = nullptr;
};

/// Whether `attention` can run `desc`: `ok`, `unsupported` or `invalid_argument`. Reads no memory.
Status attention_check(const AttentionDesc& desc) noexcept;

/// Bytes of workspace that any run of `desc` needs with this many threads; 0 when it is refused.
[[nodiscard]] std::size_t attention_workspace_bytes(const AttentionDesc& desc, IsaLevel isa,
                                                    std::uint32_t threads) noexcept;

/// Computes O for the first `kv_len` keys, 0 ... desc.kv_len, and returns when it is complete.
/// Allocates nothing. Workspace and `isa` as for `gemm`. Errors: those of `attention_check`;
/// `invalid_argument` also for a null operand or a `kv_len` out of range; `workspace_too_small`.
Status attention(const AttentionDesc& desc, const AttentionBuffers& buffers, std::int64_t kv_len,
                 IsaLevel isa, const Parallel& parallel, void* workspace,
                 std::size_t workspace_bytes) noexcept;

}  // namespace sampan::cpu::native
