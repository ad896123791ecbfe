#include "support/sizes.h"

#include <algorithm>
#include <set>

namespace sampan::test {
namespace {

bool is_prime(std::int64_t n) {
  if (n < 2) return false;
  for (std::int64_t divisor = 2; divisor * divisor <= n; ++divisor) {
    if (n % divisor == 0) return false;
  }
  return true;
}

std::int64_t largest_prime_below(std::int64_t n) {
  while (--n > 1 && !is_prime(n)) {
  }
  return std::max<std::int64_t>(n, 1);
}

}  // namespace

std::vector<std::int64_t> sizes_around(std::int64_t tile) {
  const std::set<std::int64_t> sizes{0,           1,        largest_prime_below(tile), tile - 1,
                                     tile,        tile + 1, tile + tile / 2 + 1,       2 * tile,
                                     2 * tile + 1};
  return {sizes.begin(), sizes.end()};
}

std::vector<GemmShape> gemm_shapes(std::int64_t tile_m, std::int64_t tile_n, std::int64_t tile_k) {
  const std::vector<std::int64_t> m = sizes_around(tile_m);
  const std::vector<std::int64_t> n = sizes_around(tile_n);
  const std::vector<std::int64_t> k = sizes_around(tile_k);
  // A Latin square: row and column choose m and n, their sum modulo the order chooses k. Each pair
  // of dimensions then meets in every combination of sizes, if the order is the longest table's.
  const std::size_t order = std::max({m.size(), n.size(), k.size()});
  std::vector<GemmShape> shapes;
  for (std::size_t row = 0; row < order; ++row) {
    for (std::size_t col = 0; col < order; ++col) {
      shapes.push_back({m[row % m.size()], n[col % n.size()], k[(row + col) % order % k.size()]});
    }
  }
  return shapes;
}

std::vector<AttentionShape> attention_shapes(std::int64_t tile_queries, std::int64_t tile_keys,
                                             std::int64_t head_dim) {
  std::vector<AttentionShape> shapes;
  for (const bool causal : {false, true}) {
    for (const std::int64_t queries : sizes_around(tile_queries)) {
      shapes.push_back({1, 2, 1, queries, tile_keys + 1, head_dim, causal});
    }
    for (const std::int64_t keys : sizes_around(tile_keys)) {
      shapes.push_back({2, 4, 2, 1, keys, head_dim, causal});
      shapes.push_back({1, 3, 3, 5, keys, head_dim, causal});
    }
    shapes.push_back({1, 8, 1, tile_queries + 3, 2 * tile_keys + 3, head_dim, causal});
    shapes.push_back({0, 2, 2, 3, 3, head_dim, causal});
  }
  return shapes;
}

}  // namespace sampan::test
