// Tables of sizes at which kernels break.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace sampan::test {

/// Nothing, one, primes, and both sides of powers of two.
inline constexpr std::array<std::int64_t, 13> kLengths{0,  1,  2,   3,   7,    16,  17,
                                                       63, 64, 127, 257, 1000, 1021};

/// The small ones of them, for tests whose cost grows with a power of the size.
inline constexpr std::array<std::int64_t, 6> kSmallLengths{0, 1, 2, 7, 17, 33};

/// Sizes around a kernel's tile extent, rising and without repeats: 0, 1, a prime below it, tile -
/// 1, tile, tile + 1, a non-multiple between one and two tiles, two tiles and one more.
[[nodiscard]] std::vector<std::int64_t> sizes_around(std::int64_t tile);

struct GemmShape {
  std::int64_t m, n, k;
};

/// Shapes in which every size of `sizes_around` one extent's tile meets every such size of each
/// other extent: all pairs, in the square of the sizes instead of the cube.
[[nodiscard]] std::vector<GemmShape> gemm_shapes(std::int64_t tile_m, std::int64_t tile_n,
                                                 std::int64_t tile_k);

struct AttentionShape {
  std::int64_t batch, heads, kv_heads, queries, keys, head_dim;
  bool causal;
};

/// Prefill, decode, grouped queries, more queries than keys (rows that see nothing), empty inputs,
/// sizes around a kernel's query and key tiles.
[[nodiscard]] std::vector<AttentionShape> attention_shapes(std::int64_t tile_queries,
                                                           std::int64_t tile_keys,
                                                           std::int64_t head_dim);

}  // namespace sampan::test
