#include "reference/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace sampan::reference {
namespace {

// One batch's keys and values of one head, gathered from wherever they lie.
struct HeadKv {
  std::int64_t keys;
  std::int64_t d;
  std::int64_t dv;
  std::vector<double> k;  // [keys, d]
  std::vector<double> v;  // [keys, dv]
};

// Roundings of a score beyond those of its dot product: the scale, log2(e) folded into it, and the
// product with both.
constexpr int kScoreRoundings = 4;

Bounded score_of(const AttentionSpec& spec, const std::vector<double>& q, const HeadKv& kv,
                 std::int64_t key) {
  Sum dot(spec.arithmetic);
  for (std::int64_t i = 0; i < kv.d; ++i) {
    dot.add_product(exact(q[i]), exact(kv.k[key * kv.d + i]));
  }
  const Bounded sum = dot.total(kScoreRoundings);
  return {spec.scale * sum.value, std::fabs(spec.scale) * sum.error + spec.arithmetic.flush};
}

// What rounding a weight to a narrower type adds to its error. A weight is at most 1 where it is
// rounded, and only shrinks afterwards.
Bounded rounded_weight(const AttentionSpec& spec, Bounded weight) {
  if (weight.value == 0 && weight.error == 0) return weight;
  return stored(spec.arithmetic, spec.weights, weight);
}

// Appends the dv outputs of one query that sees the first `visible` keys.
void attend(const AttentionSpec& spec, const std::vector<double>& q, const HeadKv& kv,
            std::int64_t visible, Result& result) {
  const Arithmetic& arithmetic = spec.arithmetic;
  std::vector<Bounded> scores(visible);
  for (std::int64_t key = 0; key < visible; ++key) scores[key] = score_of(spec, q, kv, key);
  const std::vector<Bounded> weights = softmax_weights(arithmetic, scores, spec.max_rescales);
  Sum denominator(arithmetic);
  for (const Bounded& weight : weights) denominator.add(weight);
  for (std::int64_t i = 0; i < kv.dv; ++i) {
    if (visible == 0) {
      result.append(exact(0));
      continue;
    }
    Sum numerator(arithmetic);
    for (std::int64_t key = 0; key < visible; ++key) {
      numerator.add_product(rounded_weight(spec, weights[key]), exact(kv.v[key * kv.dv + i]));
    }
    const Bounded mean = divide(arithmetic, numerator.total(), denominator.total());
    result.append(stored(arithmetic, spec.out, mean));
  }
}

std::int64_t visible_keys(const AttentionSpec& spec, std::int64_t query, std::int64_t queries,
                          std::int64_t keys) {
  if (!spec.causal) return keys;
  return std::clamp<std::int64_t>(query + 1 + keys - queries, 0, keys);
}

// `gather(batch, kv_head)` returns that head's keys and values.
template <class Gather>
Result attend_all(const View<4>& q, std::int64_t kv_heads, const AttentionSpec& spec,
                  Gather gather) {
  const std::int64_t queries = q.extent(1);
  const std::int64_t heads = q.extent(2);
  Result result;
  std::vector<double> q_row(q.extent(3));
  for (std::int64_t batch = 0; batch < q.extent(0); ++batch) {
    std::vector<HeadKv> kv;
    for (std::int64_t head = 0; head < kv_heads; ++head) kv.push_back(gather(batch, head));
    for (std::int64_t query = 0; query < queries; ++query) {
      for (std::int64_t head = 0; head < heads; ++head) {
        for (std::int64_t i = 0; i < q.extent(3); ++i) q_row[i] = q(batch, query, head, i);
        const HeadKv& head_kv = kv[head / (heads / kv_heads)];
        attend(spec, q_row, head_kv, visible_keys(spec, query, queries, head_kv.keys), result);
      }
    }
  }
  return result;
}

// Rows of `view` [outer, inner, heads, d] that `locate(key)` names as {outer, inner} indices.
template <class Locate>
std::vector<double> gather_rows(const View<4>& view, std::int64_t head, std::int64_t keys,
                                Locate locate) {
  std::vector<double> rows;
  rows.reserve(keys * view.extent(3));
  for (std::int64_t key = 0; key < keys; ++key) {
    const auto [outer, inner] = locate(key);
    for (std::int64_t i = 0; i < view.extent(3); ++i) rows.push_back(view(outer, inner, head, i));
  }
  return rows;
}

using Location = std::pair<std::int64_t, std::int64_t>;

}  // namespace

Result attention(const View<4>& q, const View<4>& k, const View<4>& v, const AttentionSpec& spec) {
  return attend_all(q, k.extent(2), spec, [&](std::int64_t batch, std::int64_t head) {
    const std::int64_t keys = spec.kv_lengths.empty() ? k.extent(1) : spec.kv_lengths[batch];
    const auto locate = [&](std::int64_t key) { return Location{batch, key}; };
    return HeadKv{keys, k.extent(3), v.extent(3), gather_rows(k, head, keys, locate),
                  gather_rows(v, head, keys, locate)};
  });
}

Result attention_paged(const View<4>& q, const PagedKv& kv, const AttentionSpec& spec) {
  const std::int64_t page_size = kv.k.extent(1);
  const std::size_t pages_per_batch =
      q.extent(0) == 0 ? 0 : kv.block_table.size() / static_cast<std::size_t>(q.extent(0));
  return attend_all(q, kv.k.extent(2), spec, [&](std::int64_t batch, std::int64_t head) {
    const std::int64_t keys = spec.kv_lengths[batch];
    const auto locate = [&](std::int64_t key) {
      const std::size_t entry = batch * pages_per_batch + key / page_size;
      return Location{kv.block_table[entry], key % page_size};
    };
    return HeadKv{keys, kv.k.extent(3), kv.v.extent(3), gather_rows(kv.k, head, keys, locate),
                  gather_rows(kv.v, head, keys, locate)};
  });
}

}  // namespace sampan::reference
